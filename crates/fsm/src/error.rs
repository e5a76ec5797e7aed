//! How a step fails, and what is stored of it.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::RunId;

/// Any error that can be sent to another thread.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a step did not complete.
///
/// It is not itself an [`Error`], so that `?` can turn any error into [`StepError::Retry`].
#[derive(Debug)]
pub enum StepError {
    /// Again after back-off, as often as the step's policy allows. What `?` makes of any error.
    Retry(Failure),
    /// No retry: the run has failed.
    Abort(Failure),
    /// As [`StepError::Abort`], where what was asked for cannot be done; counted apart.
    User(Failure),
    /// As [`StepError::Abort`], where this machine or program is at fault; counted apart.
    System(Failure),
    /// Another run goes on with the work: this one ends so.
    ContinuedAs(RunId),
}

impl StepError {
    /// [`StepError::Retry`] with this error.
    pub fn retry(error: impl Into<BoxError>) -> Self {
        Self::Retry(Failure::new(error))
    }

    /// [`StepError::Abort`] with this error.
    pub fn abort(error: impl Into<BoxError>) -> Self {
        Self::Abort(Failure::new(error))
    }

    /// [`StepError::User`] with this error.
    pub fn user(error: impl Into<BoxError>) -> Self {
        Self::User(Failure::new(error))
    }

    /// [`StepError::System`] with this error.
    pub fn system(error: impl Into<BoxError>) -> Self {
        Self::System(Failure::new(error))
    }

    /// With what a program needs to know of the error: it is stored beside the text and comes back
    /// in the outcome and in the history. [`StepError::ContinuedAs`] has no error and stays as it is.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        match &mut self {
            Self::Retry(f) | Self::Abort(f) | Self::User(f) | Self::System(f) => {
                f.detail = Some(detail);
            }
            Self::ContinuedAs(_) => {}
        }
        self
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// An error, and what the caller wants stored with it.
#[derive(Debug)]
pub struct Failure {
    error: BoxError,
    detail: Option<Value>,
}

impl Failure {
    /// This error, with no detail.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
            detail: None,
        }
    }

    /// As it is stored, as an error of this kind.
    #[must_use]
    pub fn stored(self, kind: ErrorKind) -> StoredError {
        StoredError {
            kind,
            text: chain_text(self.error.as_ref()),
            detail: self.detail,
        }
    }
}

/// An error and its sources in one line: `outermost: ...: innermost`.
#[must_use]
pub fn chain_text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What kind of failure an attempt ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// An error that may be retried. As the error of a failed run: the attempts were used up.
    Error,
    /// [`StepError::Abort`].
    Abort,
    /// [`StepError::User`].
    User,
    /// [`StepError::System`]; also a write of [`on_completion`](crate::Ctx::on_completion) that was
    /// refused, and a response that cannot be stored.
    System,
    /// The step panicked; may be retried.
    Panic,
    /// The attempt ran into its time-out, and then returned an error; may be retried.
    Timeout,
    /// The run's deadline passed.
    Deadline,
    /// The run that this one was to follow did not complete.
    Predecessor,
}

impl ErrorKind {
    /// Whether another attempt may follow, as far as the step's policy allows it.
    #[must_use]
    pub fn may_be_retried(self) -> bool {
        match self {
            Self::Error | Self::Panic | Self::Timeout => true,
            Self::Abort | Self::User | Self::System | Self::Deadline | Self::Predecessor => false,
        }
    }
}

/// An error as it is stored: it outlives the process that met it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredError {
    /// What kind it was.
    pub kind: ErrorKind,
    /// The whole chain in one line.
    pub text: String,
    /// What the step's author stored with it, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl fmt::Display for StoredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the layer")]
    struct Outer(#[source] std::io::Error);

    fn fails() -> Result<(), StepError> {
        Err(Outer(std::io::Error::other("the cable is out")))?;
        Ok(())
    }

    #[test]
    fn the_question_mark_makes_a_retry_and_the_whole_chain_is_stored() {
        let Err(StepError::Retry(failure)) = fails() else {
            panic!("not a retry")
        };
        let stored = failure.stored(ErrorKind::Error);
        assert_eq!(stored.text, "cannot read the layer: the cable is out");
        assert_eq!(stored.detail, None);
    }

    #[test]
    fn a_detail_survives_storing() {
        let error = StepError::user("no such family").with_detail(serde_json::json!({"exit": 5}));
        let StepError::User(failure) = error else {
            panic!("the kind changed")
        };
        let text = serde_json::to_string(&failure.stored(ErrorKind::User)).unwrap();
        let back: StoredError = serde_json::from_str(&text).unwrap();
        assert_eq!(back.detail, Some(serde_json::json!({"exit": 5})));
        assert_eq!(back.kind, ErrorKind::User);
    }
}
