//! `remove`: machines and images, and what nothing else uses of them.

use longshore_lifecycle::{Failure, Host};

use crate::{args::Remove, engine::with_host, exit::Exit, print::RemovedReport, session::Session};

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
