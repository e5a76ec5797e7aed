//! Finds rpm's database and reads the packages in it.
//!
//! It is SQLite's since rpm 4.16. Those of SUSE (ndb) and of rpm before 4.16 (Berkeley DB) are known
//! for what they are and not read.

use super::{
    package::package,
    record::{Value, columns},
    sqlite::{MAGIC, Sqlite},
};
use crate::{
    Reason, Rootfs, RootfsError, RootfsFile,
    inventory::{
        database::{self, Kept},
        gathered::{Faults, Gathered},
        problem::{Problem, shown},
    },
    read_some,
};

/// What rpm has called its database, in the folders that it has been in.
const DATABASES: [&str; 6] = [
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages",
];

/// What SQLite puts changes into before they are in the database (a write-ahead log), or what was there
/// before them (a rollback journal).
const JOURNALS: [&str; 2] = ["-wal", "-journal"];

/// How a database begins that is not SQLite's: where, with what, and what it is called.
const OTHERS: [(usize, &[u8], &str); 5] = [
    (0, b"RpmP", "rpm's own ndb format"),
    (12, &0x0006_1561_u32.to_le_bytes(), BERKELEY),
    (12, &0x0006_1561_u32.to_be_bytes(), BERKELEY),
    (12, &0x0005_3162_u32.to_le_bytes(), BERKELEY),
    (12, &0x0005_3162_u32.to_be_bytes(), BERKELEY),
];
const BERKELEY: &str = "Berkeley DB, which rpm had before 4.16";

/// Reads what there is of the database.
///
/// # Errors
/// Where the host failed.
pub(in crate::inventory) fn read(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
) -> Result<Kept, RootfsError> {
    let (packages, gaps) = (gathered.packages.len(), gathered.gaps.len());
    for found in database::databases(rootfs, &DATABASES, gathered.limits.rpm_bytes) {
        match found {
            Err((path, problem)) => gathered.gaps.push(problem.into_reason(path.as_bytes())?),
            // What rpm has made and not yet written to.
            Ok(database) if database.file.size() == 0 => {}
            Ok(database) => {
                let (path, mut faults) = (database.path.as_bytes(), Faults::default());
                let read = read_database(&*database.file, path, gathered, &mut faults);
                gathered.note(path, read)?;
                gathered.left_out(path, &faults);
                note_journals(rootfs, &database.path, gathered)?;
            }
        }
    }
    Ok(Kept {
        any_installed: gathered.packages.len() > packages,
        unread: gathered.gaps.len() > gaps,
        removed: None,
    })
}

fn read_database(
    file: &dyn RootfsFile,
    path: &[u8],
    gathered: &mut Gathered<'_>,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let begin = read_some(file, 0, 16)?;
    if begin != MAGIC {
        let known = OTHERS
            .iter()
            .find(|(at, magic, _)| begin.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
        return Err(Problem::wrong(match known {
            Some((_, _, name)) => format!("it is written in {name}; that is not read yet"),
            None => "it is no database of rpm".to_owned(),
        }));
    }
    let mut database = Sqlite::open(file)?;
    let root = database.root_of("Packages")?;
    let root = root.ok_or_else(|| Problem::wrong("it has no table of packages"))?;
    let (header_bytes, value_bytes) = (gathered.limits.header_bytes, gathered.limits.value_bytes);
    let found_in = shown(path);
    let mut number = 0;
    database.each_row(root, header_bytes, &mut |row| {
        gathered.entry()?;
        number += 1;
        let [_, header] = columns(row)?;
        let read = match header {
            Value::Blob(header) => package(header, &found_in, value_bytes),
            _ => Err("its header is none".to_owned()),
        };
        match read {
            Ok(package) => gathered.packages.extend(package),
            Err(what) => faults.add(|| format!("row {number}"), &what),
        }
        Ok(())
    })
}

/// Where changes are not in the database yet, what it says is not what rpm would say.
fn note_journals(
    rootfs: &dyn Rootfs,
    database: &str,
    gathered: &mut Gathered<'_>,
) -> Result<(), RootfsError> {
    for journal in JOURNALS {
        let path = format!("{database}{journal}");
        if database::is_there(rootfs, &path)? {
            gathered.gaps.push(Reason::Unreadable {
                path: shown(path.as_bytes()),
                problem: "it has changes that are not in the database yet; they are not read"
                    .to_owned(),
            });
        }
    }
    Ok(())
}
