//! What is known of a run: what it was started with, and where it stands.
//!
//! Only [`log`](crate::log) changes one, by events.

use std::sync::Arc;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{ErrorKind, StoredError};
use crate::event::{Ended, ParkReason, StuckAfter};
use crate::ids::{Seq, StepName, WorkflowKey};
use crate::terms::Terms;

/// What a run was started with. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSpec {
    /// What it was started as.
    pub workflow: WorkflowKey,
    /// What it works on.
    pub id: String,
    /// What was asked for.
    pub request: Value,
    /// The steps it takes.
    pub steps: Vec<StepName>,
    /// Those of them that are undone.
    pub undo: Vec<StepName>,
    /// When and among which others it may go on.
    pub terms: Terms,
}

/// All that the events of a run say about it. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStatus {
    /// What it was started with.
    pub spec: Arc<RunSpec>,
    /// How many of its steps have completed.
    pub completed: usize,
    /// The response, as the last completed step left it.
    pub response: Arc<Value>,
    /// Whether an attempt was ever begun.
    pub has_begun: bool,
    /// How many attempts of the current step, or of its undo, were begun.
    pub attempt: u32,
    /// How many of those failed.
    pub failures: u32,
    /// Whether one of those was cut off: by the end of its process, a shutdown or a pause.
    pub interrupted: bool,
    /// When the last of them began.
    pub attempt_began: Timestamp,
    /// The last error of the current step, or of its undo.
    pub last_error: Option<StoredError>,
    /// Whether the run that this one follows has ended as it must.
    pub is_released: bool,
    /// Whether the run that this one follows has ended as it must not.
    pub is_refused: bool,
    /// Whether its deadline has passed.
    pub is_expired: bool,
    /// Whether it was parked when an attempt had failed and what comes of that was not decided.
    pub is_failed: bool,
    /// The cause, once somebody asked to cancel the run.
    pub cancel: Option<Arc<str>>,
    /// The cause, while somebody wants the run to rest.
    pub paused: Option<Arc<str>>,
    /// Set once the run goes back over its steps.
    pub undoing: Option<Undoing>,
    /// Where it stands.
    pub phase: Phase,
    /// The place of the last event.
    pub seq: Seq,
    /// When it was started.
    pub started: Timestamp,
    /// When the last event happened.
    pub changed: Timestamp,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The next attempt may begin, or, with no step left, the run may end.
    Ready,
    /// An attempt was begun, and its end is not known.
    Running {
        /// The place of the event that began it: the fence of what it records.
        fence: Seq,
        /// Set once the attempt has outlived its grace.
        stuck: Option<StuckAfter>,
    },
    /// The last attempt failed; what comes of it is to be decided.
    Failed,
    /// In back-off.
    Waiting {
        /// Not before this time.
        until: Timestamp,
    },
    /// The build that last looked could not go on with it, or an undo has failed for good.
    Parked(ParkReason),
    /// Over.
    Ended(Ended),
}

/// A run's way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Undoing {
    /// How the run ends then.
    pub ended: Ended,
    /// How many steps, from the first, have not been looked at yet.
    pub left: usize,
    /// Steps whose undo was given up.
    pub given_up: Vec<StepName>,
}

impl RunStatus {
    /// A run that was started at this time.
    #[must_use]
    pub(crate) fn new(spec: RunSpec, response: Value, at: Timestamp) -> Self {
        Self {
            spec: Arc::new(spec),
            completed: 0,
            response: Arc::new(response),
            has_begun: false,
            attempt: 0,
            failures: 0,
            interrupted: false,
            attempt_began: at,
            last_error: None,
            is_released: false,
            is_refused: false,
            is_expired: false,
            is_failed: false,
            cancel: None,
            paused: None,
            undoing: None,
            phase: Phase::Ready,
            seq: Seq::START,
            started: at,
            changed: at,
        }
    }

    /// The step that is next or under way, forward or back; none when nothing is left to do.
    #[must_use]
    pub fn step(&self) -> Option<&StepName> {
        match &self.undoing {
            None => self.spec.steps.get(self.completed),
            Some(undoing) => self.undoable(undoing.left).map(|(_, step)| step),
        }
    }

    /// Whether more can happen to the run.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Ended(_))
    }

    /// The fence of the attempt that is under way, if one is.
    #[must_use]
    pub fn fence(&self) -> Option<Seq> {
        match self.phase {
            Phase::Running { fence, .. } => Some(fence),
            _ => None,
        }
    }

    /// Whether a step has completed that is undone where the run does not complete.
    #[must_use]
    pub fn has_to_undo(&self) -> bool {
        self.undoable(self.completed).is_some()
    }

    /// The error of a run that its terms make fail: it is late, or was not to be.
    #[must_use]
    pub fn failed_by_terms(&self) -> Option<StoredError> {
        let (kind, text) = if self.is_refused {
            let after = self.spec.terms.after?;
            let text = format!(
                "run {}, which it was to follow, did not complete",
                after.run
            );
            (ErrorKind::Predecessor, text)
        } else if self.is_expired {
            (ErrorKind::Deadline, String::from("its deadline has passed"))
        } else {
            return None;
        };
        Some(StoredError {
            kind,
            text,
            detail: None,
        })
    }

    /// When the attempt began that is under way, if one is.
    pub(crate) fn attempt_since(&self) -> Option<Timestamp> {
        self.fence().map(|_| self.attempt_began)
    }

    pub(crate) fn is_at(&self, step: &StepName, attempt: u32) -> bool {
        self.attempt == attempt && self.step() == Some(step)
    }

    pub(crate) fn last_error_may_be_retried(&self) -> bool {
        (self.last_error.as_ref()).is_some_and(|error| error.kind.may_be_retried())
    }

    /// Nothing has been tried of what is next.
    pub(crate) fn begin_step(&mut self) {
        self.attempt = 0;
        self.failures = 0;
        self.interrupted = false;
        self.is_failed = false;
        self.last_error = None;
        self.phase = Phase::Ready;
    }

    /// The current step is undone.
    pub(crate) fn undone(&mut self) -> Result<(), &'static str> {
        let undoing = self.undoing.as_ref().ok_or("nothing is being undone")?;
        let current = self.undoable(undoing.left).map(|(place, _)| place);
        let place = current.ok_or("nothing is left to undo")?;
        if let Some(undoing) = &mut self.undoing {
            undoing.left = place;
        }
        self.begin_step();
        Ok(())
    }

    /// The current step stays as it is.
    pub(crate) fn given_up(&mut self) -> Result<(), &'static str> {
        let step = self.step().cloned();
        self.undone()?;
        if let Some(undoing) = &mut self.undoing {
            undoing.given_up.extend(step);
        }
        Ok(())
    }

    /// The last of the first `before` steps that is undone.
    fn undoable(&self, before: usize) -> Option<(usize, &StepName)> {
        let steps = self.spec.steps.iter().enumerate().take(before);
        steps.rev().find(|(_, step)| self.spec.undo.contains(step))
    }
}
