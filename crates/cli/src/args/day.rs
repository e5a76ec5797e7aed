//! A day, as people write it: `2027-01-31`.

use jiff::{civil::Date, tz::TimeZone};

/// A day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(Date);

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a day; write it as 2027-01-31")]
pub struct DayError;

impl Day {
    /// When it begins, in milliseconds since 1970.
    #[must_use]
    pub fn begins(self) -> i64 {
        let midnight = self.0.to_zoned(TimeZone::UTC);
        midnight.map_or(i64::MAX, |midnight| midnight.timestamp().as_millisecond())
    }
}

impl std::str::FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // Only this form: jiff takes times and zones, too.
        let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = is_plain.then(|| text.parse().ok()).flatten();
        date.map(Self).ok_or(DayError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let day: Day = "2027-01-31".parse().unwrap();
        assert_eq!(day.begins(), 1_801_353_600_000);
        for text in [
            "",
            "tomorrow",
            "2027-1-31",
            "2027-02-30",
            "2027-01-31T10",
            "31.01.2027",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text}");
        }
    }
}
