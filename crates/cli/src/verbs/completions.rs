//! `completions`: a script that teaches a shell the verbs and flags.

use longshore_lifecycle::Failure;

use crate::{
    args::{Completions, command},
    exit::Exit,
    session::Session,
};

pub(super) fn completions(session: &Session, args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "longshore", &mut script);
    session.output.bytes(&script)?;
    Ok(Exit::Done)
}
