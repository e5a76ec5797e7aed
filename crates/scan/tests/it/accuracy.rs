//! How right the matching is: held against what OSV's own service answered about the same packages, and
//! against matches that people have judged. The figures are printed; below the goals the tests fail.
//!
//! What is held against what is what can be had on both sides: only records that are in the data, and only
//! those that the other side could have known. What falls out by that is counted and named.

use std::collections::{BTreeMap, BTreeSet};

use longshore_scan::{Advisories, Hit, Imported, Stream, match_package};
use serde::Deserialize;
use serde_json::Value;

use crate::data::shared;
use crate::feeds::{almalinux, alpine, debian_updates, go, imported, pypi, rustsec};

/// Of what the oracle says, how much is found, and of what is found, how much the oracle says: at least.
const GOAL: f64 = 0.995;

/// Of the matches that people have called wrong, how many are made: at most.
const WRONG_GOAL: f64 = 0.02;

/// What OSV's service answered about one package.
#[derive(Deserialize)]
struct Answer {
    ecosystem: String,
    name: String,
    version: String,
    ids: Vec<String>,
    /// There was another page, so that what is not among the ids may still be known to the service.
    truncated: bool,
}

fn answers(ecosystem: &str) -> Vec<Answer> {
    let path = shared("oracle/osv-api-recorded.jsonl").unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let answers = text.lines().map(|line| serde_json::from_str(line).unwrap());
    answers
        .filter(|answer: &Answer| answer.ecosystem == ecosystem)
        .collect()
}

/// A tally of what was found and what should have been.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
    left_out: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn share(part: usize, rest: usize) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand at most")]
        match part + rest {
            0 => 1.0,
            all => part as f64 / all as f64,
        }
    }

    fn recall(&self) -> f64 {
        Self::share(self.right, self.missed.len())
    }

    fn precision(&self) -> f64 {
        Self::share(self.right, self.wrong.len())
    }

    fn assert_reached(&self, about: &str, answers: usize) {
        println!(
            "{about}: {answers} answers, {} ids found as answered, {} missed, {} found beside them: recall {:.2} %, precision {:.2} %",
            self.right,
            self.missed.len(),
            self.wrong.len(),
            100.0 * self.recall(),
            100.0 * self.precision(),
        );
        for (why, count) in &self.left_out {
            println!("  left out: {count} ids, {why}");
        }
        assert!(answers > 0, "nothing was compared");
        assert!(self.recall() >= GOAL, "missed: {:?}", self.missed);
        assert!(self.precision() >= GOAL, "wrong: {:?}", self.wrong);
    }
}

/// Holds what is found against the answers about an ecosystem. `id` is the id under which the service has
/// a record, and `later` says why it cannot have answered with a match when it was asked; such a match must not be in an
/// answer either.
fn hold(
    imported: Imported,
    ecosystem: &str,
    id: impl Fn(&str) -> String,
    later: impl Fn(&Hit<'_>) -> Option<&'static str>,
) {
    let advisories: Advisories = imported.shards.into_iter().collect();
    let (name, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let stream = Stream::new(name.parse().unwrap(), release);
    let shard = advisories.of(&stream).expect("the stream is in the data");
    let known: BTreeSet<String> = shard.entries().map(|(_, entry)| id(entry.id())).collect();
    let answers = answers(ecosystem);
    let mut tally = Tally::default();
    for answer in &answers {
        let hits = match_package(&advisories, &stream, &answer.name, &answer.version);
        let found: BTreeMap<String, &Hit<'_>> =
            hits.iter().map(|hit| (id(hit.entry.id()), hit)).collect();
        let doubts = hits.iter().filter_map(|hit| hit.doubt.as_ref()).count();
        assert_eq!(doubts, 0, "{} {}", answer.name, answer.version);
        let about = |id: &str| format!("{} {}: {id}", answer.name, answer.version);
        for expected in &answer.ids {
            if let Some(hit) = found.get(expected) {
                assert_eq!(later(hit), None, "{expected} was answered");
                tally.right += 1;
            } else if known.contains(expected) {
                tally.missed.push(about(expected));
            } else {
                *tally
                    .left_out
                    .entry("whose records are not in the data")
                    .or_default() += 1;
            }
        }
        for (extra, hit) in found.iter().filter(|(id, _)| !answer.ids.contains(id)) {
            if let Some(why) = later(hit) {
                *tally.left_out.entry(why).or_default() += 1;
            } else if answer.truncated {
                *tally
                    .left_out
                    .entry("found where the answer goes on")
                    .or_default() += 1;
            } else {
                tally.wrong.push(about(extra));
            }
        }
    }
    tally.assert_reached(ecosystem, answers.len());
}

fn same(id: &str) -> String {
    id.to_owned()
}

#[test]
fn go_modules_as_osv_answers() {
    let Some(files) = go() else { return };
    // The answers are of 2026-08-04 at the latest and the data, which bear no dates, of 2026-08-21. In between came
    // go1.25.13 and go1.26.6, whose fixes no answered record has.
    let later = |hit: &Hit<'_>| {
        (hit.entry.id().starts_with("GO-2026-") && hit.fixed_in == Some("1.25.13"))
            .then_some("fixed in go1.25.13, which came after the answers")
    };
    hold(imported(&files, "2026-08-21"), "Go", same, later);
}

#[test]
fn rust_crates_as_osv_answers() {
    let Some(files) = rustsec() else { return };
    hold(imported(&files, "2026-08-21"), "crates.io", same, |_| None);
}

#[test]
fn python_projects_as_osv_answers() {
    let Some(files) = pypi() else { return };
    let changed = |hit: &Hit<'_>| {
        CHANGED_SINCE
            .contains(&hit.entry.id())
            .then_some("whose records their publisher has changed since the data were taken")
    };
    hold(imported(&files, "2024-10-10"), "PyPI", same, changed);
}

