//! Work on a host: opened, watched, stopped when somebody wishes so, and closed.
//!
//! The first signal lets running steps end at a point from which the same command goes on; the
//! second ends the process at once, which is safe too and only costs more to go on from.

use std::{pin::pin, time::Duration};

use longshore_lifecycle::{CancellationToken, Class, Events, Failure, Host, Settings};

use crate::{
    progress::Progress,
    session::Session,
    signals::{Signals, Stop},
};

/// More events than a terminal can draw between two looks at them; what does not fit is forgotten.
const EVENTS: usize = 1024;

/// How long opening may take before the user is told what it waits for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Opens a host, does the work on it, and closes it. `purpose` is what others who wait for the
/// state directory are told.
pub(crate) async fn with_host<T>(
    session: &Session,
    purpose: &str,
    work: impl AsyncFnOnce(&Host) -> T,
) -> Result<T, Failure> {
    let settings =
        session
            .settings()?
            .settings
            .host(&session.flags, &session.surroundings.user, purpose);
    let mut signals = Signals::listen()?;
    let (events, listener) = tokio::sync::broadcast::channel(EVENTS);
    let progress = Progress::start(listener, &session.messages);
    let outcome = match open(session, settings, events, &mut signals).await {
        Ok(host) => Ok(until_stopped(session, &host, &mut signals, work).await),
        Err(failure) => Err(failure),
    };
    progress.finish().await;
    outcome
}

/// Does work that says what happens and opens what it needs itself.
pub(crate) async fn with_events<T>(
    session: &Session,
    work: impl AsyncFnOnce(Events) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (events, listener) = tokio::sync::broadcast::channel(EVENTS);
    let progress = Progress::start(listener, &session.messages);
    let done = work(events).await;
    progress.finish().await;
    done
}

/// Does work that needs no host and may run a program of somebody else: a signal tells it to end, so that the
/// program ends too, and the second ends the process.
pub(crate) async fn with_cancel<T>(
    session: &Session,
    work: impl AsyncFnOnce(CancellationToken) -> T,
) -> Result<T, Failure> {
    let mut signals = Signals::listen()?;
    let cancel = CancellationToken::new();
    let mut work = pin!(work(cancel.clone()));
    let stop = tokio::select! {
        done = &mut work => return Ok(done),
        stop = signals.next() => stop,
    };
    session.note_stop(stop);
    session.messages.note("stopping; once more stops at once");
    cancel.cancel();
    tokio::select! {
        done = work => Ok(done),
        stop = signals.next() => end_now(stop),
    }
}

/// Opens the host, which takes long where another command is at work.
async fn open(
    session: &Session,
    settings: Settings,
    events: Events,
    signals: &mut Signals,
) -> Result<Host, Failure> {
    let waiting = format!("waiting for {}", settings.state_dir.display());
    let mut opening = pin!(Host::open(settings, events));
    let mut patience = pin!(tokio::time::sleep(PATIENCE));
    let mut patient = true;
    loop {
        tokio::select! {
            opened = &mut opening => return opened,
            stop = signals.next() => {
                session.note_stop(stop);
                return Err(Failure::new(Class::Interrupted, "interrupted", format!("stopped {waiting}")));
            }
            () = &mut patience, if patient => {
                patient = false;
                session.messages.note(&format!("{waiting}: another longshore may be at work there"));
            }
        }
    }
}

/// Does the work to its end, which comes sooner after a signal, and closes the host.
async fn until_stopped<T>(
    session: &Session,
    host: &Host,
    signals: &mut Signals,
    work: impl AsyncFnOnce(&Host) -> T,
) -> T {
    let mut work = pin!(work(host));
    let stop = tokio::select! {
        done = &mut work => {
            host.close().await;
            return done;
        }
        stop = signals.next() => stop,
    };
    session.note_stop(stop);
    session
        .messages
        .note("stopping where the same command can go on; once more stops at once");
    let ended = async { tokio::join!(&mut work, host.close()).0 };
    tokio::select! {
        done = ended => done,
        stop = signals.next() => end_now(stop),
    }
}

/// Ends the process. Whatever was being done is found and dealt with when the next command begins.
#[expect(
    clippy::exit,
    reason = "the user asked twice, and waiting is what they asked to end"
)]
fn end_now(stop: Stop) -> ! {
    std::process::exit(i32::from(stop.exit().code()))
}
