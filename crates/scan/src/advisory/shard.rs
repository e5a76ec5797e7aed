//! All that is known in one stream, found by the name of a package.

use super::codec;
use super::model::{Advisory, End, Range};
use super::source::{AdvisorySource, is_day};
use super::strings::{Id, Numbered, Strings};
use crate::version::check;
use crate::{FixStatus, Severity, Stream};

/// All that is known in one stream. Equal advisories make equal shards, whatever order they come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    pub(super) stream: Stream,
    pub(super) sources: Vec<AdvisorySource>,
    pub(super) strings: Strings,
    pub(super) notices: Vec<Notice>,
    pub(super) packages: Vec<PackageEntries>,
    pub(super) entries: Vec<Record>,
    pub(super) digest: String,
}

/// Why there is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Something is missing from it, or has been changed.
    #[error("these advisories are torn: {0}")]
    Torn(&'static str),
    /// It was written by a newer version.
    #[error("these advisories are of format {found}, and this version reads {known}")]
    TooNew {
        /// Its format.
        found: u8,
        /// The newest that is read here.
        known: u8,
    },
    /// There is more in it than any stream has.
    #[error("these advisories are too many: {0}")]
    TooLarge(&'static str),
    /// Nobody says how old they are.
    #[error("advisories of {stream} from {location} have no date: {dated:?}")]
    Undated {
        /// What they are about.
        stream: Stream,
        /// Where they come from.
        location: String,
        /// What stands where the date should be.
        dated: String,
    },
}

/// What a record is called and says for all packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) id: Id,
    pub(super) cves: Vec<Id>,
    pub(super) aliases: Vec<Id>,
    pub(super) title: Id,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackageEntries {
    pub(super) name: Id,
    /// Where its entries end; they begin where those of the package before it end.
    pub(super) end: u32,
}

/// What a record says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) notice: u32,
    pub(super) status: FixStatus,
    pub(super) severity: Severity,
    pub(super) severity_from: Id,
    pub(super) module: Option<Id>,
    pub(super) ranges: Vec<Range<Id>>,
    pub(super) versions: Vec<Id>,
    /// Whether all versions in [`Record::ranges`] are well formed, so that their order means something.
    pub(super) sound: bool,
}

impl Shard {
    /// The shard of some advisories, whose sources say how old they are.
    ///
    /// # Errors
    /// A source has no date, or there are more advisories than a shard holds.
    pub fn new(
        stream: Stream,
        sources: Vec<AdvisorySource>,
        mut advisories: Vec<Advisory>,
    ) -> Result<Self, ShardError> {
        dated(&stream, &sources)?;
        for advisory in &mut advisories {
            advisory.ranges.sort();
            advisory.ranges.dedup();
            advisory.versions.sort();
            advisory.versions.dedup();
        }
        advisories.sort_by(|a, b| key(a).cmp(&key(b)));
        advisories.dedup();
        let too_many = || ShardError::TooLarge("more than fits into the form");
        let numbered = Numbered::of(advisories.iter().flat_map(texts));
        let mut shard = Self {
            strings: numbered.strings().ok_or_else(too_many)?,
            stream,
            sources,
            notices: Vec::new(),
            packages: Vec::new(),
            entries: Vec::new(),
            digest: String::new(),
        };
        let mut notices = std::collections::BTreeMap::new();
        for advisory in &advisories {
            let notice = Notice::of(advisory, &numbered);
            let next = u32::try_from(notices.len()).map_err(|_| too_many())?;
            let at = *notices.entry(notice.key()).or_insert(next);
            if at == next {
                shard.notices.push(notice);
            }
            let sound = shard.is_sound(&advisory.ranges);
            shard
                .entries
                .push(Record::of(advisory, at, sound, &numbered));
            let end = u32::try_from(shard.entries.len()).map_err(|_| too_many())?;
            let name = numbered.id(&advisory.package);
            match shard.packages.last_mut() {
                Some(last) if last.name == name => last.end = end,
                _ => shard.packages.push(PackageEntries { name, end }),
            }
        }
        shard.digest = codec::digest(&shard)?;
        Ok(shard)
    }

    /// The same, on the word of its sources that it is what they have on this day.
    ///
    /// # Errors
    /// That is no day.
    pub fn dated_on(&self, day: &str) -> Result<Self, ShardError> {
        let mut fresh = self.clone();
        for source in &mut fresh.sources {
            day.clone_into(&mut source.dated);
        }
        dated(&fresh.stream, &fresh.sources)?;
        fresh.digest = codec::digest(&fresh)?;
        Ok(fresh)
    }

    /// The file of a shard.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The shard of a file.
    ///
    /// # Errors
    /// The file is not what [`Shard::encode`] wrote, whoever changed it, or a newer version wrote it.
    pub fn decode(file: &[u8]) -> Result<Self, ShardError> {
        codec::decode(file)
    }

    /// What it is about.
    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Where it comes from.
    #[must_use]
    pub fn sources(&self) -> &[AdvisorySource] {
        &self.sources
    }

    /// How old it is: the date of its oldest source, `YYYY-MM-DD`.
    #[must_use]
    pub fn dated(&self) -> &str {
        let days = self.sources.iter().map(|source| source.dated.as_str());
        days.min().unwrap_or_default()
    }

