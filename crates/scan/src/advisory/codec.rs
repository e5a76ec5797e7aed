//! The file of a shard:
//!
//! ```text
//! "LSHADV\r\n"  8 bytes, with the line end that a transfer as text would spoil
//! format        1 byte
//! digest        32 bytes, the SHA-256 of header and body
//! header        4 bytes of length (little endian), then JSON: the stream and its sources
//! body          4 bytes of length, then as many bytes once what follows to the end, a zstd frame, is decompressed
//! ```
//!
//! The body is numbers in LEB128, and texts: all texts in their order, the records, the packages in
//! their order with their entries. Whatever is wrong with a file, it is refused, and no length in it makes
//! anything larger than [`MAX_BODY_BYTES`] and a small multiple of it.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::model::{End, Range};
use super::shard::{Notice, PackageEntries, Record, Shard, ShardError, dated};
use super::source::AdvisorySource;
use super::strings::Strings;
use crate::{FixStatus, Severity, Stream};

/// The version of the file.
pub const SHARD_FORMAT: u8 = 1;

/// The largest file that is read: the largest here, all of Go, has 220 KB.
pub const MAX_SHARD_BYTES: usize = 16 << 20;

/// The most that a file may decompress to: 40 times AlmaLinux 8, and several times what a release of Debian
/// or Ubuntu has. What is made of it in memory is at most eight times as large.
const MAX_BODY_BYTES: usize = 32 << 20;

/// The longest header: a stream and a few sources.
const MAX_HEADER_BYTES: usize = 64 << 10;

const MAGIC: &[u8; 8] = b"LSHADV\r\n";

/// Slow to write and small: a shard is written once a day and read at every scan.
const LEVEL: i32 = 19;

#[derive(Serialize, Deserialize)]
struct Header {
    stream: Stream,
    sources: Vec<AdvisorySource>,
}

/// The digest of a shard that is complete but for it.
pub(super) fn digest(shard: &Shard) -> Result<String, ShardError> {
    let (header, body) = (header(shard), body(shard));
    if body.len() > MAX_BODY_BYTES || header.len() > MAX_HEADER_BYTES {
        return Err(ShardError::TooLarge("more than is read from one file"));
    }
    Ok(hex(&sha256(&header, &body)))
}

pub(super) fn encode(shard: &Shard) -> Vec<u8> {
    let (header, body) = (header(shard), body(shard));
    let mut file = MAGIC.to_vec();
    file.push(SHARD_FORMAT);
    file.extend(sha256(&header, &body));
    file.extend(length(header.len()));
    file.extend(&header);
    file.extend(length(body.len()));
    let frame = zstd::bulk::compress(&body, LEVEL);
    file.extend(frame.expect("a level that zstd has, and memory for what is in memory already"));
    file
}

pub(super) fn decode(file: &[u8]) -> Result<Shard, ShardError> {
    let torn = ShardError::Torn;
    if file.len() > MAX_SHARD_BYTES {
        return Err(ShardError::TooLarge(
            "the file is larger than any that is written",
        ));
    }
    let rest = file
        .strip_prefix(MAGIC)
        .ok_or(torn("it does not begin as advisories do"))?;
    let (&format, rest) = rest.split_first().ok_or(torn("it ends in its header"))?;
    if format > SHARD_FORMAT {
        return Err(ShardError::TooNew {
            found: format,
            known: SHARD_FORMAT,
        });
    }
    if format == 0 {
        return Err(torn("no version has written this format"));
    }
    let (digest, rest) = rest
        .split_at_checked(32)
        .ok_or(torn("it ends in its header"))?;
    let (header_length, rest) = take_length(rest)?;
    if header_length > MAX_HEADER_BYTES {
        return Err(torn("its header is too long"));
    }
    let (header, rest) = rest
        .split_at_checked(header_length)
        .ok_or(torn("it ends in its header"))?;
    let (body_length, frame) = take_length(rest)?;
    if body_length > MAX_BODY_BYTES {
        return Err(ShardError::TooLarge(
            "it says that it decompresses to more than is read",
        ));
    }
    let body = zstd::bulk::decompress(frame, body_length)
        .map_err(|_| torn("it cannot be decompressed"))?;
    if body.len() != body_length || sha256(header, &body) != digest {
        return Err(torn("it is not what its digest says"));
    }
    let header: Header =
        serde_json::from_slice(header).map_err(|_| torn("its header is not understood"))?;
    dated(&header.stream, &header.sources)?;
    let digest = hex(digest);
    Reader { rest: &body }
        .shard(header, digest)
        .ok_or(torn("its numbers do not fit together"))
}

