//! The database: whether it can be opened, whether it is whole, and whether its tables are those of this build.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use longshore_catalog::{SCHEMA, SCHEMA_OWNER};
use longshore_fsm::store::{Checked, Health, Migrations, OpenError, SchemaVersion, StoreError};

use super::{Check, state::Directory};
use crate::failure::causes;

const DATABASE: &str = "database";
const FOREIGN_KEYS: &str = "foreign-keys";
const SCHEMA_VERSION: &str = "schema";

/// What can be done about a database that is damaged.
const DAMAGED: &str = "put back a copy that `longshore backup` made (docs/doctor.md says how); without one, move \
                       longshore.db, longshore.db-wal and longshore.db-shm out of the state directory, all three, \
                       and images are brought here anew. Keep what was there: it knows which disks are whose";

/// What can be done where what was known is gone.
const LOST: &str = "give no command that works: it would remove the disks that nothing knows of. Put back longshore.db \
                    with longshore.db-wal where that was lost too, or a copy that `longshore backup` made \
                    (docs/doctor.md says how)";

/// What is known of the database.
#[derive(Debug)]
pub(super) enum Database {
    /// There is no state directory of ours to have one.
    NoDirectory,
    /// There is none yet.
    Missing,
    /// It cannot be opened.
    Unopened { why: String, trouble: Trouble },
    /// What was found in it.
    Seen(Health),
}

/// What a database that cannot be opened suffers from, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is damaged, or no database.
    Damage,
    /// Somebody keeps others from it.
    Busy,
    /// It may not be read, or the disk fails.
    Access,
}

impl Database {
    /// When the newest event of a run happened, in milliseconds since 1970.
    pub(super) fn newest_event(&self) -> Option<i64> {
        match self {
            Self::Seen(health) => health.newest_event,
            _ => None,
        }
    }
}

/// Looks, for so long at most.
pub(super) fn look(directory: &Directory, time: Duration) -> Database {
    if !directory.is_ours() {
        return Database::NoDirectory;
    }
    let end = Instant::now() + time;
    let migrations = [Migrations {
        owner: SCHEMA_OWNER,
        steps: SCHEMA,
    }];
    let path = directory.path.join("longshore.db");
    let examined = longshore_fsm::store::examine(&path, &migrations, move || Instant::now() < end);
    match examined {
        Ok(health) => Database::Seen(health),
        Err(OpenError::Missing { .. }) => Database::Missing,
        Err(error) => {
            let trouble = match &error {
                OpenError::Store { source, .. } => trouble(source),
                _ => Trouble::Access,
            };
            // The path is that of the state directory, which stands above.
            let why = error.source().map_or_else(Vec::new, causes).join(": ");
            Database::Unopened { why, trouble }
        }
    }
}

fn trouble(error: &StoreError) -> Trouble {
    match error {
        StoreError::Busy(_) => Trouble::Busy,
        StoreError::Io(_) | StoreError::ReadOnly(_) | StoreError::Full(_) => Trouble::Access,
        // Of what only looks SQLite refuses what it cannot make sense of.
        _ => Trouble::Damage,
    }
}

/// Judges. `has_disks` is whether there is something that a database would have to know of.
pub(super) fn judge(database: &Database, has_disks: bool) -> Vec<Check> {
    let rest = |why: &str| [FOREIGN_KEYS, SCHEMA_VERSION].map(|name| Check::skip(name, why));
    match database {
        Database::NoDirectory => [Check::skip(
            DATABASE,
            "there is no state directory of longshore's",
        )]
        .into_iter()
        .chain(rest("there is no database"))
        .collect(),
        Database::Missing if has_disks => [Check::fail(
            DATABASE,
            "it is not there, and there are disks here that it should know of",
            LOST,
        )]
        .into_iter()
        .chain(rest("there is no database"))
        .collect(),
        Database::Missing => [Check::ok(
            DATABASE,
            "not there yet; the first command that works makes it",
        )]
        .into_iter()
        .chain(rest("there is no database yet"))
        .collect(),
        Database::Unopened { why, trouble } => {
            let hint = match trouble {
                Trouble::Damage => DAMAGED,
                Trouble::Busy => "look again when whoever works there is done",
                Trouble::Access => {
                    "give the command as the owner of longshore.db, in a directory that can be written: readers leave \
                     marks beside it"
                }
            };
            [Check::fail(
                DATABASE,
                format!("it cannot be opened: {why}"),
                hint,
            )]
            .into_iter()
            .chain(rest("the database cannot be opened"))
            .collect()
        }
        Database::Seen(health) => {
            let is_empty = health.schemas.iter().all(|schema| schema.found == 0);
            let schema = match is_empty && has_disks {
                true => Check::fail(
                    SCHEMA_VERSION,
                    "there are no tables, and there are disks here that they should know of",
                    LOST,
                ),
                false => schema(&health.schemas),
            };
            vec![whole(health), keys(health), schema]
        }
    }
}

