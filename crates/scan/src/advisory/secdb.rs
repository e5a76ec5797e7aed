//! Alpine's security database: `https://secdb.alpinelinux.org/v3.19/main.json`.
//!
//! It lists, for a release and repository, in which version of which source package something was fixed. What
//! is not fixed is not in it.

use serde::Deserialize;
use serde_json::Value;

use super::collect::{Collector, ImportError, Imported};
use super::model::{Advisory, Range};
use super::source::AdvisorySource;
use crate::{Ecosystem, Stream};

/// The largest database that is read: that of v3.22's community has 1 MB.
const MAX_BYTES: usize = 64 << 20;

/// The longest name, version or line of ids.
const MAX_TEXT_BYTES: usize = 512;

#[derive(Deserialize)]
struct Database {
    distroversion: String,
    #[serde(default)]
    packages: Option<Vec<Value>>,
}

/// Makes the shard of a release of Alpine from databases of its repositories, `main` and `community`, each
/// the bytes of one JSON file, with a name to report it by.
///
/// The databases say nothing of their age: it is that of `source`.
///
/// # Errors
/// One is none, they are empty, too many of their packages are bad, or there is more in them than is read.
pub fn import_secdb<'a>(
    databases: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    source: &AdvisorySource,
) -> Result<Imported, ImportError> {
    let mut collector = Collector::new(source);
    for (name, json) in databases {
        if json.len() > MAX_BYTES {
            return Err(collector.too_much(format!("{name} is larger than {MAX_BYTES} bytes")));
        }
        let database: Database = serde_json::from_slice(json)
            .map_err(|error| collector.unreadable(format!("{name}: {error}")))?;
        let release = database.distroversion;
        if release.is_empty() || release.len() > MAX_TEXT_BYTES {
            return Err(collector.unreadable(format!("{name}: it names no release")));
        }
        let stream = Stream::new(Ecosystem::Alpine, &release);
        for (nth, package) in database.packages.unwrap_or_default().iter().enumerate() {
            collector.record()?;
            let place = format!("{name}, package {nth}");
            take(&mut collector, &stream, package, &place)?;
        }
    }
    collector.finish()
}

fn take(
    collector: &mut Collector,
    stream: &Stream,
    package: &Value,
    place: &str,
) -> Result<(), ImportError> {
    let package = &package["pkg"];
    let Some(name) = package["name"].as_str().filter(|name| is_text(name)) else {
        collector.bad(place, "it has no name");
        return Ok(());
    };
    let fixes = match &package["secfixes"] {
        Value::Object(fixes) => fixes,
        // A package whose last fix was taken back.
        Value::Null => return Ok(()),
        Value::Array(none) if none.is_empty() => return Ok(()),
        _ => {
            collector.bad(name, "its fixes are no list of versions");
            return Ok(());
        }
    };
    for (version, lines) in fixes {
        // It was never vulnerable.
        if version == "0" {
            continue;
        }
        let lines = match lines {
            Value::Array(lines) => lines.as_slice(),
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        for line in lines {
            let advisories = line.as_str().filter(|line| is_text(line)).map(ids);
            let Some(ids) = advisories.filter(|ids| !ids.is_empty() && is_text(version)) else {
                collector.bad(name, format!("{line} is no list of ids"));
                return Ok(());
            };
            collector.add(stream, advisory(name, version, &ids))?;
        }
    }
    Ok(())
}

/// What a line is about: CVEs, or what else it names where it names none.
fn advisory(package: &str, fixed: &str, ids: &[&str]) -> Advisory {
    let (cves, others): (Vec<&str>, Vec<&str>) =
        ids.iter().copied().partition(|id| id.starts_with("CVE-"));
    let id = cves.first().or(others.first()).copied().unwrap_or_default();
    let mut advisory = Advisory::new(package, id);
    advisory.cves = cves.into_iter().map(str::to_owned).collect();
    let aliases = others.into_iter().filter(|other| *other != id);
    advisory.aliases = aliases.map(str::to_owned).collect();
    advisory.ranges = vec![Range::before(fixed)];
    advisory
}

/// The ids of a line: `CVE-2018-19961 XSA-275 (+ regression fix)`.
fn ids(line: &str) -> Vec<&str> {
    let words = line.split([' ', '\t', ',', ';', '/']);
    let bare = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    bare.filter(|word| is_id(word)).collect()
}

/// Letters, a hyphen, and then a number somewhere.
fn is_id(word: &str) -> bool {
    let Some((publisher, rest)) = word.split_once('-') else {
        return false;
    };
    publisher.len() >= 2
        && publisher.bytes().all(|byte| byte.is_ascii_uppercase())
        && rest.bytes().any(|byte| byte.is_ascii_digit())
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte))
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::End;

    fn import(json: &str) -> Result<Imported, ImportError> {
        let source = AdvisorySource {
            dated: "2020-06-08".to_owned(),
            ..AdvisorySource::default()
        };
        import_secdb([("main.json", json.as_bytes())], &source)
    }

    #[test]
    fn fixes_are_advisories_and_what_was_never_vulnerable_is_none() {
        let imported = import(
            r#"{"distroversion": "v3.10", "reponame": "main", "packages": [
                {"pkg": {"name": "xen", "secfixes": {
                    "4.11.1-r0": ["CVE-2018-19961 CVE-2018-19962 XSA-275", "XSA-276 (+ fix)"],
                    "0": ["CVE-2019-1"]
                }}},
                {"pkg": {"name": "none", "secfixes": null}}
            ]}"#,
        )
        .unwrap();
        let shard = &imported.shards[0];
        assert_eq!(shard.stream().to_string(), "Alpine:v3.10");
        let entries: Vec<_> = shard.of("xen").collect();
        let first = entries[0];
        assert_eq!(
            first.cves().collect::<Vec<_>>(),
            ["CVE-2018-19961", "CVE-2018-19962"]
        );
        assert_eq!(first.aliases().collect::<Vec<_>>(), ["XSA-275"]);
        assert_eq!(first.ranges().next().unwrap().end, End::Fixed("4.11.1-r0"));
        assert_eq!((entries[1].id(), entries[1].cves().count()), ("XSA-276", 0));
        assert_eq!((entries.len(), imported.report.records), (2, 2));
    }

    #[test]
    fn a_bad_package_is_named_and_does_not_pass_as_safe() {
        for packages in [
            r#"{"pkg": {"secfixes": {}}}"#,
            r#"{"pkg": {"name": "a", "secfixes": {"1": ["see the web"]}}}"#,
            r#"{"pkg": {"name": "a", "secfixes": {"1": [7]}}}"#,
            r#"{"pkg": {"name": "a", "secfixes": [1]}}"#,
            "7",
        ] {
            let json = format!(r#"{{"distroversion": "v3.10", "packages": [{packages}]}}"#);
            let refused = import(&json).unwrap_err();
            assert!(
                matches!(refused, ImportError::TooManyBad { bad: 1, .. }),
                "{packages}"
            );
        }
        assert!(matches!(import("{}"), Err(ImportError::Unreadable { .. })));
        assert!(matches!(
            import(r#"{"distroversion": "v3.10"}"#),
            Err(ImportError::Nothing { .. })
        ));
    }
}
