//! Debian's security tracker: `https://security-tracker.debian.org/tracker/data/json`, by source package, by
//! vulnerability, by release.
//!
//! What is open counts, whatever becomes of it; what is undetermined does not, nor what was never in a
//! release (a fix in version `0`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::codename;
use super::collect::{Collector, ImportError, Imported};
use super::model::{Advisory, Range, title};
use super::severity::of_word;
use super::source::AdvisorySource;
use crate::{Ecosystem, FixStatus, Severity, Stream};

/// The largest that is read: the tracker has 70 MB.
const MAX_BYTES: usize = 512 << 20;

/// The longest name, id or version.
const MAX_TEXT_BYTES: usize = 512;

/// Makes a shard for each release of Debian. The tracker says nothing of its age: it is that of `source`.
///
/// # Errors
/// It is no such file, it is empty, too many of its records are bad, or there is more in it than is read.
pub fn import_tracker(json: &[u8], source: &AdvisorySource) -> Result<Imported, ImportError> {
    let mut packages = Packages {
        collector: Collector::new(source),
        failure: None,
    };
    if json.len() > MAX_BYTES {
        let limit = format!("it is larger than {MAX_BYTES} bytes");
        return Err(packages.collector.too_much(limit));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = packages
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    match (packages.failure, read) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err(packages.collector.unreadable(error)),
        (None, Ok(())) => packages.collector.finish(),
    }
}

/// What the file is: a map, of which one package at a time is in memory.
struct Packages {
    collector: Collector,
    /// What ended the reading, which an error of the deserializer could not carry.
    failure: Option<ImportError>,
}

