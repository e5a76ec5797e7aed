//! The fault kit: whatever may go wrong around a job is made to go wrong, at every place there is.
//!
//! A [`Trial`] says how the job is asked for, and what there is to see of it afterwards. [`Kit::run`]
//! first lets it live undisturbed, and learns from that which steps are taken, which of them are
//! undone, and what is committed; so a step that is added later is covered without a new test. Then,
//! each time in a fresh world, it disturbs one life:
//!
//! | what | where |
//! |---|---|
//! | fails once, with an error that may be retried; before the step is called, or after it | every step, every undo |
//! | fails for ever, with one that may not; before it is called, or after it | every step, every undo |
//! | is called twice in one attempt | every step, every undo |
//! | the process dies, before the commit or after it | every commit, of runs and of the domain alone |
//! | the run is cancelled | after every commit that is about a run |
//! | the run is paused | the same, where [`Kit::pausing`] asks for it |
//!
//! and the last three also on the way back of a run that fails. Undisturbed lives of the same request
//! must then come to the outcome, and to the [sight](Trial::look), of the first one; and where a run
//! has failed or was cancelled, [what was its own](Trial::left) must be gone before that.
//!
//! What does not hold is a panic that says which fault it was, and where.
//!
//! ```
//! use longshore_fsm::store::{Ledger, MemoryStore};
//! use longshore_fsm::testing::kit::{Faults, Kit, Life, Trial, ask};
//! use longshore_fsm::{Ctx, Engine, StepError, Workflow};
//! use std::time::Duration;
//!
//! async fn greet(ctx: &mut Ctx<String, (), Ledger>) -> Result<(), StepError> {
//!     let text = format!("Hello, {}", ctx.request());
//!     ctx.record(move |ledger| Ok(ledger.put("greeting", text))).await?;
//!     Ok(())
//! }
//!
//! struct Greeting;
//!
//! impl Trial for Greeting {
//!     type World = MemoryStore;
//!     type Seen = Vec<(String, serde_json::Value)>;
//!     type Left = ();
//!
//!     async fn fresh(&self) -> MemoryStore {
//!         MemoryStore::new()
//!     }
//!     async fn live(&self, world: &mut MemoryStore, faults: &Faults) -> Life {
//!         let workflow = Workflow::builder("greet", 1).start("greet", |ctx| Box::pin(greet(ctx)));
//!         let workflow = workflow.end().expect("one step of one name");
//!         let handle = workflow.handle();
//!         let engine = Engine::builder(faults.store(world.reopen())).register(workflow);
//!         let engine = faults.install(engine).open().await.expect("one workflow");
//!         faults.attach(&engine).await;
//!         let life = ask(&engine, &handle, "ada", String::from("Ada")).await;
//!         engine.shutdown(Duration::from_secs(10)).await;
//!         life
//!     }
//!     async fn look(&self, world: &MemoryStore) -> Self::Seen {
//!         world.read(Ledger::entries)
//!     }
//!     async fn left(&self, _: &MemoryStore) {}
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let report = Kit::default().run(&Greeting).await;
//! assert_eq!(report.sites.len(), 1);
//! # });
//! ```

mod case;
mod disturbance;
mod faults;
mod iteration;
mod operator;
mod report;
mod steps;
mod store;
mod trial;

pub use disturbance::{Site, StepFault, Strike};
pub use faults::Faults;
pub use iteration::Kit;
pub use report::{Kind, Report};
pub use store::FaultyStore;
pub use trial::{Life, Trial, ask};
