//! What importers have in common: the advisories by stream, what was left out and why, and when a
//! source is too bad to be used.

use std::collections::BTreeMap;

use super::model::Advisory;
use super::shard::{Shard, ShardError};
use super::source::{AdvisorySource, is_day};
use crate::Stream;

/// How many bad records are named.
const NAMED: usize = 50;

/// How many of a hundred records may be bad. A few are in every large source; where it is more, it is not
/// what it is taken for, and what it does not say would pass as safe.
const BAD_PERCENT: u64 = 3;

/// The most records that a source may have: three times all that OSV has for all ecosystems.
const MAX_RECORDS: u64 = 3_000_000;

/// The most that may be known of all packages by one source: ten times what all of Ubuntu has.
const MAX_ENTRIES: u64 = 10_000_000;

/// How many reasons for leaving something out are kept apart.
const MAX_REASONS: usize = 100;

/// What an import has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A shard for each stream that the source is about.
    pub shards: Vec<Shard>,
    /// What became of its records.
    pub report: ImportReport,
}

/// What became of a source's records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// How many there are.
    pub records: u64,
    /// How many entries they made: one for each package of each release.
    pub entries: u64,
    /// How many their publisher has withdrawn.
    pub withdrawn: u64,
    /// What is not used, by reason, and how often.
    pub left_out: BTreeMap<String, u64>,
    /// How many could not be read.
    pub bad: u64,
    /// Some of those.
    pub skipped: Vec<Skipped>,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its id, or where it stands.
    pub id: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why nothing of a source is used.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not what it should be, or damaged.
    #[error("the advisories of {location} cannot be read: {why}")]
    Unreadable {
        /// Where it is from.
        location: String,
        /// What is wrong.
        why: String,
    },
    /// There is nothing in it. What was cut short must not pass as a world without advisories.
    #[error("there are no advisories in {location}")]
    Nothing {
        /// Where it is from.
        location: String,
    },
    /// Too many of its records are bad.
    #[error("{bad} of {records} records of {location} cannot be read, {} among them: {}", first.id, first.why)]
    TooManyBad {
        /// Where it is from.
        location: String,
        /// How many.
        bad: u64,
        /// Of how many.
        records: u64,
        /// One of them.
        first: Skipped,
    },
    /// There is more in it than is read.
    #[error("there is too much in {location}: {limit}")]
    TooMuch {
        /// Where it is from.
        location: String,
        /// What there is too much of.
        limit: String,
    },
    /// What was read makes no shard.
    #[error(transparent)]
    Shard(#[from] ShardError),
}

/// Takes records until there are no more.
#[derive(Debug)]
pub(super) struct Collector {
    source: AdvisorySource,
    newest: String,
    advisories: BTreeMap<Stream, Vec<Advisory>>,
    report: ImportReport,
}

impl Collector {
    pub(super) fn new(source: &AdvisorySource) -> Self {
        Self {
            source: source.clone(),
            newest: String::new(),
            advisories: BTreeMap::new(),
            report: ImportReport::default(),
        }
    }

    /// One more record, good or bad.
    pub(super) fn record(&mut self) -> Result<(), ImportError> {
        self.report.records += 1;
        match self.report.records {
            ..=MAX_RECORDS => Ok(()),
            _ => Err(self.too_much(format!("more than {MAX_RECORDS} records"))),
        }
    }

    /// That the last record is bad.
    pub(super) fn bad(&mut self, id: &str, why: impl ToString) {
        self.report.bad += 1;
        if self.report.skipped.len() < NAMED {
            self.report.skipped.push(Skipped {
                id: short(id),
                why: short(&why.to_string()),
            });
        }
    }

    pub(super) fn withdrawn(&mut self) {
        self.report.withdrawn += 1;
    }

