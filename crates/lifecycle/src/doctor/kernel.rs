//! The kernel: which one, and what of it thin pools need.

use super::Check;

const KERNEL: &str = "kernel";
const MAPPER: &str = "device-mapper";
const TARGETS: &str = "thin-targets";
const LOOPS: &str = "loop-devices";

/// Looks and judges. `wanted` is why thin devices are wanted here, if they are.
pub(super) fn checks(wanted: Option<&str>) -> Vec<Check> {
    let release = facts::release();
    let kernel = match &release {
        Some(release) => Check::ok(KERNEL, release.clone()),
        None => Check::skip(KERNEL, "it does not say which it is"),
    };
    let Some(wanted) = wanted else {
        let why = "volumes are files here, and no pool is recorded";
        let rest = [MAPPER, TARGETS, LOOPS].map(|name| Check::skip(name, why));
        return [kernel].into_iter().chain(rest).collect();
    };
    let mut checks = vec![kernel];
    checks.extend(judge(&facts::look(), wanted));
    checks
}

/// What is known of the kernel's block side.
#[derive(Debug)]
struct Mapper {
    /// The version of its interface, or why it cannot be asked.
    interface: Result<String, String>,
    /// The targets that thin devices are made of, with their versions, and whether they can be used.
    targets: Vec<(&'static str, Option<String>)>,
    usable: Result<(), String>,
    has_loops: bool,
    is_root: bool,
}

fn judge(mapper: &Mapper, wanted: &str) -> Vec<Check> {
    let modules = "load the kernel's modules `dm-mod` and `dm-thin-pool`, and give the command as root; in a \
                   container /dev/mapper must be the host's";
    let interface = match &mapper.interface {
        Ok(version) => Check::ok(MAPPER, format!("interface {version}")),
        Err(why) if !mapper.is_root => Check::fail(
            MAPPER,
            format!("{why}; {wanted}"),
            "thin pools take root: give the command with sudo",
        ),
        Err(why) => Check::fail(MAPPER, format!("{why}; {wanted}"), modules),
    };
    let versions = mapper.targets.iter().map(|(name, version)| {
        let version = version.as_deref().unwrap_or("missing");
        format!("{name} {version}")
    });
    let versions = versions.collect::<Vec<_>>().join(", ");
    let is_missing = mapper.targets.iter().any(|(_, version)| version.is_none());
    let targets = match (&mapper.interface, &mapper.usable) {
        (Err(_), _) => Check::skip(TARGETS, "device-mapper cannot be asked"),
        (Ok(_), Err(why)) => Check::fail(TARGETS, format!("{versions}: {why}"), modules),
        (Ok(_), Ok(())) if is_missing => Check::fail(TARGETS, versions, modules),
        (Ok(_), Ok(())) => Check::ok(TARGETS, versions),
    };
    let loops = match mapper.has_loops {
        true => Check::ok(LOOPS, "the kernel has them"),
        false => Check::warn(
            LOOPS,
            "the kernel has none: a pool can be on block devices only",
            "load the kernel's module `loop`",
        ),
    };
    vec![interface, targets, loops]
}

#[cfg(target_os = "linux")]
mod facts {
    use std::fs;

    use longshore_volume::{dm::Control, thin::available};
    use rustix::process::geteuid;

    use super::Mapper;
    use crate::failure::causes;

    /// The targets that thin devices are made of.
    const THIN: [&str; 2] = ["thin-pool", "thin"];

    pub(super) fn release() -> Option<String> {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
        Some(format!("Linux {}", release.trim()))
    }

    pub(super) fn look() -> Mapper {
        let misc = fs::read_to_string("/proc/misc").unwrap_or_default();
        // First: it is what loads the module.
        let usable = available().map_err(|error| causes(&error).join(": "));
        let asked = Control::open().and_then(|control| {
            let targets = control.targets()?;
            Ok((control.version(), targets))
        });
        let targets = |found: &[(String, [u32; 3])]| {
            THIN.map(|name| {
                let found = found.iter().find(|(target, _)| target == name);
                let version = found.map(|(_, [a, b, c])| format!("{a}.{b}.{c}"));
                (name, version)
            })
        };
        Mapper {
            targets: match &asked {
                Ok((_, found)) => targets(found).into(),
                Err(_) => Vec::new(),
            },
            interface: asked
                .map(|(version, _)| {
                    format!("{}.{}.{}", version.major, version.minor, version.patch)
                })
                .map_err(|error| causes(&error).join(": ")),
            usable,
            has_loops: misc.lines().any(|line| line.ends_with(" loop-control")),
            is_root: geteuid().is_root(),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod facts {
    use super::Mapper;

    pub(super) fn release() -> Option<String> {
        None
    }

    pub(super) fn look() -> Mapper {
        let why = "thin pools are Linux's".to_owned();
        Mapper {
            interface: Err(why.clone()),
            targets: Vec::new(),
            usable: Err(why),
            has_loops: false,
            is_root: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{self, Fail, Ok as Good, Skip, Warn};

    fn states(change: impl FnOnce(&mut Mapper)) -> Vec<CheckState> {
        let mut mapper = Mapper {
            interface: Ok("4.47.0".to_owned()),
            targets: vec![
                ("thin-pool", Some("1.22.0".to_owned())),
                ("thin", Some("1.22.0".to_owned())),
            ],
            usable: Ok(()),
            has_loops: true,
            is_root: true,
        };
        change(&mut mapper);
        let checks = judge(&mapper, "a pool is recorded");
        checks.iter().map(|check| check.state).collect()
    }

    #[test]
    fn a_kernel_has_what_thin_pools_need_or_what_is_missing_is_told() {
        assert_eq!(states(|_| {}), [Good, Good, Good]);
        assert_eq!(states(|it| it.has_loops = false), [Good, Good, Warn]);
        assert_eq!(states(|it| it.targets[1].1 = None), [Good, Fail, Good]);
        let unusable = |it: &mut Mapper| it.usable = Err("no such target".to_owned());
        assert_eq!(states(unusable), [Good, Fail, Good]);
        let absent = |it: &mut Mapper| it.interface = Err("no such device".to_owned());
        assert_eq!(states(absent), [Fail, Skip, Good]);
    }

    #[test]
    fn who_is_not_root_is_told_to_be() {
        let mapper = Mapper {
            interface: Err("permission denied".to_owned()),
            targets: Vec::new(),
            usable: Err("permission denied".to_owned()),
            has_loops: true,
            is_root: false,
        };
        let checks = judge(&mapper, "pool tank is recorded");
        assert!(checks[0].found.contains("pool tank is recorded"));
        assert!(checks[0].hint.as_deref().unwrap().contains("sudo"));
    }

    #[test]
    fn where_nobody_wants_thin_devices_nobody_asks_for_them() {
        let checks = checks(None);
        assert!(checks.iter().skip(1).all(|check| check.state == Skip));
        assert_eq!(checks.len(), 4);
    }
}