fn header(shard: &Shard) -> Vec<u8> {
    let header = Header {
        stream: shard.stream.clone(),
        sources: shard.sources.clone(),
    };
    serde_json::to_vec(&header).expect("texts and lists of texts are JSON")
}

fn body(shard: &Shard) -> Vec<u8> {
    let mut body = Writer(Vec::new());
    body.count(shard.strings.len());
    shard.strings.iter().for_each(|text| body.count(text.len()));
    for text in shard.strings.iter() {
        body.0.extend(text.as_bytes());
    }
    body.count(shard.notices.len());
    for notice in &shard.notices {
        body.number(notice.id);
        body.numbers(&notice.cves);
        body.numbers(&notice.aliases);
        body.number(notice.title);
    }
    body.count(shard.packages.len());
    let mut start = 0;
    for package in &shard.packages {
        body.number(package.name);
        body.number(package.end - start);
        start = package.end;
    }
    shard.entries.iter().for_each(|record| body.record(record));
    body.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u32) {
        while let more @ 1.. = number >> 7 {
            self.0.push(0x80 | low_bits(number));
            number = more;
        }
        self.0.push(low_bits(number));
    }

    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).expect("texts and entries were counted in 32 bits"));
    }

    fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        numbers.iter().for_each(|number| self.number(*number));
    }

    fn optional(&mut self, number: Option<u32>) {
        self.number(number.map_or(0, |number| number + 1));
    }

    fn record(&mut self, record: &Record) {
        self.number(record.notice);
        let status = STATUSES.iter().position(|one| *one == record.status);
        let severity = Severity::WORST_FIRST
            .iter()
            .position(|one| *one == record.severity);
        self.count(status.unwrap_or_default() << 1 | usize::from(record.sound));
        self.count(severity.unwrap_or_default());
        self.number(record.severity_from);
        self.optional(record.module);
        self.count(record.ranges.len());
        for range in &record.ranges {
            self.optional(range.introduced);
            match range.end {
                End::Open => self.number(0),
                End::Fixed(version) => self.numbers(&[version]),
                End::LastAffected(version) => {
                    self.number(2);
                    self.number(version);
                }
            }
        }
        self.numbers(&record.versions);
    }
}

/// The words of the file, by their number; a new one goes to the end.
const STATUSES: [FixStatus; 6] = [
    FixStatus::Fixed,
    FixStatus::Affected,
    FixStatus::UnderInvestigation,
    FixStatus::WillNotFix,
    FixStatus::FixDeferred,
    FixStatus::EndOfLife,
];

