//! Trivy's own databases: which are needed, bringing them up to date, and how old they are.
//!
//! What is here is what Trivy says that it has, for that is what it will look with.

use std::{fs, path::Path};

use longshore_scan::{ScannerKind, Trivy, TrivyDatabase, TrivyWay, VersionReport};
use tokio_util::sync::CancellationToken;

use super::{AdvisoriesKept, AdvisoriesUpdated, room::Room, scanners::trivy};
use crate::{Event, Events, Failure, Settings, failure::causes, trouble::Trouble};

/// Which databases these scanners need.
pub(crate) fn needed(kinds: &[ScannerKind]) -> Vec<TrivyDatabase> {
    use ScannerKind::{TrivyImage, TrivyRootfs, TrivySbom};
    let has = |wanted: &[ScannerKind]| kinds.iter().any(|kind| wanted.contains(kind));
    let every =
        has(&[TrivySbom, TrivyRootfs, TrivyImage]).then_some(TrivyDatabase::Vulnerabilities);
    // What is read from an image may be an archive of Java's; our inventory has none of those.
    let java = has(&[TrivyRootfs, TrivyImage]).then_some(TrivyDatabase::Java);
    every.into_iter().chain(java).collect()
}

/// The database that a word of the command line means.
pub(crate) fn named(word: &str) -> Option<TrivyDatabase> {
    let all = [TrivyDatabase::Vulnerabilities, TrivyDatabase::Java];
    all.into_iter().find(|one| name(*one) == word)
}

fn name(database: TrivyDatabase) -> &'static str {
    match database {
        TrivyDatabase::Vulnerabilities => "trivy-db",
        TrivyDatabase::Java => "trivy-java-db",
    }
}

/// Where it is, in Trivy's cache.
fn folder(database: TrivyDatabase) -> &'static str {
    match database {
        TrivyDatabase::Vulnerabilities => "db",
        TrivyDatabase::Java => "java-db",
    }
}

fn dated(database: TrivyDatabase, version: &VersionReport) -> Option<String> {
    let dated = match database {
        TrivyDatabase::Vulnerabilities => version.database_dated(),
        TrivyDatabase::Java => version.java_database_dated(),
    };
    (!dated.is_empty()).then_some(dated)
}

/// Lets Trivy bring one up to date.
pub(crate) async fn update(
    settings: &Settings,
    events: &Events,
    database: TrivyDatabase,
    cancel: &CancellationToken,
) -> Result<AdvisoriesUpdated, Failure> {
    let publisher = name(database).to_owned();
    // With nobody listening there is nobody to tell.
    let _ = events.send(Event::Advisories {
        publisher: publisher.clone(),
    });
    let (settings, cancel) = (settings.clone(), cancel.clone());
    let work = move || {
        let cancelled = || cancel.is_cancelled();
        let (_room, trivy) = asked(&settings)?;
        let before = trivy.version(&cancelled).map_err(Trouble::failure)?;
        let configured = &settings.scanning.trivy;
        let repository = match database {
            TrivyDatabase::Vulnerabilities => configured.db_repository.as_deref(),
            TrivyDatabase::Java => None,
        };
        let after = trivy
            .download(database, repository, &configured.network.0, &cancelled)
            .map_err(Trouble::failure)?;
        let made = |version: &VersionReport| match database {
            TrivyDatabase::Vulnerabilities => version.database_at,
            TrivyDatabase::Java => version.java_database_at,
        };
        Ok(AdvisoriesUpdated {
            publisher,
            changed: made(&before) != made(&after),
            dated: dated(database, &after),
            imported: None,
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::broken("an update was cut off").caused_by(&error))?
}

/// What the configured scanners need, as it is here.
pub(crate) fn kept(settings: &Settings) -> Result<Vec<AdvisoriesKept>, Failure> {
    let needed = needed(&settings.scanning.scanners);
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    let (_room, trivy) = asked(settings)?;
    let version = trivy.version(&|| false);
    let row = |database: TrivyDatabase| {
        let dated = version.as_ref().ok().and_then(|said| dated(database, said));
        let problem = match (&version, &dated) {
            (Err(error), _) => Some(causes(error).join(": ")),
            (Ok(_), None) => Some(format!(
                "it is not here: `longshore advisories update {}` brings it",
                name(database)
            )),
            (Ok(_), Some(_)) => None,
        };
        AdvisoriesKept {
            stream: name(database).to_owned(),
            kept: "here",
            dated,
            entries: None,
            bytes: bytes(&trivy.cache.join(folder(database))),
            sources: Vec::new(),
            problem,
        }
    };
    Ok(needed.into_iter().map(row).collect())
}

/// Trivy, to be asked about itself; it works in a room of its own.
fn asked(settings: &Settings) -> Result<(Room, Trivy), Failure> {
    let room = Room::make(&settings.state_dir)?;
    let place = room.path().to_owned();
    let trivy = trivy(
        &settings.scanning,
        &settings.state_dir,
        place,
        TrivyWay::Sbom,
    );
    Ok((room, trivy))
}

/// What the files of a folder have together; nothing where there is none.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|found| found.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_reads_images_needs_the_one_of_java() {
        use ScannerKind::{Embedded, TrivyImage, TrivyRootfs, TrivySbom};
        use TrivyDatabase::{Java, Vulnerabilities};
        assert_eq!(needed(&[Embedded]), []);
        assert_eq!(needed(&[Embedded, TrivySbom]), [Vulnerabilities]);
        assert_eq!(needed(&[TrivyImage]), [Vulnerabilities, Java]);
        assert_eq!(needed(&[TrivyRootfs]), [Vulnerabilities, Java]);
        for database in [Vulnerabilities, Java] {
            assert_eq!(named(name(database)), Some(database));
        }
        assert_eq!(named("trivy"), None);
    }
}
