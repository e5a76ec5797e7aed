//! Letting runs go on whose turn or time has come, or whose predecessor has ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::decide::{Action, Wait, decide};
use crate::engine::core::Core;
use crate::engine::drive::{Begin, spawn};
use crate::engine::live::{Claim, Claimed, Exit, Live};
use crate::engine::schedule::{Place, Schedule};
use crate::ids::RunId;
use crate::status::RunStatus;
use crate::store::Store;

/// The clock is looked at at least this often while somebody waits for a time: it may be set.
const LOOK: Duration = Duration::from_secs(60);

impl<S: Store> Core<S> {
    /// Does this to its end, also where whoever asked for it goes away meanwhile: a run that was
    /// claimed must not stay so, nor a turn that was kept. `None` if the runtime is going down.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, waiting) = oneshot::channel();
        let task = async move {
            // Whoever asked may be gone.
            let _ = done.send(work.await);
        };
        let task = self.tasks.track_future(task);
        self.runtime.spawn(Box::pin(task));
        waiting.await.ok()
    }

    /// Whether a run has its turn, or needs none.
    pub(super) fn has_turn(&self, run: RunId, status: &RunStatus) -> bool {
        status.spec.terms.queue.is_none() || self.live.schedule(|schedule| schedule.has_turn(run))
    }

    /// Lets go of a run, and lets those go on who waited for that.
    pub(super) fn release(self: &Arc<Self>, live: &Live, exit: Exit) {
        for follower in self.live.release(live, exit, &self.stopping) {
            spawn(self, follower, Begin::TakeUp);
        }
        self.dispatch();
    }

    /// Lets go of a run that only waits: it needs no task, and there may be very many of them. Gives
    /// the run back where there is something to do.
    pub(super) fn let_wait(
        self: &Arc<Self>,
        claimed: Claimed,
        status: &RunStatus,
    ) -> Option<Claimed> {
        let run = claimed.live.run;
        let moment = self.moment(self.has_turn(run, status));
        let wait = match decide(status, &self.rules(status), moment) {
            Action::Await(wait @ (Wait::Turn(_) | Wait::Until(_))) if !moment.stopping => wait,
            _ => return Some(claimed),
        };
        let (place, deadline) = (Place::of(run, status), status.spec.terms.deadline);
        self.live
            .release_to_wait(&claimed.live, place, wait, deadline);
        drop(claimed);
        self.timers_changed.notify_one();
        self.dispatch();
        None
    }

    /// Lets a run that waits look again.
    pub(super) fn wake(self: &Arc<Self>, run: RunId) {
        if self.stopping.is_cancelled() {
            return;
        }
        if let Claim::Mine(claimed) = self.live.claim(run, &self.stopping) {
            spawn(self, claimed, Begin::TakeUp);
        }
    }

    /// Lets everybody go on whose turn or time has come. Whoever is at it looks again for those who
    /// come meanwhile: where a runtime drops what it is given, each that goes on lets go at once, and
    /// calls this.
    pub(super) fn dispatch(self: &Arc<Self>) {
        if self.dispatches.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        let mut asked = 1;
        loop {
            if !self.stopping.is_cancelled() {
                for claimed in self.live.claim_ready(self.clock.now(), &self.stopping) {
                    spawn(self, claimed, Begin::TakeUp);
                }
            }
            let done =
                self.dispatches
                    .compare_exchange(asked, 0, Ordering::SeqCst, Ordering::SeqCst);
            match done {
                Ok(_) => return,
                Err(more) => asked = more,
            }
        }
    }

    /// Gives no turns before everything that is taken up meanwhile has come into its line, so that
    /// the order there is the same in every process.
    pub(super) fn hold_turns(self: &Arc<Self>) -> HeldTurns<'_, S> {
        self.live.schedule(Schedule::hold);
        HeldTurns(self)
    }

    /// A run that was taken up does not come into a line.
    pub(super) fn expect_no_more(self: &Arc<Self>, run: RunId) {
        if self.live.schedule(|schedule| schedule.expect_no_more(run)) {
            self.dispatch();
        }
    }

    /// Looks at the clock when somebody's time comes, until the engine is shut down.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let next = self.live.schedule(|schedule| schedule.next_timer());
            let wait = next.map(|next| next.since(self.clock.now()).min(LOOK));
            let sleep = async {
                match wait {
                    Some(wait) => self.clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return,
                () = self.timers_changed.notified() => {}
                () = sleep => self.dispatch(),
            }
        }
    }
}

/// See [`Core::hold_turns`].
pub(super) struct HeldTurns<'a, S: Store>(&'a Arc<Core<S>>);

impl<S: Store> Drop for HeldTurns<'_, S> {
    fn drop(&mut self) {
        self.0.live.schedule(Schedule::end_hold);
        self.0.dispatch();
    }
}
