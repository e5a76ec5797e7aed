//! What is missing from an inventory whose reader did not get to its end.

use longshore_cage::{CageError, Limits};
use longshore_scan::Reason;

/// Why nothing is known of what is on a disk, which is called `name`. The same end gives the same words:
/// they are part of a report. Last words are for the log, for whoever took the child over wrote them.
pub(super) fn gap(name: &str, error: &CageError, limits: &Limits) -> Reason {
    let unreadable = |problem: String| Reason::Unreadable {
        path: name.to_owned(),
        problem,
    };
    match error {
        CageError::Limit(limit) => Reason::LimitHit {
            path: name.to_owned(),
            limit: format!("its reader used up its {}", limits.amount(*limit)),
        },
        CageError::Forbidden { .. } => unreadable(
            "its reader did what only an attack does, and was killed: do not use the image"
                .to_owned(),
        ),
        CageError::Crashed { end, .. } => unreadable(format!("its reader {end}")),
        other => unreadable(format!("its reader failed: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use longshore_cage::{Breach, End, Limit};

    use super::*;

    #[test]
    fn every_end_says_what_it_was_and_nothing_that_the_child_said() {
        let last_words = "all is well".to_owned();
        let limits = Limits::default();
        for (error, expected) in [
            (
                CageError::Limit(Limit::Memory),
                "volume 7: its reader used up its 1024 MiB of memory",
            ),
            (
                CageError::Limit(Limit::Cpu),
                "volume 7: its reader used up its 300 s of time on a processor",
            ),
            (
                CageError::Limit(Limit::Wall),
                "volume 7: its reader used up its 600 s of time",
            ),
            (
                CageError::Forbidden {
                    last_words: last_words.clone(),
                },
                "volume 7 cannot be read: its reader did what only an attack does, and was killed: do not \
                 use the image",
            ),
            (
                CageError::Crashed {
                    end: End::Signal(11),
                    last_words,
                },
                "volume 7 cannot be read: its reader died of signal 11",
            ),
            (
                CageError::Broken(Breach::Closed),
                "volume 7 cannot be read: its reader failed: the caged child broke the protocol: it closed \
                 the channel without an answer",
            ),
        ] {
            assert_eq!(gap("volume 7", &error, &limits).to_string(), expected);
        }
    }
}
