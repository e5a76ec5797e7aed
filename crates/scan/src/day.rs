//! Days, in UTC, as advisories are dated by them: `YYYY-MM-DD`.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};

/// The day of a time in milliseconds since 1970; the last of all days if there is none, on which everything
/// is old.
pub(crate) fn day_of(at_ms: i64) -> Date {
    Timestamp::from_millisecond(at_ms).map_or(Date::MAX, |at| at.to_zoned(TimeZone::UTC).date())
}

/// How many days ago a day was; 0 if it is still to come, nothing if it is no day.
pub(crate) fn days_since(day: &str, today: Date) -> Option<u64> {
    let day: Date = day.parse().ok()?;
    let days = today.duration_since(day).as_hours() / 24;
    Some(u64::try_from(days).unwrap_or(0))
}

/// When the day begins that comes so many days after a day, in milliseconds since 1970; nothing if that is no
/// day, or beyond all days.
pub(crate) fn begins_after(day: &str, days: u64) -> Option<i64> {
    let day: Date = day.parse().ok()?;
    let span = Span::new().try_days(i64::try_from(days).ok()?).ok()?;
    let begins = day.checked_add(span).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(begins.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_begin_at_midnight() {
        let noon = 1_700_049_600_000; // 2023-11-15T12:00Z
        assert_eq!(day_of(noon).to_string(), "2023-11-15");
        assert_eq!(days_since("2023-11-01", day_of(noon)), Some(14));
        assert_eq!(days_since("2023-12-01", day_of(noon)), Some(0));
        assert_eq!(days_since("soon", day_of(noon)), None);
        assert_eq!(
            begins_after("2023-11-14", 1),
            Some(noon - 12 * 60 * 60 * 1000)
        );
        assert_eq!(begins_after("soon", 1), None);
        assert_eq!(begins_after("2023-11-14", u64::MAX), None);
        assert_eq!(day_of(i64::MAX), Date::MAX);
    }
}
