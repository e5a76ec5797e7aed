//! Making durable what has arrived, on a thread, while more arrives.

use tokio::task::JoinHandle;

use super::error::FetchError;
use crate::blob::{DiskError, RangeSet, Workspace};

/// The workspace between checkpoints, and the thread that has it during one: never two at a time.
#[derive(Debug)]
pub(super) struct Checkpoints {
    state: State,
    /// Bytes in the last checkpoint that was begun.
    saved: u64,
}

#[derive(Debug)]
enum State {
    Idle(Box<Workspace>),
    Running(JoinHandle<(Box<Workspace>, Result<(), DiskError>)>),
    /// The thread did not give it back: the runtime is going down, or it panicked.
    Lost,
}

impl Checkpoints {
    pub(super) fn new(workspace: Workspace) -> Self {
        let saved = workspace.durable().len();
        Self {
            state: State::Idle(Box::new(workspace)),
            saved,
        }
    }

    /// Begins a checkpoint of `written`, if it has at least `due` bytes more than the last one and
    /// none is running.
    pub(super) fn offer(&mut self, written: RangeSet, due: u64) {
        if written.len() < self.saved.saturating_add(due) || !matches!(self.state, State::Idle(_)) {
            return;
        }
        if let State::Idle(mut workspace) = std::mem::replace(&mut self.state, State::Lost) {
            self.saved = written.len();
            self.state = State::Running(tokio::task::spawn_blocking(move || {
                let saved = workspace.checkpoint(written);
                (workspace, saved)
            }));
        }
    }

    /// Waits for the checkpoint that is running; for ever, where there is none.
    pub(super) async fn finished(&mut self) -> Result<(), FetchError> {
        match &mut self.state {
            State::Running(thread) => match thread.await {
                Ok((workspace, saved)) => {
                    self.state = State::Idle(workspace);
                    Ok(saved?)
                }
                Err(_) => {
                    self.state = State::Lost;
                    Err(FetchError::Abandoned)
                }
            },
            State::Idle(_) | State::Lost => std::future::pending().await,
        }
    }

    /// Waits for a checkpoint that is running, and gives the workspace back.
    pub(super) async fn end(mut self) -> (Option<Workspace>, Result<(), FetchError>) {
        let saved = match &self.state {
            State::Running(_) => self.finished().await,
            State::Idle(_) => Ok(()),
            State::Lost => Err(FetchError::Abandoned),
        };
        match self.state {
            State::Idle(workspace) => (Some(*workspace), saved),
            State::Running(_) | State::Lost => (None, saved),
        }
    }
}
