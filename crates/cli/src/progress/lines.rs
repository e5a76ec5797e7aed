//! Progress as lines, for logs and pipes: one for each change, none for mere movement.

use std::{collections::BTreeMap, time::Instant};

use longshore_lifecycle::Phase;

use crate::print::{bytes, milliseconds, rate};

use super::stage::{Change, LayerName};

/// Progress as lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    began: BTreeMap<LayerName, Instant>,
}

impl Lines {
    /// The line for a change that was seen at `now`, if it deserves one.
    pub(super) fn line(&mut self, change: &Change<'_>, now: Instant) -> Option<String> {
        match change {
            // What a first attempt does, its layers tell.
            Change::Step { attempt: 1, .. } => None,
            Change::Step {
                subject,
                step,
                attempt,
            } => Some(format!("{subject}: {step}, attempt {attempt}")),
            Change::Stage {
                image,
                key,
                phase,
                total,
            } => {
                let name = ((*image).to_owned(), (*key).to_owned());
                Some(format!("{key}: {}", self.phase(name, *phase, *total, now)))
            }
            Change::Moved { .. } | Change::Notice(_) | Change::Nothing => None,
        }
    }

    fn phase(&mut self, name: LayerName, phase: Phase, total: u64, now: Instant) -> String {
        match phase {
            Phase::Fetching => {
                self.began.insert(name, now);
                if total > 0 {
                    format!("fetching {}", bytes(total))
                } else {
                    "fetching".to_owned()
                }
            }
            Phase::Fetched => match self.began.remove(&name).map(|began| now - began) {
                Some(took) if total > 0 => {
                    let duration = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    let rate =
                        rate(total, took).map_or_else(String::new, |rate| format!(" ({rate})"));
                    format!(
                        "fetched {} in {}{rate}",
                        bytes(total),
                        milliseconds(duration)
                    )
                }
                _ => "fetched".to_owned(),
            },
            Phase::Present => "here already".to_owned(),
            Phase::Unpacking => "unpacking".to_owned(),
            Phase::Unpacked => "unpacked".to_owned(),
            Phase::Reused => "unpacked already".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stage(phase: Phase) -> Change<'static> {
        Change::Stage {
            image: "i",
            key: "i/1.tar",
            phase,
            total: 10 << 20,
        }
    }

    #[test]
    fn a_layer_has_a_line_for_each_change() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut line = |change, after| lines.line(&change, start + Duration::from_secs(after));
        assert_eq!(
            line(stage(Phase::Fetching), 0).unwrap(),
            "i/1.tar: fetching 10 MiB"
        );
        let moved = Change::Moved {
            image: "i",
            key: "i/1.tar",
            done: 1,
            total: 2,
        };
        assert_eq!(line(moved, 1), None);
        assert_eq!(
            line(stage(Phase::Fetched), 2).unwrap(),
            "i/1.tar: fetched 10 MiB in 2.0 s (5 MiB/s)"
        );
        assert_eq!(
            line(stage(Phase::Unpacked), 3).unwrap(),
            "i/1.tar: unpacked"
        );
    }

    #[test]
    fn a_step_that_is_tried_again_says_so() {
        let mut lines = Lines::default();
        let mut line = |attempt| {
            lines.line(
                &Change::Step {
                    subject: "i",
                    step: "load",
                    attempt,
                },
                Instant::now(),
            )
        };
        assert_eq!(line(1), None);
        assert_eq!(line(2).unwrap(), "i: load, attempt 2");
    }
}
