//! `runs`: what was and is being done.

use longshore_lifecycle::{Class, Failure, Host, View};

use crate::{
    args::{Runs, RunsVerb},
    engine::with_host,
    exit::Exit,
    print::{CancelledRun, RunDetail},
    session::Session,
};

pub(super) async fn runs(session: &Session, args: &Runs) -> Result<Exit, Failure> {
    match args.verb {
        None | Some(RunsVerb::List) => list(session),
        Some(RunsVerb::Show { run }) => show(session, run),
        Some(RunsVerb::Cancel { run }) => cancel(session, run).await,
    }
}

fn list(session: &Session) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    let runs = match View::open(&settings.state_dir.value)? {
        Some(view) => view.runs()?,
        None => Vec::new(),
    };
    if runs.is_empty() {
        session.messages.note("no runs yet");
    }
    session.output.list(&runs)?;
    Ok(Exit::Done)
}

fn show(session: &Session, run: u64) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    let Some(view) = View::open(&settings.state_dir.value)? else {
        return Err(Failure::new(
            Class::NotFound,
            "no-such-run",
            format!("there is no run {run}"),
        ));
    };
    let (run, history) = view.run(run)?;
    session.output.document(&RunDetail { run, history })?;
    Ok(Exit::Done)
}

async fn cancel(session: &Session, run: u64) -> Result<Exit, Failure> {
    let changed = with_host(
        session,
        &format!("runs cancel {run}"),
        async |host: &Host| host.cancel_run(run).await,
    )
    .await??;
    session.output.document(&CancelledRun { run, changed })?;
    Ok(Exit::Done)
}
