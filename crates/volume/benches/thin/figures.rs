//! [`Figures`]: what was measured, as tables beside the goals.

use std::{collections::BTreeMap, time::Duration};

use crate::life::{Operation, Way};

/// What the part of the ioctls may take of what dmsetup takes.
const HALF: f64 = 0.5;
/// What anything may take in the fullest pool of what it took in the emptiest.
const FLAT: f64 = 1.25;
/// Commits of the catalogue that an operation may take more than one on files, which asks for none of these.
const COMMITS: f64 = 3.0;

type Key = (u64, Operation, Way);

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    times: BTreeMap<Key, Vec<Duration>>,
}

impl Figures {
    pub(crate) fn took(&mut self, level: u64, operation: Operation, way: Way, took: Duration) {
        let changes = matches!(operation, Operation::CreateSnap | Operation::Delete);
        if way != Way::Intent || changes {
            let times = self.times.entry((level, operation, way)).or_default();
            times.push(took);
        }
    }

    /// The hundredth of the times that is not more than this, in microseconds.
    fn at(&self, level: u64, operation: Operation, way: Way, hundredth: usize) -> Option<f64> {
        let times = self.times.get(&(level, operation, way))?;
        Some(at(times, hundredth))
    }

    /// Every operation in every pool, beside that of dmsetup.
    pub(crate) fn print(&self, levels: &[u64]) {
        println!("us of the machine's own, p50/p99; then p50 by that of dmsetup");
        println!(
            "{:>9}  {:11}  {:>15} {:>15} {:>15} {:>15}  {:>6} {:>6} {:>7}",
            "snapshots",
            "operation",
            "ioctl",
            "intent",
            "backend",
            "dmsetup",
            "ioctl",
            "intent",
            "backend"
        );
        for &level in levels {
            for operation in Operation::ALL {
                println!("{}", self.line(level, operation));
            }
        }
    }

    fn line(&self, level: u64, operation: Operation) -> String {
        let pair = |way| match [50, 99].map(|hundredth| self.at(level, operation, way, hundredth)) {
            [Some(p50), Some(p99)] => format!("{p50:.0}/{p99:.0}"),
            _ => "-".to_owned(),
        };
        let ratio = |way| {
            let ours = self.at(level, operation, way, 50)?;
            Some(ours / self.at(level, operation, Way::Dmsetup, 50)?)
        };
        let shown = |way| ratio(way).map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
        format!(
            "{:9}  {:11}  {:>15} {:>15} {:>15} {:>15}  {:>6} {:>6} {:>7}  ioctl at most {HALF}: {}",
            level,
            operation.name(),
            pair(Way::Ioctl),
            pair(Way::Intent),
            pair(Way::Backend),
            pair(Way::Dmsetup),
            shown(Way::Ioctl),
            shown(Way::Intent),
            shown(Way::Backend),
            verdict(ratio(Way::Ioctl).is_some_and(|ratio| ratio <= HALF)),
        )
    }

    /// Every operation in the fuller pools, beside that in the first.
    pub(crate) fn print_flatness(&self, levels: &[u64]) {
        let [first, rest @ ..] = levels else {
            return;
        };
        println!("p50 by that with {first} snapshot, goal at most {FLAT}");
        for operation in Operation::ALL {
            for way in Way::ALL {
                let Some(least) = self.at(*first, operation, way, 50) else {
                    continue;
                };
                let mut line = format!("{:11} {:8}", operation.name(), way.name());
                let mut last = 0.0;
                for &level in rest {
                    let Some(p50) = self.at(level, operation, way, 50) else {
                        continue;
                    };
                    last = p50 / least;
                    line += &format!("  {level} {last:.2}");
                }
                println!("{line}  {}", verdict(last <= FLAT));
            }
        }
    }
}

/// Commits that the operations of the backend have asked for, each.
pub(crate) fn print_commits(commits: &[(Operation, f64)]) {
    for &(operation, each) in commits {
        println!(
            "{:11}  {each} commits of the catalogue more than without, goal at most {COMMITS}: {}",
            operation.name(),
            verdict(each <= COMMITS)
        );
    }
}

fn at(times: &[Duration], hundredth: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[(times.len() - 1) * hundredth / 100].as_secs_f64() * 1e6
}

fn verdict(is_met: bool) -> &'static str {
    match is_met {
        true => "met",
        false => "MISSED",
    }
}
