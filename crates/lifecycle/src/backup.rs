//! `backup`: a copy of the database as it is at one instant, while others work.
//!
//! ```text
//! copy under a name of its own -> synced, read again, held against what was counted -> renamed -> directory synced
//! ```
//! No lock is taken: the copy is a reader's transaction. A file of the final name is whole or not there; one that
//! was cut off has a name that begins with a dot and ends in `.part`, and can be removed. It holds what is known,
//! and none of what it is known of: no blobs, no volumes, no advisories.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use longshore_catalog::{Reader, SCHEMA, SCHEMA_OWNER};
use longshore_fsm::store::{CopyError, Migrations};
use rusqlite::Connection;
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use crate::{
    Class, Failure,
    state_dir::StateDir,
    trouble::{Trouble, is_full},
};

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The file.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// How many runs are in it.
    pub runs: u64,
    /// How many images, every generation counted.
    pub images: u64,
    /// How many machines.
    pub machines: u64,
    /// How many volumes it knows of.
    pub volumes: u64,
    /// How many blobs it knows of.
    pub blobs: u64,
    /// How many rows there are in all.
    pub rows: u64,
    /// The pool, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<BackedUpPool>,
}

/// A pool, as a copy has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedUpPool {
    /// The name of its device.
    pub name: String,
    /// The transaction id that the last change leads to that was written down: the copy can be put back as long as
    /// the pool is at it, or one before it.
    pub transaction: u64,
}

/// What the catalogue of a copy says.
#[derive(Debug, PartialEq)]
struct Seen {
    images: u64,
    machines: u64,
    volumes: u64,
    blobs: u64,
    pool: Option<BackedUpPool>,
}

/// Copies the database of a state directory into `file`, whose directory must be there. Blocks; ends early where
/// `cancel` says so.
///
/// # Errors
/// [`Class::NotFound`] where there is no database; [`Class::Refused`] where `file` is there and `replace` does not
/// say otherwise, where it is no plain file, or in the state directory; [`Class::Full`]; [`Class::Interrupted`];
/// [`Class::Failed`] otherwise. A file of that name is then as it was.
pub fn backup(
    state_dir: &Path,
    file: &Path,
    replace: bool,
    cancel: &CancellationToken,
) -> Result<BackupReport, Failure> {
    let nothing = || {
        let text = format!("there is nothing in {} yet", state_dir.display());
        Failure::new(Class::NotFound, "no-state", text)
            .hint("see where it is with `longshore config show`, or name it with --state-dir")
    };
    let state = StateDir::existing(state_dir)?.ok_or_else(nothing)?;
    let database = state.database();
    if !database.exists() {
        return Err(nothing());
    }
    let directory = directory_of(file);
    refuse(&state, file, directory, replace)?;
    let part = part_for(file, directory).map_err(|error| unwritten(file, &error))?;
    let migrations = [Migrations {
        owner: SCHEMA_OWNER,
        steps: SCHEMA,
    }];
    let goes_on = {
        let cancel = cancel.clone();
        move || !cancel.is_cancelled()
    };
    let copied = longshore_fsm::store::copy(&database, part.path(), &migrations, look, goes_on)
        .map_err(|error| not_copied(file, error))?;
    let seen = copied.seen?;
    let bytes = publish(part, file, directory, replace)?;
    Ok(BackupReport {
        file: file.to_owned(),
        bytes,
        runs: copied.runs,
        images: seen.images,
        machines: seen.machines,
        volumes: seen.volumes,
        blobs: seen.blobs,
        rows: copied.rows,
        pool: seen.pool,
    })
}

