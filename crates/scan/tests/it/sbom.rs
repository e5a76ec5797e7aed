//! The rules of both formats' schemas that a writer can break, and what Trivy needs to find.

use std::{collections::BTreeSet, str::FromStr};

use longshore_scan::{Coverage, Inventory, Reason, Report, SbomSubject, Severity, cyclonedx, spdx};
use packageurl::PackageUrl;
use serde_json::Value;

use crate::sample::{almalinux, alpine, debian, finding, hostile, report};

const AT: i64 = 1_700_000_000_123;

fn subject() -> SbomSubject {
    SbomSubject {
        name: "images/golang".to_owned(),
        digest: Some("0123456789abcdef".repeat(4)),
    }
}

/// What was found in [`debian`], some of it twice and some of it in nothing that is there.
fn found() -> Report {
    let mut findings = vec![
        finding("CVE-2024-1", "libc6", "2.36-9+deb12u4", Severity::High),
        finding("CVE-2024-1", "libattr1", "1:2.5.1-4", Severity::Low),
        finding("CVE-2024-1", "libc6", "2.36-9+deb12u4", Severity::High),
        finding(
            "CVE-2024-2",
            "github.com/BurntSushi/toml",
            "v1.2.3",
            Severity::Unknown,
        ),
        finding("CVE-2024-3", "not-there", "1", Severity::Critical),
    ];
    findings[1].doubt = Some("it cannot be compared".to_owned());
    findings[3].severity_from = String::new();
    findings[3].aliases = vec!["GO-2024-1".to_owned()];
    findings[3].found_in = "/usr/bin/other".to_owned();
    report(Coverage::Partial(vec![Reason::OsUnknown]), findings)
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("it is JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn only(value: &Value, keys: &[&str]) {
    for key in value.as_object().expect("an object").keys() {
        assert!(keys.contains(&key.as_str()), "{key} in {value}");
    }
}

fn properties<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let named = list(value, "properties")
        .iter()
        .filter(|one| one["name"] == name);
    named.map(|one| text(one, "value")).collect()
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digit = |one: char| one == '-' || matches!(one, '0'..='9' | 'a'..='f');
    lengths == [8, 4, 4, 4, 12] && text.chars().all(digit)
}

/// The rules of `bom-1.6.schema.json` for what is written here, and those of its prose about references.
fn cyclonedx_holds(bom: &Value) {
    assert_eq!(text(bom, "bomFormat"), "CycloneDX");
    assert_eq!(text(bom, "specVersion"), "1.6");
    assert_eq!(bom["version"], 1);
    let serial = text(bom, "serialNumber").strip_prefix("urn:uuid:");
    assert!(serial.is_some_and(is_uuid), "{serial:?}");
    let metadata = &bom["metadata"];
    assert!(text(metadata, "timestamp").ends_with('Z'));
    for tool in list(&metadata["tools"], "components") {
        assert_eq!(
            (text(tool, "type"), text(tool, "name")),
            ("application", "longshore")
        );
    }
    let mut references = BTreeSet::new();
    for component in list(bom, "components")
        .iter()
        .chain([&metadata["component"]])
    {
        only(
            component,
            &[
                "bom-ref",
                "type",
                "name",
                "version",
                "description",
                "hashes",
                "licenses",
                "publisher",
                "purl",
                "properties",
            ],
        );
        assert!(["container", "library", "operating-system"].contains(&text(component, "type")));
        assert!(component["name"].is_string());
        let reference = text(component, "bom-ref");
        assert!(
            !reference.is_empty() && references.insert(reference),
            "{reference} twice"
        );
        for hash in list(component, "hashes") {
            assert_eq!(text(hash, "alg"), "SHA-256");
            assert_eq!(text(hash, "content").len(), 64);
        }
        for licence in list(component, "licenses") {
            only(licence, &["license"]);
            only(&licence["license"], &["name"]);
            assert!(!text(&licence["license"], "name").is_empty());
        }
        if let Some(purl) = component["purl"].as_str() {
            let parsed = PackageUrl::from_str(purl).expect(purl);
            assert_eq!(parsed.to_string(), purl);
        }
        properties_hold(component);
    }
    properties_hold(metadata);
    let mut sources = BTreeSet::new();
    for dependency in list(bom, "dependencies") {
        let source = text(dependency, "ref");
        assert!(
            references.contains(source) && sources.insert(source),
            "{source}"
        );
        for target in list(dependency, "dependsOn") {
            assert!(
                references.contains(target.as_str().expect("text")),
                "{target}"
            );
        }
    }
    for composition in list(bom, "compositions") {
        assert!(["complete", "incomplete"].contains(&text(composition, "aggregate")));
    }
    for vulnerability in list(bom, "vulnerabilities") {
        only(
            vulnerability,
            &["id", "ratings", "description", "affects", "properties"],
        );
        for rating in list(vulnerability, "ratings") {
            let severity = text(rating, "severity");
            assert!(["critical", "high", "medium", "low", "unknown"].contains(&severity));
        }
        let affected: Vec<&str> = list(vulnerability, "affects")
            .iter()
            .map(|one| text(one, "ref"))
            .collect();
        let unique: BTreeSet<&str> = affected.iter().copied().collect();
        assert_eq!(affected.len(), unique.len(), "items of affects are unique");
        assert!(unique.is_subset(&references), "{unique:?}");
        properties_hold(vulnerability);
    }
}