    /// That something is not used.
    pub(super) fn left_out(&mut self, why: &str) {
        let reasons = &mut self.report.left_out;
        let known = reasons.contains_key(why) || reasons.len() < MAX_REASONS;
        let why = if known {
            short(why)
        } else {
            "others".to_owned()
        };
        *reasons.entry(why).or_default() += 1;
    }

    /// That a record was changed on a day.
    pub(super) fn changed(&mut self, timestamp: &str) {
        let day = timestamp.get(..10).unwrap_or_default();
        if day > self.newest.as_str() && is_day(day) {
            self.newest = day.to_owned();
        }
    }

    pub(super) fn add(&mut self, stream: &Stream, advisory: Advisory) -> Result<(), ImportError> {
        self.report.entries += 1;
        if self.report.entries > MAX_ENTRIES {
            return Err(self.too_much(format!("more than {MAX_ENTRIES} entries")));
        }
        match self.advisories.get_mut(stream) {
            Some(advisories) => advisories.push(advisory),
            None => drop(self.advisories.insert(stream.clone(), vec![advisory])),
        }
        Ok(())
    }

    pub(super) fn too_much(&self, limit: String) -> ImportError {
        ImportError::TooMuch {
            location: self.source.location.clone(),
            limit,
        }
    }

    pub(super) fn unreadable(&self, why: impl ToString) -> ImportError {
        ImportError::Unreadable {
            location: self.source.location.clone(),
            why: short(&why.to_string()),
        }
    }

    pub(super) fn finish(self) -> Result<Imported, ImportError> {
        let (location, report) = (self.source.location.clone(), self.report);
        if report.records == 0 {
            return Err(ImportError::Nothing { location });
        }
        if let Some(first) = report.skipped.first()
            && report.bad * 100 > report.records * BAD_PERCENT
        {
            return Err(ImportError::TooManyBad {
                location,
                bad: report.bad,
                records: report.records,
                first: first.clone(),
            });
        }
        let mut source = self.source;
        if source.dated.is_empty() {
            source.dated = self.newest;
        }
        let shards = self
            .advisories
            .into_iter()
            .map(|(stream, advisories)| Shard::new(stream, vec![source.clone()], advisories));
        Ok(Imported {
            shards: shards.collect::<Result<_, _>>()?,
            report,
        })
    }
}

/// As much of a text as is shown of it.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ecosystem;

    fn collector() -> Collector {
        Collector::new(&AdvisorySource {
            location: "all.zip".to_owned(),
            ..AdvisorySource::default()
        })
    }

    #[test]
    fn a_few_bad_records_are_named_and_many_are_an_error() {
        for (bad, fine) in [(3, true), (4, false)] {
            let mut collector = collector();
            for _ in 0..100 {
                collector.record().unwrap();
            }
            for nth in 0..bad {
                collector.bad(&format!("GO-{nth}"), "no package");
            }
            collector.changed("2026-01-01T00:00:00Z");
            match collector.finish() {
                Ok(imported) => {
                    assert!(fine);
                    assert_eq!(imported.report.skipped[0].id, "GO-0");
                }
                Err(error) => {
                    assert!(!fine);
                    assert_eq!(
                        error.to_string(),
                        "4 of 100 records of all.zip cannot be read, GO-0 among them: no package"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_an_error() {
        assert!(matches!(
            collector().finish(),
            Err(ImportError::Nothing { .. })
        ));
    }

    #[test]
    fn the_date_is_that_of_the_newest_record_unless_the_source_has_one() {
        for (own, expected) in [("", "2026-03-01"), ("2026-05-05", "2026-05-05")] {
            let mut collector = collector();
            collector.source.dated = own.to_owned();
            collector.record().unwrap();
            for day in ["2026-03-01T10:00:00Z", "2026-01-01", "no day", "é"] {
                collector.changed(day);
            }
            let stream = Stream::new(Ecosystem::Go, "");
            collector
                .add(&stream, Advisory::new("stdlib", "GO-1"))
                .unwrap();
            assert_eq!(collector.finish().unwrap().shards[0].dated(), expected);
        }
    }
}
