//! What is wrong with a pool, or soon will be. Pure.

use std::cmp::Reverse;

use longshore_volume::thin::{
    LogicalVolume, LogicalVolumes, PoolMode, PoolSpec, PoolState, PoolStatus, usable_metadata,
};

use super::{
    super::{PoolAlarm, PoolExtension},
    alarm::{critical, warning},
    groups::{Groups, low_group},
    wish::{Wish, percent, wish},
};

/// Percent of data or metadata from which on it is low: what is left is what an hour of work may take.
const LOW: u64 = 80;
/// And from which on it is as good as full: a machine that writes may be the one that finds nothing left.
const FULL: u64 = 95;
/// Bytes that a filesystem has free at least below a pool whose files take room as they are used.
const HOST_SPARE: u64 = 256 << 20;

/// What was seen of a pool.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) spec: &'a PoolSpec,
    /// What its device says, where it is up.
    pub(super) state: Option<&'a PoolState>,
    /// Whether it waits, for whoever was ended as it was given another table.
    pub(super) suspended: bool,
    /// The transaction that the catalogue has.
    pub(super) recorded: u64,
    /// What is wrong with its parts.
    pub(super) gone: Vec<String>,
    /// What is left where the files are that take room as they are used, if there are such.
    pub(super) host: Option<HostRoom>,
    /// The logical volumes that it is on.
    pub(super) groups: Groups,
}

impl Seen<'_> {
    /// What room it wants now, if that can be given to it.
    fn wants(&self) -> Option<PoolExtension> {
        match wish(self.spec, self.state?, self.suspended)? {
            Wish::Grow(more) => Some(more),
            Wish::Resume | Wish::TakeRoom => None,
        }
    }
}

/// The filesystem below a pool whose files take room as they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostRoom {
    /// Bytes that are free.
    pub(super) free: u64,
    /// Bytes that the files may still take.
    pub(super) may_take: u64,
}

/// What is wrong, the worst first.
pub(super) fn alarms(seen: &Seen<'_>) -> Vec<PoolAlarm> {
    let mut found = Vec::new();
    for text in &seen.gone {
        let hint = "stop the machines, take the pool down, and attach what it was made of (docs/operations.md)";
        found.push(critical("part-gone", text.clone(), hint));
    }
    if seen.suspended {
        let text = "it is suspended: whoever writes to it waits".to_owned();
        let hint = "`longshore pool up` lets it work again, as does any command that works here";
        found.push(critical("suspended", text, hint));
    }
    match seen.state {
        None => {}
        Some(PoolState::Failed) => found.push(critical(
            "failed",
            "its metadata cannot be used".to_owned(),
            "stop the machines, then `longshore pool repair`",
        )),
        Some(PoolState::Error) => found.push(critical(
            "unreadable",
            "its status cannot be read".to_owned(),
            "see the kernel's log; `longshore pool down`, `pool check`, `pool up`",
        )),
        Some(PoolState::Working(status)) => working(seen, status, &mut found),
    }
    found.extend(seen.host.and_then(low_host));
    found.extend(low_group(seen.spec, &seen.groups, seen.wants()));
    found.sort_by_key(|alarm| Reverse(alarm.level));
    found
}

fn low_host(HostRoom { free, may_take }: HostRoom) -> Option<PoolAlarm> {
    let text =
        format!("the filesystem below it has {free} bytes free, and it may take {may_take} more");
    let hint = "make room on that filesystem: when it is full, machines see I/O errors; `longshore pool trim` gives \
                back what is free in the pool";
    if free < HOST_SPARE.min(may_take) {
        Some(critical("host-low", text, hint))
    } else if free < may_take {
        Some(warning("host-low", text, hint))
    } else {
        None
    }
}

fn working(seen: &Seen<'_>, status: &PoolStatus, found: &mut Vec<PoolAlarm>) {
    let volumes = seen.groups.as_ref().ok();
    let is_volume = |part: fn(&LogicalVolumes) -> &Option<LogicalVolume>| {
        volumes.is_some_and(|volumes| part(volumes).is_some())
    };
    let extend = match seen.spec.data_is_file() || is_volume(|volumes| &volumes.data) {
        true => {
            "give it room with `longshore pool extend --size SIZE`, or remove what is not needed (`longshore df`)"
        }
        false => {
            "enlarge the device and then `longshore pool extend`, or remove what is not needed (`longshore df`)"
        }
    };
    let metadata = match seen.spec.metadata_is_file() || is_volume(|volumes| &volumes.metadata) {
        true => "give it room with `longshore pool extend --metadata-size SIZE`",
        false => "enlarge the metadata device and then `longshore pool extend`",
    };
    if status.needs_check {
        let hint = "stop the machines, then `longshore pool repair`";
        let text = "a metadata operation has failed: nothing in it can be changed".to_owned();
        found.push(critical("needs-check", text, hint));
    } else if status.mode == PoolMode::ReadOnly {
        let hint = "see the kernel's log for why; stop the machines, then `longshore pool repair`";
        found.push(critical(
            "read-only",
            "nothing in it can be changed".to_owned(),
            hint,
        ));
    }
    let room = |used: u64, total: u64, what: &str| {
        format!("{} of {total} blocks of {what} are used", used.min(total))
    };
    let data = percent(status.data_used, status.data_total);
    let text = room(status.data_used, status.data_total, "data");
    if status.mode == PoolMode::OutOfDataSpace || data >= FULL {
        found.push(critical("data-full", text, extend));
    } else if data >= LOW {
        found.push(warning("data-low", text, extend));
    }
    let usable = usable_metadata(status.metadata_total);
    let used = percent(status.metadata_used, usable);
    let text = room(status.metadata_used, usable, "metadata");
    if used >= FULL {
        found.push(critical("metadata-full", text, metadata));
    } else if used >= LOW {
        found.push(warning("metadata-low", text, metadata));
    }
    if !matches!(seen.recorded.checked_sub(status.transaction), Some(0 | 1)) {
        let text = format!(
            "it is at transaction {}, and {} was the last that was written down",
            status.transaction, seen.recorded
        );
        let hint =
            "restore the state directory or the pool of the same day, or see `longshore doctor`";
        found.push(critical("differs", text, hint));
    }
}

