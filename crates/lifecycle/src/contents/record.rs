//! An entry of an archive before its content: a ustar header, and before that a PAX header with what
//! does not fit there.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; extended
//! attributes as star and GNU tar spell them (`SCHILY.xattr.`), sparse files in GNU tar's form 1.0.

use longshore_ext4::{Kind, Stat, Xattrs};
use tar::{EntryType, Header};

/// Bytes that everything is a multiple of.
pub(super) const BLOCK: u64 = 512;
/// The longest path, and the longest target, that a header holds.
const NAME: usize = 100;
/// The largest owner, and the largest size or time, in the digits that a header has for them.
const MAX_ID: u32 = 0o7_777_777;
const MAX_NUMBER: u64 = 0o77_777_777_777;

/// An entry: what of it is in the headers.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) path: &'a [u8],
    pub(super) stat: &'a Stat,
    /// What a symbolic link leads to, or the path that a hard link is another name of.
    pub(super) link: Option<&'a [u8]>,
    pub(super) is_hard_link: bool,
    pub(super) xattrs: &'a Xattrs,
    /// Bytes that follow the headers.
    pub(super) body: u64,
    pub(super) is_sparse: bool,
}

impl Record<'_> {
    /// The headers.
    pub(super) fn encode(&self) -> Vec<u8> {
        let records = self.records();
        let mut encoded = Vec::new();
        if !records.is_empty() {
            let mut header = Header::new_ustar();
            put_name(&mut header, b"PaxHeader");
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(records.len() as u64);
            header.set_entry_type(EntryType::XHeader);
            header.set_cksum();
            encoded.extend_from_slice(header.as_bytes());
            encoded.extend_from_slice(&records);
            encoded.resize(encoded.len().next_multiple_of(512), 0);
        }
        encoded.extend_from_slice(self.header().as_bytes());
        encoded
    }

    fn header(&self) -> Header {
        let stat = self.stat;
        let mut header = Header::new_ustar();
        put_name(&mut header, self.path);
        let small = |id: u32| if id <= MAX_ID { id.into() } else { 0 };
        header.set_mode(stat.permissions.bits().into());
        header.set_uid(small(stat.uid));
        header.set_gid(small(stat.gid));
        let mtime = u64::try_from(stat.mtime.secs()).unwrap_or(0);
        header.set_mtime(if mtime <= MAX_NUMBER { mtime } else { 0 });
        header.set_size(if self.body <= MAX_NUMBER {
            self.body
        } else {
            0
        });
        header.set_entry_type(self.entry_type());
        if let Some(ustar) = header.as_ustar_mut() {
            if let Some(link) = self.link {
                let len = link.len().min(NAME);
                ustar.linkname[..len].copy_from_slice(&link[..len]);
            }
            if let Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } =
                stat.kind
            {
                ustar.set_device_major(major);
                ustar.set_device_minor(minor);
            }
        }
        header.set_cksum();
        header
    }

    fn entry_type(&self) -> EntryType {
        if self.is_hard_link {
            return EntryType::Link;
        }
        match self.stat.kind {
            Kind::File | Kind::Socket => EntryType::Regular,
            Kind::Directory => EntryType::Directory,
            Kind::Symlink => EntryType::Symlink,
            Kind::CharDevice { .. } => EntryType::Char,
            Kind::BlockDevice { .. } => EntryType::Block,
            Kind::Fifo => EntryType::Fifo,
        }
    }

    /// What does not fit in the header, in the order of its keys.
    fn records(&self) -> Vec<u8> {
        let stat = self.stat;
        let mut records = Vec::new();
        if self.is_sparse {
            push(&mut records, b"GNU.sparse.major", b"1");
            push(&mut records, b"GNU.sparse.minor", b"0");
            push(&mut records, b"GNU.sparse.name", self.path);
            push_number(&mut records, b"GNU.sparse.realsize", stat.size);
        } else if self.path.len() > NAME {
            push(&mut records, b"path", self.path);
        }
        if let Some(link) = self.link
            && link.len() > NAME
        {
            push(&mut records, b"linkpath", link);
        }
        if self.body > MAX_NUMBER {
            push_number(&mut records, b"size", self.body);
        }
        for (key, id) in [(&b"uid"[..], stat.uid), (b"gid", stat.gid)] {
            if id > MAX_ID {
                push_number(&mut records, key, id.into());
            }
        }
        let mtime = stat.mtime;
        let fits = u64::try_from(mtime.secs()).is_ok_and(|secs| secs <= MAX_NUMBER);
        if !fits || mtime.nanos() != 0 {
            push(
                &mut records,
                b"mtime",
                time(mtime.secs(), mtime.nanos()).as_bytes(),
            );
        }
        if !self.is_hard_link {
            for (name, value) in self.xattrs {
                let mut key = b"SCHILY.xattr.".to_vec();
                for byte in name {
                    // A key ends at the first `=`; GNU tar escapes it, and its own escape.
                    match byte {
                        b'=' => key.extend_from_slice(b"%3D"),
                        b'%' => key.extend_from_slice(b"%25"),
                        _ => key.push(*byte),
                    }
                }
                push(&mut records, &key, value);
            }
        }
        records
    }
}

/// A time as a decimal fraction. What is before 1970 has its nanoseconds counted from the second
/// before, and is written from the one after.
fn time(secs: i64, nanos: u32) -> String {
    let (sign, secs, nanos) = match (secs < 0, nanos) {
        (true, 0) => ("-", secs.unsigned_abs(), 0),
        (true, _) => ("-", (secs + 1).unsigned_abs(), 1_000_000_000 - nanos),
        (false, _) => ("", secs.unsigned_abs(), nanos),
    };
    if nanos == 0 {
        return format!("{sign}{secs}");
    }
    let text = format!("{sign}{secs}.{nanos:09}");
    text.trim_end_matches('0').to_owned()
}

fn put_name(header: &mut Header, name: &[u8]) {
    let len = name.len().min(NAME);
    header.as_mut_bytes()[..len].copy_from_slice(&name[..len]);
}

fn push_number(records: &mut Vec<u8>, key: &[u8], value: u64) {
    push(records, key, value.to_string().as_bytes());
}

/// A record begins with its own length, the digits of that included.
fn push(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() > len {
        len += 1;
    }
    records.extend_from_slice(len.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_itself() {
        for (len, expected) in [(1, "6 k=x\n"), (4, "9 k=xxxx\n"), (5, "11 k=xxxxx\n")] {
            let mut records = Vec::new();
            push(&mut records, b"k", &vec![b'x'; len]);
            assert_eq!(records, expected.as_bytes());
        }
        for len in 80..110 {
            let mut records = Vec::new();
            push(&mut records, b"k", &vec![b'x'; len]);
            let text = String::from_utf8(records).unwrap();
            let (said, _) = text.split_once(' ').unwrap();
            assert_eq!(said.parse::<usize>().unwrap(), text.len());
        }
    }

    #[test]
    fn times_are_decimal_fractions() {
        for (secs, nanos, expected) in [
            (0, 0, "0"),
            (5, 120_000_000, "5.12"),
            (-1, 0, "-1"),
            (-1, 250_000_000, "-0.75"),
            (-3, 1, "-2.999999999"),
        ] {
            assert_eq!(time(secs, nanos), expected);
        }
    }
}
