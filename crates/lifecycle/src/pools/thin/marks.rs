//! What is wrong with a pool, or soon will be, and when it is given more room. Pure.

use std::cmp::Reverse;

use longshore_volume::thin::{
    Growth, LogicalVolume, LogicalVolumes, PoolMode, PoolSpec, PoolState, PoolStatus,
    usable_metadata,
};

use super::{
    super::{AlarmLevel, Growing, PoolAlarm, PoolExtension},
    groups::{Groups, low_group},
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

/// What whoever tends a pool has to do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It waits, for whoever was ended as it was given another table.
    Resume,
    /// It has not taken the room that it was given.
    TakeRoom,
    /// It wants more.
    Grow(PoolExtension),
}

/// What a pool wants, if it wants anything that can be done for it while it is up.
pub(super) fn wish(spec: &PoolSpec, state: &PoolState, suspended: bool) -> Option<Wish> {
    let PoolState::Working(status) = state else {
        return None;
    };
    if suspended {
        Some(Wish::Resume)
    } else if status.data_total.saturating_mul(spec.block) < spec.data_bytes() {
        Some(Wish::TakeRoom)
    } else {
        wanted(spec, status).map(Wish::Grow)
    }
}

/// What room a pool is to be given now; `None` where it has enough, or is not to be given any.
fn wanted(spec: &PoolSpec, status: &PoolStatus) -> Option<PoolExtension> {
    let growth = spec.growth?;
    if status.needs_check || status.mode == PoolMode::ReadOnly {
        return None;
    }
    let is_low = |used, total| percent(used, total) >= u64::from(growth.at);
    let out = status.mode == PoolMode::OutOfDataSpace;
    let data = (out || is_low(status.data_used, status.data_total))
        .then(|| next_data(spec, growth))
        .flatten();
    let usable = usable_metadata(status.metadata_total);
    let metadata = is_low(status.metadata_used, usable).then(|| next_metadata(spec, growth));
    (data.is_some() || metadata.is_some()).then_some(PoolExtension {
        data,
        metadata,
        growth: Growing::AsBefore,
    })
}

/// Bytes of data that a pool has after its next step, where it may have more.
pub(super) fn next_data(spec: &PoolSpec, growth: Growth) -> Option<u64> {
    let bytes = larger(spec.data_bytes(), growth).min(growth.most.unwrap_or(u64::MAX));
    (bytes >= spec.data_bytes().saturating_add(spec.block)).then_some(bytes)
}

/// Bytes of metadata that a pool has after its next step.
pub(super) fn next_metadata(spec: &PoolSpec, growth: Growth) -> u64 {
    larger(spec.metadata.bytes(), growth)
}

fn larger(bytes: u64, growth: Growth) -> u64 {
    bytes.saturating_add(bytes / 100 * u64::from(growth.by.max(1)))
}

/// Whether so many blocks of metadata are as good as all.
pub(super) fn is_full(used: u64, total: u64) -> bool {
    percent(used, usable_metadata(total)) >= FULL
}

fn percent(used: u64, total: u64) -> u64 {
    used.saturating_mul(100) / total.max(1)
}

pub(super) fn critical(name: &'static str, text: String, hint: &str) -> PoolAlarm {
    PoolAlarm {
        name,
        level: AlarmLevel::Critical,
        text,
        hint: hint.to_owned(),
    }
}

pub(super) fn warning(name: &'static str, text: String, hint: &str) -> PoolAlarm {
    PoolAlarm {
        level: AlarmLevel::Warning,
        ..critical(name, text, hint)
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn what_it_was_given_is_taken_before_it_is_given_more() {
        let growth = Some(Growth {
            at: 80,
            by: 20,
            most: None,
        });
        let spec = PoolSpec { growth, ..spec() };
        let low = "7 10/1000 820/1024 - rw discard_passdown queue_if_no_space - 1024";
        let wishes = |words: &str, suspended| wish(&spec, &status(words), suspended);
        assert!(matches!(wishes(low, false), Some(Wish::Grow(_))));
        assert_eq!(wishes(low, true), Some(Wish::Resume));
        let short = low.replace("/1024 -", "/1000 -");
        assert_eq!(wishes(&short, false), Some(Wish::TakeRoom));
        assert_eq!(wishes("Fail", true), None);
    }

    #[test]
    fn a_pool_grows_at_its_mark_as_far_as_it_may() {
        let at = |words: &str, growth: Option<Growth>| {
            let PoolState::Working(status) = status(words) else {
                panic!("{words}");
            };
            wanted(&PoolSpec { growth, ..spec() }, &status)
        };
        let growth = |most| {
            Some(Growth {
                at: 80,
                by: 20,
                most,
            })
        };
        let low = "7 10/1000 820/1024 - rw discard_passdown queue_if_no_space - 1024";
        assert_eq!(at(low, None), None);
        let data = (1 << 30) + (1 << 30) / 100 * 20;
        let more = at(low, growth(None)).unwrap();
        assert_eq!((more.data, more.metadata), (Some(data), None));
        let bounded = at(low, growth(Some(1100 << 20))).unwrap();
        assert_eq!(bounded.data, Some(1100 << 20));
        assert_eq!(at(low, growth(Some(1 << 30))), None);
        let fine = low.replace("820", "810");
        assert_eq!(at(&fine, growth(None)), None);
        let out = fine.replace("rw", "out_of_data_space");
        assert!(at(&out, growth(None)).is_some_and(|more| more.data.is_some()));
        let metadata = fine.replace("10/1000", "720/1000");
        let more = at(&metadata, growth(None)).unwrap();
        assert!(more.data.is_none() && more.metadata.is_some());
        // It is to be repaired first.
        assert_eq!(
            at(
                &out.replace("space - 1024", "space needs_check 1024"),
                growth(None)
            ),
            None
        );
    }
}