fn look(connection: &Connection) -> Result<Seen, Failure> {
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let read = Reader::new(connection);
    let look = || -> Result<Seen, longshore_catalog::Error> {
        Ok(Seen {
            images: count(read.images()?.len()),
            machines: count(read.machines()?.len()),
            volumes: count(read.volumes()?.len()),
            blobs: count(read.blobs()?.len()),
            pool: read.pool()?.map(|pool| BackedUpPool {
                name: pool.name,
                transaction: pool.transaction,
            }),
        })
    };
    look().map_err(Trouble::failure)
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses what a copy must not take the place of, before anything is made.
fn refuse(state: &StateDir, file: &Path, directory: &Path, replace: bool) -> Result<(), Failure> {
    let refused = |code: &str, text: String, hint: &str| {
        Err(Failure::new(Class::Refused, code, text).hint(hint))
    };
    let name = file.display();
    if file.file_name().is_none() {
        let text = format!("{name} names no file");
        return Err(Failure::new(Class::Usage, "usage", text));
    }
    let inside = |state: &Path| -> io::Result<bool> {
        Ok(directory.canonicalize()?.starts_with(state.canonicalize()?))
    };
    match inside(state.path()) {
        Ok(false) => {}
        Ok(true) => {
            return refused(
                "backup-inside",
                format!("{name} is in the state directory itself"),
                "what loses the state directory would lose the copy: name a file somewhere else",
            );
        }
        Err(error) => return Err(unwritten(file, &error)),
    }
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritten(file, &error)),
        Ok(metadata) if !metadata.is_file() => refused(
            "no-plain-file",
            format!("{name} is there and is no plain file"),
            "name a file that is not there yet",
        ),
        Ok(_) if !replace => exists(file),
        Ok(_) => Ok(()),
    }
}

fn exists<T>(file: &Path) -> Result<T, Failure> {
    let text = format!("{} is there already", file.display());
    Err(Failure::new(Class::Refused, "exists", text)
        .hint("name another file, or replace it with --force"))
}

/// A file beside the final one, readable by its owner alone, gone when it is dropped.
fn part_for(file: &Path, directory: &Path) -> io::Result<NamedTempFile> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // The longest name that filesystems take has 255 bytes, and this one gets a few more.
    let name: String = name.chars().take(40).collect();
    tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        .tempfile_in(directory)
}

