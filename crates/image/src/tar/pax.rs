//! The records of a PAX extended header: `LENGTH KEY=VALUE\n`, one after the other.
//!
//! Source: POSIX.1-2017 `pax`, "pax Extended Header". Values are bytes; no character set is assumed.

use std::collections::HashSet;

use super::number::{decimal, time};
use super::sparse::Records;
use super::xattr;
use crate::rules::{held, refuse};
use crate::{Code, Counters, Rejected, Timestamp, Xattrs};

/// What the records of one header say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pax {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Timestamp>,
    pub(crate) xattrs: Xattrs,
    pub(crate) sparse: Records,
}

impl Pax {
    /// Reads the body of an extended header.
    pub(crate) fn parse(mut body: &[u8], counters: &mut Counters) -> Result<Self, Rejected> {
        let mut pax = Self::default();
        let mut seen = HashSet::new();
        while !body.is_empty() {
            let Some(Record { key, value, rest }) = Record::split(body) else {
                refuse(Code::PaxRecord, "a PAX record is malformed")?;
                break;
            };
            body = rest;
            // GNU's first sparse format repeats two keys on purpose.
            if !seen.insert(key) && !Records::repeats(key) {
                counters.pax_repeated += 1;
            }
            pax.set(key, value, counters)?;
        }
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8], counters: &mut Counters) -> Result<(), Rejected> {
        match key {
            b"path" => self.path = name(value)?,
            b"linkpath" => self.link = name(value)?,
            b"size" => self.size = number("size", value)?,
            b"uid" => self.uid = number("uid", value)?,
            b"gid" => self.gid = number("gid", value)?,
            b"mtime" => match time(value) {
                Some(time) => self.mtime = Some(time),
                None => refuse(Code::PaxValue, "the PAX record mtime is not a time")?,
            },
            b"SUN.holesdata" => {
                refuse(Code::SparseUnsupported, "a sparse file in Solaris's form")?;
            }
            _ => return self.set_prefixed(key, value, counters),
        }
        Ok(())
    }

    fn set_prefixed(
        &mut self,
        key: &[u8],
        value: &[u8],
        counters: &mut Counters,
    ) -> Result<(), Rejected> {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            let name = unescaped(name);
            held(xattr::add(&mut self.xattrs, &name, value, counters))?;
            return Ok(());
        }
        if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
            held(xattr::add_encoded(&mut self.xattrs, name, value, counters))?;
            return Ok(());
        }
        if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            held(self.sparse.set(key, value))?;
            return Ok(());
        }
        if let Some(which) = key.strip_prefix(b"SCHILY.acl.") {
            held(xattr::add_acl(&mut self.xattrs, which, value, counters))?;
            return Ok(());
        }
        counters.pax_ignored += 1;
        Ok(())
    }
}

/// A record, and what comes after it.
struct Record<'a> {
    key: &'a [u8],
    value: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Record<'a> {
    /// Splits the first record off; nothing if it is malformed.
    fn split(body: &'a [u8]) -> Option<Self> {
        // No length that fits 64 bits has more than 20 digits.
        let space = body.iter().take(21).position(|byte| *byte == b' ')?;
        let length = usize::try_from(decimal(&body[..space])?).ok()?;
        let (record, rest) = body.split_at_checked(length)?;
        let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        (!key.is_empty() && !key.contains(&0)).then_some(Self { key, value, rest })
    }
}

/// GNU tar writes `%` and `=` in the name of an attribute as `%25` and `%3D`
/// (`xattr_encode_keyword` in its `xheader.c`).
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [b'2', b'5', after @ ..]) => (b'%', after),
            (b'%', [b'3', b'D', after @ ..]) => (b'=', after),
            _ => (*first, after),
        };
        plain.push(byte);
        rest = after;
    }
    plain
}

fn name(mut value: &[u8]) -> Result<Option<Vec<u8>>, Rejected> {
    if value.is_empty() {
        refuse(Code::NameEmpty, "a PAX record gives an empty name")?;
        return Ok(None);
    }
    if let Some(nul) = value.iter().position(|byte| *byte == 0) {
        refuse(Code::NameNul, "a PAX record gives a name with a NUL")?;
        value = &value[..nul];
    }
    Ok(Some(value.to_vec()))
}

fn number(key: &str, value: &[u8]) -> Result<Option<u64>, Rejected> {
    let number = decimal(value);
    if number.is_none() {
        refuse(Code::PaxValue, format!("the PAX record {key} is no number"))?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<(Pax, Counters), Code> {
        let mut counters = Counters::default();
        let pax = Pax::parse(body, &mut counters).map_err(|rejected| rejected.code)?;
        Ok((pax, counters))
    }

    #[test]
    fn records_are_read_and_the_last_of_two_wins() {
        let (pax, counters) =
            parse(b"12 path=a=b\n10 path=c\n9 size=7\n15 mtime=-1.25\n13 comment=x\n").unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"c"[..]));
        assert_eq!(pax.size, Some(7));
        assert_eq!(
            pax.mtime,
            Some(Timestamp {
                seconds: -2,
                nanoseconds: 750_000_000
            })
        );
        assert_eq!((counters.pax_repeated, counters.pax_ignored), (1, 1));
    }

    #[test]
    fn a_value_may_hold_anything_but_its_length_decides() {
        let (pax, _) = parse(b"26 SCHILY.xattr.user.a=\n\0\n").unwrap();
        assert_eq!(pax.xattrs[&b"user.a"[..]], b"\n\0");
    }

    #[test]
    fn what_is_not_exactly_a_record_is_rejected() {
        let cases: [&[u8]; 12] = [
            b"10 path=ab\n",
            b"8 path=a\n",
            b"11 path=a\n",
            b"10 path=a ",
            b"7 path\n",
            b"5 =a\n",
            b" path=a\n",
            b"-1 path=a\n",
            b"99999999999999999999 a=b\n",
            b"0 path=a\n",
            b"3 a",
            b"10 path=a\n\0\0\0",
        ];
        for body in cases {
            assert_eq!(parse(body).unwrap_err(), Code::PaxRecord, "{body:?}");
        }
        assert_eq!(parse(b"8 a\0b=c\n").unwrap_err(), Code::PaxRecord);
        assert_eq!(parse(b"11 path=a\0\n").unwrap_err(), Code::NameNul);
        assert_eq!(parse(b"12 linkpath=\n").unwrap_err(), Code::PaxRecord);
        assert_eq!(parse(b"13 linkpath=\n").unwrap_err(), Code::NameEmpty);
        assert_eq!(parse(b"9 uid=-1\n").unwrap_err(), Code::PaxValue);
    }
}
