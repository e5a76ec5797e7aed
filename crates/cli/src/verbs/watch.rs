//! `runs watch`: what happens to a run, as it happens, read from where it is stored.

use std::time::Duration;

use longshore_lifecycle::{Class, Event, Events, Failure, Look, View};

use crate::{
    exit::Exit,
    print::{WatchedRow, doing},
    progress::Progress,
    session::Session,
    signals::Signals,
};

/// How often the run is looked at: to people this is at once, and to the disk it is nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) async fn watch(session: &Session, view: View, run: u64) -> Result<Exit, Failure> {
    let signals = Signals::listen()?;
    let (events, listener) = tokio::sync::broadcast::channel(16);
    let progress = Progress::start(listener, &session.messages);
    let picture = Picture {
        session,
        events,
        last: None,
    };
    let exit = follow(picture, view, run, signals).await;
    progress.finish().await;
    exit
}

async fn follow(
    mut picture: Picture<'_>,
    view: View,
    run: u64,
    mut signals: Signals,
) -> Result<Exit, Failure> {
    let mut watch = view.watch(run);
    loop {
        let look = watch.look()?;
        if !picture.tell(&look)? {
            return Ok(Exit::Done);
        }
        if let Some(rest) = look.rest {
            rest?;
            picture.session.output.after_rows(&look.run)?;
            return Ok(Exit::Done);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            stop = signals.next() => {
                picture.session.note_stop(stop);
                let text = format!("stopped watching run {run}, which is not touched by that");
                return Err(Failure::new(Class::Interrupted, "interrupted", text));
            }
        }
    }
}

/// Rows for what happened, and on a terminal a line for what the run is at.
struct Picture<'a> {
    session: &'a Session,
    events: Events,
    last: Option<(String, u32)>,
}

impl Picture<'_> {
    /// Says whether anybody reads it.
    fn tell(&mut self, look: &Look) -> Result<bool, Failure> {
        let Session {
            output, messages, ..
        } = self.session;
        for row in &look.news {
            let run = look.run.run;
            if !messages.beside(|| output.row(&WatchedRow { run, row }))? {
                return Ok(false);
            }
        }
        let attempt = u32::try_from(look.run.attempt).unwrap_or(u32::MAX).max(1);
        let now = (doing(&look.run), attempt);
        let is_news = look.rest.is_none() && self.last.as_ref() != Some(&now);
        if messages.bars().is_some() && is_news {
            // With nobody listening there is nobody to tell.
            let _ = self.events.send(Event::Step {
                subject: look.run.subject.clone(),
                step: now.0.clone(),
                attempt,
            });
            self.last = Some(now);
        }
        Ok(true)
    }
}
