//! Opening an engine on a store, with the workflows it can carry out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, RwLock, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemClock};
use crate::engine::core::{Core, Flow};
use crate::engine::error::EngineError;
use crate::engine::live::LiveRuns;
use crate::engine::prune::Retention;
use crate::ids::WorkflowKey;
use crate::intercept::Interceptor;
use crate::metrics::Recorder;
use crate::observe::{Observations, Observer};
use crate::runtime::{Runtime, TokioRuntime};
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
            runtime: None,
            workflows: Vec::new(),
            queues: Vec::new(),
            interceptors: Vec::new(),
            observers: Vec::new(),
            retention: None,
            backlog: OBSERVATIONS,
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
        Observations::new(self.core.listeners.subscribe())
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
    runtime: Option<Arc<dyn Runtime>>,
    workflows: Vec<Flow<S>>,
    queues: Vec<(String, usize)>,
    interceptors: Vec<Arc<dyn Interceptor<S::Handle>>>,
    observers: Vec<Arc<dyn Observer>>,
    retention: Option<Retention>,
    backlog: usize,
}

impl<S: Store> EngineBuilder<S> {
    /// The clock to go by; the machine's own unless this is called.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What the engine's tasks run on; the Tokio runtime that [`EngineBuilder::open`] is called in
    /// unless this is called.
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Some(Arc::new(runtime));
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

    /// Adds a queue, of whose runs at most `limit` go on at a time: the first by priority, and of
    /// equal ones the oldest. A run keeps its turn through its back-offs, until it ends or rests.
    pub fn queue(mut self, name: impl Into<String>, limit: usize) -> Self {
        self.queues.push((name.into(), limit));
        self
    }

    /// Adds something around every attempt. The first is the outermost.
    pub fn intercept(mut self, interceptor: impl Interceptor<S::Handle>) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Adds somebody who is told of every event that has become durable.
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// How many observations a [listener](Engine::subscribe) may be behind before it misses some;
    /// 4,096 unless this is called.
    pub fn backlog(mut self, observations: usize) -> Self {
        self.backlog = observations;
        self
    }

    /// Forgets old runs by itself, when the engine is opened and once an hour.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// The engine. Nothing is resumed yet.
    ///
    /// # Errors
    /// [`EngineError::Registration`] with everything that is wrong with the workflows and queues.
    ///
    /// # Panics
    /// Outside of a Tokio runtime, where no other was given.
    #[expect(clippy::unused_async, reason = "a store may have to be asked one day")]
    pub async fn open(self) -> Result<Engine<S>, EngineError> {
        let (workflows, queues) = registered::<S>(self.workflows, self.queues)?;
        let runtime = self.runtime;
        let runtime = runtime.unwrap_or_else(|| Arc::new(TokioRuntime::current()));
        let core = Arc::new(Core {
            store: Arc::new(self.store),
            clock: self.clock,
            runtime,
            workflows,
            interceptors: self.interceptors.into(),
            observers: self.observers,
            metrics: Recorder::default(),
            live: LiveRuns::with_queues(&queues),
            listeners: broadcast::Sender::new(self.backlog.max(1)),
            births: RwLock::default(),
            timers_changed: Notify::new(),
            dispatches: AtomicUsize::new(0),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let spawn = |task| core.runtime.spawn(Box::pin(core.tasks.track_future(task)));
        spawn(Arc::clone(&core).keep_time().boxed());
        if let Some(retention) = self.retention {
            spawn(Arc::clone(&core).keep_pruning(retention).boxed());
        }
        Ok(Engine { core })
    }
}

type Registry<S> = (HashMap<WorkflowKey, Flow<S>>, BTreeMap<String, usize>);

/// The workflows and queues by their names, if nothing is wrong with them.
fn registered<S: Store>(
    given: Vec<Flow<S>>,
    declared: Vec<(String, usize)>,
) -> Result<Registry<S>, EngineError> {
    let mut wrong = Vec::new();
    let mut workflows = HashMap::new();
    for workflow in given {
        let key = workflow.key().clone();
        if workflows.insert(key.clone(), workflow).is_some() {
            wrong.push(BuildError::DuplicateWorkflow { workflow: key });
        }
    }
    let mut queues = BTreeMap::new();
    for (queue, limit) in declared {
        if limit == 0 {
            let queue = queue.clone();
            wrong.push(BuildError::ClosedQueue { queue });
        }
        if queues.insert(queue.clone(), limit).is_some() {
            wrong.push(BuildError::DuplicateQueue { queue });
        }
    }
    if !wrong.is_empty() {
        return Err(EngineError::Registration(BuildErrors(wrong)));
    }
    Ok((workflows, queues))
}

impl<S: Store> fmt::Debug for EngineBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.workflows.iter().map(|w| w.key().to_string());
        (f.debug_struct("EngineBuilder").field("store", &self.store))
            .field("workflows", &keys.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
