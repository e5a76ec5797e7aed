//! The scanners that were chosen, one after the other, and what they say together.

use std::path::{Path, PathBuf};

use longshore_scan::{
    Combination, Report, Scanned, Scanner, ScannerError, ScannerKind, Target, Trivy, TrivyWay,
    combine,
};

use super::{AdvisoryStore, Scanning, look::embedded};
use crate::{Class, Failure, trouble::Trouble};

/// What scanners have seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What each of them said, and last what they said together where they were several.
    pub(crate) each: Vec<Scanned>,
    /// What counts: what they said together.
    pub(crate) whole: Report,
}

/// Who looks, with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanners<'a> {
    /// Which, at least one.
    pub(crate) kinds: &'a [ScannerKind],
    pub(crate) scanning: &'a Scanning,
    pub(crate) advisories: &'a AdvisoryStore,
    pub(crate) state_dir: &'a Path,
    /// A directory for those that are programs of others; see [`Scanners::is_a_program`].
    pub(crate) room: &'a Path,
}

impl Scanners<'_> {
    /// Lets each look. One that fails fails all of it: nothing is made of half of what was asked for.
    pub(crate) fn scan(&self, target: &Target<'_>) -> Result<Seen, Failure> {
        let mut each = Vec::new();
        for kind in self.kinds {
            let scanned = self.scanner(*kind).scan(target);
            each.push(scanned.map_err(Trouble::failure)?);
        }
        together(self.scanning.scanners_agree, each)
    }

    fn scanner(&self, kind: ScannerKind) -> Box<dyn Scanner + '_> {
        let way = match kind {
            ScannerKind::Embedded => {
                return Box::new(Embedded {
                    advisories: self.advisories,
                    max_age: self.scanning.max_age,
                });
            }
            ScannerKind::TrivySbom => TrivyWay::Sbom,
            ScannerKind::TrivyRootfs => TrivyWay::Rootfs,
            ScannerKind::TrivyImage => TrivyWay::Image,
        };
        Box::new(trivy(
            self.scanning,
            self.state_dir,
            self.room.to_owned(),
            way,
        ))
    }
}

/// Trivy as the settings have it.
pub(crate) fn trivy(scanning: &Scanning, state_dir: &Path, room: PathBuf, way: TrivyWay) -> Trivy {
    Trivy {
        program: scanning.trivy.program.clone(),
        way,
        cache: scanning.trivy.cache_in(state_dir),
        scratch: room,
        time: scanning.trivy.timeout,
        database_days: scanning.max_age,
    }
}

/// Whether one of these is a program that somebody else wrote.
pub fn is_a_program(kinds: &[ScannerKind]) -> bool {
    kinds.iter().any(|kind| *kind != ScannerKind::Embedded)
}

/// Whether a report was made by all of these, and maybe others.
pub(crate) fn is_of_all(report: &Report, kinds: &[ScannerKind]) -> bool {
    let mut names = kinds.iter().map(|kind| kind.as_str());
    names.all(|name| report.scanner.split('+').any(|one| one == name))
}

/// Refuses what cannot look into a stored image, before anything is fetched or read for it.
pub(crate) fn for_stored_images(kinds: &[ScannerKind]) -> Result<(), Failure> {
    if !kinds.contains(&ScannerKind::TrivyRootfs) {
        return Ok(());
    }
    let error = ScannerError::TargetUnsuitable {
        scanner: ScannerKind::TrivyRootfs.to_string(),
        why: "a stored image is a disk and no directory".to_owned(),
    };
    Err(error.failure().hint(
        "use trivy-sbom, which is given what was read in it, or trivy-image, which is given its layers; \
         trivy-rootfs is for `longshore scan --path DIR`",
    ))
}

fn together(how: Combination, mut each: Vec<Scanned>) -> Result<Seen, Failure> {
    let reports: Vec<Report> = each.iter().map(|scanned| scanned.report.clone()).collect();
    let whole = combine(how, &reports).ok_or_else(|| {
        Failure::new(Class::Usage, "no-scanner", "nobody was chosen to look")
            .hint("name one with the setting `scanner`")
    })?;
    if each.len() > 1 {
        let (report, raw) = (whole.clone(), None);
        each.push(Scanned { report, raw });
    }
    Ok(Seen { each, whole })
}

