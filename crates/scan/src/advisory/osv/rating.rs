//! How bad a record says that something is.

use super::record::{Affected, Rating, Record};
use crate::advisory::severity::{of_vector, of_word};
use crate::{Ecosystem, Severity};

/// How bad it is for a package, and who says so: the distribution of this package, then of the record; the
/// publisher in words; CVSS, the newest first.
pub(super) fn rating(
    record: &Record,
    affected: &Affected,
    ecosystem: Ecosystem,
) -> (Severity, String) {
    let distribution = ecosystem.as_str();
    let own = |ratings: &[Rating]| {
        let mut words = ratings.iter().filter(|one| one.kind == distribution);
        words.find_map(|one| of_word(&one.score))
    };
    let specific = |word: Option<&str>| word.and_then(of_word);
    let words = [
        own(&affected.severity),
        specific(affected.ecosystem_specific.word()),
        specific(affected.database_specific.word()),
        own(&record.severity),
        specific(record.database_specific.word()),
        // `Important: kernel security update`
        record
            .summary
            .split_once(':')
            .and_then(|(word, _)| of_word(word)),
    ];
    let vectors = || {
        let ratings = [&affected.severity, &record.severity];
        let mut ratings = ratings.into_iter().filter(|ratings| !ratings.is_empty());
        ratings.find_map(|ratings| scored(ratings))
    };
    let rated = words.into_iter().flatten().next().or_else(vectors);
    match rated {
        Some(severity) => (severity, publisher(&record.id, ecosystem).to_owned()),
        None => (Severity::Unknown, String::new()),
    }
}

fn scored(ratings: &[Rating]) -> Option<Severity> {
    ["CVSS_V4", "CVSS_V3", "CVSS_V2"]
        .into_iter()
        .find_map(|kind| {
            let mut vectors = ratings.iter().filter(|one| one.kind == kind);
            vectors.find_map(|one| of_vector(&one.score))
        })
}

fn publisher(id: &str, ecosystem: Ecosystem) -> &'static str {
    match id.split('-').next() {
        Some("GHSA") => "GitHub",
        Some("PYSEC") => "PyPA",
        Some("RUSTSEC") => "RustSec",
        _ => ecosystem.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: &str =
        r#"{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}"#;
    const V4: &str = r#"{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"}"#;

    fn of(ecosystem: Ecosystem, record: &str, affected: &str) -> (Severity, String) {
        let record: Record =
            serde_json::from_str(&format!(r#"{{"id": "GHSA-1"{record}}}"#)).unwrap();
        let affected: Affected = serde_json::from_str(&format!("{{{affected}}}")).unwrap();
        rating(&record, &affected, ecosystem)
    }

    #[test]
    fn the_distribution_comes_before_the_publisher_and_both_before_scores() {
        let by = |name: &str, severity| (severity, name.to_owned());
        let scores = format!(r#", "severity": [{V3}, {{"type": "Ubuntu", "score": "low"}}]"#);
        assert_eq!(
            of(Ecosystem::Ubuntu, &scores, ""),
            by("GitHub", Severity::Low)
        );
        assert_eq!(
            of(Ecosystem::Go, &scores, ""),
            by("GitHub", Severity::Critical)
        );
        let words = format!(r#"{scores}, "database_specific": {{"severity": "MODERATE"}}"#);
        assert_eq!(
            of(Ecosystem::Go, &words, ""),
            by("GitHub", Severity::Medium)
        );
        let debian = r#""ecosystem_specific": {"urgency": "unimportant"}"#;
        assert_eq!(
            of(Ecosystem::Debian, &words, debian),
            by("GitHub", Severity::Low)
        );
        let alma = r#", "summary": "Important: kernel security update""#;
        assert_eq!(
            of(Ecosystem::AlmaLinux, alma, ""),
            by("GitHub", Severity::High)
        );
    }

    #[test]
    fn the_newest_cvss_counts_and_nothing_is_unknown() {
        let both = format!(r#", "severity": [{V3}, {V4}]"#);
        assert_eq!(of(Ecosystem::PyPI, &both, "").0, Severity::Medium);
        assert_eq!(
            of(Ecosystem::PyPI, "", ""),
            (Severity::Unknown, String::new())
        );
    }
}
