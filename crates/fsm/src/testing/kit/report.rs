//! What the kit did.

use std::collections::BTreeMap;
use std::fmt;

use crate::testing::kit::{Site, StepFault, Strike};

/// A kind of case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The job is asked for once more when it is done.
    Again,
    /// A step's fault.
    Step(StepFault),
    /// An undo's fault.
    Undo(StepFault),
    /// Something happens at a commit.
    At(Strike),
    /// The same on the way back of a run that fails.
    AtUndoing(Strike),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again => f.write_str("the job is asked for again"),
            Self::Step(fault) => write!(f, "a step {fault}"),
            Self::Undo(fault) => write!(f, "an undo {fault}"),
            Self::At(strike) => strike.fmt(f),
            Self::AtUndoing(strike) => write!(f, "{strike}, on the way back of a run that fails"),
        }
    }
}

/// What the kit did, all of which held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The steps and undos that were found, in the order in which they were.
    pub sites: Vec<Site>,
    /// How often an undisturbed life commits.
    pub commits: u64,
    /// How many lives were lived.
    pub lives: u64,
    /// How many cases there were of each kind.
    pub cases: BTreeMap<Kind, u64>,
}

impl Report {
    /// How many cases there were of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.cases.get(&kind).copied().unwrap_or(0)
    }

    /// How many cases there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.cases.values().sum()
    }

    pub(super) fn find(&mut self, sites: &[Site]) {
        for site in sites {
            if !self.sites.contains(site) {
                self.sites.push(site.clone());
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undos = self.sites.iter().filter(|site| site.is_undo).count();
        let steps = self.sites.len() - undos;
        let (commits, lives, cases) = (self.commits, self.lives, self.total());
        write!(
            f,
            "{steps} steps, {undos} undos, {commits} commits: {cases} cases in {lives} lives"
        )?;
        for (kind, count) in &self.cases {
            write!(f, "\n{count:>6}  {kind}")?;
        }
        Ok(())
    }
}
