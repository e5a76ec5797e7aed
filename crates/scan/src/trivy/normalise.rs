//! Trivy's JSON in our words.

use super::{
    family::{rater, stream},
    report::{self, Vulnerability},
};
use crate::finding::is_of_another_kernel;
use crate::{
    Coverage, Ecosystem, Finding, FixStatus, Inventory, Reason, Severity, Stream,
    combine::worst_first, finding::one_line,
};

/// What Trivy says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrivyFindings {
    /// What it found, the worst first. As many as it has, also where it has one twice.
    pub findings: Vec<Finding>,
    /// What it takes the operating system for, as it writes it (`debian 12.5`).
    pub os: Option<String>,
    /// The release, where advisories of it are known here.
    pub stream: Option<Stream>,
    /// Whether it says that the release has come to its end. It does not say when.
    pub end_of_life: bool,
    /// Whether it has held packages of the operating system against advisories.
    pub os_packages: bool,
    /// Whether it has held packages of languages against advisories.
    pub language_packages: bool,
}

/// Bytes that are no report of a scan by Trivy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAReport(pub String);

/// Reads a report that `--format json` has written.
///
/// # Errors
/// Where it is not whole, of another form, or has something in it that cannot be told apart from nothing:
/// it is never read as a report with fewer findings.
pub fn normalise(json: &[u8]) -> Result<TrivyFindings, NotAReport> {
    if json.len() > report::REPORT_BYTES {
        let limit = report::REPORT_BYTES;
        return Err(NotAReport(format!("it has more than {limit} bytes")));
    }
    if json.is_empty() {
        return Err(NotAReport("it is empty".to_owned()));
    }
    let report: report::Report =
        serde_json::from_slice(json).map_err(|error| NotAReport(error.to_string()))?;
    match report.schema_version {
        Some(2) => {}
        Some(other) => {
            return Err(NotAReport(format!(
                "its SchemaVersion is {other}, and 2 is understood"
            )));
        }
        None => return Err(NotAReport("it has no SchemaVersion".to_owned())),
    }
    let os = report
        .metadata
        .and_then(|metadata| metadata.os)
        .unwrap_or_default();
    // Trivy writes `none` where it was told to look for no operating system.
    let family = os
        .family
        .filter(|family| !family.is_empty() && family != "none");
    let release = os.name.unwrap_or_default();
    let mut found = TrivyFindings {
        findings: Vec::new(),
        stream: family
            .as_deref()
            .and_then(|family| stream(family, &release)),
        os: family.map(|family| format!("{family} {release}").trim_end().to_owned()),
        end_of_life: os.end_of_life.unwrap_or(false),
        os_packages: false,
        language_packages: false,
    };
    for result in report.results.unwrap_or_default().0 {
        match result.class.as_deref() {
            Some("os-pkgs") => found.os_packages = true,
            Some("lang-pkgs") => found.language_packages = true,
            _ => {}
        }
        let found_in = match result.class.as_deref() {
            Some("lang-pkgs") => result.target.unwrap_or_default(),
            _ => String::new(),
        };
        for vulnerability in result.vulnerabilities.unwrap_or_default().0 {
            found.findings.push(finding(vulnerability, &found_in)?);
        }
    }
    worst_first(&mut found.findings);
    Ok(found)
}

impl TrivyFindings {
    /// How much Trivy has looked into of what our inventory says there is.
    ///
    /// Trivy finds nothing in an operating system it does not know and in a package database that was
    /// deleted, and calls neither an error. So its answer covers no more than the inventory does.
    ///
    /// What this cannot see is a release that Trivy knows the family of and its database does not: it is
    /// matched against nothing, and only a line of its log says so, which `--quiet` keeps back.
    #[must_use]
    pub fn coverage(&self, inventory: &Inventory) -> Coverage {
        let mut reasons = inventory.gaps.clone();
        let of_os = |language: bool| {
            let kind = inventory
                .packages
                .iter()
                .map(|package| package.kind.language());
            kind.filter(|one| one.is_some() == language).count() as u64
        };
        let (os_packages, modules) = (of_os(false), of_os(true));
        let os = self
            .os
            .clone()
            .or_else(|| inventory.os.as_ref().map(|os| os.name.clone()));
        if os_packages > 0 && !self.os_packages {
            reasons.push(match (&self.stream, os) {
                (Some(stream), _) => Reason::AdvisoriesMissing {
                    stream: stream.clone(),
                    packages: os_packages,
                },
                (None, Some(os)) => Reason::OsUnsupported { os },
                (None, None) => Reason::OsUnknown,
            });
        } else if self.end_of_life {
            reasons.push(match &self.stream {
                Some(stream) => Reason::OsEndOfLife {
                    stream: stream.clone(),
                    ended: String::new(),
                },
                None => Reason::OsUnsupported {
                    os: format!(
                        "{}, which is past its end",
                        self.os.as_deref().unwrap_or_default()
                    ),
                },
            });
        }
        if modules > 0 && !self.language_packages {
            reasons.push(Reason::AdvisoriesMissing {
                stream: Stream::new(Ecosystem::Go, ""),
                packages: modules,
            });
        }
        reasons.sort();
        reasons.dedup();
        let matched =
            (self.os_packages && os_packages > 0) || (self.language_packages && modules > 0);
        Coverage::of(reasons, matched)
    }
}

