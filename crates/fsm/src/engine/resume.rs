//! Resuming: taking up what an earlier process left, each run on its own.

use std::sync::Arc;

use crate::engine::builder::Engine;
use crate::engine::core::{Core, taking_up};
use crate::engine::drive::spawn;
use crate::engine::error::{Halt, ResumeError};
use crate::engine::live::{Claim, Claimed, Exit};
use crate::event::{Event, ParkReason};
use crate::ids::RunId;
use crate::log::Phase;
use crate::store::{RawRun, RunFilter, Store};
use crate::view::{Outcome, Unreadable, status_of};

/// Which runs to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Every active one.
    All,
    /// This one.
    Run(RunId),
}

/// What came of resuming. Every run that was asked for is in one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResumeReport {
    /// Taken up, in the order in which they were started.
    pub resumed: Vec<RunId>,
    /// Being carried out here already.
    pub already: Vec<RunId>,
    /// Ended before they could be taken up.
    pub ended: Vec<RunId>,
    /// Cannot go on in this build.
    pub parked: Vec<(RunId, ParkReason)>,
    /// Cannot be read, and are left alone.
    pub quarantined: Vec<Unreadable>,
    /// Could not be parked, for the store failed.
    pub halted: Vec<RunId>,
}

impl<S: Store> Engine<S> {
    /// Takes up active runs. Each is on its own: what is wrong with one keeps no other from going on.
    ///
    /// # Errors
    /// [`ResumeError`], if there is no such run, or if the runs cannot be read at all.
    pub async fn resume(&self, which: Resume) -> Result<ResumeReport, ResumeError> {
        let core = &self.core;
        let _entered = core.enter().ok_or(ResumeError::ShuttingDown)?;
        let filter = match which {
            Resume::All => RunFilter::active(),
            Resume::Run(run) => RunFilter::one(run),
        };
        let found = core.store.load(filter).await?;
        if let (Resume::Run(run), []) = (which, found.as_slice()) {
            return Err(ResumeError::UnknownRun { run });
        }
        let mut report = ResumeReport::default();
        // The newest come first from the store; the oldest have waited longest.
        for raw in found.into_iter().rev() {
            let run = raw.run;
            match take_up(core, raw).await {
                Ok(TakenUp::Now) => report.resumed.push(run),
                Ok(TakenUp::Already) => report.already.push(run),
                Ok(TakenUp::Ended) => report.ended.push(run),
                Ok(TakenUp::Parked(reason)) => report.parked.push((run, reason)),
                Ok(TakenUp::Quarantined(unreadable)) => report.quarantined.push(unreadable),
                Err(halt) => {
                    tracing::warn!(%run, %halt, "cannot be parked");
                    report.halted.push(run);
                }
            }
        }
        Ok(report)
    }
}

/// What came of taking up a run.
pub(super) enum TakenUp {
    Now,
    Already,
    Ended,
    Parked(ParkReason),
    Quarantined(Unreadable),
}

/// Takes up a stored run, unless it is being carried out, has ended, or cannot go on.
pub(super) async fn take_up<S: Store>(core: &Arc<Core<S>>, raw: RawRun) -> Result<TakenUp, Halt> {
    let run = raw.run;
    let Claim::Mine(Claimed { live, mut status }) = core.live.claim(run, &core.stopping) else {
        return Ok(TakenUp::Already);
    };
    let mut stored = match status_of(&raw) {
        Ok(stored) => stored,
        Err(unreadable) => {
            tracing::warn!(%unreadable, "quarantined");
            core.live
                .release(&live, Exit::Halted(Halt::Unreadable(unreadable.clone())));
            return Ok(TakenUp::Quarantined(unreadable));
        }
    };
    if let Some(outcome) = Outcome::of(run, &stored) {
        core.live.release(&live, Exit::Ended(outcome));
        return Ok(TakenUp::Ended);
    }
    match core.workflow_for(&stored) {
        Ok(workflow) => {
            let events = taking_up(&stored);
            *status = Some(stored);
            drop(status);
            spawn(core, live, workflow, Some(events));
            Ok(TakenUp::Now)
        }
        Err(reason) => {
            let mut events = taking_up(&stored);
            let known = matches!(&stored.phase, Phase::Parked(before) if *before == reason);
            events.push(Event::Parked {
                reason: reason.clone(),
            });
            let events = if known { Vec::new() } else { events };
            let parked = core.append(run, &mut stored, events, Vec::new()).await;
            let (exit, result) = match (parked, Outcome::of(run, &stored)) {
                (Ok(()), Some(outcome)) => (Exit::Ended(outcome), Ok(TakenUp::Ended)),
                (Ok(()), None) => {
                    tracing::warn!(%run, %reason, "parked");
                    (Exit::Parked(reason.clone()), Ok(TakenUp::Parked(reason)))
                }
                (Err(error), _) => {
                    let halt = error.into_halt();
                    (Exit::Halted(halt.clone()), Err(halt))
                }
            };
            core.live.release(&live, exit);
            Ok(result?)
        }
    }
}
