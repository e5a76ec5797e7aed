//! The state directory: whether it is there and ours, whose it is, whether it can be written, who works in it.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{fs::Access, process::geteuid};

use super::Check;
use crate::{Failure, state_dir::StateDir};

const DIRECTORY: &str = "state-directory";
const WRITABLE: &str = "writable";
const LOCK: &str = "lock";

/// Modes that let others write (inode(7)): whoever can put a file there can put one in the place of ours.
const WRITTEN_BY_OTHERS: u32 = 0o022;

/// What stands at the beginning of the name of the file that is written to see whether one can be.
const PROBE: &str = ".longshore-doctor-";

/// What is known of a state directory.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// What is there.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Nothing, and whether it can be made below what there is.
    Missing { above: PathBuf, can_be_made: bool },
    /// Something that is no directory.
    NotADirectory,
    /// It cannot be looked into.
    Unreadable(String),
    /// A directory.
    Directory(Facts),
}

/// A directory that is there.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Whether it is one of ours, empty, or somebody else's.
    pub(super) whose: Whose,
    pub(super) owner: u32,
    pub(super) mode: u32,
    /// Who asks.
    pub(super) asked_by: u32,
    /// Why no file can be made in it.
    pub(super) unwritable: Option<String>,
    /// What whoever has the lock says that they do.
    pub(super) holder: Option<String>,
    /// Whether there are disks in it: files of volumes, or paths of machines.
    pub(super) has_disks: bool,
}

/// Whose a directory is.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    Ours,
    /// Nobody's yet.
    Empty,
    /// There are files in it that are not ours.
    Foreign,
    /// It is of another version, or does not say.
    Refused(Failure),
}

impl Directory {
    /// Whether it is a state directory of ours.
    pub(super) fn is_ours(&self) -> bool {
        matches!(&self.kind, Kind::Directory(facts) if matches!(facts.whose, Whose::Ours))
    }

    /// Whether there are disks in it.
    pub(super) fn has_disks(&self) -> bool {
        matches!(&self.kind, Kind::Directory(facts) if facts.has_disks)
    }

    /// Whether a file can be made in it.
    pub(super) fn is_writable(&self) -> bool {
        matches!(&self.kind, Kind::Directory(facts) if facts.unwritable.is_none())
    }

    /// What there is of its path.
    pub(super) fn nearest(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Directory(_) => Some(&self.path),
            Kind::Missing { above, .. } => Some(above),
            Kind::NotADirectory | Kind::Unreadable(_) => None,
        }
    }
}

/// Looks.
pub(super) fn look(path: &Path) -> Directory {
    let kind = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => facts(path, &metadata),
        Ok(_) => Kind::NotADirectory,
        Err(error) if error.kind() == ErrorKind::NotFound => missing(path),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Kind::NotADirectory,
        Err(error) => Kind::Unreadable(error.to_string()),
    };
    Directory {
        path: path.to_owned(),
        kind,
    }
}

fn missing(path: &Path) -> Kind {
    let above = path.ancestors().skip(1).find(|above| above.exists());
    let above = above.unwrap_or(Path::new("/")).to_owned();
    let may = rustix::fs::access(&above, Access::WRITE_OK | Access::EXEC_OK);
    Kind::Missing {
        can_be_made: above.is_dir() && may.is_ok(),
        above,
    }
}

fn facts(path: &Path, metadata: &fs::Metadata) -> Kind {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return Kind::Unreadable(error.to_string()),
    };
    let is_empty = entries
        .filter_map(Result::ok)
        .all(|entry| matches!(entry.file_name().to_str(), Some("VERSION.new" | "lock")));
    let state = StateDir::existing(path);
    let holder = match &state {
        Ok(Some(state)) => state.holder(),
        _ => None,
    };
    Kind::Directory(Facts {
        whose: match state {
            Ok(Some(_)) => Whose::Ours,
            Ok(None) if is_empty => Whose::Empty,
            Ok(None) => Whose::Foreign,
            Err(failure) => Whose::Refused(failure),
        },
        owner: metadata.uid(),
        mode: metadata.mode() & 0o7777,
        asked_by: geteuid().as_raw(),
        unwritable: probe(path).err().map(|error| error.kind().to_string()),
        holder,
        has_disks: ["volumes", "machines"]
            .iter()
            .filter_map(|name| fs::read_dir(path.join(name)).ok())
            .flatten()
            .any(|entry| entry.is_ok()),
    })
}

/// Makes a file, has it on the disk, and removes it.
fn probe(path: &Path) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(PROBE).tempfile_in(path)?;
    file.write_all(&[0; 4096])?;
    file.as_file().sync_all()?;
    file.close()
}

