//! Times as people write them: `30s`, `10m`, `1h30m`, `0`.

use std::time::Duration;

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit, other than 0.
    #[error("{0} of what? Write it with a unit: {0}s, {0}m, {0}h or {0}d")]
    NoUnit(String),
    /// A unit that is none.
    #[error("{0:?} is not a unit of time; they are ms, s, m, h and d")]
    Unit(String),
    /// Not of the form at all.
    #[error("not a time; write it as 30s, 10m, 1h30m or 0")]
    Form,
    /// More than can be counted.
    #[error("too long")]
    TooLong,
}

/// Reads a time: whole numbers, each with its unit (`ms`, `s`, `m`, `h`, `d`), or `0`.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(DurationError::Form);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, next) = split(after, |c| c.is_ascii_alphabetic());
        if number.is_empty() || (unit.is_empty() && !after.is_empty()) {
            return Err(DurationError::Form);
        }
        let count: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" => return Err(DurationError::NoUnit(number.to_owned())),
            other => return Err(DurationError::Unit(other.to_owned())),
        };
        let part = count
            .checked_mul(milliseconds)
            .ok_or(DurationError::TooLong)?;
        total = total
            .checked_add(Duration::from_millis(part))
            .ok_or(DurationError::TooLong)?;
        rest = next;
    }
    Ok(total)
}

/// The longest beginning whose characters are all of a kind, and what follows it.
fn split(text: &str, of_the_kind: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of_the_kind(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_units() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            (" 2h ", 7_200_000),
        ] {
            assert_eq!(
                duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_says_what_one_looks_like() {
        for (text, error) in [
            ("10", DurationError::NoUnit("10".into())),
            ("1m30", DurationError::NoUnit("30".into())),
            ("10w", DurationError::Unit("w".into())),
            ("10M", DurationError::Unit("M".into())),
            ("", DurationError::Form),
            ("m", DurationError::Form),
            ("-1s", DurationError::Form),
            ("1.5h", DurationError::Form),
            ("99999999999999999999s", DurationError::TooLong),
            ("18446744073709551615h", DurationError::TooLong),
        ] {
            assert_eq!(duration(text), Err(error), "{text}");
        }
    }
}
