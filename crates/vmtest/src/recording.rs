//! [`Recording`]: what a machine has had its disk do, in order, as QEMU's driver `blklogwrites` has logged it.
//!
//! The form is that of the kernel's dm-log-writes (`Documentation/admin-guide/device-mapper/log-writes.rst`): a sector
//! that says how many entries there are, then each entry in a sector of its own, with its data behind it. QEMU logs a
//! request when it is done, and before it says so to the machine: the order is one in which a machine may have been
//! told. It writes no marks of the form and no flag for a write that is durable by itself (FUA), for a virtio disk has
//! none; one that is flagged is read all the same. A mark of ours is a write of the disk's last sector.
//! Nothing that a log says is believed: what is past its end or the disk's, or is not known, is an error.

use std::{fs::File, io, os::unix::fs::FileExt};

use crate::partitions::{SECTOR, mark_offset};

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
/// More than any recording here has, and 400 MB of memory.
const MOST_ENTRIES: u64 = 8 << 20;

const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;

/// A disk's life.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    /// Writes and discards, in order.
    pub(crate) writes: Vec<Write>,
    /// For each flush how many writes were before it.
    pub(crate) flushes: Vec<usize>,
    pub(crate) marks: Vec<Mark>,
}

/// A write or a discard. It has at least one sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) sector: u64,
    pub(crate) sectors: u64,
    /// Where in the log its bytes begin; `None` for a discard.
    pub(crate) data: Option<u64>,
    /// Whether it was durable once it was done, without a flush.
    pub(crate) is_durable: bool,
}

/// A text that the machine has left, and how many writes and flushes were before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) writes: usize,
    pub(crate) flushes: usize,
    pub(crate) text: String,
}

impl Recording {
    /// Reads the log of a disk of this size.
    pub(crate) fn read(log: &File, disk_bytes: u64) -> io::Result<Self> {
        let log_bytes = log.metadata()?.len();
        let mut sector = [0; 512];
        log.read_exact_at(&mut sector, 0)?;
        if (word(&sector, 0), word(&sector, 8)) != (MAGIC, VERSION) {
            return refused("it is not a log of writes of version 1".into());
        }
        let entries = word(&sector, 16);
        if word(&sector, 24) & 0xffff_ffff != SECTOR {
            return refused("its sectors do not have 512 bytes".into());
        }
        if entries > MOST_ENTRIES {
            return refused(format!("it says that it has {entries} entries"));
        }
        let mut recording = Self::default();
        let mut at = SECTOR;
        for number in 0..entries {
            log.read_exact_at(&mut sector, at)?;
            at += SECTOR;
            let entry = Entry::read(&sector, disk_bytes)
                .map_err(|why| io::Error::other(format!("entry {number} of the log {why}")))?;
            let data = at;
            let bytes = if entry.has_data() {
                entry.sectors * SECTOR
            } else {
                0
            };
            at += bytes;
            if at > log_bytes {
                return refused(format!("the data of entry {number} is past its end"));
            }
            recording.add(&entry, data, log, disk_bytes)?;
        }
        Ok(recording)
    }

    fn add(&mut self, entry: &Entry, data: u64, log: &File, disk_bytes: u64) -> io::Result<()> {
        if entry.flags & FLUSH != 0 {
            self.flushes.push(self.writes.len());
        }
        if entry.sectors == 0 {
            return Ok(());
        }
        if entry.sector == mark_offset(disk_bytes) / SECTOR && entry.has_data() {
            let mut sector = [0; 512];
            log.read_exact_at(&mut sector, data)?;
            self.marks.push(Mark {
                writes: self.writes.len(),
                flushes: self.flushes.len(),
                text: mark_text(&sector),
            });
            return Ok(());
        }
        self.writes.push(Write {
            sector: entry.sector,
            sectors: entry.sectors,
            data: entry.has_data().then_some(data),
            is_durable: entry.flags & FUA != 0,
        });
        Ok(())
    }
}

