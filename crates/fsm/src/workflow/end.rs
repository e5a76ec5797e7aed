//! What a finalizer is given: how the run ends, and what it had to say.

use std::fmt;
use std::sync::Arc;

use crate::event::Ended;
use crate::ids::RunId;
use crate::status::RunSpec;
use crate::store::{Write, WriteError};

/// The end of a run, as a finalizer sees it.
pub struct End<Req, Resp, H> {
    pub(crate) run: RunId,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) request: Req,
    pub(crate) response: Resp,
    pub(crate) ended: Ended,
    pub(crate) writes: Vec<Write<H>>,
}

impl<Req, Resp, H> End<Req, Resp, H> {
    /// The run's number.
    pub fn run_id(&self) -> RunId {
        self.run
    }

    /// What the run works on.
    pub fn id(&self) -> &str {
        &self.spec.id
    }

    /// What was asked for.
    pub fn request(&self) -> &Req {
        &self.request
    }

    /// The response, as the last step that completed left it.
    pub fn response(&self) -> &Resp {
        &self.response
    }

    /// How it ends.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }

    /// Adds a domain write that commits in the transaction of the end, or not at all: where it is
    /// refused, the run ends without it and the refusal is logged.
    pub fn on_end(&mut self, write: impl FnOnce(&H) -> Result<(), WriteError> + Send + 'static) {
        self.writes.push(Write::new(write));
    }
}

impl<Req, Resp, H> fmt::Debug for End<Req, Resp, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("End").field("run", &self.run))
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
