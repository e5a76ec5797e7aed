//! One layer's file as entries: path, node, content hashed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use super::pax::{self, Records};
use crate::manifest::{Kind, Node, Xattrs};

/// The times that ext4 stores with 34 bits of seconds from -2^31 (Documentation/filesystems/ext4,
/// "Inode Timestamps").
const FIRST_SECOND: i64 = -(1 << 31);
const LAST_SECOND: i64 = FIRST_SECOND + (1 << 34) - 1;

/// An entry that is something in the tree.
#[derive(Debug)]
pub(super) enum What {
    /// An inode of its own.
    Node(Node),
    /// A further name for what this path names.
    HardLink(Vec<u8>),
}

/// Calls `each` with every entry's path as it stands in the archive, and reads what it is if
/// `wanted` says so of the path.
pub(super) fn entries(
    layer: &Path,
    wanted: impl Fn(&[u8]) -> bool,
    mut each: impl FnMut(&[u8], Option<What>) -> Result<(), String>,
) -> Result<(), String> {
    let in_words = |error: io::Error| error.to_string();
    let records = pax::records(&mut *open(layer).map_err(in_words)?).map_err(in_words)?;
    let mut archive = Archive::new(open(layer).map_err(in_words)?);
    for entry in archive.entries().map_err(in_words)? {
        let mut entry = entry.map_err(in_words)?;
        if entry.header().entry_type().is_pax_global_extensions() {
            continue;
        }
        let path = entry.path_bytes().into_owned();
        let what = if wanted(&path) {
            Some(read(&mut entry, &path, &records)?)
        } else {
            None
        };
        each(&path, what).map_err(|why| format!("{}: {why}", path.escape_ascii()))?;
    }
    Ok(())
}

fn open(layer: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(layer)?;
    let mut magic = [0; 2];
    let gzipped = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.rewind()?;
    let file = BufReader::with_capacity(256 * 1024, file);
    Ok(if gzipped {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

fn read<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: &[u8],
    records: &HashMap<u64, Records>,
) -> Result<What, String> {
    let none = Records::new();
    let records = records.get(&entry.raw_header_position()).unwrap_or(&none);
    if records
        .iter()
        .any(|(key, _)| key.starts_with("GNU.sparse.") || key.starts_with("SCHILY.acl"))
    {
        return Err(format!(
            "{}: the oracle reads no such PAX records",
            path.escape_ascii()
        ));
    }
    let kind = entry.header().entry_type();
    if kind == EntryType::Link {
        let target = entry
            .link_name_bytes()
            .ok_or("a hard link without a target")?;
        return Ok(What::HardLink(target.into_owned()));
    }
    let kind = match kind {
        // In the oldest archives a directory is a file whose name ends in a slash.
        EntryType::Regular if path.ends_with(b"/") => Kind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => content(entry)?,
        EntryType::Directory => Kind::Directory,
        EntryType::Symlink => {
            let target = entry
                .link_name_bytes()
                .ok_or("a symlink without a target")?;
            Kind::Symlink(target.into_owned())
        }
        EntryType::Char | EntryType::Block => {
            let number = |number: io::Result<Option<u32>>| {
                number
                    .map_err(|error| error.to_string())
                    .map(Option::unwrap_or_default)
            };
            let major = number(entry.header().device_major())?;
            let minor = number(entry.header().device_minor())?;
            let make = if kind == EntryType::Char {
                Kind::CharDevice
            } else {
                Kind::BlockDevice
            };
            make(major, minor)
        }
        EntryType::Fifo => Kind::Fifo,
        other => return Err(format!("{}: type {other:?}", path.escape_ascii())),
    };
    node(entry.header(), kind, records)
        .map(What::Node)
        .map_err(|why| format!("{}: {why}", path.escape_ascii()))
}

fn node(header: &tar::Header, kind: Kind, records: &Records) -> Result<Node, String> {
    let in_words = |error: io::Error| error.to_string();
    // The tar crate has put the records `uid` and `gid` into the header.
    let id = |id: io::Result<u64>| {
        let id = u32::try_from(id.map_err(in_words)?)
            .ok()
            .filter(|id| *id != u32::MAX);
        id.ok_or_else(|| "an owner or group beyond 2^32-2".to_owned())
    };
    let mtime = match pax::value(records, "mtime") {
        Some(value) => pax::time(value).ok_or("mtime")?,
        None => (seconds(header)?, 0),
    };
    Ok(Node {
        kind,
        mode: header.mode().map_err(in_words)? & 0o7777,
        uid: id(header.uid())?,
        gid: id(header.gid())?,
        mtime: storable(mtime),
        xattrs: xattrs(records),
        group: None,
    })
}

/// A time before 1970 stands in the header as a negative number in base 256, which the `tar` crate
/// does not read.
fn seconds(header: &tar::Header) -> Result<i64, String> {
    let field = header.as_old().mtime;
    if field[0] == 0xff {
        let low: [u8; 8] = field[4..].try_into().expect("twelve bytes less four");
        return Ok(i64::from_be_bytes(low));
    }
    let seconds = header.mtime().map_err(|error| error.to_string())?;
    i64::try_from(seconds).map_err(|error| error.to_string())
}

fn storable((seconds, nanos): (i64, u32)) -> (i64, u32) {
    if seconds < FIRST_SECOND {
        (FIRST_SECOND, 0)
    } else if seconds > LAST_SECOND {
        (LAST_SECOND, 999_999_999)
    } else {
        (seconds, nanos)
    }
}

fn xattrs(records: &Records) -> Xattrs {
    let kept = |name: &str| {
        name.starts_with("user.")
            || name == "security.capability"
            || name == "system.posix_acl_access"
            || name == "system.posix_acl_default"
    };
    records
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("SCHILY.xattr.")?, value)))
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.as_bytes().to_vec(), value.clone()))
        .collect()
}

fn content(reader: &mut impl Read) -> Result<Kind, String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = reader
            .read(&mut buffer)
            .map_err(|error| error.to_string())?;
        if count == 0 {
            return Ok(Kind::File {
                size,
                sha256: hash.finalize().into(),
            });
        }
        hash.update(&buffer[..count]);
        size += u64::try_from(count).expect("a length in memory");
    }
}
