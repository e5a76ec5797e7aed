//! Resuming: taking up what an earlier process left, each run on its own.

use std::sync::Arc;

use crate::engine::builder::Engine;
use crate::engine::core::{Core, taking_up};
use crate::engine::drive::{Begin, spawn};
use crate::engine::error::{AppendError, Halt, ResumeError};
use crate::engine::live::{Claim, Exit};
use crate::event::{Event, ParkReason};
use crate::ids::RunId;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};
use crate::store::{RawRun, RunFilter, Store};
use crate::view::{Outcome, Unreadable, status_of};

/// So many runs are read at a time.
const PAGE: u32 = 1_000;

/// Which runs to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Every active one; those that are paused rest on.
    All,
    /// This one, also where it was paused, and the runs that it waits for.
    Run(RunId),
}

/// What came of resuming. Every run that was asked for is in one of these.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResumeReport {
    /// Taken up, in the order in which they were started; those that wait for their turn, a time or
    /// another run among them.
    pub resumed: Vec<RunId>,
    /// Taken up here already.
    pub already: Vec<RunId>,
    /// Ended before they could be taken up.
    pub ended: Vec<RunId>,
    /// Paused.
    pub paused: Vec<RunId>,
    /// Cannot go on in this build, or before somebody decides about their undo.
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
        let engine = self.clone();
        let work = async move {
            let _entered = engine.core.enter().ok_or(ResumeError::ShuttingDown)?;
            let mut report = ResumeReport::default();
            match which {
                Resume::All => engine.resume_all(&mut report).await?,
                Resume::Run(run) => engine.resume_run(run, &mut report).await?,
            }
            Ok(report)
        };
        let resumed = self.core.to_its_end(work).await;
        resumed.unwrap_or(Err(ResumeError::ShuttingDown))
    }

    async fn resume_all(&self, report: &mut ResumeReport) -> Result<(), ResumeError> {
        let mut newer_than = None;
        let _held = self.core.hold_turns();
        loop {
            let filter = RunFilter {
                newer_than,
                oldest_first: true,
                limit: Some(PAGE),
                ..RunFilter::active()
            };
            let read_at = self.core.live.releases();
            let page = self.core.store.load(filter).await?;
            self.core.born().await;
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            newer_than = page.last().map(|raw| raw.run).or(newer_than);
            for raw in page {
                let run = raw.run;
                let taken = take_up(&self.core, raw, read_at, false).await;
                let is_bad = matches!(&taken, Ok(TakenUp::Quarantined(_)));
                report.add(run, taken);
                if is_bad && sabotage::on(Fault::F04) {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// This run, and before it those that it waits for, so that it can be waited for.
    async fn resume_run(&self, first: RunId, report: &mut ResumeReport) -> Result<(), ResumeError> {
        let core = &self.core;
        let mut next = Some(first);
        while let Some(run) = next.take() {
            let read_at = core.live.releases();
            let Some(raw) = core.store.load(RunFilter::one(run)).await?.pop() else {
                if run == first {
                    return Err(ResumeError::UnknownRun { run });
                }
                return Ok(());
            };
            if let Ok(status) = status_of(&raw)
                && status.is_active()
                && !status.is_released
                && !status.has_begun
            {
                let after = status.spec.terms.after;
                next = after.map(|after| after.run).filter(|after| *after < run);
            }
            core.born().await;
            report.add(run, take_up(core, raw, read_at, run == first).await);
        }
        Ok(())
    }
}

impl ResumeReport {
    fn add(&mut self, run: RunId, taken: Result<TakenUp, Halt>) {
        match taken {
            Ok(TakenUp::Now) => self.resumed.push(run),
            Ok(TakenUp::Already) => self.already.push(run),
            Ok(TakenUp::Ended) => self.ended.push(run),
            Ok(TakenUp::Paused) => self.paused.push(run),
            Ok(TakenUp::Parked(reason)) => self.parked.push((run, reason)),
            Ok(TakenUp::Quarantined(unreadable)) => self.quarantined.push(unreadable),
            Err(halt) => {
                tracing::warn!(%run, %halt, "cannot be parked");
                self.halted.push(run);
            }
        }
    }
}

/// What came of taking up a run.
pub(super) enum TakenUp {
    Now,
    Already,
    Ended,
    Paused,
    Parked(ParkReason),
    Quarantined(Unreadable),
}

/// Takes up a run that was read from the store before everything was [born](Core::born), unless it is
/// here, has ended, or cannot go on; with `unpause` also one that is paused. It was read when runs had
/// been let go of `read_at` times.
pub(super) async fn take_up<S: Store>(
    core: &Arc<Core<S>>,
    raw: RawRun,
    read_at: u64,
    unpause: bool,
) -> Result<TakenUp, Halt> {
    let run = raw.run;
    if core.live.schedule(|schedule| schedule.is_waiting(run)) {
        return Ok(TakenUp::Already);
    }
    let claimed = loop {
        match core.live.claim(run, &core.stopping) {
            Claim::Mine(claimed) => break claimed,
            Claim::Theirs if !unpause => return Ok(TakenUp::Already),
            Claim::Theirs => {}
        }
        if unpause_live(core, run).await? {
            return Ok(TakenUp::Already);
        }
        // It came to rest in between.
    };
    let live = Arc::clone(&claimed.live);
    let raw = match as_it_is(core, raw, read_at).await {
        Ok(Some(raw)) => raw,
        gone => {
            core.release(&live, Exit::GivenUp);
            drop(claimed);
            return gone.map(|_| TakenUp::Ended);
        }
    };
    let mut stored = match status_of(&raw) {
        Ok(stored) => stored,
        Err(unreadable) => {
            tracing::warn!(%unreadable, "quarantined");
            let halt = Halt::Unreadable(unreadable.clone());
            core.release(&live, Exit::Halted(halt));
            drop(claimed);
            return Ok(TakenUp::Quarantined(unreadable));
        }
    };
    if let Some(outcome) = Outcome::of(run, &stored) {
        core.release(&live, Exit::Ended(outcome));
        drop(claimed);
        return Ok(TakenUp::Ended);
    }
    #[cfg(longshore_fsm_faults)]
    crate::sabotage::misread(&mut stored, &core.workflows);
    let begin = match look_at(core, run, &mut stored, unpause).await {
        Ok(Looked::GoesOn(begin)) => begin,
        Ok(Looked::Rests(exit, taken)) => {
            core.release(&live, exit);
            drop(claimed);
            return Ok(taken);
        }
        Err(halt) => {
            core.release(&live, Exit::Halted(halt.clone()));
            drop(claimed);
            return Err(halt);
        }
    };
    if sabotage::on(Fault::F03)
        && let Some(queue) = &stored.spec.terms.queue
    {
        core.live.schedule(|schedule| schedule.assign(queue, run));
        if sabotage::first_time(Fault::F03) {
            return Ok(TakenUp::Now);
        }
    }
    let Some(mut claimed) = core.let_wait(claimed, &stored) else {
        return Ok(TakenUp::Now);
    };
    if stored.spec.terms.queue.is_some() {
        core.live.schedule(|schedule| schedule.expect(run));
    }
    *claimed.status = Some(stored);
    spawn(core, claimed, begin);
    Ok(TakenUp::Now)
}

/// The run as it is now that it is claimed: who had it may have gone on with it since it was read, and
/// let go of it. `None` if it has been forgotten.
async fn as_it_is<S: Store>(
    core: &Core<S>,
    raw: RawRun,
    read_at: u64,
) -> Result<Option<RawRun>, Halt> {
    if core.live.releases() == read_at {
        return Ok(Some(raw));
    }
    let loaded = core.store.load(RunFilter::one(raw.run)).await;
    Ok(loaded.map_err(Halt::Store)?.pop())
}

/// A run that is being carried out, and perhaps about to rest: it is not to. False if it is not
/// carried out any more.
async fn unpause_live<S: Store>(core: &Arc<Core<S>>, run: RunId) -> Result<bool, Halt> {
    let Some(live) = core.live.get(run) else {
        return Ok(false);
    };
    let mut locked = live.status.lock().await;
    let Some(status) = locked.as_mut() else {
        return Ok(false);
    };
    if status.paused.is_some() {
        let appended = core.append(run, status, vec![Event::PauseEnded], Vec::new());
        appended.await.map_err(AppendError::into_halt)?;
        live.changed.notify_one();
    }
    Ok(true)
}

/// Whether a run goes on that is taken up.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
enum Looked {
    GoesOn(Begin),
    Rests(Exit, TakenUp),
}

/// Looks whether a run goes on, and stores what comes of that where it does not at once.
async fn look_at<S: Store>(
    core: &Arc<Core<S>>,
    run: RunId,
    stored: &mut RunStatus,
    unpause: bool,
) -> Result<Looked, Halt> {
    let obstacle = core.obstacle(stored);
    if sabotage::on(Fault::F07) && matches!(obstacle, Some(ParkReason::UnknownStep { .. })) {
        return Ok(Looked::Rests(Exit::GivenUp, TakenUp::Now));
    }
    let undo_failed = matches!(&stored.phase, Phase::Parked(reason) if reason.is_of_undo());
    if obstacle.is_none() && stored.paused.is_none() && !undo_failed {
        return Ok(Looked::GoesOn(Begin::TakeUp));
    }
    let mut events = taking_up(stored, obstacle.as_ref());
    events.extend((unpause && stored.paused.is_some()).then_some(Event::PauseEnded));
    let appended = core.append(run, stored, events, Vec::new()).await;
    appended.map_err(AppendError::into_halt)?;
    Ok(match (&stored.phase, &stored.paused) {
        (Phase::Parked(reason), _) => {
            tracing::warn!(%run, %reason, "parked");
            let reason = reason.clone();
            Looked::Rests(Exit::Parked(reason.clone()), TakenUp::Parked(reason))
        }
        (Phase::Ended(_), _) => {
            let exit = Outcome::of(run, stored).map_or(Exit::Stopped, Exit::Ended);
            Looked::Rests(exit, TakenUp::Ended)
        }
        (Phase::Ready | Phase::Waiting { .. }, Some(cause)) if stored.step().is_some() => {
            let cause = cause.as_ref().to_owned();
            Looked::Rests(Exit::Paused(cause), TakenUp::Paused)
        }
        // It goes on, or is to end, which needs no build that knows its steps.
        _ => Looked::GoesOn(Begin::Known),
    })
}
