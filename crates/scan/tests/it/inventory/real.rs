//! Databases of real images, held against what simpler means count in them.

use std::{fs, path::PathBuf};

use longshore_scan::{
    Inventory, InventoryLimits, MemoryRootfs, Package, PackageKind, Reason, read_inventory,
};

/// A file of the data, if the data is here.
#[allow(clippy::print_stdout, reason = "a test that could not run says so")]
fn data(name: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/scan/pkgdb");
    if !folder.is_dir() {
        println!("skipped: no ../shared/scan beside the workspace");
        return None;
    }
    Some(fs::read(folder.join(name)).expect(name))
}

fn inventory(rootfs: &MemoryRootfs) -> Inventory {
    read_inventory(rootfs, &InventoryLimits::default()).expect("memory does not fail")
}

fn os(id: &str, version: &str) -> MemoryRootfs {
    let text = format!("ID={id}\nVERSION_ID={version}\n");
    MemoryRootfs::new().file("etc/os-release", text)
}

fn lines_with(text: &[u8], begin: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix(begin));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

fn sorted<'a>(packages: &'a [Package], value: impl Fn(&'a Package) -> &'a str) -> Vec<String> {
    let mut values: Vec<_> = packages.iter().map(|it| value(it).to_owned()).collect();
    values.sort();
    values
}

