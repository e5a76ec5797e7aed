//! What goes wrong in one life, and where: plain values, and how they are told.

use std::fmt;

use crate::ids::StepName;
use crate::intercept::AttemptInfo;

/// A step or an undo, in one of the job's runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The name of the run's workflow.
    pub workflow: String,
    /// What the run works on.
    pub id: String,
    /// The step.
    pub step: StepName,
    /// Whether it is undone.
    pub is_undo: bool,
}

impl Site {
    pub(super) fn of(info: &AttemptInfo) -> Self {
        Self {
            workflow: info.spec.workflow.name.clone(),
            id: info.spec.id.clone(),
            step: info.step.clone(),
            is_undo: info.is_undo,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_undo { "undo of step" } else { "step" };
        let Self {
            workflow, id, step, ..
        } = self;
        write!(f, "{what} {step} of {workflow} {id:?}")
    }
}

/// What an attempt of a step, or of its undo, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepFault {
    /// The first one fails with an error that may be retried, and the step is not called.
    OnceBefore,
    /// The same once the step was called: what it came to is thrown away.
    OnceAfter,
    /// It fails with an error that may not be retried, and the step is not called.
    ForEverBefore,
    /// The same once the step was called.
    ForEverAfter,
    /// The step is called twice, each time with what is stored; the second call counts.
    Twice,
}

impl StepFault {
    pub(super) const ALL: [StepFault; 5] = [
        Self::Twice,
        Self::OnceBefore,
        Self::OnceAfter,
        Self::ForEverBefore,
        Self::ForEverAfter,
    ];

    pub(super) fn is_once(self) -> bool {
        matches!(self, Self::OnceBefore | Self::OnceAfter)
    }

    pub(super) fn is_for_ever(self) -> bool {
        matches!(self, Self::ForEverBefore | Self::ForEverAfter)
    }

    /// Whether the step is called before it fails.
    pub(super) fn calls_first(self) -> bool {
        matches!(self, Self::OnceAfter | Self::ForEverAfter)
    }
}

impl fmt::Display for StepFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnceBefore => "fails once, before it is called",
            Self::OnceAfter => "fails once, after it was called",
            Self::ForEverBefore => "fails for ever, before it is called",
            Self::ForEverAfter => "fails for ever, after it was called",
            Self::Twice => "is called twice in one attempt",
        })
    }
}

/// What happens at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strike {
    /// The process dies before it: nothing of it is there.
    CrashBefore,
    /// The process dies when it is durable, before anybody learns of it.
    CrashAfter,
    /// The run that it is about is cancelled: that is what happens to the run next.
    Cancel,
    /// The run that it is about is paused, in the same way.
    Pause,
}

impl Strike {
    pub(super) fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrashBefore => "a crash before commit",
            Self::CrashAfter => "a crash after commit",
            Self::Cancel => "a cancel after a run's commit",
            Self::Pause => "a pause after a run's commit",
        })
    }
}

/// What goes wrong in one life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Disturbance {
    pub(super) steps: Vec<(Site, StepFault)>,
    /// At which commit, counted from 1; a cancel and a pause count those that are about a run.
    pub(super) strike: Option<(Strike, u64)>,
}

impl Disturbance {
    /// The same, and this.
    pub(super) fn and_step(&self, site: &Site, fault: StepFault) -> Self {
        let mut all = self.clone();
        all.steps.push((site.clone(), fault));
        all
    }

    /// The same, and this.
    pub(super) fn and_strike(&self, strike: Strike, at: u64) -> Self {
        Self {
            strike: Some((strike, at)),
            ..self.clone()
        }
    }

    /// Whether a step fails with its work done, which nobody undoes then.
    pub(super) fn leaves_work(&self) -> bool {
        let leaves = |(site, fault): &(Site, StepFault)| !site.is_undo && fault.calls_first();
        self.steps.iter().any(leaves)
    }

    /// Whether an undo fails for good: the run is parked then.
    pub(super) fn parks(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|(site, fault)| site.is_undo && fault.is_for_ever())
    }

    /// Whether an attempt at a step fails, and with it perhaps the run.
    pub(super) fn fails_a_step(&self) -> bool {
        self.fails(false)
    }

    /// Whether an attempt at an undo fails, and with it perhaps the undo.
    pub(super) fn fails_an_undo(&self) -> bool {
        self.fails(true)
    }

    fn fails(&self, is_undo: bool) -> bool {
        let fails = |(site, fault): &(Site, StepFault)| {
            site.is_undo == is_undo && *fault != StepFault::Twice
        };
        self.steps.iter().any(fails)
    }

    /// Whether the run is to end otherwise than undisturbed.
    pub(super) fn gives_up(&self) -> bool {
        let fails = |(site, fault): &(Site, StepFault)| !site.is_undo && fault.is_for_ever();
        self.steps.iter().any(fails) || matches!(self.strike, Some((Strike::Cancel, _)))
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told: Vec<_> = (self.steps.iter())
            .map(|(site, fault)| format!("{site} {fault}"))
            .collect();
        told.extend(self.strike.map(|(strike, at)| format!("{strike} {at}")));
        if told.is_empty() {
            return f.write_str("undisturbed");
        }
        f.write_str(&told.join("; "))
    }
}
