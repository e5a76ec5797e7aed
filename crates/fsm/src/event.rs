//! What can happen to a run, as it is stored.
//!
//! The events of a run are all that is known of it: its status is derived from them by
//! [`log`](crate::log). They are stored as JSON; an event that was ever written is never renamed, and a
//! field that is added later has a default.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::StoredError;
use crate::ids::{RunId, Seq, StepName, WorkflowKey};
use crate::terms::Terms;

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the first of every run, and few events are held at a time"
)]
pub enum Event {
    /// The run was started. Always the first event, and only the first.
    Started {
        /// As what.
        workflow: WorkflowKey,
        /// What it works on: while it is active no other run of this workflow has the same.
        id: String,
        /// What was asked for.
        request: Value,
        /// The steps it will take, in order. This list stays authoritative for the run.
        steps: Vec<StepName>,
        /// What the response is before the first step.
        response: Value,
        /// Which of the steps are undone, once they have completed and the run is to end otherwise.
        /// This list stays authoritative too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        undo: Vec<StepName>,
        /// When and among which others it may go on.
        #[serde(default, skip_serializing_if = "Terms::are_none")]
        terms: Terms,
    },
    /// The run that this one was to follow has ended.
    PredecessorEnded {
        /// Which: the one it was started after, or one that went on as.
        run: RunId,
        /// Whether it completed.
        completed: bool,
    },
    /// The run's deadline passed before it had completed.
    DeadlinePassed,
    /// An attempt of the current step was begun. Once [`Event::UndoBegun`] has happened this, and
    /// what follows it, is about undoing the step.
    AttemptStarted {
        /// The current step.
        step: StepName,
        /// Counted from 1 for each step, and anew for its undo; no number is used twice.
        attempt: u32,
    },
    /// The attempt succeeded; the next step may begin.
    StepCompleted {
        /// The current step.
        step: StepName,
        /// Which attempt.
        attempt: u32,
        /// The response, as this step left it.
        response: Value,
    },
    /// The attempt failed. Whether there is another is decided in the same transaction.
    AttemptFailed {
        /// The current step.
        step: StepName,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: StoredError,
    },
    /// The attempt was cut off, and does not count against the step's attempts.
    AttemptInterrupted {
        /// The current step.
        step: StepName,
        /// Which attempt.
        attempt: u32,
        /// By what.
        by: Interruption,
        /// What the step returned, where it came to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StoredError>,
    },
    /// The attempt's token was cancelled and it is still running after its grace.
    AttemptStuck {
        /// The current step.
        step: StepName,
        /// Which attempt.
        attempt: u32,
        /// Why its token was cancelled.
        after: StuckAfter,
    },
    /// The step will be attempted again.
    RetryScheduled {
        /// The current step.
        step: StepName,
        /// Not before this time.
        until: Timestamp,
    },
    /// Somebody asked for the next attempt not to be waited for any longer; or, for an undo that has
    /// failed for good, to try it again.
    RetryRequested,
    /// Somebody asked for the run to be cancelled.
    CancelRequested {
        /// Why, for people.
        cause: String,
    },
    /// Somebody asked for the run to rest. An attempt that is under way is told to stop.
    PauseRequested {
        /// Why, for people.
        cause: String,
    },
    /// Somebody asked for the run to go on.
    PauseEnded,
    /// The run is to end so, and before that what it did for itself is undone.
    UndoBegun {
        /// How it will end.
        ended: Ended,
    },
    /// The attempt has undone the step.
    StepUndone {
        /// The current step.
        step: StepName,
        /// Which attempt.
        attempt: u32,
    },
    /// Somebody asked for an undo that has failed for good to be left at that.
    UndoGivenUp {
        /// The step that is not undone.
        step: StepName,
    },
    /// The run cannot go on in the build that looked at it.
    Parked {
        /// Why.
        reason: ParkReason,
    },
    /// A build that can go on with the run has taken it up.
    Unparked,
    /// The run is over. Always the last event.
    Ended {
        /// How.
        ended: Ended,
    },
}

/// What cut an attempt off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// The process ended without a word; found out when the run was resumed.
    Crash,
    /// The engine was shut down.
    Shutdown,
    /// The run was cancelled.
    Cancel,
    /// The run was paused.
    Pause,
}

/// Why a stuck attempt's token had been cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StuckAfter {
    /// It had run into its time-out.
    Timeout,
    /// The run had been cancelled.
    Cancel,
    /// The run had been paused.
    Pause,
    /// The run's deadline had passed.
    Deadline,
}

