//! What the engine's tasks run on.

use std::fmt;

use futures::future::BoxFuture;
use tokio::runtime::Handle;

/// Something that carries out futures. The engine asks for nothing else: no timer (that is the
/// [`Clock`](crate::clock::Clock)'s) and no threads.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Carries out this future, from now on and whether or not anybody waits for it.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// The Tokio runtime with this handle.
#[derive(Debug, Clone)]
pub struct TokioRuntime(Handle);

impl TokioRuntime {
    /// The runtime that this is called in.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn current() -> Self {
        Self(Handle::current())
    }
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}
