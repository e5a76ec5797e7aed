//! Numbers as archives write them: octal or base-256 in headers, decimal in PAX records.
//!
//! Strict: a field is a number to its last byte, or the layer is rejected. What one reader takes for
//! 0 and another for 512 is how an entry is hidden from one of them.

use crate::rules::refuse;
use crate::{Code, Rejected, Timestamp};

/// A field of a header that is not negative.
pub(crate) fn unsigned(field: &[u8], what: &str) -> Result<u64, Rejected> {
    let value = signed(field, what)?;
    let Ok(value) = u64::try_from(value) else {
        refuse(Code::HeaderNumber, format!("the {what} is negative"))?;
        return Ok(0);
    };
    Ok(value)
}

/// A field of a header that may be negative (in base-256 only).
pub(crate) fn signed(field: &[u8], what: &str) -> Result<i64, Rejected> {
    let value = match field.first() {
        Some(first) if first & 0x80 != 0 => base_256(field),
        _ => octal(field),
    };
    let Some(value) = value else {
        refuse(
            Code::HeaderNumber,
            format!("the {what} is not a number, or too large"),
        )?;
        return Ok(0);
    };
    Ok(value)
}

/// Spaces, octal digits, and then nothing but spaces and NULs; nothing at all is 0.
fn octal(field: &[u8]) -> Option<i64> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field
        .iter()
        .position(|byte| *byte != b' ')
        .unwrap_or(field.len());
    let field = &field[start..];
    let digits = field
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .count();
    let (digits, rest) = field.split_at(digits);
    if !rest.iter().all(padding) {
        return None;
    }
    digits.iter().try_fold(0i64, |value, digit| {
        value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))
    })
}

/// GNU's base-256: the first bit is set, the rest is a two's complement number, highest byte first.
fn base_256(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let negative = first & 0x40 != 0;
    let high = if negative {
        i64::from(first | 0x80) - 0x100
    } else {
        i64::from(first & 0x3f)
    };
    rest.iter().try_fold(high, |value, byte| {
        value.checked_mul(256)?.checked_add(i64::from(*byte))
    })
}

/// The decimal digits of a PAX record.
pub(crate) fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// The time of a PAX record: decimal seconds, perhaps negative, perhaps with a fraction, of which
/// nine digits count.
pub(crate) fn time(value: &[u8]) -> Option<Timestamp> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(value) => (true, value),
        None => (false, value),
    };
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &b""[..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |place| u32::from(fraction.get(place).map_or(0, |digit| digit - b'0'));
    let nanoseconds = (0..9).fold(0, |sum, place| sum * 10 + digit(place));
    Some(match (negative, nanoseconds) {
        (false, _) => Timestamp {
            seconds,
            nanoseconds,
        },
        (true, 0) => Timestamp {
            seconds: -seconds,
            nanoseconds,
        },
        (true, _) => Timestamp {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(bytes: &[u8]) -> Option<i64> {
        signed(bytes, "field").ok()
    }

    #[test]
    fn octal_fields_are_numbers_to_their_last_byte() {
        let good: [(&[u8], i64); 8] = [
            (b"0000644\0", 0o644),
            (b"   644 \0", 0o644),
            (b"00000644", 0o644),
            (b"        ", 0),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b" \0", 0),
            (b"777777777777", 0o777_777_777_777),
            (b"1\0 \0 \0", 1),
        ];
        for (bytes, value) in good {
            assert_eq!(field(bytes), Some(value), "{bytes:?}");
        }
        for bad in [
            &b"0000648\0"[..],
            b"-000001\0",
            b"12 34\0",
            b"1\x002",
            b"0x1f",
            b"+1",
            b"\x001",
        ] {
            assert_eq!(field(bad), None, "{bad:?}");
        }
        assert_eq!(field(b"7777777777777777777777777777"), None, "overflow");
    }

    #[test]
    fn base_256_fields_have_a_sign_and_do_not_overflow() {
        assert_eq!(field(&[0x80, 0, 0, 1, 0]), Some(256));
        assert_eq!(field(&[0xff; 12]), Some(-1));
        assert_eq!(field(&[0xff, 0xff, 0xfe, 0]), Some(-512));
        assert_eq!(
            field(&[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
            Some(i64::MAX)
        );
        assert_eq!(field(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(field(&[0xbf; 12]), None);
        assert!(unsigned(&[0xff; 8], "size").is_err());
    }

    #[test]
    fn decimals_are_digits_only() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"+1",
            b" 1",
            b"1 ",
            b"1.0",
            b"0x1",
        ] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times_keep_nanoseconds_and_what_is_before_1970() {
        let at = |seconds, nanoseconds| {
            Some(Timestamp {
                seconds,
                nanoseconds,
            })
        };
        assert_eq!(time(b"1350244992.023960108"), at(1_350_244_992, 23_960_108));
        assert_eq!(time(b"1350244992.3"), at(1_350_244_992, 300_000_000));
        assert_eq!(time(b"1.0000000019"), at(1, 1));
        assert_eq!(time(b"5."), at(5, 0));
        assert_eq!(time(b"-1"), at(-1, 0));
        assert_eq!(time(b"-1.5"), at(-2, 500_000_000));
        assert_eq!(time(b"-0.000000001"), at(-1, 999_999_999));
        for bad in [
            &b""[..],
            b".5",
            b"-",
            b"1.2.3",
            b"1.x",
            b"--1",
            b"9223372036854775808",
        ] {
            assert_eq!(time(bad), None, "{bad:?}");
        }
    }
}
