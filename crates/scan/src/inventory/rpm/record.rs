//! A row as SQLite stores it: a header of serial types, then the values (Database File Format, 2.1).

use crate::inventory::problem::Problem;

/// A value of a column, so far as it is of use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Integer(i64),
    Blob(&'a [u8]),
    Text(&'a [u8]),
    /// A floating-point number.
    Real,
}

/// The first `N` columns of a row.
///
/// # Errors
/// Where the row has fewer, or they are not within it.
pub(super) fn columns<const N: usize>(row: &[u8]) -> Result<[Value<'_>; N], Problem> {
    let (header_len, mut at) = varint(row).ok_or_else(beyond)?;
    let header_len = usize::try_from(header_len).map_err(|_| beyond())?;
    let header = row.get(..header_len).ok_or_else(beyond)?;
    let mut body = &row[header_len..];
    let mut values = [const { Value::Null }; N];
    for value in &mut values {
        let serial = header.get(at..).and_then(varint);
        let (serial, len) = serial.ok_or_else(|| Problem::wrong("a row has too few columns"))?;
        at += len;
        let len = stored_bytes(serial).ok_or_else(beyond)?;
        let (bytes, rest) = body.split_at_checked(len).ok_or_else(beyond)?;
        *value = read(serial, bytes);
        body = rest;
    }
    Ok(values)
}

fn beyond() -> Problem {
    Problem::wrong("a row ends before its values do")
}

/// How long a value of a serial type is; nothing for types that are reserved.
fn stored_bytes(serial: u64) -> Option<usize> {
    match serial {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(serial).ok(),
        5 => Some(6),
        6 | 7 => Some(8),
        10 | 11 => None,
        _ => usize::try_from((serial - 12) / 2).ok(),
    }
}

fn read(serial: u64, bytes: &[u8]) -> Value<'_> {
    match serial {
        0 => Value::Null,
        7 => Value::Real,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        1..=6 => {
            let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
            let begin = if negative { -1 } else { 0 };
            Value::Integer(
                bytes
                    .iter()
                    .fold(begin, |sum: i64, byte| (sum << 8) | i64::from(*byte)),
            )
        }
        serial if serial % 2 == 0 => Value::Blob(bytes),
        _ => Value::Text(bytes),
    }
}

/// An integer of one to nine bytes, and how many they are.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(8).enumerate() {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    let last = bytes.get(8)?;
    Some(((value << 8) | u64::from(*last), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_to_nine_bytes() {
        assert_eq!(varint(&[0x7f, 1]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8]), None);
        assert_eq!(varint(&[]), None);
    }

    #[test]
    fn columns_are_read_by_their_types() {
        let row = [6, 0, 1, 2, 16, 17, 0xff, 0x01, 0x00, b'a', b'b', b't', b'u'];
        let values: [Value<'_>; 5] = columns(&row).expect("it is whole");
        assert_eq!(
            values,
            [
                Value::Null,
                Value::Integer(-1),
                Value::Integer(256),
                Value::Blob(b"ab"),
                Value::Text(b"tu")
            ]
        );
        assert!(columns::<6>(&row).is_err());
    }

    #[test]
    fn a_row_that_is_cut_off_is_refused() {
        let row = [3, 0, 16, b'a', b'b'];
        assert!(columns::<2>(&row).is_ok());
        for len in 0..row.len() {
            assert!(columns::<2>(&row[..len]).is_err(), "{len}");
        }
        assert!(columns::<1>(&[2, 10]).is_err(), "a reserved type");
        assert!(columns::<1>(&[0]).is_err(), "no header");
    }
}