/// Judges.
pub(super) fn judge(directory: &Directory) -> Vec<Check> {
    let path = directory.path.display();
    let choose = "choose another with --state-dir, or the setting `state_dir`";
    let rest = |why: &str| [WRITABLE, LOCK].map(|name| Check::skip(name, why));
    let facts = match &directory.kind {
        Kind::Missing {
            above,
            can_be_made: true,
        } => {
            let found = format!("{path} is not there yet; the first command that works makes it");
            let mut checks = vec![Check::ok(DIRECTORY, found)];
            let found = format!("it can be made in {}", above.display());
            checks.push(Check::ok(WRITABLE, found));
            checks.push(Check::skip(LOCK, "there is no state directory yet"));
            return checks;
        }
        Kind::Missing { above, .. } => {
            let found = format!(
                "{path} is not there and cannot be made in {}",
                above.display()
            );
            return [Check::fail(DIRECTORY, found, choose)]
                .into_iter()
                .chain(rest("there is no state directory"))
                .collect();
        }
        Kind::NotADirectory => {
            let found = format!("{path} is no directory");
            return [Check::fail(DIRECTORY, found, choose)]
                .into_iter()
                .chain(rest("there is no state directory"))
                .collect();
        }
        Kind::Unreadable(why) => {
            let found = format!("{path} cannot be looked into: {why}");
            let hint = "give the command as its owner, or choose another with --state-dir";
            return [Check::fail(DIRECTORY, found, hint)]
                .into_iter()
                .chain(rest("the state directory cannot be looked into"))
                .collect();
        }
        Kind::Directory(facts) => facts,
    };
    vec![
        whose(directory, facts),
        match &facts.unwritable {
            None => Check::ok(WRITABLE, "a file was written there, synced and removed"),
            Some(why) => Check::fail(
                WRITABLE,
                format!("no file can be made there: {why}"),
                "give the command as its owner, make room, or mount the filesystem to be written; looking \
                 (`list`, `show`, `runs`) works without",
            ),
        },
        Check::ok(
            LOCK,
            match &facts.holder {
                None => "nobody works here now".to_owned(),
                Some(holder) => format!("held by {holder}"),
            },
        ),
    ]
}

fn whose(directory: &Directory, facts: &Facts) -> Check {
    let path = directory.path.display();
    let owned = format!("of uid {}, mode {:04o}", facts.owner, facts.mode);
    match &facts.whose {
        Whose::Refused(failure) => {
            let hint = failure.hint.clone();
            Check::fail(
                DIRECTORY,
                failure.to_string(),
                hint.unwrap_or_else(|| "put back the file VERSION, which says `1`".to_owned()),
            )
        }
        Whose::Foreign => Check::fail(
            DIRECTORY,
            format!("{path} holds files and no VERSION: it is not longshore's"),
            "choose an empty or new directory with --state-dir; if this was one of longshore's, put back the \
             file VERSION, which says `1`",
        ),
        Whose::Ours | Whose::Empty if facts.mode & WRITTEN_BY_OTHERS != 0 => Check::warn(
            DIRECTORY,
            format!("{path} {owned}: others may write there"),
            format!("take that away: `chmod go-w {path}`"),
        ),
        Whose::Ours | Whose::Empty if facts.owner != facts.asked_by => Check::warn(
            DIRECTORY,
            format!("{path} {owned}, and this is uid {}", facts.asked_by),
            "give commands there as its owner: what others make there it may not be able to change",
        ),
        Whose::Ours => Check::ok(DIRECTORY, format!("{path} {owned}")),
        Whose::Empty => Check::ok(DIRECTORY, format!("{path} {owned}, empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{self, Fail, Ok, Skip, Warn};

    fn directory(kind: Kind) -> Directory {
        Directory {
            path: PathBuf::from("/state"),
            kind,
        }
    }

    fn ours() -> Facts {
        Facts {
            whose: Whose::Ours,
            owner: 7,
            mode: 0o750,
            asked_by: 7,
            unwritable: None,
            holder: None,
            has_disks: false,
        }
    }

    fn states(kind: Kind) -> Vec<CheckState> {
        let checks = judge(&directory(kind));
        for check in &checks {
            let wants_hint = matches!(check.state, Warn | Fail);
            assert_eq!(check.hint.is_some(), wants_hint, "{check:?}");
        }
        checks.iter().map(|check| check.state).collect()
    }

    #[test]
    fn what_can_be_made_is_no_failure_and_what_cannot_is() {
        let missing = |can_be_made| Kind::Missing {
            above: PathBuf::from("/"),
            can_be_made,
        };
        assert_eq!(states(missing(true)), [Ok, Ok, Skip]);
        assert_eq!(states(missing(false)), [Fail, Skip, Skip]);
        assert_eq!(states(Kind::NotADirectory), [Fail, Skip, Skip]);
        let unreadable = Kind::Unreadable("permission denied".to_owned());
        assert_eq!(states(unreadable), [Fail, Skip, Skip]);
    }

    #[test]
    fn a_directory_is_its_owners_alone() {
        let with = |change: fn(&mut Facts)| {
            let mut facts = ours();
            change(&mut facts);
            states(Kind::Directory(facts))
        };
        assert_eq!(with(|_| {}), [Ok, Ok, Ok]);
        assert_eq!(with(|facts| facts.mode = 0o755), [Ok, Ok, Ok]);
        assert_eq!(with(|facts| facts.mode = 0o770), [Warn, Ok, Ok]);
        assert_eq!(with(|facts| facts.mode = 0o757), [Warn, Ok, Ok]);
        assert_eq!(with(|facts| facts.asked_by = 0), [Warn, Ok, Ok]);
        assert_eq!(with(|facts| facts.whose = Whose::Foreign), [Fail, Ok, Ok]);
        let unwritable = |facts: &mut Facts| facts.unwritable = Some("read-only".to_owned());
        assert_eq!(with(unwritable), [Ok, Fail, Ok]);
    }

    #[test]
    fn a_probe_leaves_nothing_and_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let seen = look(dir.path());
        assert!(seen.is_writable() && !seen.is_ours());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let below = dir.path().join("a/b");
        assert_eq!(look(&below).nearest(), Some(dir.path()));
        assert!(!dir.path().join("a").exists());
        fs::write(dir.path().join("a"), "").unwrap();
        assert!(matches!(look(&below).kind, Kind::NotADirectory));
        StateDir::prepare(&dir.path().join("ours")).unwrap();
        assert!(look(&dir.path().join("ours")).is_ours());
    }
}
