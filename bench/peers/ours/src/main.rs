//! longshore-fsm, as a peer: its engine on its SQLite store, as they come.

use std::path::Path;
use std::sync::Arc;

use longshore_fsm::store::SqliteStore;
use longshore_fsm::{
    BuildErrors, Engine, Resume, RunId, Start, StartOptions, StepError, Workflow, WorkflowRef,
};
use peers_measure::{Answer, Failure, Peer, Steps};

struct Ours {
    engine: Engine<SqliteStore>,
    five: WorkflowRef<usize, ()>,
}

/// The step of this index. It is a macro because a step's future borrows its context.
macro_rules! step {
    ($steps:expr, $index:literal) => {{
        let steps = Arc::clone($steps);
        move |ctx| {
            let steps = Arc::clone(&steps);
            Box::pin(async move {
                steps.step(*ctx.request(), $index).await;
                Ok::<(), StepError>(())
            })
        }
    }};
}

impl Ours {
    async fn started(&self, slot: usize, options: StartOptions) -> Result<RunId, Failure> {
        let id = slot.to_string();
        match self.engine.start(&self.five, &id, slot, options).await? {
            Start::Started(run) => Ok(run),
            other => Err(format!("the slot is not free: {other:?}").into()),
        }
    }
}

impl Peer for Ours {
    async fn open(dir: &Path, steps: Arc<Steps>) -> Result<Self, Failure> {
        let store = SqliteStore::open(dir.join("ours.db"), &[])?;
        let workflow = Workflow::builder("five", 1)
            .start("one", step!(&steps, 0))
            .to("two", step!(&steps, 1))
            .to("three", step!(&steps, 2))
            .to("four", step!(&steps, 3))
            .to("five", step!(&steps, 4))
            .end()
            .map_err(|errors: BuildErrors| errors.to_string())?;
        let five = workflow.handle();
        let engine = Engine::builder(store)
            .register(workflow)
            .queue("one at a time", 1)
            .open()
            .await?;
        Ok(Self { engine, five })
    }

    async fn run(&self, slot: usize) -> Result<(), Failure> {
        let run = self.started(slot, StartOptions::default()).await?;
        self.engine.wait(run).await?;
        Ok(())
    }

    async fn start(&self, slot: usize) -> Result<(), Failure> {
        self.started(slot, StartOptions::default()).await?;
        Ok(())
    }

    /// Runs that wait in a queue behind the first one, which stands in its first step.
    async fn queue(&self, runs: usize) -> Result<Answer, Failure> {
        for slot in 0..runs {
            let options = StartOptions::default().queue("one at a time");
            self.started(slot, options).await?;
        }
        Ok(Answer::Done)
    }

    async fn resume(&self) -> Result<Answer, Failure> {
        self.engine.resume(Resume::All).await?;
        Ok(Answer::Done)
    }
}

fn main() -> Result<(), Failure> {
    peers_measure::main::<Ours>("ours")
}