/// Gives the copy its name, and makes that durable. Its bytes are.
fn publish(
    part: NamedTempFile,
    file: &Path,
    directory: &Path,
    replace: bool,
) -> Result<u64, Failure> {
    let persisted = match replace {
        true => part.persist(file),
        false => part.persist_noclobber(file),
    };
    let persisted = match persisted {
        Ok(persisted) => persisted,
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return exists(file),
        Err(error) => return Err(unwritten(file, &error.error)),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .and_then(|()| Ok(persisted.metadata()?.len()))
        .map_err(|error| unwritten(file, &error))
}

fn not_copied(file: &Path, error: CopyError) -> Failure {
    match error {
        CopyError::Open(error) => unread(error.failure()),
        CopyError::Read(error) => unread(error.failure()),
        CopyError::Write(error) => unwritten(file, &error),
        CopyError::Sync(error) => unwritten(file, &error),
        CopyError::Stopped => Failure::new(
            Class::Interrupted,
            "interrupted",
            "stopped before the copy was done",
        )
        .hint("nothing was left; the same command begins anew"),
        CopyError::Differs(_) => {
            let text = format!("the copy that was to be {} is not whole", file.display());
            Failure::new(Class::Failed, "backup-differs", text)
                .caused_by(&error)
                .hint("see whether the database is whole with `longshore doctor`; nothing was left of the copy")
        }
    }
}

fn unread(mut failure: Failure) -> Failure {
    let hint =
        "see what is wrong with the database with `longshore doctor`; nothing was left of the copy";
    failure.hint.get_or_insert_with(|| hint.to_owned());
    failure
}

fn unwritten(file: &Path, error: &(dyn std::error::Error + 'static)) -> Failure {
    let is_full = is_full(error) || error.downcast_ref().is_some_and(is_store_full);
    let failure = match is_full {
        true => {
            let text = format!("no space is left for {}", file.display());
            Failure::new(Class::Full, "disk-full", text)
                .hint("a copy is as large as longshore.db; name a file where there is room for it")
        }
        false => {
            let text = format!("could not write {}", file.display());
            Failure::new(Class::Failed, "backup", text)
                .hint("name a file in a directory that is there and that you may write to")
        }
    };
    failure.caused_by(error)
}

fn is_store_full(error: &longshore_fsm::store::StoreError) -> bool {
    matches!(error, longshore_fsm::store::StoreError::Full(_))
}

#[cfg(test)]
mod tests {
    use longshore_fsm::store::SqliteStore;
    use rusqlite::OpenFlags;

    use super::*;

    const MIGRATIONS: [Migrations<'static>; 1] = [Migrations {
        owner: SCHEMA_OWNER,
        steps: SCHEMA,
    }];

    struct Place {
        dir: tempfile::TempDir,
        state: PathBuf,
        _store: SqliteStore,
    }

    fn place() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let prepared = StateDir::prepare(&state).unwrap();
        Place {
            _store: SqliteStore::open(prepared.database(), &MIGRATIONS).unwrap(),
            dir,
            state,
        }
    }

    impl Place {
        fn backup(&self, file: &Path, replace: bool) -> Result<BackupReport, Failure> {
            backup(&self.state, file, replace, &CancellationToken::new())
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_copy_is_one_file_that_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let place = place();
        let file = place.dir.path().join("copy.db");
        let report = place.backup(&file, false).unwrap();
        assert_eq!((report.runs, report.machines, report.pool), (0, 0, None));
        assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
        assert_eq!(place.names(), ["copy.db", "state"]);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let copy = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mode: String = copy
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "delete", "a log beside it would be lost");
    }

    #[test]
    fn what_is_there_stays_unless_somebody_says_otherwise() {
        let place = place();
        let file = place.dir.path().join("copy.db");
        fs::write(&file, "mine").unwrap();
        let refused = place.backup(&file, false).unwrap_err();
        assert_eq!(
            (refused.class, refused.code.as_str()),
            (Class::Refused, "exists")
        );
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        place.backup(&file, true).unwrap();
        assert!(fs::read(&file).unwrap().starts_with(b"SQLite format 3\0"));
        assert_eq!(place.names(), ["copy.db", "state"]);
    }

    #[test]
    fn what_is_no_place_for_a_copy_is_refused_even_where_it_may_be_replaced() {
        let place = place();
        let code = |file: &Path| place.backup(file, true).unwrap_err().code.clone();
        let database = place.state.join("longshore.db");
        let before = fs::metadata(&database).unwrap().len();
        assert_eq!(code(&database), "backup-inside");
        assert_eq!(code(&place.state.join("../state/x")), "backup-inside");
        assert_eq!(fs::metadata(&database).unwrap().len(), before);
        assert_eq!(code(&place.state), "no-plain-file");
        assert_eq!(code(Path::new("/dev/null")), "no-plain-file");
        assert_eq!(code(Path::new("/")), "usage");
        assert_eq!(code(&place.dir.path().join("no/such")), "backup");
        let cancel = CancellationToken::new();
        let nowhere = place.dir.path().join("nowhere");
        let missing = backup(&nowhere, Path::new("/tmp/x"), false, &cancel).unwrap_err();
        assert_eq!(missing.class, Class::NotFound);
    }

    #[test]
    fn one_that_is_stopped_or_cannot_be_read_leaves_nothing() {
        let place = place();
        let file = place.dir.path().join("copy.db");
        let cancel = CancellationToken::new();
        cancel.cancel();
        let stopped = backup(&place.state, &file, false, &cancel).unwrap_err();
        assert_eq!(stopped.class, Class::Interrupted);
        assert_eq!(place.names(), ["state"]);
        let damaged = tempfile::tempdir().unwrap();
        StateDir::prepare(damaged.path()).unwrap();
        fs::write(damaged.path().join("longshore.db"), [7; 9000]).unwrap();
        let failed = backup(damaged.path(), &file, false, &CancellationToken::new()).unwrap_err();
        assert_eq!(failed.class, Class::Failed);
        assert_eq!(place.names(), ["state"]);
    }
}