/// The text in a sector for marks: what is before the first zero.
pub(crate) fn mark_text(sector: &[u8]) -> String {
    let text = sector.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[derive(Debug)]
struct Entry {
    sector: u64,
    sectors: u64,
    flags: u64,
}

impl Entry {
    fn read(sector: &[u8; 512], disk_bytes: u64) -> Result<Self, &'static str> {
        let entry = Self {
            sector: word(sector, 0),
            sectors: word(sector, 8),
            flags: word(sector, 16),
        };
        if entry.flags & !(FLUSH | FUA | DISCARD) != 0 {
            return Err("has a flag that QEMU does not write");
        }
        let end = entry.sector.checked_add(entry.sectors);
        match end.is_none_or(|end| end > disk_bytes / SECTOR) {
            true => Err("is past the end of the disk"),
            false => Ok(entry),
        }
    }

    fn has_data(&self) -> bool {
        self.flags & DISCARD == 0
    }
}

fn word(sector: &[u8; 512], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&sector[at..at + 8]);
    u64::from_le_bytes(word)
}

fn refused<T>(why: String) -> io::Result<T> {
    Err(io::Error::other(format!("the log cannot be read: {why}")))
}

/// Logs made by hand, for this crate's tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::io::Write as _;

    use super::*;

    /// Sector, sectors, flags, and the byte that its data is made of.
    pub(crate) type Logged = (u64, u64, u64, u8);

    pub(crate) fn log(entries: &[Logged]) -> File {
        let count = u64::try_from(entries.len()).unwrap();
        let mut log = sector(&[MAGIC, VERSION, count, SECTOR]);
        for (first, sectors, flags, byte) in entries {
            log.extend(sector(&[*first, *sectors, *flags, 0]));
            if flags & DISCARD == 0 {
                let bytes = usize::try_from(sectors * SECTOR).unwrap();
                log.extend(vec![*byte; bytes]);
            }
        }
        file(&log)
    }

    pub(crate) fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    pub(crate) fn sector(words: &[u64]) -> Vec<u8> {
        let mut sector: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        sector.resize(512, 0);
        sector
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::*, *};

    const DISK: u64 = 1 << 20;
    const LAST: u64 = DISK / SECTOR - 1;

    #[test]
    fn writes_flushes_discards_and_marks_are_read_in_order() {
        let log = log(&[
            (8, 2, 0, 1),
            (0, 0, FLUSH, 0),
            (LAST, 1, 0, b'm'),
            (16, 100, DISCARD, 0),
            (3, 1, FUA, 2),
            (0, 0, FLUSH, 0),
        ]);
        let read = Recording::read(&log, DISK).unwrap();
        assert_eq!(read.flushes, [1, 3]);
        let write = |sector, sectors, data, is_durable| Write {
            sector,
            sectors,
            data,
            is_durable,
        };
        let writes = [
            write(8, 2, Some(1024), false),
            write(16, 100, None, false),
            write(3, 1, Some(4608), true),
        ];
        assert_eq!(read.writes, writes);
        let mark = Mark {
            writes: 1,
            flushes: 1,
            text: "m".repeat(512),
        };
        assert_eq!(read.marks, [mark]);
        assert_eq!(mark_text(b"begun\0left of before"), "begun");
    }

    #[test]
    fn a_hostile_log_is_refused() {
        let said = |log: &File| Recording::read(log, DISK).unwrap_err().to_string();
        for (entry, why) in [
            ((LAST, 2, 0, 0), "past the end of the disk"),
            ((u64::MAX, 2, DISCARD, 0), "past the end of the disk"),
            ((0, 0, 8, 0), "a flag that QEMU does not write"),
        ] {
            assert!(said(&log(&[entry])).contains(why), "{entry:?}");
        }
        for (words, why) in [
            ([1, VERSION, 0, SECTOR], "not a log"),
            ([MAGIC, 2, 0, SECTOR], "not a log"),
            ([MAGIC, VERSION, u64::MAX, SECTOR], "entries"),
            ([MAGIC, VERSION, 0, 4096], "512 bytes"),
        ] {
            assert!(said(&file(&sector(&words))).contains(why), "{words:?}");
        }
        let cut_off = [
            sector(&[MAGIC, VERSION, 1, SECTOR]),
            sector(&[0, 9, 0, 0]),
            vec![0; 512],
        ];
        assert!(said(&file(&cut_off.concat())).contains("past its end"));
        // Fewer entries than it says, and less than a sector.
        assert!(Recording::read(&file(&sector(&[MAGIC, VERSION, 1, SECTOR])), DISK).is_err());
        assert!(Recording::read(&file(&[0; 100]), DISK).is_err());
    }
}
