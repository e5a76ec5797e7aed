//! Two families in the shape of AlmaLinux's: one that its publisher has fixed, and one that was never
//! brought up to date. Names and versions are those of the distribution, up to August 2026.

use super::{
    builder::Family,
    content::Content,
    layer::Layer,
    rpm_database::{RpmPackage, rpm_database},
};

/// Name, source package, the version that was never brought up to date, the one that was.
const PACKAGES: [(&str, &str, &str, &str); 8] = [
    ("bash", "bash", "5.1.8-6.el9_1", "5.1.8-9.el9"),
    ("coreutils", "coreutils", "8.32-39.el9", "8.32-41.el9_8"),
    ("expat", "expat", "2.5.0-5.el9_6", "2.5.0-6.el9_8.1"),
    ("glibc", "glibc", "2.34-231.el9_7.2", "2.34-274.el9_8"),
    ("krb5-libs", "krb5", "1.21.1-8.el9_6", "1.21.1-10.el9_8"),
    (
        "openssl-libs",
        "openssl",
        "1:3.5.1-3.el9",
        "1:3.5.5-4.el9_8",
    ),
    ("sqlite-libs", "sqlite", "3.34.1-7.el9_3", "3.34.1-9.el9_7"),
    ("zlib", "zlib", "1.2.11-40.el9", "1.2.11-40.el9"),
];

/// `images/patched`: everything is as its publisher has fixed it.
#[must_use]
pub fn patched() -> Family {
    family("images/patched", |(name, source, _, version)| RpmPackage {
        name,
        version,
        source,
    })
}

/// `images/neglected`: the same, as it was before.
#[must_use]
pub fn neglected() -> Family {
    family("images/neglected", |(name, source, version, _)| {
        RpmPackage {
            name,
            version,
            source,
        }
    })
}

type Row = (&'static str, &'static str, &'static str, &'static str);

fn family(prefix: &str, package: impl Fn(Row) -> RpmPackage<'static>) -> Family {
    let packages: Vec<_> = PACKAGES.into_iter().map(package).collect();
    let base = Layer::new()
        .dir("etc", 0o755)
        .dir("usr/bin", 0o755)
        .dir("usr/lib/sysimage", 0o755)
        .dir("usr/lib64", 0o755)
        .dir("var/lib/rpm", 0o755)
        .file("usr/lib/os-release", OS_RELEASE)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file(
            "etc/redhat-release",
            "AlmaLinux release 9.8 (Olive Jaguar)\n",
        )
        .file("usr/bin/bash", noise(901, 700_000))
        .mode(0o755)
        .file("usr/lib64/libc.so.6", noise(902, 900_000))
        .mode(0o755);
    let database = Layer::new()
        .dir("var/lib/rpm", 0o755)
        .file("var/lib/rpm/rpmdb.sqlite", rpm_database(&packages));
    Family::builder(prefix)
        .add("1", base)
        .add("2", database)
        .build()
}

fn noise(seed: u64, length: u64) -> Content {
    Content::Noise { seed, length }
}

const OS_RELEASE: &str = "NAME=\"AlmaLinux\"\nVERSION=\"9.8 (Olive Jaguar)\"\nID=\"almalinux\"\n\
     ID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.8\"\nPRETTY_NAME=\"AlmaLinux 9.8 (Olive Jaguar)\"\n";
