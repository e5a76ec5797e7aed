//! `backup`: a copy of the database while others work.

use std::path::Path;

use longshore_lifecycle::{Class, Failure, backup as copy};

use crate::{args::Backup, engine::with_cancel, exit::Exit, session::Session};

pub(super) async fn backup(session: &Session, args: &Backup) -> Result<Exit, Failure> {
    if args.file == Path::new("-") {
        return Err(Failure::new(
            Class::Usage,
            "usage",
            "a copy is not written to standard output: it is read again before it counts",
        )
        .hint("name a file; one that is really called so is ./-"));
    }
    let state_dir = session.settings()?.settings.state_dir.value;
    let file = session.surroundings.directory.join(&args.file);
    let replace = args.force;
    let copied = with_cancel(session, async |cancel| {
        let work = move || copy(&state_dir, &file, replace, &cancel);
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            Failure::new(Class::Failed, "backup", "the copy was cut off").caused_by(&error)
        })?
    });
    session.output.document(&copied.await??)?;
    Ok(Exit::Done)
}
