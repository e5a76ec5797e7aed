//! A directory for one scan by a program that is not ours; it goes with the scan.
//!
//! ```text
//! STATE_DIR/scans/      locked by whoever has a room in it, together with others
//! STATE_DIR/scans/N/    a room
//! ```
//!
//! Also commands that do not work in the state directory have one (`scan --path`), so that a start clears
//! away what a crash has left only where nobody is inside.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::{Failure, trouble::storage};

const ROOMS: &str = "scans";

/// A directory for one scan.
#[derive(Debug)]
pub(crate) struct Room {
    // Gone before the lock is.
    dir: TempDir,
    _lock: File,
}

impl Room {
    /// An empty one.
    pub(crate) fn make(state_dir: &Path) -> Result<Self, Failure> {
        let rooms = state_dir.join(ROOMS);
        let make = || {
            fs::create_dir_all(&rooms)?;
            let lock = File::open(&rooms)?;
            // Waits for a start that is clearing away, which takes a moment.
            flock(&lock, FlockOperation::LockShared)?;
            let dir = tempfile::Builder::new().prefix("").tempdir_in(&rooms)?;
            Ok(Self { dir, _lock: lock })
        };
        make().map_err(|error: io::Error| trouble("no directory for a scan could be made", &error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Something in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Removes what was left by scans that were cut off, unless a scan is at work.
pub(crate) fn clear_rooms(state_dir: &Path) -> Result<(), Failure> {
    let rooms = state_dir.join(ROOMS);
    let clear = || {
        let lock = match File::open(&rooms) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for entry in fs::read_dir(&rooms)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    clear().map_err(|error| trouble("what a scan has left could not be removed", &error))
}

fn trouble(what: &str, error: &io::Error) -> Failure {
    storage("scan-room", what, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_goes_and_what_is_in_use_stays() {
        let state = tempfile::tempdir().unwrap();
        clear_rooms(state.path()).unwrap();
        let rooms = state.path().join(ROOMS);
        let left = rooms.join("left/over");
        fs::create_dir_all(&left).unwrap();
        fs::write(rooms.join("file"), "x").unwrap();
        {
            let room = Room::make(state.path()).unwrap();
            let other = Room::make(state.path()).unwrap();
            assert_ne!(room.path(), other.path());
            clear_rooms(state.path()).unwrap();
            assert!(room.path().is_dir() && other.path().is_dir() && left.is_dir());
        }
        clear_rooms(state.path()).unwrap();
        assert_eq!(fs::read_dir(&rooms).unwrap().count(), 0);
    }

    #[test]
    fn a_room_goes_with_all_that_is_in_it() {
        let state = tempfile::tempdir().unwrap();
        let room = Room::make(state.path()).unwrap();
        let path = room.at("deep/er");
        fs::create_dir_all(&path).unwrap();
        drop(room);
        assert_eq!(fs::read_dir(state.path().join(ROOMS)).unwrap().count(), 0);
    }
}
