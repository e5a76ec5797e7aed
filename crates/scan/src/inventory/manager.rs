//! Who installs packages, and what is left of it where its database is not.

/// Who installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// Debian's.
    Dpkg,
    /// Alpine's.
    Apk,
    /// Red Hat's.
    Rpm,
}

impl Manager {
    pub(super) const ALL: [Self; 3] = [Self::Dpkg, Self::Apk, Self::Rpm];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
        }
    }

    /// Files that are only there where it has kept a database.
    pub(super) const fn remains(self) -> &'static [&'static str] {
        match self {
            Self::Dpkg => &[
                "var/lib/dpkg/status-old",
                "var/lib/dpkg/diversions-old",
                "var/lib/dpkg/statoverride-old",
            ],
            Self::Apk => &[
                "lib/apk/db/scripts.tar",
                "lib/apk/db/scripts.tar.gz",
                "lib/apk/db/triggers",
                "usr/lib/apk/db/scripts.tar",
                "usr/lib/apk/db/scripts.tar.gz",
                "usr/lib/apk/db/triggers",
                "etc/apk/world",
            ],
            Self::Rpm => &[
                "var/lib/rpm/Basenames",
                "var/lib/rpm/Index.db",
                "var/lib/rpm/Name",
                "var/lib/rpm/__db.001",
                "var/lib/rpm/rpmdb.sqlite-shm",
                "usr/lib/sysimage/rpm/Index.db",
                "usr/lib/sysimage/rpm/rpmdb.sqlite-shm",
                "var/lib/dnf/history.sqlite",
                "usr/lib/sysimage/libdnf5/packages.toml",
            ],
        }
    }

    /// Files that say that a system which is made of its packages has had a database: its programs,
    /// which other systems have too, as packages of their own.
    pub(super) const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Dpkg => &["usr/bin/dpkg", "usr/bin/apt-get", "var/lib/dpkg/available"],
            Self::Apk => &["sbin/apk", "usr/bin/apk"],
            Self::Rpm => &[
                "usr/bin/rpm",
                "bin/rpm",
                "usr/bin/dnf",
                "usr/bin/microdnf",
                "usr/bin/yum",
                "usr/bin/zypper",
                "usr/bin/tdnf",
            ],
        }
    }
}
