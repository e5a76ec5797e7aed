//! An entry as blocks of a tar archive.
//!
//! Header fields are written byte for byte, so that what a tar library would refuse to write (a
//! path with `..`, a body on a symlink) can be written as well.

use std::io::{self, Write};

use tar::Header;

use super::entry::Entry;

const BLOCK: u64 = 512;
/// Length of the name and link name fields of every header.
const FIELD: usize = 100;

/// How names that do not fit their field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LongNames {
    /// `path` and `linkpath` records of a PAX header.
    #[default]
    Pax,
    /// GNU's `L` and `K` entries.
    Gnu,
}

pub(super) fn entry(out: &mut dyn Write, entry: &Entry, names: LongNames) -> io::Result<()> {
    let mut records = entry.records.clone();
    if entry.mtime.0 < 0 || entry.mtime.1 != 0 {
        records.push(("mtime".to_owned(), pax_time(entry.mtime).into_bytes()));
    }
    for (key, flag, name) in [("path", b'L', &entry.path), ("linkpath", b'K', &entry.link)] {
        if name.len() > FIELD {
            match names {
                LongNames::Pax => records.push((key.to_owned(), name.clone())),
                LongNames::Gnu => {
                    let mut body = name.clone();
                    body.push(0);
                    extension(out, flag, b"././@LongLink", &body, names)?;
                }
            }
        }
    }
    if !records.is_empty() {
        let body: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| pax_record(key, value))
            .collect();
        extension(out, b'x', b"PaxHeaders/entry", &body, names)?;
    }

    let mut header = blank(names);
    name_fields(&mut header, &entry.path, &entry.link);
    header.set_mode(entry.mode);
    header.set_uid(entry.uid);
    header.set_gid(entry.gid);
    header.set_mtime(u64::try_from(entry.mtime.0).unwrap_or(0));
    header.set_size(entry.content.length());
    header.set_device_major(entry.device.0)?;
    header.set_device_minor(entry.device.1)?;
    finish(out, &mut header, entry.kind.flag())?;
    entry.content.write(out)?;
    pad(out, entry.content.length())
}

/// The two zero blocks that end an archive.
pub(super) fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 1024])
}

fn blank(names: LongNames) -> Header {
    match names {
        LongNames::Pax => Header::new_ustar(),
        LongNames::Gnu => Header::new_gnu(),
    }
}

fn name_fields(header: &mut Header, path: &[u8], link: &[u8]) {
    let fields = header.as_old_mut();
    let fitting = |name: &[u8]| name.len().min(FIELD);
    fields.name[..fitting(path)].copy_from_slice(&path[..fitting(path)]);
    fields.linkname[..fitting(link)].copy_from_slice(&link[..fitting(link)]);
}

fn finish(out: &mut dyn Write, header: &mut Header, flag: u8) -> io::Result<()> {
    header.as_old_mut().linkflag = [flag];
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// An entry that says something about the next one.
fn extension(
    out: &mut dyn Write,
    flag: u8,
    name: &[u8],
    body: &[u8],
    names: LongNames,
) -> io::Result<()> {
    let mut header = blank(names);
    let length = u64::try_from(body.len()).expect("a length in memory");
    name_fields(&mut header, name, b"");
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(length);
    finish(out, &mut header, flag)?;
    out.write_all(body)?;
    pad(out, length)
}

fn pad(out: &mut dyn Write, length: u64) -> io::Result<()> {
    let padding = length.next_multiple_of(BLOCK) - length;
    out.write_all(&[0; 512][..usize::try_from(padding).expect("less than a block")])
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

/// A time as a decimal number; the fraction counts away from zero, unlike the nanoseconds of a
/// `timespec`, which always count up.
fn pax_time((seconds, nanos): (i64, u32)) -> String {
    if seconds < 0 && nanos > 0 {
        format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos)
    } else {
        format!("{seconds}.{nanos:09}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(pax_record("a", b"b"), b"6 a=b\n");
        assert_eq!(pax_record("path", b"x"), b"9 path=x\n");
        // Nine characters beside the length: a length of one digit would be 10, of two it is 11.
        assert_eq!(pax_record("path", b"xx"), b"11 path=xx\n");
        for length in 0..300 {
            let record = pax_record("k", &vec![b'v'; length]);
            let stated = record.split(|byte| *byte == b' ').next().unwrap();
            assert_eq!(
                std::str::from_utf8(stated).unwrap().parse(),
                Ok(record.len())
            );
        }
    }

    #[test]
    fn times_before_1970_count_back() {
        assert_eq!(pax_time((-2, 500_000_000)), "-1.500000000");
        assert_eq!(pax_time((-1, 1)), "-0.999999999");
        assert_eq!(pax_time((-1, 0)), "-1.000000000");
        assert_eq!(pax_time((7, 1)), "7.000000001");
    }
}
