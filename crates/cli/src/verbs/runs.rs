//! `runs`: what was and is being done, and what is to become of it.

use longshore_lifecycle::{Class, Failure, Host, RunChanged, RunsFilter, View};

use crate::{
    args::{Runs, RunsList, RunsVerb},
    engine::with_host,
    exit::Exit,
    session::Session,
};

use super::watch::watch;

/// So many runs are listed where nobody says how many.
const LIMIT: u32 = 50;

pub(super) async fn runs(session: &Session, args: &Runs) -> Result<Exit, Failure> {
    let Some(verb) = &args.verb else {
        return list(session, &args.list);
    };
    if let RunsVerb::List(below) = verb {
        return list(session, &both(&args.list, below));
    }
    if args.list != RunsList::default() {
        return Err(Failure::new(
            Class::Usage,
            "usage",
            "--active, --workflow and --limit are about listing runs",
        )
        .hint("leave them out, or list with `longshore runs list`"));
    }
    match verb {
        RunsVerb::List(below) => list(session, below),
        RunsVerb::Show { run } => {
            let detail = view(session, *run)?.run(*run)?;
            session.output.document(&detail)?;
            Ok(Exit::Done)
        }
        RunsVerb::Watch { run } => watch(session, view(session, *run)?, *run).await,
        RunsVerb::Cancel { runs } => {
            change(session, "cancel", runs, async |host: &Host, run| {
                host.cancel_run(run).await
            })
            .await
        }
        RunsVerb::Pause { runs, reason } => {
            change(session, "pause", runs, async |host: &Host, run| {
                host.pause_run(run, reason).await
            })
            .await
        }
        RunsVerb::Resume { run } => go_on(session, "resume", *run).await,
        RunsVerb::Retry { run } => go_on(session, "retry", *run).await,
    }
}

/// What was asked for before the word `list`, and after it.
fn both(before: &RunsList, after: &RunsList) -> RunsList {
    RunsList {
        active: before.active || after.active,
        workflow: after.workflow.clone().or_else(|| before.workflow.clone()),
        limit: after.limit.or(before.limit),
    }
}

fn list(session: &Session, args: &RunsList) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    let limit = match args.limit {
        None => Some(LIMIT),
        Some(0) => None,
        Some(limit) => Some(limit),
    };
    let filter = RunsFilter {
        active: args.active,
        workflow: args.workflow.clone(),
        limit,
    };
    let found = match View::open(&settings.state_dir.value)? {
        Some(view) => Some(view.runs(&filter)?),
        None => None,
    };
    let has_more = found.as_ref().is_some_and(|found| found.has_more);
    let runs = found.map(|found| found.runs).unwrap_or_default();
    session.output.list(&runs)?;
    if runs.is_empty() {
        let is_filtered = args.active || args.workflow.is_some();
        let none = if is_filtered {
            "no such runs"
        } else {
            "no runs yet"
        };
        session.messages.note(none);
    }
    if let Some(limit) = limit.filter(|_| has_more) {
        session.messages.note(&format!(
            "these are the newest {limit}; see more with --limit {}, or all with --limit 0",
            limit.saturating_mul(4)
        ));
    }
    Ok(Exit::Done)
}

/// What is known of runs, where anything is.
fn view(session: &Session, run: u64) -> Result<View, Failure> {
    let settings = session.settings()?.settings;
    View::open(&settings.state_dir.value)?.ok_or_else(|| {
        Failure::new(
            Class::NotFound,
            "no-such-run",
            format!("there is no run {run}: nothing was done here yet"),
        )
        .hint("see which state directory is used with `longshore config show`")
    })
}

/// Changes runs one after the other. What names no run at all needs no turn in the state directory.
async fn change(
    session: &Session,
    verb: &str,
    runs: &[u64],
    change: impl AsyncFn(&Host, u64) -> Result<RunChanged, Failure>,
) -> Result<Exit, Failure> {
    let view = view(session, runs.first().copied().unwrap_or_default())?;
    let unknown: Vec<Failure> = runs.iter().filter_map(|run| view.run(*run).err()).collect();
    if unknown.len() == runs.len() {
        return session.deliver::<RunChanged>(unknown.into_iter().map(Err).collect());
    }
    drop(view);
    let names: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let purpose = format!("runs {verb} {}", names.join(" "));
    let outcomes = with_host(session, &purpose, async |host: &Host| {
        let mut outcomes = Vec::with_capacity(runs.len());
        for run in runs {
            outcomes.push(change(host, *run).await);
        }
        outcomes
    })
    .await?;
    session.deliver(outcomes)
}

/// Carries a run out to its end, as the command that began it would.
async fn go_on(session: &Session, verb: &str, run: u64) -> Result<Exit, Failure> {
    view(session, run)?.run(run)?;
    let detail = with_host(
        session,
        &format!("runs {verb} {run}"),
        async |host: &Host| match verb {
            "retry" => host.retry_run(run).await,
            _ => host.resume_run(run).await,
        },
    )
    .await??;
    session.output.document(&detail)?;
    Ok(Exit::Done)
}
