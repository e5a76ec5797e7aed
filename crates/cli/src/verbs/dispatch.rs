//! From a verb to what does it.

use longshore_lifecycle::{Class, Failure};

use crate::{
    args::{Format, Verb},
    exit::Exit,
    session::Session,
};

use super::{
    advisories, backup, check, completions, config, demo, disks, doctor, fetch, images, machines,
    pool, remove, runs, scan, waive,
};

/// Does what was asked for, and prints what came of it.
pub(crate) async fn dispatch(session: &Session, verb: &Verb) -> Result<Exit, Failure> {
    only_materials_are_listed(session, verb)?;
    match verb {
        Verb::FetchAndCreate(args) => fetch::fetch_and_create(session, args).await,
        Verb::List(args) => images::list(session, args).await,
        Verb::Show(args) => images::show(session, args),
        Verb::Activate(args) => machines::activate(session, args).await,
        Verb::Deactivate(args) => machines::deactivate(session, args).await,
        Verb::Df => disks::df(session).await,
        Verb::Reset(args) => machines::reset(session, args).await,
        Verb::Cleanup(args) => remove::cleanup(session, args).await,
        Verb::Pool(args) => pool::pool(session, args).await,
        Verb::Remove(args) => remove::remove(session, args).await,
        Verb::Scan(args) => scan::scan(session, args).await,
        Verb::Sbom(args) => scan::sbom(session, args),
        Verb::Advisories(args) => advisories::advisories(session, args).await,
        Verb::Waive(args) => waive::waive(session, args).await,
        Verb::Ls(args) => disks::ls(session, args),
        Verb::Cat(args) => disks::cat(session, args),
        Verb::Export(args) => disks::export(session, args),
        Verb::Runs(args) => runs::runs(session, args).await,
        Verb::Check(args) => check::check(session, args),
        Verb::Doctor { fix } => doctor::doctor(session, *fix).await,
        Verb::Backup(args) => backup::backup(session, args).await,
        Verb::Config(args) => config::config(session, args),
        Verb::Completions(args) => completions::completions(session, args),
        Verb::Demo(args) => demo::demo(session, args).await,
    }
}

/// A bill of materials is a form that only some results have.
fn only_materials_are_listed(session: &Session, verb: &Verb) -> Result<(), Failure> {
    let is_list = matches!(session.flags.output, Format::Cyclonedx | Format::Spdx);
    if !is_list || matches!(verb, Verb::Scan(_) | Verb::Sbom(_)) {
        return Ok(());
    }
    Err(Failure::new(
        Class::Usage,
        "usage",
        "only `scan` and `sbom` print bills of materials",
    )
    .hint("use -o table or -o json"))
}
