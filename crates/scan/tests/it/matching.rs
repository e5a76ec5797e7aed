//! Inventories held against advisories: what is found, under which id, and how much was looked into.

use longshore_scan::{
    Advisories, Advisory, AdvisorySource, Coverage, Ecosystem, FixStatus, INVENTORY_FORMAT,
    Inventory, Matched, Os, Package, PackageKind, Range, Reason, Severity, Shard, Source, Stream,
    match_inventory,
};

/// 2026-11-26, noon.
const NOW: i64 = 1_795_694_400_000;

fn os(id: &str, version: &str) -> Option<Os> {
    Some(Os {
        id: id.to_owned(),
        version: version.to_owned(),
        name: format!("{id} {version}"),
        found_in: "/etc/os-release".to_owned(),
    })
}

fn package(kind: PackageKind, name: &str, version: &str) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        arch: None,
        source: None,
        module: None,
        vendor: None,
        licence: None,
        found_in: "/var/lib/dpkg/status".to_owned(),
    }
}

fn built_from(mut package: Package, name: &str, version: &str) -> Package {
    package.source = Some(Source {
        name: name.to_owned(),
        version: version.to_owned(),
    });
    package
}

fn shard(ecosystem: Ecosystem, release: &str, dated: &str, advisories: Vec<Advisory>) -> Shard {
    let source = AdvisorySource {
        dated: dated.to_owned(),
        ..AdvisorySource::default()
    };
    Shard::new(Stream::new(ecosystem, release), vec![source], advisories).unwrap()
}

fn fixed(package: &str, id: &str, cves: &[&str], version: &str) -> Advisory {
    Advisory {
        cves: cves.iter().map(|cve| (*cve).to_owned()).collect(),
        ranges: vec![Range::before(version)],
        ..Advisory::new(package, id)
    }
}

fn debian(advisories: Vec<Advisory>) -> Advisories {
    [shard(Ecosystem::Debian, "12", "2026-11-20", advisories)]
        .into_iter()
        .collect()
}

fn matched(os: Option<Os>, packages: Vec<Package>, advisories: &Advisories) -> Matched {
    let inventory = Inventory::new(os, packages, Vec::new(), 0);
    assert_eq!(inventory.format, INVENTORY_FORMAT);
    match_inventory(&inventory, advisories, NOW, 30)
}

fn ids(matched: &Matched) -> Vec<(&str, &str)> {
    let findings = matched.findings.iter();
    findings
        .map(|finding| (finding.id.as_str(), finding.package.as_str()))
        .collect()
}

#[test]
fn the_source_package_and_its_version_decide_for_debian() {
    let advisories = debian(vec![fixed("glibc", "DSA-1", &["CVE-1"], "2.36-9+deb12u4")]);
    let of = |version| {
        let binary = package(PackageKind::Deb, "libc6", "1:9-1");
        matched(
            os("debian", "12"),
            vec![built_from(binary, "glibc", version)],
            &advisories,
        )
    };
    let found = of("2.36-9+deb12u3");
    assert_eq!(ids(&found), [("CVE-1", "libc6")]);
    let finding = &found.findings[0];
    assert_eq!(finding.source.as_deref(), Some("glibc"));
    assert_eq!(
        (finding.version.as_str(), finding.aliases[0].as_str()),
        ("1:9-1", "DSA-1")
    );
    assert_eq!(finding.fixed_in.as_deref(), Some("2.36-9+deb12u4"));
    assert!(found.coverage.is_complete());
    assert!(of("2.36-9+deb12u4").findings.is_empty());
    // A source of the same name as a binary of another source.
    let other = built_from(package(PackageKind::Deb, "glibc", "1"), "glibc-doc", "1");
    assert!(
        matched(os("debian", "12"), vec![other], &advisories)
            .findings
            .is_empty()
    );
}

#[test]
fn records_about_one_vulnerability_are_one_finding_and_one_about_several_are_several() {
    let rated = |severity, advisory| Advisory {
        severity,
        severity_from: "Debian".to_owned(),
        ..advisory
    };
    let advisories = debian(vec![
        fixed("openssl", "DSA-1", &["CVE-1", "CVE-2"], "3.0-1"),
        rated(
            Severity::High,
            fixed("openssl", "DEBIAN-CVE-1", &["CVE-1"], "3.0-2"),
        ),
        rated(
            Severity::Low,
            fixed("openssl", "CVE-3", &["CVE-3"], "3.0-2"),
        ),
    ]);
    let openssl = package(PackageKind::Deb, "openssl", "2.0-1");
    // The same package of two architectures.
    let twice = vec![
        openssl.clone(),
        Package {
            arch: Some("i386".to_owned()),
            ..openssl
        },
    ];
    let found = matched(os("debian", "12"), twice, &advisories);
    assert_eq!(
        ids(&found),
        [
            ("CVE-1", "openssl"),
            ("CVE-3", "openssl"),
            ("CVE-2", "openssl")
        ]
    );
    let first = &found.findings[0];
    assert_eq!(first.aliases, ["DEBIAN-CVE-1", "DSA-1"]);
    assert_eq!(
        (first.severity, first.severity_from.as_str()),
        (Severity::High, "Debian")
    );
    assert_eq!(
        (first.status, first.fixed_in.as_deref()),
        (FixStatus::Fixed, Some("3.0-2"))
    );
}

