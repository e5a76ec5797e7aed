//! From a verb to what does it.

use longshore_lifecycle::Failure;

use crate::{args::Verb, exit::Exit, session::Session};

use super::{check, completions, config, demo, disks, fetch, images, machines, remove, runs};

/// Does what was asked for, and prints what came of it.
pub(crate) async fn dispatch(session: &Session, verb: &Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::FetchAndCreate(args) => fetch::fetch_and_create(session, args).await,
        Verb::List(args) => images::list(session, args).await,
        Verb::Show(args) => images::show(session, args),
        Verb::Activate(args) => machines::activate(session, args).await,
        Verb::Deactivate(args) => machines::deactivate(session, args).await,
        Verb::Remove(args) => remove::remove(session, args).await,
        Verb::Ls(args) => disks::ls(session, args),
        Verb::Cat(args) => disks::cat(session, args),
        Verb::Export(args) => disks::export(session, args),
        Verb::Runs(args) => runs::runs(session, args).await,
        Verb::Check(args) => check::check(session, args),
        Verb::Config(args) => config::config(session, args),
        Verb::Completions(args) => completions::completions(session, args),
        Verb::Demo(args) => demo::demo(session, args).await,
    }
}
