//! [`Power`]: the numbered sequence of everything that changes durable state, and the plan of
//! which number goes wrong.
//!
//! Every call that asks for a change takes the next number, from 1 on, and runs to its end before
//! the next number is given. Filesystems and stores that share a power share the sequence, so a
//! crash "at the 17th change" is one instant for all of them.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::io::Errno;
use thiserror::Error;

/// What is to go wrong, and when. Numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// Nothing.
    #[default]
    Steady,
    /// The power goes out during this change: it has happened, not happened, or happened in
    /// part, and it and every call after it fail with [`PowerOut`].
    CutAt(u64),
    /// This one change fails.
    FailOnce(u64, Failure),
    /// This change and every later one fail.
    FailFrom(u64, Failure),
}

/// How a change fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// `EIO`.
    Io,
    /// `ENOSPC`.
    NoSpace,
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io => Errno::IO.into(),
            Failure::NoSpace => Errno::NOSPC.into(),
        }
    }
}

/// The power is out. Found within the [`io::Error`] of every call from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the power is out")]
pub struct PowerOut;

/// Whether this error says that the power is out.
pub fn is_power_out(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<PowerOut>())
}

/// What is to become of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It happens.
    Go,
    /// It happens without becoming durable, and is not answered.
    Cut,
    /// It fails.
    Fail(Failure),
}

/// A handle to one sequence; clones are the same sequence.
#[derive(Debug, Clone, Default)]
pub struct Power {
    sequence: Arc<Mutex<Sequence>>,
}

#[derive(Debug, Default)]
struct Sequence {
    changes: u64,
    plan: Plan,
    out: bool,
    struck: Option<String>,
}

impl Power {
    /// A sequence at its beginning, without a plan.
    pub fn new() -> Power {
        Power::default()
    }

    /// Sets what is to go wrong. The count goes on; a number that is past never comes.
    pub fn plan(&self, plan: Plan) {
        self.sequence().plan = plan;
    }

    /// How many changes were asked for up to now.
    pub fn changes(&self) -> u64 {
        self.sequence().changes
    }

    /// Turns the power out between two changes.
    pub fn cut(&self) {
        self.sequence().out = true;
    }

    /// Whether the power is out.
    pub fn is_out(&self) -> bool {
        self.sequence().out
    }

    /// Which change the plan struck first, for the message of a test that fails.
    pub fn struck(&self) -> Option<String> {
        self.sequence().struck.clone()
    }

    /// For a call that changes nothing: fails once the power is out, and takes no number.
    ///
    /// # Errors
    /// [`PowerOut`].
    pub fn check(&self) -> io::Result<()> {
        match self.is_out() {
            true => Err(io::Error::other(PowerOut)),
            false => Ok(()),
        }
    }

    /// Takes a number for a change of something else than a [`crate::Simulated`] filesystem, and
    /// makes the change if nothing is planned for that number. `what` names it in [`Power::struck`].
    ///
    /// The change runs under the lock of the sequence: a filesystem or store of the same power
    /// used within it waits for ever.
    ///
    /// # Errors
    /// The planned failure, [`PowerOut`], or the error of the change itself.
    pub fn step<T>(&self, what: &str, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.perform(format_args!("{what}"), |verdict| match verdict {
            Verdict::Go => change(),
            Verdict::Cut => Err(io::Error::other(PowerOut)),
            Verdict::Fail(failure) => Err(failure.into()),
        })
    }

    /// Takes a number and lets `act` do what becomes of the change. Its answer to
    /// [`Verdict::Cut`] is not heard.
    pub(crate) fn perform<T>(
        &self,
        what: fmt::Arguments<'_>,
        act: impl FnOnce(Verdict) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut sequence = self.sequence();
        if sequence.out {
            return Err(io::Error::other(PowerOut));
        }
        sequence.changes += 1;
        let verdict = verdict(sequence.plan, sequence.changes);
        if verdict != Verdict::Go && sequence.struck.is_none() {
            sequence.struck = Some(format!("change {}: {what}", sequence.changes));
        }
        sequence.out = verdict == Verdict::Cut;
        match (act(verdict), verdict) {
            (_, Verdict::Cut) => Err(io::Error::other(PowerOut)),
            (answer, _) => answer,
        }
    }

    fn sequence(&self) -> MutexGuard<'_, Sequence> {
        lock(&self.sequence)
    }
}

fn verdict(plan: Plan, number: u64) -> Verdict {
    match plan {
        Plan::CutAt(at) if number == at => Verdict::Cut,
        Plan::FailOnce(at, failure) if number == at => Verdict::Fail(failure),
        Plan::FailFrom(at, failure) if number >= at => Verdict::Fail(failure),
        _ => Verdict::Go,
    }
}

/// Locks; what a panicking thread left is taken as it is, for nothing here panics half-way.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(plan: Plan) -> Vec<&'static str> {
        let power = Power::new();
        power.plan(plan);
        let step = |number| match power.step(&format!("step {number}"), || Ok(())) {
            Ok(()) => "ok",
            Err(error) if is_power_out(&error) => "out",
            Err(error) if error.kind() == io::ErrorKind::StorageFull => "full",
            Err(_) => "io",
        };
        (1..=4).map(step).collect()
    }

    #[test]
    fn each_plan_strikes_where_it_says() {
        assert_eq!(outcomes(Plan::Steady), ["ok", "ok", "ok", "ok"]);
        assert_eq!(outcomes(Plan::CutAt(2)), ["ok", "out", "out", "out"]);
        let once = Plan::FailOnce(2, Failure::Io);
        assert_eq!(outcomes(once), ["ok", "io", "ok", "ok"]);
        let for_ever = Plan::FailFrom(3, Failure::NoSpace);
        assert_eq!(outcomes(for_ever), ["ok", "ok", "full", "full"]);
    }

    #[test]
    fn the_struck_change_is_named_and_does_not_happen() {
        let power = Power::new();
        power.plan(Plan::CutAt(1));
        let mut happened = false;
        let answer = power.step("commit", || {
            happened = true;
            Ok(())
        });
        assert!(answer.is_err() && !happened);
        assert_eq!(power.struck().unwrap(), "change 1: commit");
        assert!(power.check().is_err());
    }
}