#[test]
fn a_record_without_a_cve_is_another_name_of_one_that_has_it() {
    let named = |aliases: &[&str], advisory| Advisory {
        aliases: aliases.iter().map(|name| (*name).to_owned()).collect(),
        ..advisory
    };
    let go = shard(
        Ecosystem::Go,
        "",
        "2026-11-20",
        vec![
            fixed("example.org/a", "GO-1", &["CVE-1"], "2.0.0"),
            named(&["GO-1"], fixed("example.org/a", "GHSA-1", &[], "2.0.0")),
            named(&["GHSA-2"], fixed("example.org/a", "GO-2", &[], "2.0.0")),
            fixed("example.org/a", "GHSA-2", &[], "2.0.0"),
        ],
    );
    let advisories: Advisories = [go].into_iter().collect();
    let module = package(PackageKind::Go, "example.org/a", "v1.0.0");
    let found = matched(None, vec![module], &advisories);
    assert_eq!(
        ids(&found),
        [("CVE-1", "example.org/a"), ("GHSA-2", "example.org/a")]
    );
    assert_eq!(found.findings[1].aliases, ["GO-2"]);
    assert!(found.coverage.is_complete());
    assert_eq!(found.used[0].about, "Go");
}

#[test]
fn headers_of_a_kernel_are_counted_apart() {
    let advisories = debian(vec![fixed("linux", "CVE-1", &["CVE-1"], "6.2-1")]);
    let headers = built_from(
        package(PackageKind::Deb, "linux-libc-dev", "6.1-1"),
        "linux",
        "6.1-1",
    );
    let kernel = built_from(
        package(PackageKind::Deb, "linux-image-amd64", "6.1-1"),
        "linux",
        "6.1-1",
    );
    let found = matched(os("debian", "12"), vec![headers, kernel], &advisories);
    let apart = |name: &str| {
        let mut findings = found.findings.iter();
        findings
            .find(|finding| finding.package == name)
            .unwrap()
            .apart
    };
    assert!(apart("linux-libc-dev") && !apart("linux-image-amd64"));
}

#[test]
fn a_version_that_cannot_be_compared_is_a_finding_in_doubt() {
    let advisories = debian(vec![fixed("a", "CVE-1", &["CVE-1"], "1")]);
    let odd = package(PackageKind::Deb, "a", "what:ever");
    let found = matched(os("debian", "12"), vec![odd], &advisories);
    assert!(found.findings[0].doubt.is_some());
    assert_eq!(
        found.coverage,
        Coverage::Partial(vec![Reason::VersionsInDoubt {
            count: 1,
            examples: vec!["a what:ever".to_owned()],
        }])
    );
}

#[test]
fn advisories_that_are_missing_old_or_ended_make_less_than_complete() {
    let glibc = || vec![package(PackageKind::Deb, "glibc", "1")];
    let stream = Stream::new(Ecosystem::Debian, "12");

    let nothing = matched(os("debian", "12"), glibc(), &Advisories::new());
    let missing = Reason::AdvisoriesMissing {
        stream: stream.clone(),
        packages: 1,
    };
    assert_eq!(nothing.coverage, Coverage::None(vec![missing]));

    for (dated, days) in [
        ("2026-10-27", None),
        ("2026-10-26", Some(31)),
        ("2027-01-01", None),
    ] {
        let advisories = [shard(Ecosystem::Debian, "12", dated, Vec::new())]
            .into_iter()
            .collect();
        let found = matched(os("debian", "12"), glibc(), &advisories);
        let old = days.map(|days| Reason::AdvisoriesOld {
            stream: stream.clone(),
            dated: dated.to_owned(),
            days,
            allowed: 30,
        });
        assert_eq!(
            found.coverage,
            Coverage::of(old.into_iter().collect(), true),
            "{dated}"
        );
    }

    let advisories = [shard(Ecosystem::Debian, "11", "2026-11-20", Vec::new())]
        .into_iter()
        .collect();
    let found = matched(os("debian", "11"), glibc(), &advisories);
    let ended = Reason::OsEndOfLife {
        stream: Stream::new(Ecosystem::Debian, "11"),
        ended: "2026-08-31".to_owned(),
    };
    assert_eq!(found.coverage, Coverage::Partial(vec![ended]));
}

#[test]
fn what_no_advisories_are_about_is_never_complete() {
    let advisories = debian(Vec::new());
    // Packages of another manager than the system's, and of a system that has no advisories.
    let apk = vec![package(PackageKind::Apk, "musl", "1.2.4-r1")];
    for system in [os("debian", "12"), os("arch", ""), None] {
        let found = matched(system.clone(), apk.clone(), &advisories);
        assert_eq!(found.coverage.as_str(), "none", "{system:?}");
    }
    let empty = matched(os("debian", "12"), Vec::new(), &advisories);
    assert_eq!(empty.coverage, Coverage::None(vec![Reason::NothingToMatch]));
    // What the inventory lacks is lacking here.
    let gaps = vec![Reason::NothingToMatch];
    let inventory = Inventory::new(
        os("debian", "12"),
        vec![package(PackageKind::Deb, "a", "1")],
        gaps.clone(),
        0,
    );
    let found = match_inventory(&inventory, &advisories, NOW, 30);
    assert_eq!(found.coverage, Coverage::Partial(gaps));
}