fn finding(from: Vulnerability, found_in: &str) -> Result<Finding, NotAReport> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let said =
        some(from.id).ok_or_else(|| NotAReport("a vulnerability in it has no id".to_owned()))?;
    let Some(package) = some(from.pkg_name) else {
        return Err(NotAReport(format!("{said} is in no package")));
    };
    let mut names = vec![said];
    for name in from.vendor_ids.unwrap_or_default().0 {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cve = names.iter().position(|name| name.starts_with("CVE-"));
    let id = names.remove(cve.unwrap_or(0));
    let fixed_in = some(from.fixed_version);
    Ok(Finding {
        purl: None,
        id,
        aliases: names,
        // A word that is not known here is none that makes it harmless.
        severity: from
            .severity
            .and_then(|word| word.parse().ok())
            .unwrap_or(Severity::Unknown),
        severity_from: rater(&from.severity_source.unwrap_or_default()).to_owned(),
        apart: is_of_another_kernel(&package),
        package,
        version: from.installed_version.unwrap_or_default(),
        source: None,
        found_in: some(from.pkg_path).unwrap_or_else(|| found_in.to_owned()),
        status: status(from.status.as_deref(), fixed_in.is_some()),
        fixed_in,
        title: one_line(&from.title.unwrap_or_default()),
        doubt: None,
    })
}

