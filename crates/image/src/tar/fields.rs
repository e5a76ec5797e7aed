//! What header and PAX records say together about one entry, checked against what can be stored.

use super::header::Header;
use super::pax::Pax;
use crate::rules::refuse;
use crate::{Code, Counters, DeviceNumber, Metadata, Rejected, Timestamp};

/// The largest owner and group: 2^32-1 means "none" to the kernel (`chown(2)`).
const MAX_ID: u32 = u32::MAX - 1;
/// The largest numbers of a device that ext4 stores: 12 and 20 bits (`new_encode_dev`).
const MAX_MAJOR: u32 = 0xfff;
const MAX_MINOR: u32 = 0xf_ffff;
/// The first and the last second that ext4 stores: 34 bits, from 1901 to 2446
/// (`Documentation/filesystems/ext4`, "Inode Timestamps").
const FIRST_SECOND: i64 = -(1 << 31);
const LAST_SECOND: i64 = (1 << 34) - (1 << 31) - 1;

/// Mode, owner, time and extended attributes; a PAX record goes before its field.
pub(crate) fn metadata(
    header: &Header<'_>,
    pax: &mut Pax,
    counters: &mut Counters,
) -> Result<Metadata, Rejected> {
    let mode = u16::try_from(header.mode()? & 0o7777).expect("12 bits fit 16");
    let (uid, gid) = (header.uid()?, header.gid()?);
    let header_time = Timestamp {
        seconds: header.mtime()?,
        nanoseconds: 0,
    };
    Ok(Metadata {
        mode,
        uid: owner(pax.uid.unwrap_or(uid))?,
        gid: owner(pax.gid.unwrap_or(gid))?,
        mtime: clamped(pax.mtime.unwrap_or(header_time), counters),
        xattrs: std::mem::take(&mut pax.xattrs),
    })
}

/// The size that header and records agree on. Some writers leave the header's at 0 if the records
/// have one.
pub(crate) fn size(header: &Header<'_>, pax: &Pax) -> Result<u64, Rejected> {
    let in_header = header.size()?;
    let Some(size) = pax.size else {
        return Ok(in_header);
    };
    if in_header != 0 && size != in_header {
        refuse(
            Code::SizeMismatch,
            format!("{in_header} bytes by its header, {size} by its PAX record"),
        )?;
    }
    Ok(size)
}

fn owner(id: u64) -> Result<u32, Rejected> {
    let Some(id) = u32::try_from(id).ok().filter(|id| *id <= MAX_ID) else {
        refuse(Code::Owner, format!("an owner or group is over {MAX_ID}"))?;
        return Ok(0);
    };
    Ok(id)
}

/// The number of a device. Its fields are read for devices only: others leave anything there.
pub(crate) fn device(header: &Header<'_>) -> Result<DeviceNumber, Rejected> {
    let (major, minor) = header.device()?;
    let fitting = |number, max| u32::try_from(number).ok().filter(|number| *number <= max);
    match (fitting(major, MAX_MAJOR), fitting(minor, MAX_MINOR)) {
        (Some(major), Some(minor)) => Ok(DeviceNumber { major, minor }),
        _ => {
            refuse(
                Code::DeviceNumber,
                format!("a device {major}:{minor} cannot be stored"),
            )?;
            Ok(DeviceNumber { major: 0, minor: 0 })
        }
    }
}

fn clamped(time: Timestamp, counters: &mut Counters) -> Timestamp {
    let seconds = time.seconds.clamp(FIRST_SECOND, LAST_SECOND);
    if seconds == time.seconds {
        return time;
    }
    counters.times_clamped += 1;
    Timestamp {
        seconds,
        nanoseconds: 0,
    }
}