fn whole(health: &Health) -> Check {
    if !health.problems.is_empty() {
        let found = format!("damaged: {}", health.problems.join("; "));
        return Check::fail(DATABASE, found, DAMAGED);
    }
    match health.checked {
        Checked::Whole => Check::ok(DATABASE, "whole (integrity_check)"),
        Checked::Quickly => Check::ok(
            DATABASE,
            "whole (quick_check); too large to hold its indexes against its tables in this time",
        ),
        Checked::InPart => Check::warn(
            DATABASE,
            "nothing wrong was found in the time that a check may take, and not all was looked at",
            "look at all of it where nobody waits: `sqlite3 longshore.db 'PRAGMA integrity_check'`",
        ),
    }
}

fn keys(health: &Health) -> Check {
    match (health.dangling.is_empty(), health.checked) {
        (false, _) => Check::fail(
            FOREIGN_KEYS,
            health.dangling.join("; "),
            "this is a defect of longshore, or somebody else has written there; please report it. A copy that \
             `longshore backup` made can be put back",
        ),
        (true, Checked::InPart) => Check::skip(FOREIGN_KEYS, "the check took too long"),
        (true, _) if !health.problems.is_empty() => {
            Check::skip(FOREIGN_KEYS, "the database is damaged")
        }
        (true, _) => Check::ok(FOREIGN_KEYS, "every row that names another finds it"),
    }
}

fn schema(schemas: &[SchemaVersion]) -> Check {
    let of = |schema: &SchemaVersion| format!("{} {}", schema.owner, schema.found);
    let all = || schemas.iter().map(of).collect::<Vec<_>>().join(", ");
    if let Some(newer) = schemas.iter().find(|schema| schema.found > schema.known) {
        return Check::fail(
            SCHEMA_VERSION,
            format!(
                "the tables of {} are of version {}, and this program knows up to {}",
                newer.owner, newer.found, newer.known
            ),
            "use the program that wrote them, or a newer one",
        );
    }
    if schemas.iter().all(|schema| schema.found == 0) {
        return Check::ok(
            SCHEMA_VERSION,
            "no tables yet; the next command that works makes them",
        );
    }
    if schemas.iter().any(|schema| schema.found < schema.known) {
        return Check::warn(
            SCHEMA_VERSION,
            format!("{}: of an older program", all()),
            "the next command that works brings them up to date; looking fails until then, and the older \
             program cannot read them afterwards: let it make a copy with `longshore backup` first",
        );
    }
    Check::ok(SCHEMA_VERSION, all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{self, Fail, Ok, Skip, Warn};

    fn version(found: u32) -> SchemaVersion {
        SchemaVersion {
            owner: "catalog".to_owned(),
            found,
            known: 3,
        }
    }

    fn states(change: impl FnOnce(&mut Health)) -> Vec<CheckState> {
        let mut health = Health {
            schemas: vec![version(3)],
            checked: Checked::Whole,
            problems: Vec::new(),
            dangling: Vec::new(),
            newest_event: None,
        };
        change(&mut health);
        let checks = judge(&Database::Seen(health), false);
        checks.iter().map(|check| check.state).collect()
    }

    #[test]
    fn what_is_whole_what_is_damaged_and_what_was_not_looked_at() {
        assert_eq!(states(|_| {}), [Ok, Ok, Ok]);
        assert_eq!(states(|it| it.checked = Checked::Quickly), [Ok, Ok, Ok]);
        assert_eq!(states(|it| it.checked = Checked::InPart), [Warn, Skip, Ok]);
        let damaged = |it: &mut Health| it.problems.push("page 7 is never used".to_owned());
        assert_eq!(states(damaged), [Fail, Skip, Ok]);
        let dangling = |it: &mut Health| it.dangling.push("a row of machines".to_owned());
        assert_eq!(states(dangling), [Ok, Fail, Ok]);
    }

    #[test]
    fn tables_of_another_build_are_told() {
        for (found, state) in [(0, Ok), (2, Warn), (3, Ok), (4, Fail)] {
            let states = states(|it| it.schemas = vec![version(found)]);
            assert_eq!(states, [Ok, Ok, state], "{found}");
        }
    }

    #[test]
    fn disks_that_nothing_knows_of_are_seen_before_they_are_removed() {
        assert_eq!(judge(&Database::Missing, true)[0].state, Fail);
        let empty = Database::Seen(Health {
            schemas: vec![version(0)],
            checked: Checked::Whole,
            problems: Vec::new(),
            dangling: Vec::new(),
            newest_event: None,
        });
        assert_eq!(judge(&empty, true)[2].state, Fail);
        assert_eq!(judge(&empty, false)[2].state, Ok);
    }

    #[test]
    fn what_cannot_be_opened_ends_nothing() {
        let state = |database: &Database| {
            let checks = judge(database, false);
            checks.iter().map(|check| check.state).collect::<Vec<_>>()
        };
        assert_eq!(state(&Database::NoDirectory), [Skip, Skip, Skip]);
        assert_eq!(state(&Database::Missing), [Ok, Skip, Skip]);
        let unopened = Database::Unopened {
            why: "file is not a database".to_owned(),
            trouble: Trouble::Damage,
        };
        assert_eq!(state(&unopened), [Fail, Skip, Skip]);
        assert!(judge(&unopened, false)[0].found.contains("not a database"));
    }
}
