//! The clock: ages of advisories, times to live and certificates are only as right as it is.

use super::{Check, database::Database};
use crate::scanning::{AdvisoryStore, day};

const CLOCK: &str = "clock";

/// How far a row may lie ahead: another host's clock, on a state directory that was moved.
const MINUTE: i64 = 60 * 1000;

/// Looks and judges.
pub(super) fn checks(now: i64, database: &Database, newest_row: Option<i64>) -> Vec<Check> {
    let newest = database.newest_event().max(newest_row);
    let shipped = AdvisoryStore::shipped();
    let built = shipped.iter().map(|(_, shard)| shard.dated()).max();
    vec![judge(now, newest, built)]
}

/// `built` is the newest day that is in the program itself: it was built on that day or later.
fn judge(now: i64, newest: Option<i64>, built: Option<&str>) -> Check {
    let today = day(now);
    let found = format!("it is {} (UTC)", instant(now));
    // Days are written such that they sort by their letters.
    if let Some(built) = built.filter(|built| today.as_str() < *built) {
        return Check::fail(
            CLOCK,
            format!("{found}, and there are advisories of {built} in this program"),
            "set the clock: with a wrong one certificates are refused, and ages of advisories say nothing",
        );
    }
    match newest {
        Some(newest) if newest > now.saturating_add(MINUTE) => Check::warn(
            CLOCK,
            format!(
                "{found}, and something was recorded at {}: it went back",
                instant(newest)
            ),
            "set the clock; what was recorded ahead of it is as old as that says only when it has come there",
        ),
        _ => Check::ok(CLOCK, found),
    }
}

fn instant(at: i64) -> String {
    let minutes = at.div_euclid(MINUTE).rem_euclid(24 * 60);
    format!("{} {:02}:{:02}", day(at), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{Fail, Ok, Warn};

    const NOON: i64 = 1_788_264_000_000;

    #[test]
    fn a_clock_that_went_back_is_seen() {
        let state = |newest, built| judge(NOON, newest, built).state;
        assert_eq!(state(None, None), Ok);
        assert_eq!(state(Some(NOON), None), Ok);
        assert_eq!(state(Some(NOON + MINUTE), None), Ok);
        assert_eq!(state(Some(NOON + MINUTE + 1), None), Warn);
        assert_eq!(state(None, Some("2026-09-01")), Ok);
        assert_eq!(state(None, Some("2026-09-02")), Fail);
        assert_eq!(state(Some(i64::MAX), None), Warn);
    }

    #[test]
    fn the_time_is_told_to_the_minute() {
        assert_eq!(instant(NOON), "2026-09-01 12:00");
        assert_eq!(instant(NOON + 754 * MINUTE), "2026-09-02 00:34");
        assert_eq!(instant(-1), "1969-12-31 23:59");
    }
}