fn low_bits(number: u32) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// What is left of a body. Whatever is read takes a byte at least, so that no list is longer than it.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn shard(mut self, header: Header, digest: String) -> Option<Shard> {
        let strings = self.strings()?;
        let notices = self.list(|it| {
            Some(Notice {
                id: it.below(strings.len())?,
                cves: it.list(|it| it.below(strings.len()))?,
                aliases: it.list(|it| it.below(strings.len()))?,
                title: it.below(strings.len())?,
            })
        })?;
        let mut end = 0u32;
        let packages = self.list(|it| {
            let name = it.below(strings.len())?;
            end = end.checked_add(it.number()?)?;
            Some(PackageEntries { name, end })
        })?;
        if !packages.is_sorted_by(|a, b| a.name < b.name && a.end <= b.end) {
            return None;
        }
        let count = usize::try_from(end)
            .ok()
            .filter(|count| *count <= self.rest.len())?;
        let entries = (0..count).map(|_| self.record(&strings, notices.len()));
        let entries = entries.collect::<Option<Vec<_>>>()?;
        self.rest.is_empty().then_some(Shard {
            stream: header.stream,
            sources: header.sources,
            strings,
            notices,
            packages,
            entries,
            digest,
        })
    }

    fn strings(&mut self) -> Option<Strings> {
        let mut end = 0u32;
        let ends = self.list(|it| {
            end = end.checked_add(it.number()?)?;
            Some(end)
        })?;
        let (text, rest) = self.rest.split_at_checked(usize::try_from(end).ok()?)?;
        self.rest = rest;
        let strings = Strings::of_parts(String::from_utf8(text.to_vec()).ok()?, ends)?;
        let ordered = strings.iter().is_sorted_by(|a, b| a < b);
        ordered.then_some(strings)
    }

    fn record(&mut self, strings: &Strings, notices: usize) -> Option<Record> {
        let texts = strings.len();
        let notice = self.below(notices)?;
        let flags = self.below(STATUSES.len() << 1)?;
        let severity = self.below(Severity::WORST_FIRST.len())?;
        Some(Record {
            notice,
            status: STATUSES[(flags >> 1) as usize],
            sound: flags & 1 == 1,
            severity: Severity::WORST_FIRST[severity as usize],
            severity_from: self.below(texts)?,
            module: self.optional(texts)?,
            ranges: self.list(|it| it.range(texts))?,
            versions: self.list(|it| it.below(texts))?,
        })
    }

    fn range(&mut self, texts: usize) -> Option<Range<u32>> {
        Some(Range {
            introduced: self.optional(texts)?,
            end: match self.number()? {
                0 => End::Open,
                1 => End::Fixed(self.below(texts)?),
                2 => End::LastAffected(self.below(texts)?),
                _ => return None,
            },
        })
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok()?;
        if count > self.rest.len() {
            return None;
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(one(self)?);
        }
        Some(list)
    }

    fn below(&mut self, limit: usize) -> Option<u32> {
        self.number().filter(|number| (*number as usize) < limit)
    }

    fn optional(&mut self, limit: usize) -> Option<Option<u32>> {
        match self.number()?.checked_sub(1) {
            None => Some(None),
            Some(number) if (number as usize) < limit => Some(Some(number)),
            Some(_) => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0u32;
        for shift in (0..32).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let bits = u32::from(byte & 0x7f);
            number |= bits
                .checked_shl(shift)
                .filter(|shifted| shifted >> shift == bits)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

fn length(length: usize) -> [u8; 4] {
    let length = u32::try_from(length).expect("what is longer was refused when the shard was made");
    length.to_le_bytes()
}

fn take_length(bytes: &[u8]) -> Result<(usize, &[u8]), ShardError> {
    let (length, rest) = bytes
        .split_first_chunk()
        .ok_or(ShardError::Torn("it ends in its header"))?;
    Ok((u32::from_le_bytes(*length) as usize, rest))
}

fn sha256(header: &[u8], body: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(header);
    context.update(body);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ecosystem;
    use crate::advisory::model::Advisory;

    fn shard() -> Shard {
        let mut first = Advisory::new("openssl", "ALSA-2022:1");
        first.cves = vec!["CVE-2022-1".to_owned(), "CVE-2022-2".to_owned()];
        first.ranges = vec![Range::before("1:3.0.7-24.el9")];
        (first.severity, first.severity_from) = (Severity::High, "AlmaLinux".to_owned());
        let mut second = Advisory::new("nodejs", "ALSA-2022:2");
        second.ranges = vec![
            Range {
                introduced: Some("1".to_owned()),
                end: End::LastAffected("2".to_owned()),
            },
            Range::all(),
        ];
        second.versions = vec!["7".to_owned(), "9".to_owned()];
        second.status = FixStatus::EndOfLife;
        second.module = Some("nodejs:18".to_owned());
        second.title = "Ein Titel: é".to_owned();
        let source = AdvisorySource {
            location: "all.zip".to_owned(),
            dated: "2026-08-21".to_owned(),
            ..AdvisorySource::default()
        };
        let stream = Stream::new(Ecosystem::AlmaLinux, "9");
        let other = Advisory {
            package: "openssl-libs".to_owned(),
            ..first.clone()
        };
        Shard::new(stream, vec![source], vec![other, second, first]).unwrap()
    }

    #[test]
    fn a_shard_is_read_back_as_it_was() {
        let shard = shard();
        let read = Shard::decode(&shard.encode()).unwrap();
        assert_eq!(read, shard);
        assert_eq!((read.len(), read.notices.len()), (3, 2));
        let entry = read.of("nodejs").next().unwrap();
        assert_eq!(entry.title(), "Ein Titel: é");
        assert_eq!(entry.module(), Some("nodejs:18"));
        assert_eq!(entry.ranges().count(), 2);
        assert_eq!(entry.status(), FixStatus::EndOfLife);
        assert_eq!(read.of("openssl-libs").next().unwrap().cves().count(), 2);
        assert_eq!(read.of("openss").count(), 0);
    }

    #[test]
    fn what_is_cut_or_changed_is_refused_or_is_still_the_same() {
        let file = shard().encode();
        for end in 0..file.len() {
            assert!(Shard::decode(&file[..end]).is_err(), "cut at {end}");
        }
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                // zstd has a bit that says nothing.
                let read = Shard::decode(&changed);
                assert!(
                    read.is_err() || read == Ok(shard()),
                    "bit {bit} of byte {at}"
                );
            }
        }
        let mut longer = file;
        longer.push(0);
        assert!(Shard::decode(&longer).is_err());
    }

    #[test]
    fn a_newer_format_is_told_apart_from_a_torn_file() {
        let mut file = shard().encode();
        file[MAGIC.len()] = SHARD_FORMAT + 1;
        assert!(matches!(
            Shard::decode(&file),
            Err(ShardError::TooNew { .. })
        ));
    }

    #[test]
    fn what_claims_to_be_large_is_refused_before_it_is_read() {
        let mut file = shard().encode();
        let header = file[MAGIC.len() + 33..][..4].try_into().unwrap();
        let body_length = MAGIC.len() + 37 + u32::from_le_bytes(header) as usize;
        file[body_length..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Shard::decode(&file), Err(ShardError::TooLarge(_))));
    }

    /// A body of these bytes, under a digest that is right.
    fn with_body(body: &[u8]) -> Result<Shard, ShardError> {
        let header = header(&shard());
        let mut file = MAGIC.to_vec();
        file.push(SHARD_FORMAT);
        file.extend(sha256(&header, body));
        file.extend(length(header.len()));
        file.extend(&header);
        file.extend(length(body.len()));
        file.extend(zstd::bulk::compress(body, 1).unwrap());
        Shard::decode(&file)
    }

    #[test]
    fn numbers_that_do_not_fit_together_are_refused_under_a_right_digest() {
        let good = body(&shard());
        assert!(with_body(&good).is_ok());
        // One byte at a time, to values that point elsewhere: nothing panics, and what is accepted can
        // be gone through.
        for at in 0..good.len() {
            for value in [0, 1, 2, 3, 0x7f, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] = value;
                if let Ok(shard) = with_body(&changed) {
                    for (_, entry) in shard.entries() {
                        assert!(entry.cves().count() + entry.ranges().count() < 100);
                        let _ = (entry.id(), entry.title(), entry.severity());
                    }
                }
            }
        }
        assert!(with_body(&[0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
        assert!(with_body(&[0xff; 6]).is_err());
    }

    #[test]
    fn advisories_without_a_date_make_no_shard() {
        for dated in ["", "2026", "2026-13-01", "yesterday"] {
            let source = AdvisorySource {
                dated: dated.to_owned(),
                ..AdvisorySource::default()
            };
            let stream = Stream::new(Ecosystem::Go, "");
            let made = Shard::new(stream, vec![source], Vec::new());
            assert!(matches!(made, Err(ShardError::Undated { .. })), "{dated}");
        }
    }
}
