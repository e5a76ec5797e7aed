//! `check`: layers in files, looked at and left where they are.

use longshore_lifecycle::{Class, Failure, Verdict};

use crate::{args::Check, exit::Exit, session::Session};

pub(super) fn check(session: &Session, args: &Check) -> Result<Exit, Failure> {
    let limits = session.settings()?.settings.limits();
    let report = longshore_lifecycle::check(&args.layers, &limits, args.list)?;
    session.output.document(&report)?;
    Ok(match report.verdict {
        Verdict::Accepted => Exit::Done,
        Verdict::Rejected => Exit::Failed(Class::Refused),
    })
}
