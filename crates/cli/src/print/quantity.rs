//! Quantities for eyes: sizes, times, ages, digests. JSON has the exact numbers.

use std::time::Duration;

use humansize::{BINARY, FormatSizeOptions, format_size};

/// A size: `1.4 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    format_size(
        count,
        FormatSizeOptions::from(BINARY)
            .decimal_places(1)
            .decimal_zeroes(0),
    )
}

/// A rate: `12.5 MiB/s`. Nothing for a time that is too short to say.
pub(crate) fn rate(count: u64, took: Duration) -> Option<String> {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let a_second = count.saturating_mul(1000).checked_div(milliseconds)?;
    Some(format!("{}/s", bytes(a_second)))
}

/// A short time: `230 ms`, `12.4 s`, `3 min 20 s`.
pub(crate) fn milliseconds(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} ms"),
        1_000..60_000 => format!("{}.{} s", count / 1_000, count % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", count / 60_000, count % 60_000 / 1_000),
        _ => format!("{} h {} min", count / 3_600_000, count % 3_600_000 / 60_000),
    }
}

/// How long ago something was, in its largest unit: `5 minutes`. Both in milliseconds since 1970; a
/// time that is yet to come is now.
pub(super) fn age(at: i64, now: i64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = u64::try_from(now.saturating_sub(at)).unwrap_or(0) / 1_000;
    for (length, unit) in UNITS {
        let count = seconds / length;
        if count > 0 {
            return format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        }
    }
    "now".to_owned()
}

/// How long ago something was, in words that end a sentence: `5 minutes ago`.
pub(super) fn ago(at: i64, now: i64) -> String {
    match age(at, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// A point in time, to the second (RFC 3339, UTC). In milliseconds since 1970.
pub(super) fn instant(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(
        |_| format!("{at} ms since 1970"),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// Enough of a digest to know it again: its algorithm and twelve digits.
pub(super) fn short_digest(digest: &str) -> &str {
    let start = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..start + 12).unwrap_or(digest)
}

/// A text that a terminal shows and does not obey: control characters are written as escapes. Line
/// ends stay.
pub(super) fn harmless(text: &str) -> String {
    let mut calm = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            calm.extend(c.escape_default());
        } else {
            calm.push(c);
        }
    }
    calm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1 << 30, "1 GiB"),
            (1_472_546_816, "1.4 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(
            rate(10 << 20, Duration::from_secs(2)).as_deref(),
            Some("5 MiB/s")
        );
        assert_eq!(rate(10 << 20, Duration::ZERO), None);
    }

    #[test]
    fn times_have_two_units_at_most() {
        for (count, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (12_449, "12.4 s"),
            (200_000, "3 min 20 s"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(milliseconds(count), text);
        }
    }

    #[test]
    fn ages_have_one_unit() {
        for (ago, text) in [
            (-5, "now"),
            (0, "now"),
            (1, "1 second"),
            (119, "1 minute"),
            (7_200, "2 hours"),
            (864_000, "10 days"),
        ] {
            assert_eq!(
                age(1_000_000_000_000 - ago * 1_000, 1_000_000_000_000),
                text
            );
        }
        assert_eq!(age(i64::MAX, i64::MIN), "now");
        assert_eq!(
            (ago(0, 0), ago(0, 60_000)),
            ("just now".into(), "1 minute ago".into())
        );
    }

    #[test]
    fn points_in_time_are_utc() {
        assert_eq!(instant(1_700_000_000_123), "2023-11-14T22:13:20Z");
        assert_eq!(instant(i64::MAX), "9223372036854775807 ms since 1970");
    }

    #[test]
    fn digests_are_cut_after_their_algorithm() {
        assert_eq!(
            short_digest("sha256:0123456789abcdef"),
            "sha256:0123456789ab"
        );
        assert_eq!(short_digest("sha256:01"), "sha256:01");
    }

    #[test]
    fn a_terminal_is_never_told_what_to_do() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\r\u{9b}c\nd"),
            "a\\u{1b}[2Jb\\r\\u{9b}c\nd"
        );
    }
}
