//! The child's side: what this program is when it was started in a cage.

use std::{
    fs::File,
    io::{self, ErrorKind},
    process::ExitCode,
};

use longshore_cage::Inside;

use super::{
    answer::{self, Bounds},
    look,
};
use crate::{
    join::FileRead,
    scanned_path::{ARCHIVE, archive},
    unpacking::{UNPACK, unpack},
};

/// The role in which a child reads an inventory.
pub(super) const INVENTORY: &str = "inventory";

/// The whole life of this process, where this program started it in a cage; `None` where it did not.
///
/// To be asked first in `main`, before anything is opened, logged or started: that would be in the cage
/// too. A program that does not ask must leave [`CageMode::Off`](crate::CageMode::Off).
#[must_use]
pub fn caged() -> Option<ExitCode> {
    let role = longshore_cage::role()?;
    Some(role.enter(|role, inside| match role {
        INVENTORY => inventory(inside),
        UNPACK => unpack(inside),
        ARCHIVE => archive(inside),
        other => Err(io::Error::other(format!("there is no role {other}"))),
    }))
}

/// Reads the disk that comes with the first frame, and answers with what is on it.
fn inventory(inside: &Inside) -> io::Result<()> {
    let Some(mut job) = inside.receive()? else {
        return Ok(());
    };
    let disk = job.descriptors.pop().ok_or(ErrorKind::InvalidInput)?;
    let disk = FileRead::new(File::from(disk))?;
    inside.send(&answer::write(look(disk), &Bounds::default()))
}