/// Why a run cannot go on in a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ParkReason {
    /// No workflow of the run's name and version is registered.
    #[error("this build has no workflow {workflow}")]
    UnknownWorkflow {
        /// What the run was started as.
        workflow: WorkflowKey,
    },
    /// The workflow is registered, but without a step that the run has still to take.
    #[error("the workflow has no step {step} in this build")]
    UnknownStep {
        /// The missing step.
        step: StepName,
    },
    /// The step has completed and is to be undone, and this build does not know how.
    #[error("the workflow cannot undo step {step} in this build")]
    UnknownUndo {
        /// The step.
        step: StepName,
    },
    /// The run is to wait its turn in a queue that this build has not.
    #[error("this build has no queue {queue:?}")]
    UnknownQueue {
        /// The missing queue.
        queue: String,
    },
    /// Undoing the step has failed for good. Somebody must have it tried again, or leave it at that.
    #[error("step {step} could not be undone: {error}")]
    UndoFailed {
        /// The step.
        step: StepName,
        /// Its undo's last error.
        error: StoredError,
    },
    /// The request or the response is not of the type that this build's workflow has.
    #[error("what the run has stored does not fit this build: {text}")]
    Undecodable {
        /// What the decoder said.
        text: String,
    },
}

impl ParkReason {
    /// Whether it is about an undo that failed for good, which no build changes by looking again.
    #[must_use]
    pub fn is_of_undo(&self) -> bool {
        matches!(self, Self::UndoFailed { .. })
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Ended {
    /// Every step completed.
    Completed,
    /// A step failed for good.
    Failed {
        /// Which.
        step: StepName,
        /// Its last error.
        error: StoredError,
    },
    /// It was cancelled before its last step completed.
    Cancelled {
        /// What the one who cancelled gave as cause.
        cause: String,
    },
    /// Another run goes on with the work.
    ContinuedAs {
        /// That run.
        run: RunId,
    },
}

/// An event with its place and time.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Its place in the run.
    pub seq: Seq,
    /// When it was decided on: for people, never for order.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As stored by the first release; a line is added for each new event and none is ever changed.
    const STORED: [&str; 22] = [
        r#"{"event":"started","workflow":{"name":"image","version":1},"id":"a","request":{"n":0.1},"steps":["load"],"response":null}"#,
        r#"{"event":"attempt_started","step":"load","attempt":1}"#,
        r#"{"event":"step_completed","step":"load","attempt":1,"response":[1]}"#,
        r#"{"event":"attempt_failed","step":"load","attempt":1,"error":{"kind":"timeout","text":"late","detail":{"exit":5}}}"#,
        r#"{"event":"attempt_interrupted","step":"load","attempt":1,"by":"crash"}"#,
        r#"{"event":"attempt_stuck","step":"load","attempt":1,"after":"timeout"}"#,
        r#"{"event":"retry_scheduled","step":"load","until":1700000000000}"#,
        r#"{"event":"cancel_requested","cause":"enough"}"#,
        r#"{"event":"parked","reason":{"reason":"unknown_step","step":"load"}}"#,
        r#"{"event":"unparked"}"#,
        r#"{"event":"ended","ended":{"as":"completed"}}"#,
        r#"{"event":"ended","ended":{"as":"failed","step":"load","error":{"kind":"user","text":"no such family"}}}"#,
        r#"{"event":"ended","ended":{"as":"continued_as","run":7}}"#,
        r#"{"event":"started","workflow":{"name":"image","version":1},"id":"a","request":1,"steps":["load"],"response":null,"undo":["load"],"terms":{"queue":"loads","priority":-1,"not_before":1700000000000,"after":{"run":3,"only_if_completed":true},"parent":2,"deadline":1700000000001,"idempotency_key":"k","trace":{"traceparent":"00-1"}}}"#,
        r#"{"event":"predecessor_ended","run":3,"completed":false}"#,
        r#"{"event":"deadline_passed"}"#,
        r#"{"event":"retry_requested"}"#,
        r#"{"event":"pause_requested","cause":"maintenance"}"#,
        r#"{"event":"pause_ended"}"#,
        r#"{"event":"undo_begun","ended":{"as":"cancelled","cause":"enough"}}"#,
        r#"{"event":"step_undone","step":"load","attempt":1}"#,
        r#"{"event":"undo_given_up","step":"load"}"#,
    ];

    #[test]
    fn what_was_ever_stored_is_read_and_stored_the_same_again() {
        for stored in STORED {
            let event: Event = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), stored);
        }
    }

    #[test]
    fn a_float_comes_back_as_it_was() {
        // Every one of them a number that a parser which is in a hurry gets wrong now and then.
        let mut bits = 0x3ff0_0000_0000_0000_u64;
        for _ in 0..2_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let float = f64::from_bits(bits);
            if float.is_finite() {
                let text = serde_json::to_string(&Value::from(float)).unwrap();
                assert_eq!(
                    serde_json::from_str::<Value>(&text).unwrap(),
                    Value::from(float)
                );
            }
        }
    }
}
