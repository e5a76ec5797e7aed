//! Programs of others: what repairs a thin pool's metadata, what gives it room out of a volume group, and Trivy where it
//! looks into images.

use std::{
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use longshore_scan::{NoVersion, program_version};

use super::Check;
use crate::{Scanning, failure::causes, scanning::is_a_program};

const THIN: &str = "thin-tools";
const LVM: &str = "lvm";
const TRIVY: &str = "trivy";

/// The programs of thin-provisioning-tools that checking and repairing take.
const THIN_TOOLS: [&str; 5] = [
    "thin_check",
    "thin_repair",
    "thin_dump",
    "thin_restore",
    "thin_ls",
];

/// The programs of LVM that giving room to a pool on logical volumes takes.
const LVM_TOOLS: [&str; 2] = ["lvs", "lvextend"];

/// How long a program may take to say what it is: they take milliseconds, and Trivy a second on a busy host.
const TIME: Duration = Duration::from_secs(10);

/// What a program says of itself.
type Said = Result<String, String>;

/// Looks for the tools of thin pools, and judges.
pub(super) fn thin(wanted: Option<&str>, search_path: Option<&OsStr>) -> Check {
    let Some(wanted) = wanted else {
        return Check::skip(THIN, "volumes are files here, and no pool is recorded");
    };
    let look = |name: &'static str| {
        let program = find(name, search_path);
        (name, program.map(|program| ask(&program, "-V")))
    };
    judge_thin(&THIN_TOOLS.map(look), wanted)
}

fn judge_thin(tools: &[(&str, Option<Said>)], wanted: &str) -> Check {
    let install = "install thin-provisioning-tools (Debian, Ubuntu) or device-mapper-persistent-data (Fedora, RHEL): \
                   without them a pool that needs it can be neither checked nor repaired";
    let missing = tools.iter().filter(|(_, said)| said.is_none());
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let found = format!("{} not found, and {wanted}", missing.join(", "));
        return Check::warn(THIN, found, install);
    }
    let broken = tools
        .iter()
        .filter_map(|(name, said)| Some((name, said.as_ref()?.as_ref().err()?)));
    let broken: Vec<_> = broken.map(|(name, why)| format!("{name}: {why}")).collect();
    if !broken.is_empty() {
        return Check::warn(THIN, broken.join("; "), install);
    }
    let mut versions: Vec<&str> = tools
        .iter()
        .filter_map(|(_, said)| said.as_ref()?.as_ref().ok())
        // `thin_check 1.0.12` since 1.0, `0.9.0` before.
        .filter_map(|said| said.split_whitespace().next_back())
        .collect();
    versions.dedup();
    Check::ok(THIN, versions.join(", "))
}

/// Looks for LVM's tools, for a pool that is on logical volumes, and judges.
pub(super) fn lvm(wanted: &str, search_path: Option<&OsStr>) -> Check {
    let look = |name: &'static str| {
        let program = find(name, search_path);
        (name, program.map(|program| ask(&program, "--version")))
    };
    judge_lvm(&LVM_TOOLS.map(look), wanted)
}

fn judge_lvm(tools: &[(&str, Option<Said>)], wanted: &str) -> Check {
    let install = "install lvm2: without it the pool is given no room out of its volume group";
    let mut versions = Vec::new();
    for (name, said) in tools {
        match said {
            None => {
                let found = format!("{name} not found, and {wanted}");
                return Check::warn(LVM, found, install);
            }
            Some(Err(why)) => return Check::warn(LVM, format!("{name}: {why}"), install),
            // `LVM version:     2.03.16(2) (2022-05-18)`.
            Some(Ok(said)) => versions.extend(said.split_whitespace().nth(2)),
        }
    }
    versions.dedup();
    Check::ok(LVM, versions.join(", "))
}

/// Looks for Trivy where the settings want it, and judges.
pub(super) fn trivy(scanning: &Scanning) -> Check {
    if !is_a_program(&scanning.scanners) {
        return Check::skip(TRIVY, "the setting `scanner` does not name it");
    }
    let program = &scanning.trivy.program;
    match ask(program, "--version") {
        Ok(said) => Check::ok(TRIVY, format!("{said} ({})", program.display())),
        Err(why) => Check::fail(
            TRIVY,
            format!("{}: {why}", program.display()),
            "install it, say where it is with the setting `trivy`, or do without with `scanner = \"embedded\"`",
        ),
    }
}

fn ask(program: &Path, argument: &str) -> Said {
    program_version(program, argument, TIME).map_err(|error| match error {
        NoVersion::TimedOut => format!("no answer within {} seconds", TIME.as_secs()),
        other => causes(&other).join(": "),
    })
}

/// The first program of that name.
fn find(name: &str, search_path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        let metadata = path.metadata();
        metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(search_path?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::CheckState::{Ok as Good, Skip, Warn};

    fn said(text: &str) -> Option<Said> {
        Some(Ok(text.to_owned()))
    }

    #[test]
    fn tools_are_there_missing_or_broken() {
        let new = [
            ("thin_check", said("thin_check 1.0.12")),
            ("thin_ls", said("thin_ls 1.0.12")),
        ];
        let check = judge_thin(&new, "why");
        assert_eq!((check.state, check.found.as_str()), (Good, "1.0.12"));
        let old = [("thin_check", said("0.9.0")), ("thin_ls", said("1.1.0"))];
        assert_eq!(judge_thin(&old, "why").found, "0.9.0, 1.1.0");
        let missing = [("thin_check", said("0.9.0")), ("thin_repair", None)];
        let check = judge_thin(&missing, "pool tank is recorded");
        assert_eq!(check.state, Warn);
        assert!(check.found.contains("thin_repair not found"), "{check:?}");
        assert!(check.found.contains("tank"), "{check:?}");
        let broken = [("thin_check", Some(Err("no answer".to_owned())))];
        assert_eq!(judge_thin(&broken, "why").state, Warn);
    }

    #[test]
    fn lvm_is_there_missing_or_broken() {
        let version = "LVM version:     2.03.16(2) (2022-05-18)";
        let both = [("lvs", said(version)), ("lvextend", said(version))];
        let check = judge_lvm(&both, "why");
        assert_eq!((check.state, check.found.as_str()), (Good, "2.03.16(2)"));
        let check = judge_lvm(&[("lvs", said(version)), ("lvextend", None)], "pool tank");
        assert_eq!(check.state, Warn);
        assert!(check.found.contains("lvextend not found"), "{check:?}");
        let check = judge_lvm(&[("lvs", Some(Err("no answer".to_owned())))], "why");
        assert_eq!(
            (check.state, check.found.as_str()),
            (Warn, "lvs: no answer")
        );
        assert_eq!(lvm("why", None).state, Warn);
    }

    #[test]
    fn programs_are_looked_for_where_programs_are() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        for place in [&first, &second] {
            fs::create_dir(place).unwrap();
            fs::write(place.join("thin_ls"), "").unwrap();
        }
        let program = second.join("thin_ls");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::join_paths([&first, &second]).unwrap();
        assert_eq!(find("thin_ls", Some(&path)), Some(program));
        assert_eq!(find("thin_check", Some(&path)), None);
        assert_eq!(find("thin_ls", None), None);
    }

    #[test]
    fn what_nobody_wants_is_not_looked_for() {
        assert_eq!(thin(None, None).state, Skip);
        assert_eq!(thin(Some("why"), None).state, Warn);
        assert_eq!(trivy(&Scanning::default()).state, Skip);
    }
}
