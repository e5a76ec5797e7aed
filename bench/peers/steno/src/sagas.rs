//! Sagas of five actions, one after another.

use std::path::Path;
use std::sync::{Arc, Mutex};

use peers_measure::{Answer, Failure, Peer, Steps};
use slog::{Discard, Logger, o};
use steno::{
    Action, ActionContext, ActionError, ActionRegistry, DagBuilder, Node, SagaDag, SagaId,
    SagaName, SagaResult, SagaType, SecClient, new_action_noop_undo,
};

use crate::store::{SqliteSecStore, Stored};

/// steno, with so many calls of its store in a transaction at most.
#[derive(Debug)]
pub struct Sagas<const GROUP: usize> {
    sec: SecClient,
    actions: Vec<Arc<dyn Action<Five>>>,
    registry: Arc<ActionRegistry<Five>>,
    steps: Arc<Steps>,
    left: Mutex<Vec<Stored>>,
}

/// What the sagas are, to steno.
#[derive(Debug)]
struct Five;

impl SagaType for Five {
    type ExecContextType = Arc<Steps>;
}

async fn step<const INDEX: usize>(context: ActionContext<Five>) -> Result<(), ActionError> {
    let slot = context.saga_params::<usize>()?;
    context.user_data().step(slot, INDEX).await;
    Ok(())
}

fn actions() -> Vec<Arc<dyn Action<Five>>> {
    vec![
        new_action_noop_undo("one", step::<0>),
        new_action_noop_undo("two", step::<1>),
        new_action_noop_undo("three", step::<2>),
        new_action_noop_undo("four", step::<3>),
        new_action_noop_undo("five", step::<4>),
    ]
}

impl<const GROUP: usize> Sagas<GROUP> {
    fn dag(&self, slot: usize) -> Result<Arc<SagaDag>, Failure> {
        let mut dag = DagBuilder::new(SagaName::new("five"));
        for (index, action) in self.actions.iter().enumerate() {
            let name = index.to_string();
            dag.append(Node::action(&name, &name, action.as_ref()));
        }
        Ok(Arc::new(SagaDag::new(dag.build()?, slot.into())))
    }

    /// Creates the saga, durably, and does not start it.
    async fn created(
        &self,
        slot: usize,
    ) -> Result<(SagaId, impl Future<Output = SagaResult> + use<GROUP>), Failure> {
        let id = SagaId::new_v4();
        let (context, registry) = (
            Arc::new(Arc::clone(&self.steps)),
            Arc::clone(&self.registry),
        );
        let ended = self.sec.saga_create(id, context, self.dag(slot)?, registry);
        Ok((id, ended.await?))
    }
}

impl<const GROUP: usize> Peer for Sagas<GROUP> {
    async fn open(dir: &Path, steps: Arc<Steps>) -> Result<Self, Failure> {
        let (store, left) = SqliteSecStore::open(dir, GROUP)?;
        let actions = actions();
        let mut registry = ActionRegistry::new();
        for action in &actions {
            registry.register(Arc::clone(action));
        }
        Ok(Self {
            sec: steno::sec(Logger::root(Discard, o!()), Arc::new(store)),
            actions,
            registry: Arc::new(registry),
            steps,
            left: Mutex::new(left),
        })
    }

    async fn run(&self, slot: usize) -> Result<(), Failure> {
        let (id, ended) = self.created(slot).await?;
        self.sec.saga_start(id).await?;
        match ended.await.kind {
            Ok(_) => Ok(()),
            Err(error) => Err(error.error_source.into()),
        }
    }

    async fn start(&self, slot: usize) -> Result<(), Failure> {
        let (id, _) = self.created(slot).await?;
        Ok(self.sec.saga_start(id).await?)
    }

    /// Sagas that are created and not started: steno keeps each in memory from then on.
    async fn queue(&self, runs: usize) -> Result<Answer, Failure> {
        for slot in 0..runs {
            let _ = self.created(slot).await?;
        }
        Ok(Answer::Done)
    }

    async fn resume(&self) -> Result<Answer, Failure> {
        let left = std::mem::take(&mut *self.left.lock().map_err(|_| "a load has panicked")?);
        for saga in left {
            let (context, registry) = (
                Arc::new(Arc::clone(&self.steps)),
                Arc::clone(&self.registry),
            );
            let resumed = self
                .sec
                .saga_resume(saga.id, context, saga.dag, registry, saga.events);
            drop(resumed.await?);
            self.sec.saga_start(saga.id).await?;
        }
        Ok(Answer::Done)
    }
}
