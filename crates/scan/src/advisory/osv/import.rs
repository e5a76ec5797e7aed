//! Makes shards of OSV records.

use std::borrow::Cow;

use super::ecosystem::stream;
use super::module::module;
use super::names::{is_maintenance, names};
use super::ranges::{Bounds, ranges};
use super::rating::rating;
use super::record::{Affected, Record};
use crate::advisory::collect::{Collector, ImportError, Imported};
use crate::advisory::model::{Advisory, Range, title};
use crate::advisory::source::AdvisorySource;
use crate::matching::within;
use crate::{Ecosystem, FixStatus, Scheme, Stream};

/// The largest record that is read: one of a kernel with its history has 4 MB.
pub(super) const MAX_RECORD_BYTES: usize = 32 << 20;

/// The most names of one record: a notice about a kernel has 500.
const MAX_NAMES: usize = 10_000;

/// The longest name of a package, an id or a version that is kept.
const MAX_NAME_BYTES: usize = 512;

/// Makes shards of OSV records: each the bytes of one JSON file, with a name to report it by.
///
/// # Errors
/// There are none, too many of them are bad, or there is more than is read.
pub fn import_osv<'a>(
    records: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    source: &AdvisorySource,
) -> Result<Imported, ImportError> {
    let mut collector = Collector::new(source);
    for (name, json) in records {
        take(&mut collector, name, json)?;
    }
    collector.finish()
}

/// Takes one record.
pub(super) fn take(collector: &mut Collector, name: &str, json: &[u8]) -> Result<(), ImportError> {
    collector.record()?;
    if json.len() > MAX_RECORD_BYTES {
        collector.bad(name, "it is too large");
        return Ok(());
    }
    let record: Record = match serde_json::from_slice(json) {
        Ok(record) => record,
        Err(error) => {
            collector.bad(name, error);
            return Ok(());
        }
    };
    collector.changed(&record.modified);
    if record.withdrawn.is_some() {
        collector.withdrawn();
        return Ok(());
    }
    let names = names(&record);
    if is_maintenance(&record.id, &names) {
        collector.left_out("updates that mend no vulnerability");
        return Ok(());
    }
    if let Err(why) = plausible(&record, names.cves.len() + names.aliases.len()) {
        collector.bad(&record.id, why);
        return Ok(());
    }
    let text = if record.summary.is_empty() {
        &record.details
    } else {
        &record.summary
    };
    let mut advisory = Advisory {
        cves: names.cves,
        aliases: names.aliases,
        title: title(text),
        ..Advisory::new("", &record.id)
    };
    let mut complaint = None;
    for affected in &record.affected {
        match entry(&record, affected, &mut advisory) {
            Ok(stream) => collector.add(&stream, advisory.clone())?,
            Err(Unused::LeftOut(why)) => collector.left_out(&why),
            Err(Unused::Bad(why)) => complaint = Some(why),
        }
    }
    if let Some(why) = complaint {
        collector.bad(&record.id, why);
    }
    Ok(())
}

enum Unused {
    LeftOut(String),
    Bad(String),
}

/// What a record says of one package, in place of what it says of another.
fn entry(record: &Record, affected: &Affected, advisory: &mut Advisory) -> Result<Stream, Unused> {
    let Some(package) = &affected.package else {
        return Err(Unused::LeftOut("versions of no package".to_owned()));
    };
    let stream = stream(&package.ecosystem).map_err(Unused::LeftOut)?;
    let scheme = stream.ecosystem.scheme();
    advisory.package = match name(stream.ecosystem, &package.name) {
        name if name.is_empty() => return Err(Unused::Bad("a package has no name".to_owned())),
        name if name.len() > MAX_NAME_BYTES => {
            return Err(Unused::Bad("the name of a package is too long".to_owned()));
        }
        name => name.into_owned(),
    };
    advisory.ranges = ranges(affected, scheme).map_err(Unused::Bad)?;
    advisory.versions = beside(&affected.versions, &advisory.ranges, scheme);
    if advisory.ranges.is_empty() && advisory.versions.is_empty() {
        return Err(Unused::LeftOut(
            "packages without vulnerable versions".to_owned(),
        ));
    }
    let long = |version: &String| version.len() > MAX_NAME_BYTES;
    if advisory.ranges.iter().flat_map(Range::bounds).any(long) {
        return Err(Unused::Bad("a version is too long".to_owned()));
    }
    (advisory.severity, advisory.severity_from) = rating(record, affected, stream.ecosystem);
    advisory.module = match stream.ecosystem {
        Ecosystem::AlmaLinux | Ecosystem::RedHat | Ecosystem::RockyLinux => {
            module(&record.summary, &advisory.ranges)
        }
        _ => None,
    };
    advisory.status = match affected.ecosystem_specific.word() {
        Some("end-of-life") => FixStatus::EndOfLife,
        _ => FixStatus::Affected,
    };
    Ok(stream)
}

/// The vulnerable versions that no span has in it. Distributions list all of them, and the spans say it
/// already.
fn beside(versions: &[String], ranges: &[Bounds], scheme: Scheme) -> Vec<String> {
    let covered = |version: &str| {
        ranges
            .iter()
            .any(|range| within(scheme, version, &range.as_deref()).is_ok_and(|within| within))
    };
    versions
        .iter()
        .filter(|version| version.len() <= MAX_NAME_BYTES && !covered(version))
        .cloned()
        .collect()
}

/// The name that an inventory has for a package.
fn name(ecosystem: Ecosystem, name: &str) -> Cow<'_, str> {
    match ecosystem {
        Ecosystem::PyPI => Cow::Owned(normalised(name)),
        _ => Cow::Borrowed(name),
    }
}

/// The name of a Python project by PEP 503.
fn normalised(name: &str) -> String {
    let words = name.split(['-', '_', '.']);
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

fn plausible(record: &Record, names: usize) -> Result<(), String> {
    if record.id.is_empty() || record.id.len() > MAX_NAME_BYTES {
        return Err("it has no id".to_owned());
    }
    if names > MAX_NAMES {
        return Err(format!("it has more than {MAX_NAMES} names"));
    }
    let lists = [&record.aliases, &record.upstream, &record.related];
    match lists
        .into_iter()
        .flatten()
        .any(|name| name.len() > MAX_NAME_BYTES)
    {
        true => Err("one of its names is too long".to_owned()),
        false => Ok(()),
    }
}