/// Trivy's words for it (its database's `pkg/types/status.go`). A finding that says that it is none is one
/// nevertheless: what a distribution says is not affected, Trivy leaves out.
fn status(word: Option<&str>, has_fix: bool) -> FixStatus {
    match word {
        Some("fixed") => FixStatus::Fixed,
        Some("affected") => FixStatus::Affected,
        Some("under_investigation") => FixStatus::UnderInvestigation,
        Some("will_not_fix") => FixStatus::WillNotFix,
        Some("fix_deferred") => FixStatus::FixDeferred,
        Some("end_of_life") => FixStatus::EndOfLife,
        _ if has_fix => FixStatus::Fixed,
        _ => FixStatus::Affected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Os, Package, PackageKind};

    fn report(results: &str) -> String {
        format!(
            r#"{{"SchemaVersion":2,"Metadata":{{"OS":{{"Family":"debian","Name":"12.5"}}}},"Results":[{results}]}}"#
        )
    }

    fn one(vulnerability: &str) -> Result<Finding, NotAReport> {
        let class = r#"{"Class":"os-pkgs","Vulnerabilities":["#;
        let found = normalise(report(&format!("{class}{vulnerability}]}}")).as_bytes())?;
        Ok(found.findings.into_iter().next().expect("it has one"))
    }

    #[test]
    fn what_is_no_whole_report_is_an_error() {
        let whole = report(r#"{"Class":"os-pkgs","Vulnerabilities":[]}"#);
        assert!(normalise(whole.as_bytes()).is_ok());
        for cut in 0..whole.len() {
            assert!(normalise(&whole.as_bytes()[..cut]).is_err(), "{cut}");
        }
        for text in [
            "{}",
            "[]",
            "null",
            r#"{"SchemaVersion":1}"#,
            r#"{"SchemaVersion":"2"}"#,
            r#"{"SchemaVersion":2,"Results":{}}"#,
            r#"{"bomFormat":"CycloneDX"}"#,
        ] {
            assert!(normalise(text.as_bytes()).is_err(), "{text}");
        }
        assert!(one(r#"{"PkgName":"a"}"#).is_err());
        assert!(one(r#"{"VulnerabilityID":"CVE-1"}"#).is_err());
    }

    #[test]
    fn every_key_may_be_absent_or_null() {
        let nothing = normalise(br#"{"SchemaVersion":2}"#).expect("it is whole");
        assert!(nothing.findings.is_empty() && nothing.os.is_none());
        let nulls = br#"{"SchemaVersion":2,"Metadata":{"OS":null},"Results":null}"#;
        assert_eq!(normalise(nulls), Ok(nothing));
        let bare =
            one(r#"{"VulnerabilityID":"X","PkgName":"a","VendorIDs":null}"#).expect("it is whole");
        assert_eq!(
            (bare.severity, bare.status),
            (Severity::Unknown, FixStatus::Affected)
        );
        assert_eq!(
            (bare.version.as_str(), bare.severity_from.as_str()),
            ("", "")
        );
    }

    #[test]
    fn the_cve_is_the_id_where_there_is_one() {
        let finding = one(
            r#"{"VulnerabilityID":"GHSA-1","VendorIDs":["GO-1","CVE-2024-1","GHSA-1"],"PkgName":"a",
                "InstalledVersion":"1","FixedVersion":"2","Severity":"HIGH","SeveritySource":"nvd",
                "Title":"a\n title"}"#,
        )
        .expect("it is whole");
        assert_eq!(finding.id, "CVE-2024-1");
        assert_eq!(finding.aliases, ["GHSA-1", "GO-1"]);
        assert_eq!(finding.status, FixStatus::Fixed, "for it has a fix");
        assert_eq!(finding.severity_from, "NVD");
        assert_eq!(finding.title, "a title");
    }

    #[test]
    fn headers_of_a_kernel_are_counted_apart() {
        for (name, apart) in [("linux-libc-dev", true), ("linux-image-amd64", false)] {
            let text = format!(r#"{{"VulnerabilityID":"CVE-1","PkgName":"{name}"}}"#);
            assert_eq!(one(&text).expect("it is whole").apart, apart, "{name}");
        }
    }

    fn inventory(os: Option<&str>, kinds: &[PackageKind], gaps: Vec<Reason>) -> Inventory {
        let packages: Vec<Package> = kinds
            .iter()
            .map(|kind| crate::purl::tests::package(*kind, "a", "1"))
            .collect();
        let os: Option<Os> = os.map(|id| crate::purl::tests::os(id, "12"));
        Inventory::new(os, packages, gaps, 0)
    }

    #[test]
    fn an_answer_covers_what_trivy_has_matched_and_no_more_than_the_inventory() {
        use PackageKind::{Deb, Go};
        let read = |text: &str| normalise(text.as_bytes()).expect(text);
        let matched = read(&report(r#"{"Class":"os-pkgs"}"#));
        let silent = read(r#"{"SchemaVersion":2}"#);
        let debian = inventory(Some("debian"), &[Deb], vec![]);
        assert_eq!(matched.coverage(&debian), Coverage::Complete);
        let unknown = silent.coverage(&debian);
        let unsupported = Reason::OsUnsupported {
            os: "debian 12".to_owned(),
        };
        assert_eq!(unknown, Coverage::None(vec![unsupported]));
        let gap = Reason::OsUnknown;
        let partly = matched.coverage(&inventory(Some("debian"), &[Deb], vec![gap.clone()]));
        assert_eq!(partly, Coverage::Partial(vec![gap]));
        let empty = inventory(Some("debian"), &[], vec![]);
        assert_eq!(
            matched.coverage(&empty),
            Coverage::None(vec![Reason::NothingToMatch])
        );
        let with_go = inventory(Some("debian"), &[Deb, Go], vec![]);
        assert!(matches!(
            matched.coverage(&with_go).reasons(),
            [Reason::AdvisoriesMissing { packages: 1, .. }]
        ));
        let go = read(r#"{"SchemaVersion":2,"Results":[{"Class":"lang-pkgs"}]}"#);
        assert_eq!(
            go.coverage(&inventory(None, &[Go], vec![])),
            Coverage::Complete
        );
        let left = inventory(None, &[Deb], vec![]);
        assert_eq!(
            silent.coverage(&left),
            Coverage::None(vec![Reason::OsUnknown])
        );
    }

    #[test]
    fn a_release_that_trivy_says_has_ended_is_never_complete() {
        let debian = inventory(Some("debian"), &[PackageKind::Deb], vec![]);
        for (family, os) in [("debian", "Debian:9"), ("centos", "centos 9")] {
            let text = format!(
                r#"{{"SchemaVersion":2,"Metadata":{{"OS":{{"Family":"{family}","Name":"9","EOSL":true}}}},
                    "Results":[{{"Class":"os-pkgs"}}]}}"#
            );
            let coverage = normalise(text.as_bytes())
                .expect("it is whole")
                .coverage(&debian);
            let [reason] = coverage.reasons() else {
                panic!("{coverage:?}");
            };
            assert!(reason.to_string().contains(os), "{reason}");
            assert!(!coverage.is_complete());
        }
    }
}
