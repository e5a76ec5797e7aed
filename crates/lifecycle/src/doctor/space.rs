//! Room: bytes and inodes of the state directory's filesystem, and whether it shares extents. What a pool on sparse files
//! may still want of the host is an alarm of the pool's.

use std::{io, path::Path};

use longshore_durable::{Dir, Host};

use super::{Check, state::Directory};

const SPACE: &str = "space";
const INODES: &str = "inodes";
const EXTENTS: &str = "shared-extents";

/// Less than this and nothing works: the database's log grows to some megabytes before it is written back,
/// and a command that finds no room for it ends before it has begun.
const NO_BYTES: u64 = 64 << 20;
/// Less than this and the next image may not fit: one of some hundred megabytes is here twice, as blobs and as
/// a volume.
const FEW_BYTES: u64 = 2 << 30;
/// Less than this and nothing works: a command takes a handful of files for itself.
const NO_INODES: u64 = 64;
/// Less than this and the next images may not fit: each takes two files a layer, and two a machine.
const FEW_INODES: u64 = 4096;

/// What is known of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    free_bytes: u64,
    total_bytes: u64,
    free_inodes: u64,
    /// 0 where the filesystem makes them as it needs them.
    total_inodes: u64,
}

/// Looks and judges.
pub(super) fn checks(directory: &Directory) -> Vec<Check> {
    let mut checks = match directory.nearest().map(room) {
        None => [SPACE, INODES]
            .map(|name| Check::skip(name, "there is no state directory"))
            .into(),
        Some(Ok(room)) => judge(&room),
        Some(Err(error)) => {
            let found = format!("the filesystem does not tell: {error}");
            let hint = "see `df` and `df -i`";
            vec![
                Check::warn(SPACE, found.clone(), hint),
                Check::warn(INODES, found, hint),
            ]
        }
    };
    checks.push(match directory.is_writable() {
        true => extents(shares_extents(&directory.path)),
        false => Check::skip(EXTENTS, "no file can be made in the state directory"),
    });
    checks
}

fn room(path: &Path) -> io::Result<Room> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(Room {
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        free_inodes: stat.f_favail,
        total_inodes: stat.f_files,
    })
}

fn judge(room: &Room) -> Vec<Check> {
    let found = format!(
        "{} free of {}",
        size(room.free_bytes),
        size(room.total_bytes)
    );
    let free = "free some, or remove what is not needed with `longshore remove`";
    let space = match room.free_bytes {
        bytes if bytes < NO_BYTES => Check::fail(
            SPACE,
            format!(
                "{found}: less than the {} that a command needs",
                size(NO_BYTES)
            ),
            free,
        ),
        bytes if bytes < FEW_BYTES => {
            Check::warn(SPACE, format!("{found}: the next image may not fit"), free)
        }
        _ => Check::ok(SPACE, found),
    };
    let found = format!("{} free of {}", room.free_inodes, room.total_inodes);
    let inodes = match (room.total_inodes, room.free_inodes) {
        (0, _) => Check::ok(INODES, "made as they are needed"),
        (_, free) if free < NO_INODES => Check::fail(
            INODES,
            format!("{found}: less than a command needs"),
            "remove files from that filesystem",
        ),
        (_, free) if free < FEW_INODES => Check::warn(
            INODES,
            format!("{found}: the next images may not fit"),
            "remove files from that filesystem",
        ),
        _ => Check::ok(INODES, found),
    };
    vec![space, inodes]
}

fn extents(shared: io::Result<bool>) -> Check {
    match shared {
        Ok(true) => Check::ok(EXTENTS, "a copy of a file takes no room of its own"),
        Ok(false) => Check::ok(
            EXTENTS,
            "none: a machine's disk that is a file is a whole copy, which keeps holes",
        ),
        Err(error) => Check::warn(
            EXTENTS,
            format!("could not be tried: {error}"),
            "make room on that filesystem, and look again",
        ),
    }
}

/// Whether two files of a directory can have their bytes in common. Tried, for nothing else says so.
fn shares_extents(path: &Path) -> io::Result<bool> {
    Host::open(path)?.can_share()
}

/// A size for eyes, rounded down: `12.3 GiB`.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    let Some((unit, shift)) = unit else {
        return format!("{bytes} B");
    };
    let tenths = (bytes >> (shift - 10)) * 10 / 1024;
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{Fail, Ok, Warn};

    const PLENTY: Room = Room {
        free_bytes: 1 << 40,
        total_bytes: 2 << 40,
        free_inodes: 1 << 20,
        total_inodes: 2 << 20,
    };

    #[test]
    fn room_is_plenty_little_or_none() {
        let states = |room: Room| {
            let checks = judge(&room);
            [checks[0].state, checks[1].state]
        };
        assert_eq!(states(PLENTY), [Ok, Ok]);
        for (free_bytes, state) in [
            (0, Fail),
            (NO_BYTES - 1, Fail),
            (NO_BYTES, Warn),
            (FEW_BYTES - 1, Warn),
            (FEW_BYTES, Ok),
        ] {
            let room = Room {
                free_bytes,
                ..PLENTY
            };
            assert_eq!(states(room), [state, Ok], "{free_bytes}");
        }
        for (free_inodes, state) in [(0, Fail), (NO_INODES, Warn), (FEW_INODES, Ok)] {
            let room = Room {
                free_inodes,
                ..PLENTY
            };
            assert_eq!(states(room), [Ok, state], "{free_inodes}");
        }
        let uncounted = Room {
            free_inodes: 0,
            total_inodes: 0,
            ..PLENTY
        };
        assert_eq!(states(uncounted), [Ok, Ok]);
    }

    #[test]
    fn sizes_are_rounded_down() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1_472_546_816, "1.3 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
