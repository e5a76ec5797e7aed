//! [`SimulatedFile`]: an open file.

use std::{
    io,
    sync::{Arc, Mutex},
};

use rustix::io::Errno;

use super::content::Content;
use crate::{
    power::{Power, Verdict, lock},
    seam::File,
    sparse::Full,
};

/// What a short write is cut at.
pub(super) const SECTOR: usize = 512;

#[derive(Debug)]
pub(super) struct SimulatedFile {
    pub(super) name: String,
    pub(super) content: Arc<Mutex<Content>>,
    pub(super) writable: bool,
    pub(super) power: Power,
}

impl SimulatedFile {
    /// A change that, where it is planned to fail, does not happen.
    fn change(
        &self,
        what: std::fmt::Arguments<'_>,
        change: impl FnOnce(&mut Content) -> Result<(), Full>,
    ) -> io::Result<()> {
        self.power.perform(what, |verdict| match verdict {
            Verdict::Fail(failure) => Err(failure.into()),
            Verdict::Go | Verdict::Cut => self.changed(change),
        })
    }

    fn changed(&self, change: impl FnOnce(&mut Content) -> Result<(), Full>) -> io::Result<()> {
        if !self.writable {
            return Err(Errno::BADF.into());
        }
        change(&mut lock(&self.content)).map_err(no_space)
    }
}

impl File for SimulatedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.power.check()?;
        let content = lock(&self.content);
        if end_of(offset, buf)? > content.live_len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        content.live.read(offset, buf);
        Ok(())
    }

    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        end_of(offset, buf)?;
        let Self { name, .. } = self;
        let what = format_args!("write of {} bytes at {offset} to {name}", buf.len());
        self.power.perform(what, |verdict| match verdict {
            Verdict::Go | Verdict::Cut => self.changed(|content| content.write(offset, buf)),
            Verdict::Fail(failure) => {
                let half = buf.len() / 2 / SECTOR * SECTOR;
                self.changed(|content| content.write(offset, &buf[..half]))?;
                Err(failure.into())
            }
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let what = format_args!("setting the length of {} to {len}", self.name);
        self.change(what, |content| content.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        self.power.check()?;
        Ok(lock(&self.content).live_len)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        let what = format_args!("punching {len} bytes at {offset} out of {}", self.name);
        self.change(what, |content| content.punch(offset, len))
    }

    fn allocated(&self) -> io::Result<u64> {
        self.power.check()?;
        Ok(lock(&self.content).live.allocated())
    }

    fn sync(&self) -> io::Result<()> {
        let what = format_args!("sync of {}", self.name);
        self.power.perform(what, |verdict| {
            let mut content = lock(&self.content);
            match verdict {
                Verdict::Go => content.sync(),
                Verdict::Cut => {}
                Verdict::Fail(failure) => {
                    content.fail_sync();
                    return Err(failure.into());
                }
            }
            Ok(())
        })
    }
}

pub(super) fn no_space(_: Full) -> io::Error {
    Errno::NOSPC.into()
}

/// Where a run of bytes ends; files end at 2^63 - 1, as `off_t` does.
fn end_of(offset: u64, bytes: &[u8]) -> io::Result<u64> {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let end = offset.checked_add(len);
    end.filter(|&end| i64::try_from(end).is_ok())
        .ok_or_else(|| Errno::FBIG.into())
}