    /// The SHA-256 of what it says, in hex: the same for the same advisories, however they are compressed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many entries there are: one for each package of each record.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known against a package.
    pub fn of<'a>(&'a self, package: &str) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let found = self
            .packages
            .binary_search_by(|one| self.strings.get(one.name).cmp(package));
        let entries = found.ok().map_or(&self.entries[..0], |at| {
            let start = at
                .checked_sub(1)
                .map_or(0, |before| self.packages[before].end);
            &self.entries[start as usize..self.packages[at].end as usize]
        });
        entries.iter().map(|record| Entry {
            shard: self,
            record,
        })
    }

    /// All of it, by the names of the packages.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Entry<'_>)> {
        let names = self.packages.iter().map(|one| self.strings.get(one.name));
        names.flat_map(|name| self.of(name).map(move |entry| (name, entry)))
    }

    pub(super) fn is_sound<S: AsRef<str>>(&self, ranges: &[Range<S>]) -> bool {
        let scheme = self.stream.ecosystem.scheme();
        let mut bounds = ranges.iter().flat_map(Range::bounds);
        bounds.all(|version| check(scheme, version.as_ref()).is_ok())
    }
}

/// Every source says when it was published.
pub(super) fn dated(stream: &Stream, sources: &[AdvisorySource]) -> Result<(), ShardError> {
    match sources.iter().find(|source| !is_day(&source.dated)) {
        None if !sources.is_empty() => Ok(()),
        undated => Err(ShardError::Undated {
            stream: stream.clone(),
            location: undated.map_or_else(String::new, |source| source.location.clone()),
            dated: undated.map_or_else(String::new, |source| source.dated.clone()),
        }),
    }
}

fn key(advisory: &Advisory) -> impl Ord + '_ {
    (
        (&advisory.package, &advisory.id, &advisory.module),
        (&advisory.ranges, &advisory.versions),
        (&advisory.cves, &advisory.aliases, &advisory.title),
        (advisory.status, advisory.severity, &advisory.severity_from),
    )
}

fn texts(advisory: &Advisory) -> impl Iterator<Item = &str> {
    let names = [
        &advisory.package,
        &advisory.id,
        &advisory.title,
        &advisory.severity_from,
    ];
    let lists = [&advisory.cves, &advisory.aliases, &advisory.versions];
    names
        .into_iter()
        .chain(lists.into_iter().flatten())
        .chain(&advisory.module)
        .chain(advisory.ranges.iter().flat_map(Range::bounds))
        .map(String::as_str)
}

impl Notice {
    fn of(advisory: &Advisory, numbered: &Numbered<'_>) -> Self {
        let ids = |texts: &[String]| texts.iter().map(|text| numbered.id(text)).collect();
        Self {
            id: numbered.id(&advisory.id),
            cves: ids(&advisory.cves),
            aliases: ids(&advisory.aliases),
            title: numbered.id(&advisory.title),
        }
    }

    fn key(&self) -> (Id, Id, Vec<Id>, Vec<Id>) {
        (self.id, self.title, self.cves.clone(), self.aliases.clone())
    }
}

impl Record {
    fn of(advisory: &Advisory, notice: u32, sound: bool, numbered: &Numbered<'_>) -> Self {
        let range = |range: &Range| Range {
            introduced: range
                .introduced
                .as_ref()
                .map(|version| numbered.id(version)),
            end: match &range.end {
                End::Open => End::Open,
                End::Fixed(version) => End::Fixed(numbered.id(version)),
                End::LastAffected(version) => End::LastAffected(numbered.id(version)),
            },
        };
        Self {
            notice,
            status: advisory.status,
            severity: advisory.severity,
            severity_from: numbered.id(&advisory.severity_from),
            module: advisory.module.as_ref().map(|module| numbered.id(module)),
            ranges: advisory.ranges.iter().map(range).collect(),
            versions: advisory
                .versions
                .iter()
                .map(|version| numbered.id(version))
                .collect(),
            sound,
        }
    }
}

/// What one record says of one package.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    shard: &'a Shard,
    record: &'a Record,
}

impl<'a> Entry<'a> {
    /// The record's own id.
    #[must_use]
    pub fn id(self) -> &'a str {
        self.text(self.notice().id)
    }

    /// The CVEs that it is about.
    pub fn cves(self) -> impl Iterator<Item = &'a str> {
        self.notice().cves.iter().map(move |id| self.text(*id))
    }

    /// What else it is called.
    pub fn aliases(self) -> impl Iterator<Item = &'a str> {
        self.notice().aliases.iter().map(move |id| self.text(*id))
    }

    /// One line of what it is about.
    #[must_use]
    pub fn title(self) -> &'a str {
        self.text(self.notice().title)
    }

    /// What becomes of it where a version has no fix.
    #[must_use]
    pub const fn status(self) -> FixStatus {
        self.record.status
    }

    /// How bad it is for this package, and who says so.
    #[must_use]
    pub fn severity(self) -> (Severity, &'a str) {
        (self.record.severity, self.text(self.record.severity_from))
    }

    /// The streams of modules that it is about, as [`Advisory::module`] has them.
    #[must_use]
    pub fn module(self) -> Option<&'a str> {
        self.record.module.map(|id| self.text(id))
    }

    /// The vulnerable versions, as spans.
    pub fn ranges(self) -> impl Iterator<Item = Range<&'a str>> {
        self.record.ranges.iter().map(move |range| Range {
            introduced: range.introduced.map(|id| self.text(id)),
            end: match range.end {
                End::Open => End::Open,
                End::Fixed(id) => End::Fixed(self.text(id)),
                End::LastAffected(id) => End::LastAffected(self.text(id)),
            },
        })
    }

    /// The vulnerable versions beside those.
    pub fn versions(self) -> impl Iterator<Item = &'a str> {
        self.record.versions.iter().map(move |id| self.text(*id))
    }

    /// Whether all versions in its spans are well formed, so that their order means something.
    #[must_use]
    pub const fn is_sound(self) -> bool {
        self.record.sound
    }

    fn notice(self) -> &'a Notice {
        &self.shard.notices[self.record.notice as usize]
    }

    fn text(self, id: Id) -> &'a str {
        self.shard.strings.get(id)
    }
}
