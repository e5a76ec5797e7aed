//! `advisories`: what images are held against.

use longshore_lifecycle::{Class, Failure, import_advisories, kept_advisories, update_advisories};

use crate::{
    args::{Advisories, AdvisoriesVerb},
    engine::with_cancel,
    exit::Exit,
    progress::Progress,
    session::Session,
};

pub(super) async fn advisories(session: &Session, args: &Advisories) -> Result<Exit, Failure> {
    let settings = session.settings()?.settings;
    let settings = settings.host(&session.flags, &session.surroundings.user, "advisories");
    match &args.verb {
        AdvisoriesVerb::Update { ecosystems, whole } => {
            if settings.offline {
                return Err(Failure::new(
                    Class::Usage,
                    "offline",
                    "--offline keeps the publishers from being asked",
                )
                .hint("take in files that are here with `longshore advisories import FILE`"));
            }
            let (events, listener) = tokio::sync::broadcast::channel(64);
            let progress = Progress::start(listener, &session.messages);
            let outcomes = with_cancel(session, async |cancel| {
                update_advisories(&settings, events, ecosystems, *whole, &cancel).await
            });
            let outcomes = outcomes.await;
            progress.finish().await;
            let outcomes = outcomes??;
            if outcomes.is_empty() {
                session.messages.note(
                    "no image here has packages that anybody publishes advisories for; name an ecosystem to \
                     ask for all the same",
                );
                return Ok(Exit::Done);
            }
            session.deliver(outcomes)
        }
        AdvisoriesVerb::Import { files } => {
            let here = &session.surroundings.directory;
            let files: Vec<_> = files.iter().map(|file| here.join(file)).collect();
            session
                .output
                .document(&import_advisories(&settings, &files)?)?;
            Ok(Exit::Done)
        }
        AdvisoriesVerb::Status => {
            session.output.list(&kept_advisories(&settings)?)?;
            Ok(Exit::Done)
        }
        AdvisoriesVerb::Verify => {
            let kept = kept_advisories(&settings)?;
            let is_broken = kept.iter().any(|row| row.problem.is_some());
            session.output.list(&kept)?;
            if is_broken {
                session.messages.note(
                    "fetch what cannot be used again with `longshore advisories update --whole`",
                );
                return Ok(Exit::Failed(Class::Failed));
            }
            Ok(Exit::Done)
        }
    }
}
