//! `config`: the settings that count, and the files they may come from.

use longshore_lifecycle::Failure;

use crate::{
    args::{Config, ConfigVerb},
    exit::Exit,
    print::{PathRow, SettingsReport},
    session::Session,
    settings::{ConfigFile, which_files},
};

pub(super) fn config(session: &Session, args: &Config) -> Result<Exit, Failure> {
    match args.verb {
        None | Some(ConfigVerb::Show) => {
            session
                .output
                .document(&SettingsReport::from(&session.settings()?))?;
        }
        // Without reading them: where a broken file is must be answered too.
        Some(ConfigVerb::Path) => {
            let (paths, _) = which_files(&session.surroundings, &session.flags);
            let rows: Vec<PathRow> = paths
                .into_iter()
                .map(|path| {
                    PathRow::from(&ConfigFile {
                        exists: path.exists(),
                        path,
                    })
                })
                .collect();
            session.output.list(&rows)?;
        }
    }
    Ok(Exit::Done)
}
