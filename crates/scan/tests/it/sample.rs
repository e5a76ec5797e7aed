//! Inventories to look at: one of each kind of package, with what is odd about it.

use longshore_scan::{
    Coverage, Finding, FixStatus, Inventory, Os, Package, PackageKind, REPORT_FORMAT, Reason,
    Report, Severity, Source,
};

pub(crate) fn os(id: &str, version: &str) -> Os {
    Os {
        id: id.to_owned(),
        version: version.to_owned(),
        name: format!("{id} {version} (of a test)"),
        found_in: "/etc/os-release".to_owned(),
    }
}

pub(crate) fn package(kind: PackageKind, name: &str, version: &str) -> Package {
    let found_in = match kind {
        PackageKind::Apk => "/lib/apk/db/installed",
        PackageKind::Deb => "/var/lib/dpkg/status",
        PackageKind::Rpm => "/var/lib/rpm/rpmdb.sqlite",
        PackageKind::Go => "/usr/bin/app",
    };
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        arch: (kind != PackageKind::Go).then(|| "amd64".to_owned()),
        source: None,
        module: None,
        vendor: None,
        licence: None,
        found_in: found_in.to_owned(),
    }
}

pub(crate) fn built_from(mut package: Package, name: &str, version: &str) -> Package {
    package.source = Some(Source {
        name: name.to_owned(),
        version: version.to_owned(),
    });
    package
}

/// Debian, with a module in two executables and something that could not be read.
pub(crate) fn debian() -> Inventory {
    let mut other_file = package(PackageKind::Go, "github.com/BurntSushi/toml", "v1.2.3");
    other_file.found_in = "/usr/bin/other".to_owned();
    let packages = vec![
        built_from(
            package(PackageKind::Deb, "libc6", "2.36-9+deb12u4"),
            "glibc",
            "2.36-9+deb12u4",
        ),
        built_from(
            package(PackageKind::Deb, "libattr1", "1:2.5.1-4"),
            "attr",
            "1:2.5.1-4",
        ),
        package(PackageKind::Deb, "hostname", "3.23"),
        package(PackageKind::Go, "github.com/BurntSushi/toml", "v1.2.3"),
        other_file,
        package(PackageKind::Go, "stdlib", "1.24.4"),
    ];
    let gap = Reason::Unreadable {
        path: "/var/lib/dpkg/status.d/x".to_owned(),
        problem: "it has no name".to_owned(),
    };
    Inventory::new(Some(os("debian", "12")), packages, vec![gap], 0)
}

pub(crate) fn almalinux() -> Inventory {
    let mut openssl = built_from(
        package(PackageKind::Rpm, "openssl-libs", "1:3.0.7-24.el9"),
        "openssl",
        "3.0.7-24.el9",
    );
    openssl.licence = Some("ASL 2.0 and \"others\"".to_owned());
    openssl.vendor = Some("AlmaLinux".to_owned());
    let mut nodejs = built_from(
        package(PackageKind::Rpm, "nodejs", "1:18.1.0-1.module_el9"),
        "nodejs",
        "18.1.0-1.module_el9",
    );
    nodejs.module = Some("nodejs:18:9:rhel9".to_owned());
    Inventory::new(
        Some(os("almalinux", "9.4")),
        vec![openssl, nodejs],
        vec![],
        0,
    )
}

pub(crate) fn alpine() -> Inventory {
    let libcrypto = built_from(
        package(PackageKind::Apk, "libcrypto3", "3.1.4-r1"),
        "openssl",
        "3.1.4-r1",
    );
    Inventory::new(Some(os("alpine", "3.19.1")), vec![libcrypto], vec![], 0)
}

/// No operating system, and names that an image might have to do harm.
pub(crate) fn hostile() -> Inventory {
    let names = [
        "a b\"\\\u{7}",
        "../../etc",
        "ä?x=1#y",
        "%2f@",
        "\u{202e}x",
        "a",
        "a",
    ];
    let mut packages = vec![
        package(PackageKind::Deb, "left", "1"),
        package(PackageKind::Go, "", ""),
    ];
    for (at, name) in names.into_iter().enumerate() {
        let mut module = package(PackageKind::Go, name, "v1 \n#?&");
        module.found_in = format!("/bin/{at}");
        packages.push(module);
    }
    Inventory::new(None, packages, vec![Reason::OsUnknown], 3)
}

pub(crate) fn finding(id: &str, package: &str, version: &str, severity: Severity) -> Finding {
    Finding {
        purl: None,
        id: id.to_owned(),
        aliases: Vec::new(),
        severity,
        severity_from: "NVD".to_owned(),
        package: package.to_owned(),
        version: version.to_owned(),
        source: None,
        found_in: String::new(),
        status: FixStatus::Fixed,
        fixed_in: Some("9".to_owned()),
        title: "something is wrong".to_owned(),
        doubt: None,
        apart: false,
    }
}

pub(crate) fn report(coverage: Coverage, findings: Vec<Finding>) -> Report {
    Report {
        format: REPORT_FORMAT,
        scanner: "embedded".to_owned(),
        scanner_version: "0.1.0".to_owned(),
        scanned_at: 0,
        advisories: Vec::new(),
        coverage,
        covered_until: None,
        packages: 1,
        findings,
    }
}
