//! What a machine tells the host, in lines of its console that begin with a word nobody else writes.

use std::time::Duration;

/// What such lines begin with.
const MARK: &str = "vmtest: ";

/// What a machine tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// A scenario begins.
    Begun(String),
    /// It is done, well or not. Of the time only the tenths are told.
    Ended {
        scenario: String,
        passed: bool,
        took: Duration,
    },
    /// It pulls the plug, and goes on when the machine is booted again.
    Crashed(String),
    /// All of them are done.
    Done,
}

impl Told {
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Begun(scenario) => format!("{MARK}begun {scenario}"),
            Self::Ended {
                scenario,
                passed,
                took,
            } => {
                let word = if *passed { "ok" } else { "FAILED" };
                format!("{MARK}{word} {scenario} ({:.1} s)", took.as_secs_f64())
            }
            Self::Crashed(scenario) => format!("{MARK}crash {scenario}"),
            Self::Done => format!("{MARK}done"),
        }
    }

    /// `None` for a line of anybody else's.
    pub(crate) fn read(line: &str) -> Option<Self> {
        // A program may have printed without ending its line.
        let (_, line) = line.split_once(MARK)?;
        let mut words = line.split_whitespace();
        let word = words.next()?;
        let scenario = words.next().unwrap_or_default().to_owned();
        match word {
            "begun" => Some(Self::Begun(scenario)),
            "ok" | "FAILED" => {
                let seconds = words.next().and_then(|word| word.strip_prefix('('));
                let seconds = seconds.and_then(|word| word.parse().ok()).unwrap_or(0.0);
                Some(Self::Ended {
                    scenario,
                    passed: word == "ok",
                    took: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
                })
            }
            "crash" => Some(Self::Crashed(scenario)),
            "done" => Some(Self::Done),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let name = || "a_scenario".to_owned();
        for told in [
            Told::Begun(name()),
            Told::Ended {
                scenario: name(),
                passed: true,
                took: Duration::from_millis(1500),
            },
            Told::Ended {
                scenario: name(),
                passed: false,
                took: Duration::ZERO,
            },
            Told::Crashed(name()),
            Told::Done,
        ] {
            assert_eq!(Told::read(&told.line()), Some(told.clone()));
            assert_eq!(Told::read(&format!("unended{}", told.line())), Some(told));
        }
        assert_eq!(Told::read("vmtest: nothing"), None);
        assert_eq!(Told::read("done"), None);
    }
}