fn properties_hold(of: &Value) {
    for property in list(of, "properties") {
        only(property, &["name", "value"]);
        assert!(property["name"].is_string() && property["value"].is_string());
    }
}

fn samples() -> Vec<(Inventory, Option<Report>)> {
    vec![
        (debian(), None),
        (debian(), Some(found())),
        (almalinux(), None),
        (alpine(), Some(report(Coverage::Complete, vec![]))),
        (hostile(), None),
        (Inventory::new(None, vec![], vec![], 0), None),
    ]
}

#[test]
fn a_cyclonedx_document_keeps_the_rules_of_its_schema() {
    for (inventory, report) in samples() {
        cyclonedx_holds(&read(&cyclonedx(
            &subject(),
            &inventory,
            report.as_ref(),
            AT,
        )));
    }
}

#[test]
fn the_same_input_is_the_same_document_and_another_is_another() {
    for write in [cyclonedx, spdx] {
        let one = write(&subject(), &debian(), Some(&found()), AT);
        assert_eq!(one, write(&subject(), &debian(), Some(&found()), AT));
        let identity = |bytes: &[u8]| {
            let document = read(bytes);
            let identity = document
                .get("serialNumber")
                .or(document.get("documentNamespace"));
            identity.expect("it has one").to_string()
        };
        let others = [
            write(&subject(), &alpine(), Some(&found()), AT),
            write(&subject(), &debian(), None, AT),
            write(&subject(), &debian(), Some(&found()), AT + 1000),
        ];
        for other in others {
            assert_ne!(identity(&one), identity(&other));
        }
    }
}

#[test]
fn trivy_finds_the_system_and_the_sources_of_its_packages() {
    for (inventory, family, version, component, expected) in [
        (
            debian(),
            "debian",
            "12",
            "libattr1",
            [
                ("SrcName", "attr"),
                ("SrcVersion", "2.5.1"),
                ("SrcRelease", "4"),
                ("SrcEpoch", "1"),
                ("PkgType", "debian"),
                ("PkgID", "libattr1@1:2.5.1-4"),
            ],
        ),
        (
            almalinux(),
            "alma",
            "9.4",
            "openssl-libs",
            [
                ("SrcName", "openssl"),
                ("SrcVersion", "3.0.7"),
                ("SrcRelease", "24.el9"),
                ("SrcEpoch", "1"),
                ("PkgType", "alma"),
                ("PkgID", "openssl-libs@3.0.7-24.el9.amd64"),
            ],
        ),
        (
            almalinux(),
            "alma",
            "9.4",
            "nodejs",
            [
                ("SrcName", "nodejs"),
                ("SrcVersion", "18.1.0"),
                ("SrcRelease", "1.module_el9"),
                ("SrcEpoch", "1"),
                ("Modularitylabel", "nodejs:18:9:rhel9"),
                ("PkgType", "alma"),
            ],
        ),
        (
            alpine(),
            "alpine",
            "3.19.1",
            "libcrypto3",
            [
                ("SrcName", "openssl"),
                ("SrcVersion", "3.1.4-r1"),
                ("SrcRelease", ""),
                ("SrcEpoch", ""),
                ("PkgType", "alpine"),
                ("PkgID", "libcrypto3@3.1.4-r1"),
            ],
        ),
        (
            debian(),
            "debian",
            "12",
            "stdlib",
            [
                ("PkgType", "gobinary"),
                ("PkgID", "stdlib@1.24.4"),
                ("FilePath", "usr/bin/app"),
                ("SrcName", ""),
                ("SrcVersion", ""),
                ("SrcEpoch", ""),
            ],
        ),
    ] {
        let bom = read(&cyclonedx(&subject(), &inventory, None, AT));
        let named = |name: &str| {
            let component = list(&bom, "components")
                .iter()
                .find(|one| one["name"] == name);
            component.unwrap_or_else(|| panic!("{name} is not there"))
        };
        let system = named(family);
        assert_eq!(text(system, "type"), "operating-system");
        assert_eq!(text(system, "version"), version);
        assert_eq!(properties(system, "aquasecurity:trivy:Class"), ["os-pkgs"]);
        for (name, value) in expected {
            let values = properties(named(component), &format!("aquasecurity:trivy:{name}"));
            let wanted: Vec<&str> = Some(value)
                .into_iter()
                .filter(|value| !value.is_empty())
                .collect();
            assert_eq!(values, wanted, "{name} of {component}");
        }
    }
}

