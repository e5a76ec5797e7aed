//! The advisories of a state directory: a file for each stream, and what is known of where they came from.
//!
//! ```text
//! advisories/debian-12.adv      a stream
//! advisories/publishers.json    when each publisher was asked last, and what it said
//! ```
//!
//! A file is replaced as a whole, so that who reads beside an update reads the old one or the new one. What
//! cannot be read is as good as not there: it costs coverage, which is told, and never a scan.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use longshore_durable::{Dir, Host as HostDir, Mode};
use longshore_scan::{Shard, Stream, baseline_shards};
use serde::{Deserialize, Serialize};

use super::publisher::Publisher;
use crate::{Class, Failure, deps::now, state_dir::StateDir};

const PUBLISHERS: &str = "publishers.json";
const SUFFIX: &str = ".adv";

/// The most that is read of a file of the store: some ten times what the largest distribution needs.
const MAX_FILE: u64 = 1 << 30;

/// The advisories of a state directory, and those that came with the program.
#[derive(Debug)]
pub(crate) struct AdvisoryStore {
    dir: Arc<dyn Dir>,
    loaded: Mutex<BTreeMap<Stream, Option<Arc<Shard>>>>,
}

/// What is known of a publisher.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// When it was asked last, and answered, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Its documents, as it gave them last.
    pub(crate) documents: Vec<SeenDocument>,
}

/// A document of a publisher, as it was given last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenDocument {
    pub(crate) url: String,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) sha256: String,
}

/// A stream that is here.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// What is in it, or why it cannot be read.
    pub(crate) shard: Result<Arc<Shard>, String>,
}

impl AdvisoryStore {
    /// The store in the directory of a state directory.
    pub(crate) fn new(dir: Arc<dyn Dir>) -> Self {
        Self {
            dir,
            loaded: Mutex::default(),
        }
    }