/// PYSEC-2021-108 (CVE-2021-33503) says in the data of 2024 that every version of urllib3 before 1.26.5 is
/// vulnerable. The answers of 2026 have neither it nor GitHub's record of the same CVE for 1.24.3: that one begins
/// with 1.25.4.
const CHANGED_SINCE: [&str; 1] = ["PYSEC-2021-108"];

#[test]
fn debian_updates_as_osv_answers() {
    let Some(files) = debian_updates() else {
        return;
    };
    for release in ["Debian:9", "Debian:10"] {
        hold(imported(&files, "2023-04-02"), release, same, |_| None);
    }
}

#[test]
fn alpine_packages_as_osv_answers() {
    let Some(imported) = alpine("v3.10") else {
        return;
    };
    hold(
        imported,
        "Alpine:v3.10",
        |id| format!("ALPINE-{id}"),
        |_| None,
    );
}

/// What a person said of a match: that it is right (`TP`), wrong (`FP`), or neither (`??`).
struct Label {
    says: String,
    cve: String,
    package: String,
    version: String,
}

/// The labels of the image whose name begins so.
fn labels(image: &str) -> Vec<Label> {
    let path = shared("oracle/anchore-labels.json.gz").unwrap();
    let json = flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap());
    let all: BTreeMap<String, Vec<[String; 6]>> = serde_json::from_reader(json).unwrap();
    let (_, labels) = all
        .into_iter()
        .find(|(name, _)| name.starts_with(image))
        .unwrap();
    let mut seen = BTreeSet::new();
    let labels = labels
        .into_iter()
        .filter(|label| seen.insert(label.clone()));
    labels
        .map(|[says, id, effective, package, version, _]| Label {
            says,
            cve: if effective.starts_with("CVE-") {
                effective
            } else {
                id
            },
            package,
            version,
        })
        .collect()
}

/// Holds what is found against the labels of an image.
fn judge(
    image: &str,
    advisories: &Advisories,
    stream: &Stream,
    is_of_the_system: impl Fn(&Label) -> bool,
    as_known: impl Fn(&Label) -> (String, String),
) -> (Tally, usize) {
    let shard = advisories.of(stream).unwrap();
    let labels = labels(image);
    let mut tally = Tally::default();
    let (mut false_positives, mut tempting) = (0, 0);
    for label in &labels {
        if !is_of_the_system(label) {
            *tally
                .left_out
                .entry("packages that the system did not install")
                .or_default() += 1;
            continue;
        }
        let (name, version) = as_known(label);
        let hits = match_package(advisories, stream, &name, &version);
        let hit = hits
            .iter()
            .any(|hit| hit.entry.cves().any(|cve| cve == label.cve));
        let known = shard
            .of(&name)
            .any(|entry| entry.cves().any(|cve| cve == label.cve));
        let about = || format!("{} {} {}", label.cve, label.package, label.version);
        match (label.says.as_str(), hit, known) {
            ("TP", true, _) => tally.right += 1,
            ("TP", false, true) => tally.missed.push(about()),
            ("TP", false, false) => {
                *tally
                    .left_out
                    .entry("right, and nothing in the data about them: not fixed")
                    .or_default() += 1;
            }
            ("FP", hit, _) => {
                false_positives += 1;
                tempting += usize::from(known);
                if hit {
                    tally.wrong.push(about());
                }
            }
            _ => *tally.left_out.entry("undecided").or_default() += 1,
        }
    }
    let unfixed = tally
        .left_out
        .get("right, and nothing in the data about them: not fixed")
        .copied()
        .unwrap_or(0);
    println!(
        "{image} with {stream}: of {} right matches that have a fix {:.2} % are found, of all {} {:.2} %; of {false_positives} wrong ones ({tempting} of them of a vulnerability that the data have for the package) {} are",
        tally.right + tally.missed.len(),
        100.0 * tally.recall(),
        tally.right + tally.missed.len() + unfixed,
        100.0 * Tally::share(tally.right, tally.missed.len() + unfixed),
        tally.wrong.len(),
    );
    for (why, count) in &tally.left_out {
        println!("  {count} labels: {why}");
    }
    (tally, false_positives)
}

