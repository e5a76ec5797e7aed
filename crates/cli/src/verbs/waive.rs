//! `waive`: live with a vulnerability in an image, for a while.

use longshore_lifecycle::{Failure, Host, NewWaiver};

use crate::{args::Waive, engine::with_host, exit::Exit, session::Session};

pub(super) async fn waive(session: &Session, args: &Waive) -> Result<Exit, Failure> {
    let purpose = format!("waive {} {}", args.image, args.id);
    let report = with_host(session, &purpose, async |host: &Host| {
        match (&args.until, &args.reason) {
            (Some(until), Some(reason)) => {
                host.waive(NewWaiver {
                    image: args.image.clone(),
                    advisory: args.id.clone(),
                    until: until.begins(),
                    reason: reason.clone(),
                })
                .await
            }
            _ => host.unwaive(&args.image, &args.id).await,
        }
    });
    let report = report.await??;
    let named = |name: &String| name.eq_ignore_ascii_case(&args.id);
    let mut findings = report.findings.iter();
    if !args.undo && !findings.any(|one| named(&one.id) || one.aliases.iter().any(named)) {
        session.messages.note(&format!(
            "nothing that was found in {} is called {}; the waiver is kept for when something is",
            args.image, args.id
        ));
    }
    session.output.document(&report)?;
    Ok(Exit::Done)
}
