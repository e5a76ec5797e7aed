//! The advisories that the binary comes with, so that a machine can scan before it has asked anybody.
//!
//! They are facts from publishers whose licences allow it; NOTICE names them. The example `make_baseline` makes
//! them. They are dated like all others, and past their age they make a report partial as all others do.

use crate::{Ecosystem, Stream};

/// The files of the shards that come with the binary, each with its stream: AlmaLinux 8, 9 and 10, and Go.
#[must_use]
pub fn baseline_shards() -> Vec<(Stream, &'static [u8])> {
    let alma = |release| Stream::new(Ecosystem::AlmaLinux, release);
    vec![
        (
            alma("10"),
            include_bytes!("../../baseline/almalinux-10.adv"),
        ),
        (alma("8"), include_bytes!("../../baseline/almalinux-8.adv")),
        (alma("9"), include_bytes!("../../baseline/almalinux-9.adv")),
        (
            Stream::new(Ecosystem::Go, ""),
            include_bytes!("../../baseline/go.adv"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::{Advisories, Shard};
    use crate::matching::match_package;

    #[test]
    fn what_comes_with_the_binary_can_be_read_is_small_and_says_from_whom_it_is() {
        let files = baseline_shards();
        let bytes: usize = files.iter().map(|(_, file)| file.len()).sum();
        assert!(bytes < 1_500_000, "{bytes}");
        for (stream, file) in files {
            let shard = Shard::decode(file).unwrap();
            assert_eq!(*shard.stream(), stream);
            assert!(shard.len() > 1000, "{}", shard.stream());
            let source = &shard.sources()[0];
            assert!(source.licence.contains(", ") && source.sha256.len() == 64);
            assert!(source.dated.as_str() >= "2026-08-21");
        }
    }

    #[test]
    fn it_knows_vulnerabilities_of_go_and_almalinux() {
        let files = baseline_shards().into_iter();
        let advisories: Advisories = files
            .map(|(_, file)| Shard::decode(file).unwrap())
            .collect();
        for (stream, package, version, cve) in [
            (
                Stream::new(Ecosystem::Go, ""),
                "github.com/gogo/protobuf",
                "v1.3.1",
                "CVE-2021-3121",
            ),
            (
                Stream::new(Ecosystem::AlmaLinux, "8"),
                "dbus-tools",
                "1:1.12.8-14.el8",
                "CVE-2022-42012",
            ),
        ] {
            let hits = match_package(&advisories, &stream, package, version);
            let mut cves = hits.iter().flat_map(|hit| hit.entry.cves());
            assert!(cves.any(|one| one == cve), "{package}");
        }
    }
}
