//! The advisories beside the workspace, brought into the forms that importers read.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use longshore_scan::{
    AdvisorySource, Imported, Scheme, compare_versions, import_osv, import_secdb,
};
use serde_json::{Value, json};

use crate::data::shared;

/// Files with their names.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The files of a compressed archive whose names end in one of these ways.
pub(crate) fn unpacked(archive: &Path, suffix: &str) -> Files {
    let mut xz = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()
        .expect("xz, of Debian's xz-utils");
    let mut files = Vec::new();
    let mut stdout = xz.stdout.take().unwrap();
    let mut archive = tar::Archive::new(&mut stdout);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if name.ends_with(suffix) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.push((name, content));
        }
    }
    // What follows the end of the archive, which xz would otherwise write to nobody.
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert!(xz.wait().unwrap().success());
    files
}

pub(crate) fn source(dated: &str) -> AdvisorySource {
    AdvisorySource {
        location: "../shared/scan/advisories".to_owned(),
        dated: dated.to_owned(),
        ..AdvisorySource::default()
    }
}

pub(crate) fn imported(files: &Files, dated: &str) -> Imported {
    let records = files
        .iter()
        .map(|(name, json)| (name.as_str(), json.as_slice()));
    import_osv(records, &source(dated)).unwrap()
}

/// AlmaLinux's own records, in the form of OSV.
pub(crate) fn almalinux() -> Option<Files> {
    let archive = shared("advisories/almalinux/almalinux-osv-2026-08-21.tar.xz")?;
    Some(unpacked(&archive, ".json"))
}

/// Go's own records, in the form of OSV.
pub(crate) fn go() -> Option<Files> {
    let archive = shared("advisories/golang/govulndb-osv-2026-08-21.tar.xz")?;
    Some(unpacked(&archive, ".json"))
}

/// The Python Packaging Authority's records: OSV in YAML.
pub(crate) fn pypi() -> Option<Files> {
    let archive = shared("advisories/pypa/pypa-2024-10-10.tar.xz")?;
    let mut files = unpacked(&archive, ".yaml");
    for (_, content) in &mut files {
        let record: Value = serde_saphyr::from_slice(content).unwrap();
        *content = serde_json::to_vec(&record).unwrap();
    }
    Some(files)
}

/// RustSec's records, whose requirements are brought into the events of OSV: where a version is in none of
/// the spans that are safe, it is vulnerable.
pub(crate) fn rustsec() -> Option<Files> {
    let archive = shared("advisories/rustsec/rustsec-2026-08-21.tar.xz")?;
    let mut files = unpacked(&archive, ".md");
    files.retain(|(name, _)| name.contains("crates/"));
    files.retain_mut(|(_, content)| {
        let text = String::from_utf8(std::mem::take(content)).unwrap();
        let front = text
            .split("```")
            .nth(1)
            .and_then(|part| part.strip_prefix("toml"));
        let record: toml::Value = toml::from_str(front.unwrap()).unwrap();
        let advisory = &record["advisory"];
        let versions = record
            .get("versions")
            .cloned()
            .unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        let spans = ["patched", "unaffected"]
            .into_iter()
            .filter_map(|list| versions.get(list)?.as_array())
            .flatten()
            .map(|requirement| safe(requirement.as_str().unwrap()));
        let events = events(spans.collect());
        let record = json!({
            "id": advisory["id"].as_str(),
            "modified": advisory["date"].as_str(),
            "withdrawn": advisory.get("withdrawn").and_then(toml::Value::as_str),
            "aliases": advisory.get("aliases").and_then(toml::Value::as_array),
            "affected": [{
                "package": {"ecosystem": "crates.io", "name": advisory["package"].as_str()},
                "ranges": [{"type": "SEMVER", "events": events}],
            }],
        });
        *content = serde_json::to_vec(&record).unwrap();
        true
    });
    Some(files)
}

