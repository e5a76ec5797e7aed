//! Looking after advisories: bringing them up to date, taking them in, telling what is here. None of it
//! needs the state directory's lock, for a file of them is replaced as a whole.

use std::{collections::BTreeSet, path::PathBuf};

use longshore_scan::{Inventory, Shard, Stream};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    AdvisoriesUpdated, AdvisoryStore,
    import::{Imported, import_files},
    publisher::{self, Publisher},
    trivy_databases,
    update::Updater,
};
use crate::{Class, Events, Failure, Settings, View};

/// The advisories of one stream, as `advisories status` has them.
#[derive(Debug, Clone, Serialize)]
pub struct AdvisoriesKept {
    /// What they are about: `Debian:12`; the file's name where that cannot be read.
    pub stream: String,
    /// Where they are: `here`, or `shipped` with the program. What is nowhere has a problem.
    pub kept: &'static str,
    /// When they were published, `YYYY-MM-DD`.
    pub dated: Option<String>,
    /// How many there are.
    pub entries: Option<u64>,
    /// Bytes that they take.
    pub bytes: u64,
    /// Where they came from.
    pub sources: Vec<String>,
    /// Why they cannot be used.
    pub problem: Option<String>,
}

/// Asks publishers for what is new: those that words name, or those of what the images here are made of, and
/// of the databases of the scanners that look into them. It ends early where `cancel` says so.
///
/// # Errors
/// [`Class::Usage`] for a word that names none; of the others one for each that was asked.
pub async fn update_advisories(
    settings: &Settings,
    events: Events,
    words: &[String],
    whole: bool,
    cancel: &CancellationToken,
) -> Result<Vec<Result<AdvisoriesUpdated, Failure>>, Failure> {
    let (publishers, databases) = if words.is_empty() {
        let publishers = Publisher::of_all(&streams_here(settings)?);
        (
            publishers,
            trivy_databases::needed(&settings.scanning.scanners),
        )
    } else {
        let (ours, others): (Vec<_>, Vec<_>) = words
            .iter()
            .partition(|word| trivy_databases::named(word).is_none());
        let publishers = ours.into_iter().map(|word| publisher_of(word));
        let databases = others
            .into_iter()
            .filter_map(|word| trivy_databases::named(word));
        (publishers.collect::<Result<_, _>>()?, databases.collect())
    };
    let updater = Updater::of(settings, events)?;
    let mut updated = Vec::new();
    for publisher in publishers {
        updated.push(tokio::select! {
            one = updater.update(&publisher, whole) => one,
            () = cancel.cancelled() => Err(Failure::interrupted()),
        });
    }
    for database in databases {
        updated.push(trivy_databases::update(settings, &updater.events, database, cancel).await);
    }
    Ok(updated)
}

fn publisher_of(word: &str) -> Result<Publisher, Failure> {
    publisher::named(word).ok_or_else(|| {
        Failure::new(
            Class::Usage,
            "no-such-publisher",
            format!("nobody is known who publishes advisories for {word}"),
        )
        .hint(
            "name AlmaLinux, Alpine:RELEASE (Alpine:v3.19), crates.io, Debian, Go, PyPI, Red Hat, Rocky Linux, \
             Ubuntu, trivy-db or trivy-java-db",
        )
    })
}

/// What the images here are made of.
fn streams_here(settings: &Settings) -> Result<BTreeSet<Stream>, Failure> {
    let Some(view) = View::open(&settings.state_dir)? else {
        return Ok(BTreeSet::new());
    };
    let inventories = view.inventories()?;
    Ok(inventories.iter().flat_map(Inventory::streams).collect())
}

/// Takes in advisories from files on this host.
///
/// # Errors
/// [`Class::Usage`] for a file that is none, [`Class::Refused`] for one of which too much cannot be read.
pub fn import_advisories(settings: &Settings, files: &[PathBuf]) -> Result<Imported, Failure> {
    let store = AdvisoryStore::open(&settings.state_dir)?;
    import_files(&store, files)
}

/// What is here, and what came with the program: of each stream the one that is used first.
///
/// # Errors
/// [`Class::Failed`] if it cannot be listed.
pub fn kept_advisories(settings: &Settings) -> Result<Vec<AdvisoriesKept>, Failure> {
    let store = AdvisoryStore::open(&settings.state_dir)?;
    let mut rows = Vec::new();
    for kept in store.kept()? {
        rows.push(match kept.shard {
            Ok(shard) => row(&shard, "here", kept.bytes),
            Err(problem) => AdvisoriesKept {
                stream: kept.file,
                kept: "here",
                dated: None,
                entries: None,
                bytes: kept.bytes,
                sources: Vec::new(),
                problem: Some(problem),
            },
        });
    }
    for (bytes, shard) in AdvisoryStore::shipped() {
        rows.push(row(&shard, "shipped", bytes));
    }
    rows.extend(trivy_databases::kept(settings)?);
    Ok(rows)
}

fn row(shard: &Shard, kept: &'static str, bytes: u64) -> AdvisoriesKept {
    AdvisoriesKept {
        stream: shard.stream().to_string(),
        kept,
        dated: Some(shard.dated().to_owned()),
        entries: Some(u64::try_from(shard.len()).unwrap_or(u64::MAX)),
        bytes,
        sources: shard
            .sources()
            .iter()
            .map(|source| source.location.clone())
            .collect(),
        problem: None,
    }
}