/// Ours.
#[derive(Debug)]
struct Embedded<'a> {
    advisories: &'a AdvisoryStore,
    max_age: u64,
}

impl Scanner for Embedded<'_> {
    fn name(&self) -> &str {
        ScannerKind::Embedded.as_str()
    }

    fn scan(&self, target: &Target<'_>) -> Result<Scanned, ScannerError> {
        Ok(Scanned {
            report: embedded(
                self.advisories,
                target.inventory,
                target.now_ms,
                self.max_age,
            ),
            raw: None,
        })
    }
}

impl Trouble for ScannerError {
    fn failure(self) -> Failure {
        let (class, code, hint) = match &self {
            Self::NotInstalled { .. } => (
                Class::Usage,
                "scanner-not-installed",
                "install it, name its path with the setting `trivy`, or leave it out of the setting `scanner`",
            ),
            Self::Unsuitable { .. } => (
                Class::Failed,
                "scanner-unsuitable",
                "until then, look without it with `longshore scan IMAGE --scanner embedded`",
            ),
            Self::TimedOut { .. } => (
                Class::Failed,
                "scanner-timed-out",
                "allow it more time with the setting `trivy_timeout`, or try again later",
            ),
            Self::Killed { .. } => (
                Class::Failed,
                "scanner-killed",
                "see whether the host has too little memory, and run the command again",
            ),
            Self::Failed { .. } | Self::Garbled { .. } => (
                Class::Failed,
                "scanner-failed",
                "nothing is known of the image by it; run the command again, or leave it out with \
                 `--scanner embedded`",
            ),
            Self::TargetUnsuitable { .. } => (
                Class::Usage,
                "scanner-target",
                "trivy-sbom looks into everything, trivy-rootfs into directories, and trivy-image into images",
            ),
            Self::Cancelled => return Failure::interrupted(),
            Self::Host { .. } => {
                return crate::trouble::storage(
                    "scanner",
                    "a scan could not be carried out",
                    &self,
                );
            }
        };
        Failure::new(class, code, "a scanner has no answer")
            .caused_by(&self)
            .hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use longshore_scan::{Coverage, REPORT_FORMAT};

    use super::*;

    fn scanned(name: &str) -> Scanned {
        let report = Report {
            format: REPORT_FORMAT,
            scanner: name.to_owned(),
            scanner_version: "1".to_owned(),
            scanned_at: 5,
            advisories: Vec::new(),
            coverage: Coverage::Complete,
            covered_until: None,
            packages: 2,
            findings: Vec::new(),
        };
        let raw = Some(name.as_bytes().to_vec());
        Scanned { report, raw }
    }

    fn names(seen: &Seen) -> Vec<&str> {
        let names = seen.each.iter().map(|one| one.report.scanner.as_str());
        names.collect()
    }

    #[test]
    fn several_are_kept_as_each_said_it_and_together() {
        let one = together(Combination::Any, vec![scanned("embedded")]).unwrap();
        assert_eq!(
            (names(&one), one.whole.scanner.as_str()),
            (vec!["embedded"], "embedded")
        );
        let two = vec![scanned("embedded"), scanned("trivy-sbom")];
        let two = together(Combination::Any, two).unwrap();
        assert_eq!(
            names(&two),
            ["embedded", "trivy-sbom", "embedded+trivy-sbom"]
        );
        assert_eq!(two.each[1].raw.as_deref(), Some(&b"trivy-sbom"[..]));
        assert_eq!(
            (two.each[2].raw.as_ref(), two.whole.scanner.as_str()),
            (None, "embedded+trivy-sbom")
        );
        assert_eq!(
            together(Combination::All, Vec::new()).unwrap_err().class,
            Class::Usage
        );
    }

    #[test]
    fn a_report_is_of_those_whose_names_it_has() {
        use ScannerKind::{Embedded, TrivyImage, TrivySbom};
        let report = scanned("embedded+trivy-sbom").report;
        assert!(is_of_all(&report, &[Embedded]));
        assert!(is_of_all(&report, &[TrivySbom, Embedded]));
        assert!(!is_of_all(&report, &[Embedded, TrivyImage]));
        assert!(!is_of_all(&scanned("trivy-sbom").report, &[Embedded]));
    }
}
