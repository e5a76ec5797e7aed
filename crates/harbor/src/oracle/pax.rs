//! PAX records by the place of the header that they describe.
//!
//! The `tar` crate splits records at newlines, which an attribute's value may hold; so the extended
//! headers are read once more here, by the lengths that they state.

use std::collections::HashMap;
use std::io::{self, Read};

use tar::Header;

const BLOCK: u64 = 512;

/// Keys with their values, in the order in which they stand.
pub(super) type Records = Vec<(String, Vec<u8>)>;

/// The records of every entry that has some, by the position of its own header in the archive.
pub(super) fn records(archive: &mut dyn Read) -> io::Result<HashMap<u64, Records>> {
    let mut found = HashMap::new();
    let mut pending = None;
    let mut position = 0;
    let mut block = [0; 512];
    while read_block(archive, &mut block)? {
        if block == [0; 512] {
            break;
        }
        let header = Header::from_byte_slice(&block);
        let at = position;
        position += BLOCK;
        let kind = header.entry_type();
        let mut size = header.entry_size()?;
        if kind.is_pax_local_extensions() {
            let mut body = vec![0; usize::try_from(size).map_err(io::Error::other)?];
            archive.read_exact(&mut body)?;
            skip(archive, size.next_multiple_of(BLOCK) - size)?;
            pending = Some(parse(&body)?);
        } else {
            let mut more = header
                .as_gnu()
                .is_some_and(|gnu| kind.is_gnu_sparse() && gnu.is_extended());
            while more {
                let mut extension = tar::GnuExtSparseHeader::new();
                archive.read_exact(extension.as_mut_bytes())?;
                position += BLOCK;
                more = extension.is_extended();
            }
            let describes = !kind.is_gnu_longname()
                && !kind.is_gnu_longlink()
                && !kind.is_pax_global_extensions();
            if describes && let Some(records) = pending.take() {
                if let Some(stated) = number(&records, "size")? {
                    size = stated;
                }
                found.insert(at, records);
            }
            skip(archive, size.next_multiple_of(BLOCK))?;
        }
        position += size.next_multiple_of(BLOCK);
    }
    Ok(found)
}

/// The value of a key, the last one if there are several.
pub(super) fn value<'a>(records: &'a Records, key: &str) -> Option<&'a [u8]> {
    records
        .iter()
        .rev()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.as_slice())
}

pub(super) fn number(records: &Records, key: &str) -> io::Result<Option<u64>> {
    let Some(value) = value(records, key) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value).map_err(io::Error::other)?;
    text.parse()
        .map(Some)
        .map_err(|error| io::Error::other(format!("{key}={text}: {error}")))
}

/// A decimal number of seconds as seconds and the nanoseconds after them; digits beyond the ninth
/// are dropped towards the past.
pub(super) fn time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanos: u32 = digits.parse().ok()?;
    let beyond = fraction.bytes().skip(9).any(|digit| digit != b'0');
    Some(match (negative, nanos + u32::from(negative && beyond)) {
        (false, nanos) => (seconds, nanos),
        (true, 0) => (-seconds, 0),
        (true, nanos) => (-seconds - 1, 1_000_000_000 - nanos),
    })
}

fn parse(mut body: &[u8]) -> io::Result<Records> {
    let wrong = || io::Error::other("a PAX record is not LENGTH KEY=VALUE");
    let mut records = Vec::new();
    while !body.is_empty() {
        let space = body
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or_else(wrong)?;
        let stated = std::str::from_utf8(&body[..space]).map_err(io::Error::other)?;
        let length: usize = stated.parse().map_err(io::Error::other)?;
        if length <= space || length > body.len() || body[length - 1] != b'\n' {
            return Err(wrong());
        }
        let record = &body[space + 1..length - 1];
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or_else(wrong)?;
        let key = String::from_utf8(record[..equals].to_vec()).map_err(io::Error::other)?;
        records.push((key, record[equals + 1..].to_vec()));
        body = &body[length..];
    }
    Ok(records)
}

/// False at the end of the archive.
fn read_block(archive: &mut dyn Read, block: &mut [u8; 512]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match archive.read(&mut block[filled..])? {
            0 if filled == 0 => return Ok(false),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(true)
}

fn skip(archive: &mut dyn Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut archive.take(count), &mut io::sink())?;
    if skipped == count {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_newlines_and_equal_signs() {
        let records = parse(b"13 a=b=c\nd\ne\n6 k=v\n").unwrap();
        assert_eq!(value(&records, "a"), Some(&b"b=c\nd\ne"[..]));
        assert_eq!(value(&records, "k"), Some(&b"v"[..]));
        assert!(parse(b"9 a=b\n").is_err() && parse(b"x a=b\n").is_err());
    }

    #[test]
    fn times_are_decimal() {
        assert_eq!(time(b"5"), Some((5, 0)));
        assert_eq!(time(b"5.25"), Some((5, 250_000_000)));
        assert_eq!(time(b"-1.5"), Some((-2, 500_000_000)));
        assert_eq!(time(b"-0.000000001"), Some((-1, 999_999_999)));
        assert_eq!(time(b"-0.0000000001"), Some((-1, 999_999_999)));
        assert_eq!(time(b"x"), None);
    }
}
