//! Following a run that another process carries out, without being in its way.
//!
//! What is stored is read again and again: no lock is taken and nobody is asked. What a run says and
//! does not store, such as how many bytes a fetch has brought, is not to be seen from here.

use crate::{
    Class, Failure, HistoryRow, RunReport, View,
    run_report::{rest, run_report},
    view_runs::{look, nobody},
};

/// After so many looks in a row that found nobody at work, nobody is: a process that takes over
/// from another needs a moment.
const ALONE: u32 = 5;

/// A run that is followed.
#[derive(Debug)]
pub struct Watch {
    view: View,
    run: u64,
    /// The last event that was told.
    seen: u64,
    /// How many looks in a row found nobody at work.
    alone: u32,
}

/// What a look has found.
#[derive(Debug)]
pub struct Look {
    /// Where the run stands.
    pub run: RunReport,
    /// What happened since the last look.
    pub news: Vec<HistoryRow>,
    /// Set where there is no more to see for now: the run has ended, as it was asked for or with a
    /// failure, or it rests and the failure says what makes it go on.
    pub rest: Option<Result<(), Failure>>,
}

impl View {
    /// Begins to follow a run; what happened before counts as news.
    #[must_use]
    pub fn watch(self, run: u64) -> Watch {
        Watch {
            view: self,
            run,
            seen: 0,
            alone: 0,
        }
    }
}

impl Watch {
    /// Looks once. It is up to the caller to do so again, a few times a second.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such run, [`Class::Failed`] if it cannot be read.
    pub fn look(&mut self) -> Result<Look, Failure> {
        let (summary, mut news) = look(&self.view.readers, self.run)?;
        news.retain(|row| row.seq > self.seen);
        self.seen = news.last().map_or(self.seen, |row| row.seq);
        self.alone = match self.view.state.holder() {
            Some(_) => 0,
            None if news.is_empty() => self.alone + 1,
            None => 1,
        };
        let is_left = self.alone >= ALONE;
        let rest = rest(&summary).or_else(|| is_left.then(|| Err(left(self.run))));
        Ok(Look {
            run: run_report(&summary),
            news,
            rest,
        })
    }
}

/// Whoever carried it out has gone, or nobody has begun.
fn left(run: u64) -> Failure {
    let text = format!("run {run} is not done, and rests as it was left");
    let failure = Failure::new(Class::Interrupted, "not-carried-out", text);
    let mut failure = failure.hint(nobody(run));
    failure.run = Some(run);
    failure
}
