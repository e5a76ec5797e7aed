//! The faults of the engine that this one was made after, to be switched on by tests.
//!
//! Only a build with `--cfg longshore_fsm_faults` can have them, and it has the one that the
//! variable `LONGSHORE_FSM_FAULT` names by its number; `scripts/see-faults` makes such a build and
//! sees each fault turn its test red. Everywhere else [`on`] is a constant and costs nothing.

/// A fault, by its number in `tests/it/fault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
#[cfg_attr(
    not(longshore_fsm_faults),
    expect(dead_code, reason = "some are asked for below alone, and only in such a build")
)]
pub(crate) enum Fault {
    F01 = 1, F02, F03, F04, F05, F06, F07, F08, F09, F10, F11, F12, F13,
    F14, F15, F16, F17, F18, F19, F20, F21, F22, F23, F24, F25, F26,
}

#[cfg(not(longshore_fsm_faults))]
mod switch {
    /// Whether the engine is to be faulty in this way.
    pub(crate) const fn on(_: super::Fault) -> bool {
        false
    }

    /// As [`on`], for the first call in a process alone.
    pub(crate) const fn first_time(_: super::Fault) -> bool {
        false
    }
}

#[cfg(longshore_fsm_faults)]
mod switch {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Whether the engine is to be faulty in this way.
    pub(crate) fn on(fault: super::Fault) -> bool {
        static CHOSEN: LazyLock<Option<u8>> = LazyLock::new(|| {
            let chosen = std::env::var("LONGSHORE_FSM_FAULT").ok()?;
            Some(chosen.parse().expect("LONGSHORE_FSM_FAULT is a number"))
        });
        *CHOSEN == Some(fault as u8)
    }

    /// As [`on`], for the first call in a process alone.
    pub(crate) fn first_time(fault: super::Fault) -> bool {
        static ASKED: AtomicBool = AtomicBool::new(false);
        on(fault) && !ASKED.swap(true, Ordering::SeqCst)
    }
}

pub(crate) use switch::{first_time, on};

#[cfg(longshore_fsm_faults)]
mod faulty {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::{Fault, on};
    use crate::decide::Plan;
    use crate::status::{Phase, RunStatus};
    use crate::terms::Terms;
    use crate::workflow::Erased;
    use crate::{Ended, ErrorKind, Event, Outcome, RunId, WorkflowKey};

    /// Faults 1, 2 and 5: how a run that another process has left is misread. It is taken to have
    /// completed what those before it had; it goes to the first workflow that has its types; and
    /// how often its step has failed is forgotten.
    pub(crate) fn misread<H>(
        status: &mut RunStatus,
        workflows: &HashMap<WorkflowKey, Arc<dyn Erased<H>>>,
    ) {
        static COMPLETED: AtomicUsize = AtomicUsize::new(0);
        if on(Fault::F01) {
            let before = COMPLETED.fetch_max(status.completed, Ordering::SeqCst);
            status.completed = status.completed.max(before);
        }
        if on(Fault::F02) {
            let knows = |flow: &&Arc<dyn Erased<H>>| {
                let spec = &status.spec;
                flow.check(&spec.request, &status.response).is_ok()
            };
            let first = workflows
                .values()
                .filter(knows)
                .map(|flow| flow.key())
                .min();
            if let Some(first) = first.cloned() {
                Arc::make_mut(&mut status.spec).workflow = first;
            }
        }
        if on(Fault::F05) {
            status.failures = 0;
        }
    }

    /// Fault 6: what kind an error was is lost on its way through the store.
    pub(crate) fn forgetful(mut event: Event) -> Event {
        if let Event::AttemptFailed { error, .. }
        | Event::UndoBegun {
            ended: Ended::Failed { error, .. },
        }
        | Event::Ended {
            ended: Ended::Failed { error, .. },
        } = &mut event
            && on(Fault::F06)
        {
            error.kind = ErrorKind::Error;
        }
        event
    }

    /// Fault 8: what one start asked for is still there for the next.
    pub(crate) fn shared_with_the_start_before(terms: Terms) -> Terms {
        static SHARED: Mutex<(Option<String>, Option<RunId>)> = Mutex::new((None, None));
        if !on(Fault::F08) {
            return terms;
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 = terms.queue.clone().or(shared.0.take());
        shared.1 = terms.parent.or(shared.1);
        Terms {
            queue: shared.0.clone(),
            parent: shared.1,
            ..terms
        }
    }

    /// Fault 11: whoever waits for a run that is not there is told that it went well.
    pub(crate) fn made_up(run: RunId) -> Option<Outcome> {
        on(Fault::F11).then(|| Outcome {
            run,
            workflow: WorkflowKey {
                name: String::new(),
                version: 0,
            },
            id: String::new(),
            ended: Ended::Completed,
            not_undone: Vec::new(),
            response: serde_json::Value::Null,
        })
    }

    /// Faults 15 and 25: an id is looked for as the beginning of another, or of another's first part.
    pub(crate) fn by_prefix(wanted: &mut [&'static str]) {
        let Some(id) = wanted.last_mut() else { return };
        if on(Fault::F15) {
            *id = "instr(id, ?) = 1";
        }
        if on(Fault::F25) {
            *id = "instr(id || '/', ? || '/') = 1";
        }
    }

    /// Fault 19: a cancel in back-off is obeyed, and not stored.
    pub(crate) fn is_a_cancel_in_back_off(before: &RunStatus, planned: &Plan) -> bool {
        let is_new = before.cancel.is_none() && planned.status.cancel.is_some();
        is_new && matches!(before.phase, Phase::Waiting { .. }) && on(Fault::F19)
    }
}

#[cfg(longshore_fsm_faults)]
pub(crate) use faulty::{
    by_prefix, forgetful, is_a_cancel_in_back_off, made_up, misread, shared_with_the_start_before,
};
