//! The age of what images are held against, stream by stream.

use std::{sync::Arc, time::Duration};

use jiff::{Unit, civil::Date};
use longshore_durable::Host;

use super::{Check, state::Directory};
use crate::{
    Settings,
    failure::causes,
    scanning::{AdvisoryStore, KeptStream, day, kept_databases},
};

const ADVISORIES: &str = "advisories";

/// How long Trivy may take to say what it has: it looks into no image and asks no network for that.
const TRIVY_TIME: Duration = Duration::from_secs(20);

/// What is known of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    /// What it is about: `Debian:12`.
    stream: String,
    /// When it was published, `YYYY-MM-DD`, or why it cannot be used.
    dated: Result<String, String>,
}

/// Looks and judges: a check for each stream that was brought here, or one of what came with the program.
pub(super) fn checks(settings: &Settings, directory: &Directory, now: i64) -> Vec<Check> {
    let max_age = settings.scanning.max_age;
    let today = day(now);
    let mut kept = match stored(directory) {
        Ok(kept) => kept,
        Err(why) => {
            let hint = "give the command as the owner of the state directory; they can be brought here again with \
                        `longshore advisories update`";
            return vec![Check::warn(
                ADVISORIES,
                format!("they cannot be listed: {why}"),
                hint,
            )];
        }
    };
    // Trivy needs a place to work in; where there is none it cannot be asked.
    if directory.is_ours() && directory.is_writable() {
        kept.extend(databases(settings));
    }
    if kept.is_empty() {
        let shipped = AdvisoryStore::shipped();
        let oldest = shipped.iter().map(|(_, shard)| shard.dated()).min();
        return vec![judge_shipped(oldest, shipped.len(), &today, max_age)];
    }
    kept.sort_by(|one, other| one.stream.cmp(&other.stream));
    let judged = kept.iter().map(|kept| judge(kept, &today, max_age));
    judged.collect()
}

fn stored(directory: &Directory) -> Result<Vec<Kept>, String> {
    let place = directory.path.join("advisories");
    if !directory.is_ours() || !place.exists() {
        return Ok(Vec::new());
    }
    let dir = Host::open(place).map_err(|error| error.to_string())?;
    let kept = AdvisoryStore::new(Arc::new(dir)).kept();
    let kept = kept.map_err(|failure| failure.to_string())?;
    let row = |kept: KeptStream| match kept.shard {
        Ok(shard) => Kept {
            stream: shard.stream().to_string(),
            dated: Ok(shard.dated().to_owned()),
        },
        Err(why) => Kept {
            stream: kept.file,
            dated: Err(why),
        },
    };
    Ok(kept.into_iter().map(row).collect())
}

fn databases(settings: &Settings) -> Vec<Kept> {
    let mut settings = settings.clone();
    settings.scanning.trivy.timeout = settings.scanning.trivy.timeout.min(TRIVY_TIME);
    match kept_databases(&settings) {
        Ok(rows) => rows
            .into_iter()
            .map(|row| Kept {
                stream: row.stream,
                dated: match (row.problem, row.dated) {
                    (None, Some(dated)) => Ok(dated),
                    (problem, _) => Err(problem.unwrap_or_else(|| "it has no date".to_owned())),
                },
            })
            .collect(),
        Err(failure) => vec![Kept {
            stream: "trivy-db".to_owned(),
            dated: Err(causes(&failure).join(": ")),
        }],
    }
}

fn judge(kept: &Kept, today: &str, max_age: u64) -> Check {
    let Kept { stream, dated } = kept;
    let update =
        format!("`longshore advisories update {stream}` brings newer ones, where they can be had");
    let dated = match dated {
        Ok(dated) => dated,
        Err(why) => {
            return Check::warn(
                ADVISORIES,
                format!("{stream} cannot be used: {why}"),
                "`longshore advisories update` brings them anew; until then images that need them are `unproven`",
            );
        }
    };
    match age(dated, today) {
        Some(days) if days > max_age => Check::warn(
            ADVISORIES,
            format!(
                "{stream} is {}, and {max_age} are allowed: what needs it is `unproven`",
                in_days(days)
            ),
            update,
        ),
        Some(days) => Check::ok(
            ADVISORIES,
            format!("{stream} is {}, of {max_age} allowed", in_days(days)),
        ),
        None => Check::warn(
            ADVISORIES,
            format!("{stream} is of {dated}, which is no day until today"),
            "see whether the clock is right",
        ),
    }
}

fn judge_shipped(oldest: Option<&str>, count: usize, today: &str, max_age: u64) -> Check {
    let Some(oldest) = oldest else {
        return Check::warn(
            ADVISORIES,
            "none are here: every image is `unproven`",
            "bring them here with `longshore advisories update`",
        );
    };
    let found = format!("{count} streams came with the program, the oldest of {oldest}");
    match age(oldest, today) {
        Some(days) if days <= max_age => {
            Check::ok(ADVISORIES, format!("{found}, {}", in_days(days)))
        }
        Some(days) => Check::warn(
            ADVISORIES,
            format!("{found}, {}, and {max_age} are allowed", in_days(days)),
            "what an image needs is brought up to date when it is looked into, where publishers can be asked; \
             `longshore advisories update` does it now",
        ),
        None => Check::warn(
            ADVISORIES,
            format!("{found}, which is no day until today"),
            "see whether the clock is right",
        ),
    }
}

/// Whole days between two; nothing where the first is not the earlier one, or one is no day.
fn age(dated: &str, today: &str) -> Option<u64> {
    let (dated, today): (Date, Date) = (dated.parse().ok()?, today.parse().ok()?);
    let days = dated.until((Unit::Day, today)).ok()?.get_days();
    u64::try_from(days).ok()
}

fn in_days(days: u64) -> String {
    match days {
        0 => "of today".to_owned(),
        1 => "1 day old".to_owned(),
        days => format!("{days} days old"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckState::{Ok as Good, Warn};

    fn kept(dated: Result<&str, &str>) -> Kept {
        Kept {
            stream: "Debian:12".to_owned(),
            dated: dated.map(str::to_owned).map_err(str::to_owned),
        }
    }

    #[test]
    fn a_stream_is_fresh_until_its_last_day() {
        let judged = |dated| judge(&kept(dated), "2026-03-31", 30);
        assert_eq!(judged(Ok("2026-03-31")).state, Good);
        assert_eq!(judged(Ok("2026-03-01")).state, Good);
        let old = judged(Ok("2026-02-28"));
        assert_eq!(old.state, Warn);
        assert!(old.found.contains("Debian:12 is 31 days old"), "{old:?}");
        assert!(old.hint.unwrap().contains("update Debian:12"));
        assert_eq!(judged(Ok("2026-04-01")).state, Warn);
        assert_eq!(judged(Ok("soon")).state, Warn);
        assert_eq!(judged(Err("cut off")).state, Warn);
    }

    #[test]
    fn what_came_with_the_program_ages_too() {
        let judged = |oldest| judge_shipped(oldest, 3, "2026-03-31", 30).state;
        assert_eq!(judged(Some("2026-03-01")), Good);
        assert_eq!(judged(Some("2026-02-28")), Warn);
        assert_eq!(judged(None), Warn);
    }
}