/// The events of what is in none of these spans.
fn events(mut safe: Vec<Span>) -> Vec<Value> {
    let order = |one: &str, other: &str| compare_versions(Scheme::Semver, one, other).unwrap();
    safe.sort_by(|(one, _), (other, _)| order(one, other));
    let mut united: Vec<Span> = Vec::new();
    for (from, until) in safe {
        match united.last_mut() {
            // They overlap, or one begins where the other ends.
            Some((_, end)) if end.as_ref().is_none_or(|end| order(&from, end).is_le()) => {
                let is_longer = match (&*end, &until) {
                    (Some(end), Some(until)) => order(until, end).is_gt(),
                    (end, None) => end.is_some(),
                    (None, _) => false,
                };
                if is_longer {
                    *end = until;
                }
            }
            _ => united.push((from, until)),
        }
    }
    let mut events = Vec::new();
    if united.first().is_none_or(|(from, _)| from != "0") {
        events.push(json!({"introduced": "0"}));
    }
    for (from, until) in united {
        if from != "0" {
            events.push(json!({"fixed": from}));
        }
        events.extend(until.map(|until| json!({"introduced": until})));
    }
    events
}

/// The first version of a span, and the first one after it.
type Span = (String, Option<String>);

/// The versions that a requirement names.
fn safe(requirement: &str) -> Span {
    let mut from = "0".to_owned();
    let mut until = None;
    for comparison in requirement.split(',').map(str::trim) {
        let at = comparison.find(|c: char| c.is_ascii_digit()).unwrap();
        let (sign, version) = (comparison[..at].trim(), &comparison[at..]);
        let numbers: Vec<u64> = version
            .split(['.', '-'])
            .map_while(|part| part.parse().ok())
            .collect();
        let number = |nth: usize| numbers.get(nth).copied().unwrap_or(0);
        let whole = match version.split('.').count() {
            1 => format!("{version}.0.0"),
            2 => format!("{version}.0"),
            _ => version.to_owned(),
        };
        match sign {
            ">=" => from = whole,
            ">" => from = format!("{}.{}.{}", number(0), number(1), number(2) + 1),
            "<" => until = Some(whole),
            "<=" => until = Some(format!("{}.{}.{}", number(0), number(1), number(2) + 1)),
            "=" => {
                from = whole;
                until = Some(format!("{}.{}.{}", number(0), number(1), number(2) + 1));
            }
            "^" | "" => {
                from = whole;
                until = Some(match numbers[..] {
                    [0, 0, patch, ..] => format!("0.0.{}", patch + 1),
                    [0, minor, ..] => format!("0.{}.0", minor + 1),
                    _ => format!("{}.0.0", number(0) + 1),
                });
            }
            "~" => {
                from = whole;
                until = Some(format!("{}.{}.0", number(0), number(1) + 1));
            }
            other => panic!("{other} in {requirement}"),
        }
    }
    (from, until)
}

/// Debian's advisories of security updates, a line each, as records of OSV: what is fixed, not what is open.
pub(crate) fn debian_updates() -> Option<Files> {
    let file = shared("advisories/debian/debian-dsa-dla.tsv")?;
    let mut records: BTreeMap<String, (Vec<Value>, Vec<String>)> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [codename, package, fixed, id, cves] = fields[..] else {
            panic!("{line:?} has not five fields");
        };
        let release = match codename {
            "wheezy" => "7",
            "jessie" => "8",
            "stretch" => "9",
            "buster" => "10",
            "bullseye" => "11",
            _ => continue,
        };
        let (affected, all_cves) = records.entry(id.to_owned()).or_default();
        affected.push(json!({
            "package": {"ecosystem": format!("Debian:{release}"), "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }));
        all_cves.extend(
            cves.split(',')
                .filter(|cve| !cve.is_empty())
                .map(str::to_owned),
        );
    }
    let file = |(id, (affected, related)): (String, (Vec<Value>, Vec<String>))| {
        let record = json!({"id": id, "related": related, "affected": affected});
        (id, serde_json::to_vec(&record).unwrap())
    };
    Some(records.into_iter().map(file).collect())
}

/// A release of Alpine, from databases in the YAML that its JSON is made of.
pub(crate) fn alpine(release: &str) -> Option<Imported> {
    let databases = alpine_files(release)?;
    let databases = databases
        .iter()
        .map(|(name, json)| (name.as_str(), json.as_slice()));
    Some(import_secdb(databases, &source("2020-06-08")).unwrap())
}

/// The same as the JSON that is published.
pub(crate) fn alpine_files(release: &str) -> Option<Files> {
    let folder = shared("advisories/alpine")?.join(release);
    let databases = ["main.yaml", "community.yaml"].into_iter();
    let json = databases.map(|name| {
        let yaml = std::fs::read(folder.join(name)).unwrap();
        let database: Value = serde_saphyr::from_slice(&yaml).unwrap();
        (name.to_owned(), serde_json::to_vec(&database).unwrap())
    });
    Some(json.collect())
}