    /// The same, of a state directory that nobody has to have opened: who looks for advisories, or brings
    /// them, needs no lock.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, Failure> {
        let state = StateDir::prepare(state_dir)?;
        let root =
            HostDir::open(state.path()).map_err(|error| trouble("could not be opened", &error))?;
        let dir = root.dir("advisories");
        Ok(Self::new(
            dir.map_err(|error| trouble("could not be made", &error))?,
        ))
    }

    /// A stream's advisories: those that were brought here, or those that came with the program where
    /// they are newer; nothing where there are neither.
    pub(crate) fn get(&self, stream: &Stream) -> Option<Arc<Shard>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = loaded.entry(stream.clone()).or_insert_with(|| {
            let kept = match self.read(&file_of(stream)) {
                Ok(kept) => kept,
                Err(problem) => {
                    tracing::warn!(%stream, problem, "advisories cannot be read");
                    None
                }
            };
            let shipped = shipped(stream);
            match (kept, shipped) {
                (Some(kept), Some(shipped)) if shipped.dated() > kept.dated() => Some(shipped),
                (Some(kept), _) => Some(Arc::new(kept)),
                (None, shipped) => shipped,
            }
        });
        entry.clone()
    }

    /// Keeps a stream's advisories in place of those that were here.
    pub(crate) fn put(&self, shard: &Shard) -> Result<(), Failure> {
        let name = file_of(shard.stream());
        self.replace(&name, &shard.encode())
            .map_err(|error| trouble("could not be written", &error))?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.remove(shard.stream());
        Ok(())
    }

    /// A publisher has nothing that is newer than what is here: it is as fresh as that answer.
    pub(crate) fn confirm(&self, publisher: &Publisher) -> Result<(), Failure> {
        let today = day(now());
        for kept in self.kept()? {
            let Ok(shard) = kept.shard else { continue };
            if Publisher::of(shard.stream()) == *publisher && shard.dated() < today.as_str() {
                let fresh = shard.dated_on(&today).map_err(|error| {
                    Failure::broken("advisories cannot be dated").caused_by(&error)
                })?;
                self.put(&fresh)?;
            }
        }
        Ok(())
    }

    /// Every stream that was brought here.
    pub(crate) fn kept(&self) -> Result<Vec<Kept>, Failure> {
        let entries = self
            .dir
            .list()
            .map_err(|error| trouble("could not be listed", &error))?;
        let files = entries
            .into_iter()
            .filter(|entry| entry.name.ends_with(SUFFIX));
        let kept = files.map(|entry| {
            let read = self.read(&entry.name);
            Kept {
                shard: match read {
                    Ok(Some(shard)) => Ok(Arc::new(shard)),
                    Ok(None) => Err("it is gone".to_owned()),
                    Err(problem) => Err(problem),
                },
                bytes: entry.len,
                file: entry.name,
            }
        });
        Ok(kept.collect())
    }

    /// Every stream that came with the program, with the bytes that it takes in it.
    pub(crate) fn shipped() -> Vec<(u64, Arc<Shard>)> {
        let files = baseline_shards().into_iter();
        let size = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        files
            .filter_map(|(_, bytes)| Some((size(bytes), Arc::new(Shard::decode(bytes).ok()?))))
            .collect()
    }

    /// Where it is on this host.
    pub(crate) fn place(&self) -> Option<&Path> {
        self.dir.host_path()
    }

    /// What is known of the publishers, by their names.
    pub(crate) fn publishers(&self) -> BTreeMap<String, Asked> {
        let bytes = self.bytes(PUBLISHERS).ok().flatten().unwrap_or_default();
        // What cannot be read costs one question more.
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Records what a publisher has said.
    pub(crate) fn asked(&self, publisher: &str, asked: Asked) -> Result<(), Failure> {
        let mut all = self.publishers();
        all.insert(publisher.to_owned(), asked);
        let text = serde_json::to_vec_pretty(&all)
            .map_err(|error| Failure::broken("a record cannot be written").caused_by(&error))?;
        self.replace(PUBLISHERS, &text)
            .map_err(|error| trouble("could not be written", &error))
    }

    fn read(&self, name: &str) -> Result<Option<Shard>, String> {
        let bytes = self.bytes(name).map_err(|error| error.to_string())?;
        let shard = bytes.map(|bytes| Shard::decode(&bytes).map_err(|error| error.to_string()));
        shard.transpose()
    }

    fn bytes(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match self.dir.open(name, Mode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = file.len()?;
        let len = usize::try_from(len)
            .ok()
            .filter(|_| len <= MAX_FILE)
            .ok_or_else(|| io::Error::other("it is too large to be one of longshore's"))?;
        let mut bytes = vec![0; len];
        file.read_at(0, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = format!("{name}.{}.part", std::process::id());
        self.dir.remove(&part)?;
        let file = self.dir.open(&part, Mode::CreateNew)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        self.dir.rename(&part, name)?;
        self.dir.sync()
    }
}

/// The day of a point in time, in UTC: `YYYY-MM-DD`.
pub(crate) fn day(at: i64) -> String {
    let days = at.div_euclid(24 * 60 * 60 * 1000);
    // A number that is no time, of a damaged row for one, is on no day of the calendar.
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| jiff::civil::date(1970, 1, 1).checked_add(span));
    date.map_or_else(|_| "1970-01-01".to_owned(), |date| date.to_string())
}

/// The file of a stream: small letters, digits, dots and dashes, whatever the stream is called.
fn file_of(stream: &Stream) -> String {
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' | '.' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '-',
    };
    let ecosystem: String = stream.ecosystem.as_str().chars().map(plain).collect();
    let release: String = stream.release.chars().map(plain).collect();
    match release.as_str() {
        "" => format!("{ecosystem}{SUFFIX}"),
        release => format!("{ecosystem}-{release}{SUFFIX}"),
    }
}

/// The advisories of a stream that came with the program.
fn shipped(stream: &Stream) -> Option<Arc<Shard>> {
    let mut files = baseline_shards().into_iter();
    let (_, bytes) = files.find(|(about, _)| about == stream)?;
    Shard::decode(bytes).ok().map(Arc::new)
}

fn trouble(what: &str, error: &io::Error) -> Failure {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Class::Full,
        _ => Class::Failed,
    };
    Failure::new(class, "advisories", format!("the advisories {what}")).caused_by(error)
}
