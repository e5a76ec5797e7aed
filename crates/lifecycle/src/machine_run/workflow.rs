//! The steps of the machine workflow, in each version that a run may have been started in.

use std::sync::Arc;

use longshore_fsm::{BuildErrors, Workflow};
use rusqlite::Connection;

use super::{
    MachineRequest, MachineResponse, activate::activate, reserve::reserve, undo::undo_reserve,
    version_1::activate as activate_1,
};
use crate::deps::Deps;

/// The workflow's name.
pub(crate) const WORKFLOW: &str = "machine";

/// Changes with the steps and with what they store.
const VERSION: u32 = 2;

pub(crate) fn workflow(
    deps: &Arc<Deps>,
) -> Result<Workflow<MachineRequest, MachineResponse, Connection>, BuildErrors> {
    let [a, b, c] = std::array::from_fn(|_| Arc::clone(deps));
    let policy = || deps.step_policy();
    Workflow::builder(WORKFLOW, VERSION)
        .start_with("reserve", policy(), move |ctx| {
            Box::pin(reserve(Arc::clone(&a), ctx))
        })
        .undo_with(policy(), move |ctx| {
            Box::pin(undo_reserve(Arc::clone(&b), ctx))
        })
        .to_with("activate", policy(), move |ctx| {
            Box::pin(activate(Arc::clone(&c), ctx))
        })
        .end()
}

/// What the first release began is carried out to its end; nothing is started as this any more.
pub(crate) fn version_1(
    deps: &Arc<Deps>,
) -> Result<Workflow<MachineRequest, MachineResponse, Connection>, BuildErrors> {
    let policy = deps.step_policy();
    let deps = Arc::clone(deps);
    Workflow::builder(WORKFLOW, 1)
        .start_with("activate", policy, move |ctx| {
            Box::pin(activate_1(Arc::clone(&deps), ctx))
        })
        .end()
}