/// A document of Trivy's own says the same of the same packages, less the layers that they came with.
#[test]
fn trivys_own_document_has_the_same_of_its_packages() {
    let Some(goldens) = crate::data::shared("trivy-golden") else {
        return;
    };
    let theirs = std::fs::read(goldens.join("centos-7-cyclonedx.json")).expect("it is there");
    let theirs = read(&theirs);
    let rpm = |name: &str, version: &str, source: &str, of: &str, licence: &str| {
        let mut package = crate::sample::package(longshore_scan::PackageKind::Rpm, name, version);
        package.arch = Some("x86_64".to_owned());
        package.licence = Some(licence.to_owned());
        crate::sample::built_from(package, source, of)
    };
    let packages = vec![
        rpm("bash", "4.2.46-31.el7", "bash", "4.2.46-31.el7", "GPLv3+"),
        rpm(
            "openssl-libs",
            "1:1.0.2k-16.el7",
            "openssl",
            "1.0.2k-16.el7",
            "OpenSSL+",
        ),
    ];
    let os = crate::sample::os("centos", "7.6.1810");
    let inventory = Inventory::new(Some(os), packages, vec![], 0);
    let ours = read(&cyclonedx(&subject(), &inventory, None, AT));
    for name in ["bash", "openssl-libs", "centos"] {
        let of = |bom: &Value| {
            let component = list(bom, "components")
                .iter()
                .find(|one| one["name"] == name);
            component.expect(name).clone()
        };
        let (theirs, ours) = (of(&theirs), of(&ours));
        assert_eq!(theirs["licenses"], ours["licenses"]);
        assert_eq!(theirs["type"], ours["type"]);
        let parsed = |bom: &Value| {
            bom["purl"]
                .as_str()
                .map(|purl| PackageUrl::from_str(purl).expect(purl))
        };
        assert_eq!(parsed(&theirs), parsed(&ours));
        for property in list(&theirs, "properties") {
            let key = text(property, "name");
            if !key.contains(":Layer") {
                assert_eq!(
                    properties(&ours, key),
                    [text(property, "value")],
                    "{key} of {name}"
                );
            }
        }
    }
}

#[test]
fn every_package_hangs_below_the_image_once() {
    for (inventory, _) in samples() {
        let bom = read(&cyclonedx(&subject(), &inventory, None, AT));
        let mut below = Vec::new();
        for dependency in list(&bom, "dependencies") {
            below.extend(
                list(dependency, "dependsOn")
                    .iter()
                    .filter_map(Value::as_str),
            );
        }
        let mut components: Vec<&str> = list(&bom, "components")
            .iter()
            .map(|one| text(one, "bom-ref"))
            .collect();
        below.sort_unstable();
        components.sort_unstable();
        assert_eq!(below, components);
    }
}