fn package<'a>(inventory: &'a Inventory, name: &str) -> &'a Package {
    let found = inventory
        .packages
        .iter()
        .find(|package| package.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn every_package_of_alpine_images_is_read() {
    for (name, count, version) in [
        ("alpine-3.7.3.installed", 13, "3.7.3"),
        ("alpine-3.10.9.installed", 14, "3.10.9"),
        ("alpine-3.12.12.installed", 14, "3.12.12"),
        ("alpine-3.18.9.installed", 15, "3.18.9"),
    ] {
        let Some(text) = data(name) else { return };
        let rootfs = os("alpine", version).file("lib/apk/db/installed", text.clone());
        let inventory = inventory(&rootfs);
        assert_eq!(inventory.gaps, [], "{name}");
        assert_eq!(inventory.packages.len(), count, "{name}");
        assert_eq!(
            sorted(&inventory.packages, |it| &it.name),
            lines_with(&text, "P:")
        );
        assert_eq!(
            sorted(&inventory.packages, |it| &it.version),
            lines_with(&text, "V:")
        );
        assert_eq!(
            sorted(&inventory.packages, |it| it.source_name()),
            lines_with(&text, "o:")
        );
        let licences = sorted(&inventory.packages, |it| {
            it.licence.as_deref().unwrap_or("-")
        });
        assert_eq!(licences, lines_with(&text, "L:"));
        let musl = package(&inventory, "musl-utils");
        assert_eq!(
            (musl.source_name(), musl.arch.as_deref()),
            ("musl", Some("x86_64"))
        );
    }
}

#[test]
fn what_is_wrong_in_a_database_of_apk_is_said() {
    let Some(text) = data("trivy-apk-installed") else {
        return;
    };
    let rootfs = os("alpine", "3.4.6").file("lib/apk/db/installed", text.clone());
    let inventory = inventory(&rootfs);
    // One of its entries has no version, on purpose, and its last line no end.
    assert_eq!(inventory.packages.len(), lines_with(&text, "V:").len());
    assert_eq!(inventory.gaps.len(), 2, "{:?}", inventory.gaps);
    assert!(
        inventory
            .gaps
            .iter()
            .any(|gap| gap.to_string().contains("V: is missing"))
    );
}

#[test]
fn every_package_of_databases_of_dpkg_is_read() {
    for name in ["claircore-texlive.status", "trivy-dpkg-valid.txtar"] {
        let Some(text) = data(name) else { return };
        // What stands before the file in an archive of texts.
        let marker = b"-- var/lib/dpkg/status --\n";
        let begin = text.windows(marker.len()).position(|it| it == marker);
        let text = text[begin.map_or(0, |begin| begin + marker.len())..].to_vec();
        let rootfs = os("ubuntu", "18.04").file("var/lib/dpkg/status", text.clone());
        let inventory = inventory(&rootfs);
        assert_eq!(inventory.gaps, [], "{name}");
        let installed = lines_with(&text, "Status: install ok installed").len();
        assert_eq!(inventory.packages.len(), installed, "{name}");
        let left_out = lines_with(&text, "Package: ").len() - installed;
        assert_eq!(left_out, usize::from(name.starts_with("trivy")), "{name}");
        // The version of the one that is left out is that of another too.
        let versions = sorted(&inventory.packages, |it| &it.version);
        let all = lines_with(&text, "Version: ");
        assert!(versions.iter().all(|version| all.contains(version)));
        let with_source = inventory.packages.iter().filter(|it| it.source.is_some());
        assert_eq!(
            with_source.count(),
            lines_with(&text, "Source: ").len() - left_out_sources(&text)
        );
    }
}

/// Sources of what is not installed.
fn left_out_sources(text: &[u8]) -> usize {
    let text = String::from_utf8_lossy(text);
    let entries = text
        .split("\n\n")
        .filter(|entry| entry.contains("config-files"));
    entries.filter(|entry| entry.contains("\nSource: ")).count()
}

#[test]
fn sources_have_their_own_versions() {
    let Some(text) = data("claircore-texlive.status") else {
        return;
    };
    let rootfs = os("ubuntu", "18.04").file("var/lib/dpkg/status", text);
    let inventory = inventory(&rootfs);
    let three = |name| {
        let package = package(&inventory, name);
        (
            package.version.as_str(),
            package.source_name(),
            package.source_version(),
        )
    };
    assert_eq!(
        three("libquadmath0"),
        ("8.4.0-1ubuntu1~18.04", "gcc-8", "8.4.0-1ubuntu1~18.04")
    );
    assert_eq!(
        three("cpp"),
        ("4:7.4.0-1ubuntu2.3", "gcc-defaults", "1.176ubuntu2.3")
    );
}

#[test]
fn every_package_of_a_database_of_rpm_is_read_as_sqlite_reads_it() {
    let Some(bytes) = data("cbl-mariner-2.0.rpmdb.sqlite") else {
        return;
    };
    let rootfs = os("mariner", "2.0").file("var/lib/rpm/rpmdb.sqlite", bytes.clone());
    let inventory = inventory(&rootfs);
    let os = "mariner 2.0".to_owned();
    assert_eq!(inventory.gaps, [Reason::OsUnsupported { os }]);
    assert!(
        inventory
            .packages
            .iter()
            .all(|package| package.kind == PackageKind::Rpm)
    );
    // The index of names has a row for each header; those of keys are no packages.
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("rpmdb.sqlite");
    fs::write(&path, bytes).expect("there is room");
    let connection = rusqlite::Connection::open(&path).expect("it is a database");
    let mut names = connection
        .prepare("SELECT key FROM Name ORDER BY key")
        .expect("it has one");
    let names = names
        .query_map([], |row| row.get::<_, String>(0))
        .expect("it has rows");
    let names: Vec<_> = names.map(|name| name.expect("a name")).collect();
    let keys = names.iter().filter(|name| *name == "gpg-pubkey").count();
    assert_eq!(inventory.packages.len() + keys, 129);
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| name != "gpg-pubkey")
        .collect();
    assert_eq!(sorted(&inventory.packages, |it| &it.name), names);

    let openssl = package(&inventory, "openssl-libs");
    assert_eq!(openssl.version, "1.1.1k-7.cm2");
    assert_eq!(
        (openssl.source_name(), openssl.source_version()),
        ("openssl", "1.1.1k-7.cm2")
    );
    assert_eq!(openssl.arch.as_deref(), Some("x86_64"));
    assert_eq!(openssl.vendor.as_deref(), Some("Microsoft Corporation"));
    assert_eq!(openssl.licence.as_deref(), Some("OpenSSL"));
}

#[test]
fn databases_of_rpm_that_are_not_read_yet_say_so() {
    for (name, path, what) in [
        (
            "sle15-bci.Packages.db",
            "usr/lib/sysimage/rpm/Packages.db",
            "ndb",
        ),
        (
            "libuuid.bdb.Packages",
            "var/lib/rpm/Packages",
            "Berkeley DB",
        ),
        ("Packages_epoch", "var/lib/rpm/Packages", "Berkeley DB"),
    ] {
        let Some(bytes) = data(name) else { return };
        let inventory = inventory(&os("rhel", "7.9").file(path, bytes));
        let said = matches!(&inventory.gaps[..], [Reason::Unreadable { path: at, problem }]
            if *at == format!("/{path}") && problem.contains(what));
        assert!(
            said && inventory.packages.is_empty(),
            "{:?}",
            inventory.gaps
        );
    }
}
