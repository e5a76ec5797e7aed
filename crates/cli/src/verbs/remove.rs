//! `remove`: machines and images, and what nothing else uses of them.

use longshore_lifecycle::{Class, Failure, Host};

use crate::{
    args::{Cleanup, Format, Remove},
    engine::with_host,
    exit::Exit,
    print::{CleanupReport, RemovedReport},
    session::Session,
};

pub(super) async fn remove(session: &Session, args: &Remove) -> Result<Exit, Failure> {
    let purpose = format!("remove {}", args.targets.join(" "));
    let outcomes = with_host(session, &purpose, async |host: &Host| {
        let mut outcomes = Vec::with_capacity(args.targets.len());
        for target in &args.targets {
            let outcome = host.remove(target, args.dry_run).await;
            outcomes.push(outcome.map(|removed| RemovedReport {
                target: target.clone(),
                dry_run: args.dry_run,
                removed,
            }));
        }
        outcomes
    })
    .await?;
    session.deliver(outcomes)
}

pub(super) async fn cleanup(session: &Session, args: &Cleanup) -> Result<Exit, Failure> {
    let (removed, in_use) = with_host(session, "cleanup", async |host: &Host| {
        host.cleanup(args.dry_run).await
    })
    .await??;
    let is_whole = in_use.is_empty();
    if session.flags.output == Format::Table {
        for failure in &in_use {
            session.messages.failure(failure);
        }
    }
    session.output.document(&CleanupReport {
        dry_run: args.dry_run,
        removed,
        in_use,
    })?;
    Ok(match is_whole {
        true => Exit::Done,
        false => Exit::Failed(Class::Partial),
    })
}