impl<'de> DeserializeSeed<'de> for &mut Packages {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Packages {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source packages with their vulnerabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((package, records)) = map.next_entry::<String, BTreeMap<String, Value>>()? {
            for (id, record) in records {
                if let Err(failure) = take(&mut self.collector, &package, &id, record) {
                    self.failure = Some(failure);
                    return Err(serde::de::Error::custom("it is not read to its end"));
                }
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    description: Option<String>,
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    /// Why there is no advisory of its own, in words; there at all if it was decided that there is none.
    #[serde(default)]
    nodsa: Option<String>,
    /// `ignored`, `postponed`, or nothing more.
    #[serde(default)]
    nodsa_reason: Option<String>,
}

fn take(
    collector: &mut Collector,
    package: &str,
    id: &str,
    record: Value,
) -> Result<(), ImportError> {
    collector.record()?;
    let name = format!("{id} of {package}");
    if [package, id]
        .into_iter()
        .any(|text| text.is_empty() || text.len() > MAX_TEXT_BYTES)
    {
        collector.bad(&name, "a name is empty or too long");
        return Ok(());
    }
    let record: Record = match serde_json::from_value(record) {
        Ok(record) => record,
        Err(error) => {
            collector.bad(&name, error);
            return Ok(());
        }
    };
    let mut advisory = Advisory::new(package, id);
    advisory.title = title(record.description.as_deref().unwrap_or_default());
    let mut complaint = None;
    for (codename, release) in &record.releases {
        let Some(number) = codename::release(codename) else {
            collector.left_out(&format!("the release {codename}, which has no number"));
            continue;
        };
        match state(release) {
            Ok(Some((range, status))) => {
                (advisory.ranges, advisory.status) = (vec![range], status);
                (advisory.severity, advisory.severity_from) = severity(release);
                let stream = Stream::new(Ecosystem::Debian, number);
                collector.add(&stream, advisory.clone())?;
            }
            Ok(None) => {}
            Err(why) => complaint = Some(format!("{codename}: {why}")),
        }
    }
    if let Some(why) = complaint {
        collector.bad(&name, why);
    }
    Ok(())
}

/// The vulnerable versions in a release and what becomes of them; nothing where none are known to be.
fn state(release: &Release) -> Result<Option<(Range, FixStatus)>, String> {
    match (release.status.as_str(), release.fixed_version.as_deref()) {
        ("undetermined", _) | ("resolved", Some("0")) => Ok(None),
        ("resolved", Some(fixed)) if !fixed.is_empty() && fixed.len() <= MAX_TEXT_BYTES => {
            Ok(Some((Range::before(fixed), FixStatus::Fixed)))
        }
        ("resolved", _) => Err("it is resolved in no version".to_owned()),
        ("open", _) => Ok(Some((Range::all(), open(release)))),
        (other, _) => Err(format!("{other:?} is no status")),
    }
}

fn open(release: &Release) -> FixStatus {
    if release.urgency.as_deref() == Some("end-of-life") {
        return FixStatus::EndOfLife;
    }
    match (&release.nodsa, release.nodsa_reason.as_deref()) {
        (_, Some("postponed")) => FixStatus::FixDeferred,
        (Some(_), _) | (_, Some("ignored")) => FixStatus::WillNotFix,
        (None, _) => FixStatus::Affected,
    }
}

fn severity(release: &Release) -> (Severity, String) {
    match release.urgency.as_deref().and_then(of_word) {
        Some(severity) => (severity, Ecosystem::Debian.as_str().to_owned()),
        None => (Severity::Unknown, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::End;

    fn import(json: &str) -> Result<Imported, ImportError> {
        let source = AdvisorySource {
            dated: "2026-11-01".to_owned(),
            ..AdvisorySource::default()
        };
        import_tracker(json.as_bytes(), &source)
    }

    /// What is known of a package in bookworm, with this said of it.
    fn bookworm(release: &str) -> Option<(FixStatus, Severity, bool)> {
        let json = format!(
            r#"{{"glibc": {{"CVE-2026-1": {{"description": "A text", "releases": {{"bookworm": {release}}}}}}}}}"#
        );
        let imported = import(&json).unwrap();
        let entry = imported.shards.first()?.of("glibc").next()?;
        let open = entry.ranges().next().unwrap().end == End::Open;
        Some((entry.status(), entry.severity().0, open))
    }

    #[test]
    fn what_is_open_counts_with_what_becomes_of_it() {
        for (release, expected) in [
            (
                r#"{"status": "open", "urgency": "not yet assigned"}"#,
                Some((FixStatus::Affected, Severity::Unknown, true)),
            ),
            (
                r#"{"status": "open", "urgency": "high**", "nodsa": "Minor issue", "nodsa_reason": ""}"#,
                Some((FixStatus::WillNotFix, Severity::High, true)),
            ),
            (
                r#"{"status": "open", "urgency": "medium", "nodsa": "", "nodsa_reason": "ignored"}"#,
                Some((FixStatus::WillNotFix, Severity::Medium, true)),
            ),
            (
                r#"{"status": "open", "urgency": "low", "nodsa": "x", "nodsa_reason": "postponed"}"#,
                Some((FixStatus::FixDeferred, Severity::Low, true)),
            ),
            (
                r#"{"status": "open", "urgency": "end-of-life"}"#,
                Some((FixStatus::EndOfLife, Severity::Unknown, true)),
            ),
            (
                r#"{"status": "open", "urgency": "unimportant"}"#,
                Some((FixStatus::Affected, Severity::Low, true)),
            ),
            (
                r#"{"status": "resolved", "fixed_version": "2.36-9", "urgency": "high"}"#,
                Some((FixStatus::Fixed, Severity::High, false)),
            ),
            (
                r#"{"status": "resolved", "fixed_version": "0", "urgency": "high"}"#,
                None,
            ),
            (r#"{"status": "undetermined", "urgency": "high"}"#, None),
        ] {
            assert_eq!(bookworm(release), expected, "{release}");
        }
    }

    #[test]
    fn releases_have_their_numbers_and_sid_is_left_out() {
        let releases = r#"{"bookworm": {"status": "open"}, "trixie": {"status": "open"}, "sid": {"status": "open"}}"#;
        let imported = import(&format!(
            r#"{{"a": {{"CVE-2026-1": {{"releases": {releases}}}}}}}"#
        ))
        .unwrap();
        let streams: Vec<_> = imported
            .shards
            .iter()
            .map(|it| it.stream().to_string())
            .collect();
        assert_eq!(streams, ["Debian:12", "Debian:13"]);
        assert_eq!(imported.report.left_out.values().sum::<u64>(), 1);
    }

    #[test]
    fn a_bad_record_is_named_and_the_rest_is_read() {
        let good: Vec<_> = (0..100)
            .map(|nth| {
                format!(r#""CVE-2026-{nth}": {{"releases": {{"trixie": {{"status": "open"}}}}}}"#)
            })
            .collect();
        let bad =
            r#""CVE-2025-1": {"releases": {"trixie": {"status": "resolved"}}}, "CVE-2025-2": 7"#;
        let imported = import(&format!(r#"{{"a": {{{}, {bad}}}}}"#, good.join(","))).unwrap();
        assert_eq!((imported.report.records, imported.report.bad), (102, 2));
        assert_eq!(imported.report.skipped[0].id, "CVE-2025-1 of a");
        assert_eq!(imported.shards[0].len(), 100);
    }

    #[test]
    fn a_file_that_ends_in_the_middle_is_refused() {
        let whole = r#"{"a": {"CVE-2026-1": {"releases": {"trixie": {"status": "open"}}}}}"#;
        assert!(import(whole).is_ok());
        for end in 0..whole.len() {
            assert!(import(&whole[..end]).is_err(), "cut at {end}");
        }
        assert!(import(&format!("{whole}{whole}")).is_err());
        assert!(matches!(import("{}"), Err(ImportError::Nothing { .. })));
    }
}