#[test]
fn what_was_not_looked_into_is_said() {
    let bom = read(&cyclonedx(&subject(), &debian(), Some(&found()), AT));
    assert_eq!(
        properties(&bom["metadata"], "longshore:inventory"),
        ["incomplete"]
    );
    let gaps = properties(&bom["metadata"], "longshore:inventory:gap");
    assert!(
        gaps.len() == 1 && gaps[0].contains("status.d/x"),
        "{gaps:?}"
    );
    assert_eq!(
        properties(&bom["metadata"], "longshore:coverage"),
        ["partial"]
    );
    assert_eq!(
        properties(&bom["metadata"], "longshore:coverage:reason").len(),
        1
    );
    assert_eq!(bom["compositions"][0]["aggregate"], "incomplete");
    let whole = read(&cyclonedx(&subject(), &alpine(), None, AT));
    assert_eq!(
        properties(&whole["metadata"], "longshore:inventory"),
        ["complete"]
    );
    let document = read(&spdx(&subject(), &debian(), Some(&found()), AT));
    let comment = text(&document, "comment");
    assert!(
        comment.contains("status.d/x") && comment.contains("partial"),
        "{comment}"
    );
}

#[test]
fn a_vulnerability_is_there_once_and_says_what_it_affects() {
    let bom = read(&cyclonedx(&subject(), &debian(), Some(&found()), AT));
    let vulnerabilities = list(&bom, "vulnerabilities");
    let ids: Vec<&str> = vulnerabilities.iter().map(|one| text(one, "id")).collect();
    assert_eq!(ids, ["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"]);
    let affected = |at: usize| list(&vulnerabilities[at], "affects");
    assert_eq!(affected(0).len(), 2);
    assert_eq!(list(&vulnerabilities[0], "ratings").len(), 2);
    assert_eq!(properties(&vulnerabilities[0], "longshore:doubt").len(), 1);
    assert_eq!(affected(1).len(), 1, "in one of two executables");
    assert!(text(&affected(1)[0], "ref").ends_with("##2"));
    assert_eq!(
        properties(&vulnerabilities[1], "longshore:alias"),
        ["GO-2024-1"]
    );
    assert_eq!(affected(2).len(), 0);
    assert_eq!(
        properties(&vulnerabilities[2], "longshore:status"),
        ["not-there 1: fixed"]
    );
}

#[test]
fn an_spdx_document_keeps_the_rules_of_its_schema() {
    for (inventory, report) in samples() {
        let document = read(&spdx(&subject(), &inventory, report.as_ref(), AT));
        assert_eq!(text(&document, "spdxVersion"), "SPDX-2.3");
        assert_eq!(text(&document, "dataLicense"), "CC0-1.0");
        assert_eq!(text(&document, "SPDXID"), "SPDXRef-DOCUMENT");
        let namespace = text(&document, "documentNamespace");
        assert!(
            namespace.starts_with("https://") && !namespace.contains('#'),
            "{namespace}"
        );
        assert_eq!(
            text(&document["creationInfo"], "created"),
            "2023-11-14T22:13:20Z"
        );
        let mut ids = BTreeSet::from(["SPDXRef-DOCUMENT"]);
        for package in list(&document, "packages") {
            let id = text(package, "SPDXID");
            let allowed = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-');
            assert!(
                id.strip_prefix("SPDXRef-")
                    .is_some_and(|id| id.chars().all(allowed)),
                "{id}"
            );
            assert!(ids.insert(id), "{id} twice");
            assert_eq!(text(package, "downloadLocation"), "NOASSERTION");
            assert_eq!(package["filesAnalyzed"], false);
            for reference in list(package, "externalRefs") {
                assert_eq!(text(reference, "referenceCategory"), "PACKAGE-MANAGER");
                let purl = text(reference, "referenceLocator");
                assert!(PackageUrl::from_str(purl).is_ok(), "{purl}");
            }
        }
        let mut contained = BTreeSet::new();
        for relationship in list(&document, "relationships") {
            let (one, other) = (
                text(relationship, "spdxElementId"),
                text(relationship, "relatedSpdxElement"),
            );
            assert!(ids.contains(one) && ids.contains(other), "{one} {other}");
            assert!(contained.insert(other), "{other} is in two things");
        }
        contained.insert("SPDXRef-DOCUMENT");
        assert_eq!(contained, ids, "everything is in something");
    }
}
