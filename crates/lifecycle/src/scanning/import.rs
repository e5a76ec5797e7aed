//! Taking in advisories: from what a publisher gave, and from files on this host.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use longshore_scan::{
    AdvisorySource, ImportError, ImportReport, Imported as Made, import_osv, import_osv_zip,
    import_secdb, import_tracker,
};
use serde::Serialize;

use super::{
    AdvisoryStore,
    publisher::Publisher,
    store::{SeenDocument, day},
};
use crate::{Class, Failure, deps::now};

/// The most that is read of one document that is held in memory whole.
const MAX_DOCUMENT: u64 = 512 << 20;

/// The most files that are taken in of a directory; all that OSV has of one ecosystem is a tenth of it.
const MAX_FILES: usize = 1_000_000;

/// How many records that could not be used are named.
const EXAMPLES: usize = 10;

/// What was taken in.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imported {
    /// The streams, each in place of what was here of it.
    pub streams: Vec<ImportedStream>,
    /// Records that there were.
    pub records: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// Some of those, and why.
    pub examples: Vec<(String, String)>,
}

/// A stream that was taken in.
#[derive(Debug, Clone, Serialize)]
pub struct ImportedStream {
    /// Which.
    pub stream: String,
    /// How many advisories it has.
    pub entries: u64,
    /// How old it is, `YYYY-MM-DD`.
    pub dated: String,
}

impl Imported {
    fn add(&mut self, store: &AdvisoryStore, made: &Made) -> Result<(), Failure> {
        for shard in &made.shards {
            store.put(shard)?;
            self.streams.push(ImportedStream {
                stream: shard.stream().to_string(),
                entries: u64::try_from(shard.len()).unwrap_or(u64::MAX),
                dated: shard.dated().to_owned(),
            });
        }
        let ImportReport {
            records,
            bad,
            skipped,
            ..
        } = &made.report;
        self.records += records;
        self.skipped += bad;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        let named = skipped.iter().take(room);
        self.examples
            .extend(named.map(|one| (one.id.clone(), one.why.clone())));
        Ok(())
    }
}

/// Takes in what a publisher gave. It is as fresh as its answer: a publisher that has had nothing to say for
/// a month is not out of date.
pub(crate) fn import(
    store: &AdvisoryStore,
    publisher: &Publisher,
    documents: Vec<(File, SeenDocument)>,
) -> Result<Imported, Failure> {
    let source = source_of(&documents, &day(now()));
    let mut texts = Vec::new();
    let made = match publisher {
        Publisher::Osv(_) => {
            let mut archives = documents.into_iter();
            let (mut archive, _) = archives
                .next()
                .ok_or_else(|| Failure::broken("a publisher without a document"))?;
            archive
                .rewind()
                .map_err(|error| unreadable(&source.location, &error))?;
            import_osv_zip(archive, &source)
        }
        Publisher::Alpine(_) | Publisher::Debian => {
            for (file, seen) in documents {
                let bytes = whole(file).map_err(|error| unreadable(&seen.url, &error))?;
                texts.push((seen.url, bytes));
            }
            let named = texts
                .iter()
                .map(|(url, bytes)| (url.as_str(), bytes.as_slice()));
            match publisher {
                Publisher::Alpine(_) => import_secdb(named, &source),
                _ => import_tracker(&texts[0].1, &source),
            }
        }
    };
    let made = made.map_err(|error| refused(&error))?;
    let mut imported = Imported::default();
    imported.add(store, &made)?;
    Ok(imported)
}

fn source_of(documents: &[(File, SeenDocument)], dated: &str) -> AdvisorySource {
    let list = |of: fn(&SeenDocument) -> &str| {
        let all: Vec<_> = documents.iter().map(|(_, seen)| of(seen)).collect();
        all.join(" ")
    };
    AdvisorySource {
        location: list(|seen| &seen.url),
        dated: dated.to_owned(),
        sha256: list(|seen| seen.sha256.trim_start_matches("sha256:")),
        licence: String::new(),
    }
}