/// Whether so many blocks of metadata are as good as all.
pub(super) fn is_full(used: u64, total: u64) -> bool {
    percent(used, usable_metadata(total)) >= FULL
}

#[cfg(test)]
mod tests {
    use longshore_volume::thin::Part;

    use super::*;

    fn spec() -> PoolSpec {
        PoolSpec::on_files("/pools".into(), "web", 1 << 30, false, 1 << 20).unwrap()
    }

    fn status(words: &str) -> PoolState {
        PoolState::parse(words).unwrap()
    }

    fn names(
        state: &PoolState,
        recorded: u64,
        host: Option<HostRoom>,
    ) -> Vec<(&'static str, &'static str)> {
        let spec = spec();
        let seen = Seen {
            spec: &spec,
            state: Some(state),
            suspended: false,
            recorded,
            gone: Vec::new(),
            host,
            groups: Ok(LogicalVolumes::default()),
        };
        let alarms = alarms(&seen);
        alarms
            .iter()
            .map(|alarm| (alarm.name, alarm.level.as_str()))
            .collect()
    }

    #[test]
    fn each_trouble_has_its_name() {
        let fine = "7 10/1000 10/1024 - rw discard_passdown error_if_no_space - 1024";
        assert_eq!(names(&status(fine), 7, None), []);
        assert_eq!(names(&status(fine), 8, None), []);
        for (words, expected) in [
            (fine.replace("10/1024", "820/1024"), ("data-low", "warning")),
            (
                fine.replace("10/1024", "980/1024"),
                ("data-full", "critical"),
            ),
            (
                fine.replace("rw", "out_of_data_space"),
                ("data-full", "critical"),
            ),
            (
                fine.replace("10/1000", "720/1000"),
                ("metadata-low", "warning"),
            ),
            (
                fine.replace("10/1000", "855/1000"),
                ("metadata-full", "critical"),
            ),
            (fine.replace(" rw ", " ro "), ("read-only", "critical")),
            (
                fine.replace("space - 1024", "space needs_check 1024"),
                ("needs-check", "critical"),
            ),
            ("Fail".to_owned(), ("failed", "critical")),
            ("Error".to_owned(), ("unreadable", "critical")),
        ] {
            assert_eq!(names(&status(&words), 7, None), [expected], "{words}");
        }
        for recorded in [6, 9] {
            assert_eq!(
                names(&status(fine), recorded, None),
                [("differs", "critical")]
            );
        }
        let may_take = 1014 << 20;
        let host = |free| Some(HostRoom { free, may_take });
        assert_eq!(names(&status(fine), 7, host(may_take)), []);
        for (free, level) in [(may_take - 1, "warning"), ((256 << 20) - 1, "critical")] {
            assert_eq!(names(&status(fine), 7, host(free)), [("host-low", level)]);
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let words = "7 10/1000 820/1024 - rw discard_passdown error_if_no_space needs_check 1024";
        let found = names(&status(words), 7, None);
        assert_eq!(
            found,
            [("needs-check", "critical"), ("data-low", "warning")]
        );
    }

    /// A pool on two logical volumes of a group that has nothing free.
    fn on_volumes() -> PoolSpec {
        let part = |path: &str| Part::Device {
            path: path.into(),
            bytes: 64 << 20,
            identity: None,
        };
        PoolSpec::on_devices(part("/dev/g/m"), part("/dev/g/d"), 64 << 10).unwrap()
    }

    fn volumes() -> LogicalVolumes {
        let volume = || {
            Some(LogicalVolume {
                group: "g".to_owned(),
                name: "it".to_owned(),
                bytes: 64 << 20,
                free: 0,
                extent: 4 << 20,
            })
        };
        LogicalVolumes {
            data: volume(),
            metadata: volume(),
        }
    }

    #[test]
    fn what_is_said_of_a_full_one_is_how_it_is_given_room() {
        let words = "7 980/1000 2090/2096 - rw discard_passdown error_if_no_space - 1024";
        let state = PoolState::parse(words).unwrap();
        let spec = PoolSpec {
            growth: None,
            ..on_volumes()
        };
        let hints = |groups| {
            let seen = Seen {
                spec: &spec,
                state: Some(&state),
                suspended: false,
                recorded: 7,
                gone: Vec::new(),
                host: None,
                groups,
            };
            let hints = alarms(&seen).into_iter().map(|alarm| alarm.hint);
            hints.collect::<Vec<_>>().join("; ")
        };
        let on_volumes = hints(Ok(volumes()));
        for how in ["extend --size SIZE", "extend --metadata-size SIZE"] {
            assert!(on_volumes.contains(how), "{on_volumes}");
        }
        for groups in [Ok(LogicalVolumes::default()), Err("no lvs".to_owned())] {
            let on_devices = hints(groups);
            assert!(!on_devices.contains("SIZE"), "{on_devices}");
        }
    }
}
