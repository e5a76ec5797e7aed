//! Records as they are published, and the systems that they are about.

use longshore_scan::{PackageKind, Stream};
use serde_json::json;

/// A system whose packages are matched, with versions in their order and those of its modules.
#[derive(Debug, Clone, Copy)]
pub(super) struct System {
    pub(super) ecosystem: &'static str,
    pub(super) id: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: PackageKind,
    pub(super) by_source: bool,
    pub(super) versions: &'static [&'static str],
    pub(super) modular: &'static [&'static str],
}

pub(super) const SYSTEMS: [System; 4] = [
    System {
        ecosystem: "Ubuntu:22.04:LTS",
        id: "ubuntu",
        version: "22.04",
        kind: PackageKind::Deb,
        by_source: true,
        versions: &[
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1ubuntu0.1",
            "1.0-10",
            "1.1-1",
            "1:0.5-1",
        ],
        modular: &[],
    },
    System {
        ecosystem: "Alpine:v3.22",
        id: "alpine",
        version: "3.22.1",
        kind: PackageKind::Apk,
        by_source: true,
        versions: &[
            "1.0_rc1-r0",
            "1.0-r0",
            "1.0-r9",
            "1.0-r10",
            "1.0_p1-r0",
            "1.10-r0",
        ],
        modular: &[],
    },
    System {
        ecosystem: "AlmaLinux:8",
        id: "almalinux",
        version: "8.10",
        kind: PackageKind::Rpm,
        by_source: false,
        versions: &[
            "1.0~rc1-1.el8",
            "1.0-1.el8",
            "1.0-1.el8_2",
            "1.0-10.el8",
            "2.0-1.el8",
            "1:0.5-1.el8",
        ],
        modular: &[
            "1.0-1.module_el8.6.0+1+aa",
            "1.0-2.module_el8.6.0+1+aa",
            "1.0-10.module_el8.6.0+1+aa",
            "2.0-1.module_el8.6.0+1+aa",
        ],
    },
    System {
        ecosystem: "Go",
        id: "",
        version: "",
        kind: PackageKind::Go,
        by_source: false,
        versions: &[
            "v0.0.0-20200101000000-abcdefabcdef",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v1.2.0",
            "v1.10.0",
            "v2.0.0",
        ],
        modular: &[],
    },
];

pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];
pub(super) const STREAMS: [&str; 2] = ["m:1", "m:2"];
pub(super) const CVES: [&str; 3] = ["CVE-2026-1001", "CVE-2026-1002", "CVE-2026-1003"];

#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) what: &'static str,
    pub(super) at: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Affected {
    pub(super) package: &'static str,
    pub(super) events: Vec<Event>,
    pub(super) versions: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) cves: Vec<&'static str>,
    pub(super) withdrawn: bool,
    pub(super) module: Option<&'static str>,
    pub(super) affected: Vec<Affected>,
}

impl Record {
    pub(super) fn json(&self, system: System) -> Vec<u8> {
        let affected = self.affected.iter().map(|affected| {
            let events = affected
                .events
                .iter()
                .map(|event| json!({event.what: event.at}));
            json!({
                "package": {"ecosystem": system.ecosystem, "name": affected.package},
                "ranges": [{"type": "ECOSYSTEM", "events": events.collect::<Vec<_>>()}],
                "versions": affected.versions,
            })
        });
        let mut record = json!({
            "id": self.id,
            "modified": "2026-11-01T00:00:00Z",
            "aliases": self.cves,
            "summary": self.module.map_or_else(String::new, |module| format!("Low: {module} update")),
            "affected": affected.collect::<Vec<_>>(),
        });
        if self.withdrawn {
            record["withdrawn"] = json!("2026-11-02T00:00:00Z");
        }
        serde_json::to_vec(&record).unwrap()
    }
}

pub(super) fn stream(system: System) -> Stream {
    let (name, release) = system
        .ecosystem
        .split_once(':')
        .unwrap_or((system.ecosystem, ""));
    Stream::new(name.parse().unwrap(), release.trim_end_matches(":LTS"))
}
