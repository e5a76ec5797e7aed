//! What is wrong with a run that was to be started, waited for or changed, as a person reads it.

use longshore_fsm::{
    Ended, Halt, HistoryError, InterveneError, ParkReason, ResumeError, RunId, StartError,
    Unreadable, WaitError,
};

use crate::{Class, Failure, run_report::failure_of, trouble::Trouble};

impl Failure {
    /// With the run it happened in.
    pub(crate) fn of_run(mut self, run: RunId) -> Self {
        self.run = Some(run.get());
        self
    }
}

/// There is no such run.
pub(crate) fn no_such_run(run: u64) -> Failure {
    Failure::new(
        Class::NotFound,
        "no-such-run",
        format!("there is no run {run}"),
    )
    .hint("see what there is with `longshore runs`")
}

/// How a run failed that ended so; nothing where it did what it was asked for.
pub(crate) fn failed_as(ended: &Ended, run: RunId) -> Option<Failure> {
    match ended {
        Ended::Completed | Ended::ContinuedAs { .. } => None,
        Ended::Failed { error, .. } => Some(failure_of(error, run.get())),
        Ended::Cancelled { cause } => {
            let text = format!("run {run} was cancelled: {cause}");
            Some(Failure::new(Class::Interrupted, "cancelled", text).of_run(run))
        }
    }
}

/// Somebody has paused it.
pub(crate) fn paused(run: RunId, cause: &str) -> Failure {
    let text = format!("run {run} is paused: {cause}");
    Failure::new(Class::Busy, "paused", text)
        .hint(format!("have it go on with `longshore runs resume {run}`"))
        .of_run(run)
}

/// It cannot go on in this build, or before somebody decides about its undo.
pub(crate) fn parked(run: RunId, reason: &ParkReason) -> Failure {
    let text = format!("run {run} cannot go on: {reason}");
    Failure::new(Class::Failed, "parked", text)
        .hint(way_out(run, reason))
        .of_run(run)
}

/// What to do about a parked run.
pub(crate) fn way_out(run: RunId, reason: &ParkReason) -> String {
    if reason.is_of_undo() {
        format!(
            "have it tried again with `longshore runs retry {run}`, or leave that step as it is \
             with `longshore runs cancel {run}`"
        )
    } else {
        format!(
            "carry it out with the longshore that began it, or give it up with \
             `longshore runs cancel {run}`"
        )
    }
}

/// What is stored of it makes no sense.
pub(crate) fn quarantined(run: RunId, reason: &str) -> Failure {
    let text = format!("what is stored of run {run} cannot be read: {reason}");
    Failure::new(Class::Failed, "quarantined", text)
        .hint(LEFT_ALONE)
        .of_run(run)
}

/// What to know of a quarantined run.
pub(crate) const LEFT_ALONE: &str =
    "it is left alone, and holds up no other run; please report it with the output of `runs show`";

impl Trouble for Unreadable {
    fn failure(self) -> Failure {
        quarantined(self.run, &self.reason)
    }
}

/// Something went wrong in this process; the run stays as it is stored.
fn halted(run: RunId, halt: Halt) -> Failure {
    let failure = match halt {
        Halt::Store(error) => error.failure(),
        Halt::Unreadable(unreadable) => return unreadable.failure(),
        halt => Failure::new(Class::Failed, "run", format!("run {run} has stopped"))
            .caused_by(&halt)
            .hint(format!("have it go on with `longshore runs resume {run}`")),
    };
    failure.of_run(run)
}

impl Trouble for StartError {
    fn failure(self) -> Failure {
        match self {
            Self::Store(error) => error.failure(),
            Self::ShuttingDown => Failure::interrupted(),
            Self::Parked { run, reason } => parked(run, &reason),
            Self::Unreadable(unreadable) => unreadable.failure(),
            _ => Failure::new(Class::Failed, "run", "the run could not be started")
                .caused_by(&self)
                .hint("see what is being done with `longshore runs --active`"),
        }
    }
}

impl Trouble for WaitError {
    fn failure(self) -> Failure {
        let text = self.to_string();
        match self {
            Self::ShutDown { run } => Failure::interrupted().of_run(run),
            Self::UnknownRun { run } => no_such_run(run.get()),
            Self::Parked { run, reason } => parked(run, &reason),
            Self::Paused { run, cause } => paused(run, &cause),
            Self::Halted { run, halt } => halted(run, halt),
            Self::Unreadable(unreadable) => unreadable.failure(),
            Self::Store { run, source } => source.failure().of_run(run),
            Self::NotRunning { run } => Failure::new(Class::Failed, "run", text)
                .hint(format!("have it go on with `longshore runs resume {run}`"))
                .of_run(run),
        }
    }
}

impl Trouble for ResumeError {
    fn failure(self) -> Failure {
        match self {
            Self::UnknownRun { run } => no_such_run(run.get()),
            Self::ShuttingDown => Failure::interrupted(),
            Self::Store(error) => error.failure(),
        }
    }
}

impl Trouble for InterveneError {
    fn failure(self) -> Failure {
        match self {
            Self::UnknownRun { run } => no_such_run(run.get()),
            Self::ShuttingDown => Failure::interrupted(),
            Self::Unreadable(unreadable) => unreadable.failure(),
            Self::Halted { run, halt } => halted(run, halt),
            Self::Store { run, source } => source.failure().of_run(run),
        }
    }
}

impl Trouble for HistoryError {
    fn failure(self) -> Failure {
        match self {
            Self::UnknownRun { run } => no_such_run(run.get()),
            Self::Unreadable(unreadable) => unreadable.failure(),
            Self::Store(error) => error.failure(),
        }
    }
}