/// Takes in files on this host, each for itself; documents of Alpine's database of one release together.
pub(crate) fn import_files(store: &AdvisoryStore, paths: &[PathBuf]) -> Result<Imported, Failure> {
    let mut imported = Imported::default();
    let mut databases: Vec<(PathBuf, String, Vec<u8>)> = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        let metadata = fs::metadata(path).map_err(|error| unreadable(&shown, &error))?;
        let source = |dated: String| AdvisorySource {
            location: shown.clone(),
            dated,
            ..AdvisorySource::default()
        };
        if metadata.is_dir() {
            let records = records_in(path)?;
            let named = records
                .iter()
                .map(|(name, json)| (name.as_str(), json.as_slice()));
            let made =
                import_osv(named, &source(String::new())).map_err(|error| refused(&error))?;
            imported.add(store, &made)?;
            continue;
        }
        let file = File::open(path).map_err(|error| unreadable(&shown, &error))?;
        let changed = changed(&metadata);
        match kind_of(&file).map_err(|error| unreadable(&shown, &error))? {
            Kind::Archive => {
                let made = import_osv_zip(file, &source(String::new()));
                imported.add(store, &made.map_err(|error| refused(&error))?)?;
            }
            kind => {
                let bytes = whole(file).map_err(|error| unreadable(&shown, &error))?;
                match kind {
                    Kind::Database => databases.push((path.clone(), changed, bytes)),
                    Kind::Record => {
                        let one = [(shown.as_str(), bytes.as_slice())];
                        let made = import_osv(one, &source(String::new()));
                        imported.add(store, &made.map_err(|error| refused(&error))?)?;
                    }
                    Kind::Archive | Kind::Tracker => {
                        let made = import_tracker(&bytes, &source(changed));
                        imported.add(store, &made.map_err(|error| refused(&error))?)?;
                    }
                }
            }
        }
    }
    if let Some(dated) = databases.iter().map(|(_, dated, _)| dated.clone()).min() {
        let places: Vec<_> = databases
            .iter()
            .map(|(path, ..)| path.display().to_string())
            .collect();
        let named = places.iter().zip(&databases);
        let named = named.map(|(place, (_, _, bytes))| (place.as_str(), bytes.as_slice()));
        let source = AdvisorySource {
            location: places.join(" "),
            dated,
            ..AdvisorySource::default()
        };
        let made = import_secdb(named, &source).map_err(|error| refused(&error))?;
        imported.add(store, &made)?;
    }
    Ok(imported)
}

/// What a file is, as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A bulk export of OSV.
    Archive,
    /// One of Alpine's documents.
    Database,
    /// One OSV record.
    Record,
    /// Debian's document, and whatever is nothing of the others: it will say what it is not.
    Tracker,
}

fn kind_of(mut file: &File) -> io::Result<Kind> {
    // Alpine's documents have their release among the first few keys, records their id or schema.
    let mut beginning = Vec::new();
    file.take(4096).read_to_end(&mut beginning)?;
    file.seek(SeekFrom::Start(0))?;
    let has = |key: &[u8]| beginning.windows(key.len()).any(|part| part == key);
    Ok(if beginning.starts_with(b"PK") {
        Kind::Archive
    } else if has(b"\"distroversion\"") {
        Kind::Database
    } else if has(b"\"schema_version\"") || has(b"\"affected\"") || has(b"\"modified\"") {
        Kind::Record
    } else {
        Kind::Tracker
    })
}

/// The OSV records below a directory, by their paths. Links are not followed.
fn records_in(directory: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let trouble = |path: &Path, error: &io::Error| unreadable(&path.display().to_string(), error);
    let mut records = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).map_err(|error| trouble(&at, &error))? {
            let entry = entry.map_err(|error| trouble(&at, &error))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| trouble(&path, &error))?;
            let is_record = path
                .extension()
                .is_some_and(|extension| extension == "json");
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file() && is_record {
                if records.len() == MAX_FILES {
                    return Err(Failure::new(
                        Class::Refused,
                        "advisories",
                        format!("{} has more than {MAX_FILES} records", directory.display()),
                    ));
                }
                let file = File::open(&path).map_err(|error| trouble(&path, &error))?;
                let bytes = whole(file).map_err(|error| trouble(&path, &error))?;
                records.push((path.display().to_string(), bytes));
            }
        }
    }
    records.sort();
    Ok(records)
}

/// All of a file, from its beginning.
fn whole(mut file: File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    // One byte more than may be, so that a longer one is seen to be.
    file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(io::Error::other(format!(
            "it has more than {MAX_DOCUMENT} bytes"
        )));
    }
    Ok(bytes)
}

/// The day on which a file was changed: what is in some says nothing of its age.
fn changed(metadata: &fs::Metadata) -> String {
    let changed = metadata.modified().ok();
    let since = changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
    let milliseconds = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    day(milliseconds.unwrap_or(0))
}

fn unreadable(place: &str, error: &io::Error) -> Failure {
    let class = match error.kind() {
        io::ErrorKind::NotFound => Class::NotFound,
        _ => Class::Failed,
    };
    Failure::new(class, "advisories", format!("{place} cannot be read")).caused_by(error)
}

fn refused(error: &ImportError) -> Failure {
    Failure::new(
        Class::Refused,
        "advisories",
        "these advisories are not taken in, and what was here stays",
    )
    .caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        for (text, kind) in [
            (&b"PK\x03\x04"[..], Kind::Archive),
            (
                b"{\"apkurl\":\"x\",\"distroversion\":\"v3.19\"",
                Kind::Database,
            ),
            (b"{\"schema_version\":\"1.6\",\"id\":\"GO-1\"", Kind::Record),
            (b"{\"curl\":{\"CVE-2024-1\":{", Kind::Tracker),
            (b"", Kind::Tracker),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text).unwrap();
            file.rewind().unwrap();
            assert_eq!(kind_of(&file).unwrap(), kind, "{text:?}");
        }
    }
}
