//! Opening an engine on a store, with the workflows it can carry out.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemClock};
use crate::engine::core::{Core, Flow};
use crate::engine::error::EngineError;
use crate::engine::live::LiveRuns;
use crate::observe::Observations;
use crate::store::Store;
use crate::workflow::{BuildError, BuildErrors, Workflow};

/// How many observations a listener may be behind before it misses some.
const OBSERVATIONS: usize = 4096;

/// Carries out the runs of the registered workflows on one store.
///
/// A clone is the same engine. Dropping it stops nothing: [`Engine::shutdown`] does.
pub struct Engine<S: Store> {
    pub(super) core: Arc<Core<S>>,
}

impl<S: Store> Engine<S> {
    /// Begins an engine on this store.
    pub fn builder(store: S) -> EngineBuilder<S> {
        EngineBuilder {
            store,
            clock: Arc::new(SystemClock::default()),
            workflows: Vec::new(),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.core.store
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Observations {
        Observations::new(self.core.observers.subscribe())
    }
}

impl<S: Store> Clone for Engine<S> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<S: Store> fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys: Vec<_> = self
            .core
            .workflows
            .keys()
            .map(ToString::to_string)
            .collect();
        keys.sort();
        (f.debug_struct("Engine").field("store", &self.core.store))
            .field("workflows", &keys)
            .finish_non_exhaustive()
    }
}

/// An engine that is being put together.
#[must_use]
pub struct EngineBuilder<S: Store> {
    store: S,
    clock: Arc<dyn Clock>,
    workflows: Vec<Flow<S>>,
}

impl<S: Store> EngineBuilder<S> {
    /// The clock to go by; the machine's own unless this is called.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Adds a workflow.
    pub fn register<Req, Resp>(mut self, workflow: Workflow<Req, Resp, S::Handle>) -> Self
    where
        Req: DeserializeOwned + Send + Sync + 'static,
        Resp: Serialize + DeserializeOwned + Default + Send + Sync + 'static,
    {
        self.workflows.push(Arc::new(workflow));
        self
    }

    /// The engine, on the Tokio runtime that this is called in. Nothing is resumed yet.
    ///
    /// # Errors
    /// [`EngineError::Registration`] with everything that is wrong with the workflows.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[expect(clippy::unused_async, reason = "a store may have to be asked one day")]
    pub async fn open(self) -> Result<Engine<S>, EngineError> {
        let mut wrong = Vec::new();
        let mut workflows = HashMap::new();
        for workflow in self.workflows {
            let key = workflow.key().clone();
            if workflows.insert(key.clone(), workflow).is_some() {
                wrong.push(BuildError::DuplicateWorkflow { workflow: key });
            }
        }
        if !wrong.is_empty() {
            return Err(EngineError::Registration(BuildErrors(wrong)));
        }
        Ok(Engine {
            core: Arc::new(Core {
                store: Arc::new(self.store),
                clock: self.clock,
                workflows,
                live: LiveRuns::default(),
                observers: broadcast::Sender::new(OBSERVATIONS),
                stopping: CancellationToken::new(),
                tasks: TaskTracker::new(),
                runtime: Handle::current(),
            }),
        })
    }
}

impl<S: Store> fmt::Debug for EngineBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.workflows.iter().map(|w| w.key().to_string());
        (f.debug_struct("EngineBuilder").field("store", &self.store))
            .field("workflows", &keys.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