#[test]
fn almalinux_as_people_judge() {
    let Some(files) = almalinux() else { return };
    let advisories: Advisories = imported(&files, "2026-08-21").shards.into_iter().collect();
    let stream = Stream::new("AlmaLinux".parse().unwrap(), "8");
    // Python's view of an rpm has the version of the project, with no release.
    let of_the_system =
        |label: &Label| label.version.contains(".el8") || label.version.contains(".module_el8");
    let as_known = |label: &Label| (label.package.clone(), label.version.clone());
    let (tally, false_positives) = judge(
        "docker.io+almalinux",
        &advisories,
        &stream,
        of_the_system,
        as_known,
    );
    println!(
        "  AlmaLinux publishes what it has fixed, not what is open: that takes Red Hat's VEX, which is not here"
    );
    assert!(tally.recall() >= GOAL, "missed: {:?}", tally.missed);
    assert!(
        Tally::share(tally.wrong.len(), false_positives - tally.wrong.len()) <= WRONG_GOAL,
        "{:?}",
        tally.wrong
    );
}

/// Binary packages with the names and epochs of their source packages, from Debian's databases at hand.
fn debian_sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let index = std::fs::read(shared("pkgdb/claircore-debian-10.index.json").unwrap()).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    for package in index["packages"].as_object().unwrap().values() {
        if let Some(source) = package["source"]["name"]
            .as_str()
            .filter(|name| !name.is_empty())
        {
            sources.insert(
                package["name"].as_str().unwrap().to_owned(),
                source.to_owned(),
            );
        }
    }
    for file in [
        "pkgdb/claircore-texlive.status",
        "pkgdb/trivy-dpkg-valid.txtar",
    ] {
        let status = std::fs::read(shared(file).unwrap()).unwrap();
        let mut package = String::new();
        for line in String::from_utf8_lossy(&status).lines() {
            if let Some(name) = line.strip_prefix("Package: ") {
                package = name.to_owned();
            } else if let Some(source) = line.strip_prefix("Source: ") {
                let name = source.split(' ').next().unwrap();
                sources.insert(package.clone(), name.to_owned());
            }
        }
    }
    sources
}

#[test]
fn debian_as_people_judge() {
    let Some(files) = debian_updates() else {
        return;
    };
    let advisories: Advisories = imported(&files, "2023-04-02").shards.into_iter().collect();
    let sources = debian_sources();
    let (mut all, mut all_wrong) = (Tally::default(), 0);
    for (image, release) in [
        ("docker.io+debian@sha256:81e888", "7"),
        ("docker.io+node@sha256:af3163", "8"),
        ("docker.io+python@sha256:5e96e0", "10"),
        ("docker.io+jenkins", "11"),
        ("docker.io+neo4j", "11"),
        ("gcr.io+distroless+python3-debian11", "11"),
    ] {
        let stream = Stream::new("Debian".parse().unwrap(), release);
        let shard = advisories.of(&stream).unwrap();
        let known: BTreeSet<&str> = shard.entries().map(|(name, _)| name).collect();
        let of_the_system = |label: &Label| {
            sources.contains_key(&label.package) || known.contains(label.package.as_str())
        };
        let as_known = |label: &Label| {
            let source = sources.get(&label.package).unwrap_or(&label.package);
            // The rebuilt binary of the same source; a binary's epoch that its source has not.
            let version = label.version.split("+b").next().unwrap();
            let version = match (source.as_str(), version.split_once(':')) {
                ("util-linux", Some((_, version))) => version,
                _ => version,
            };
            (source.clone(), version.to_owned())
        };
        let (tally, false_positives) = judge(image, &advisories, &stream, of_the_system, as_known);
        all.right += tally.right;
        all.missed.extend(tally.missed);
        all.wrong.extend(tally.wrong);
        all_wrong += false_positives;
    }
    println!(
        "  Debian's lists of updates have what was fixed by one: what is open, or fixed before a release, takes the tracker, which is not here"
    );
    println!(
        "  all of Debian: {:.2} % of {}, {} of {all_wrong} wrong ones",
        100.0 * all.recall(),
        all.right + all.missed.len(),
        all.wrong.len()
    );
    assert!(all.recall() >= GOAL, "missed: {:?}", all.missed);
    assert!(
        Tally::share(all.wrong.len(), all_wrong - all.wrong.len()) <= WRONG_GOAL,
        "{:?}",
        all.wrong
    );
}
