//! The one step of the workflow's first version: reserve the disk's id, take the snapshot, show it
//! under the machine's name. A run of it that fails leaves what it reserved to whoever makes or
//! removes a machine of that name.

use std::sync::Arc;

use longshore_fsm::{Ctx, StepError};
use rusqlite::Connection;

use super::{
    MachineRequest, MachineResponse,
    activate::make_and_show,
    reserve::{look, reservation},
};
use crate::{Failure, deps::Deps, trouble::Trouble};

pub(super) async fn activate(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    let request = ctx.request().clone();
    deps.step_begins(&request.name, ctx.step(), ctx.attempt());
    if look(&deps, &request).map_err(Failure::step)?.is_none() {
        let (attempt, run) = (ctx.attempt_handle(), ctx.run_id().get());
        let reserve = reservation(&deps, &request, run).map_err(Failure::step)?;
        attempt.record(reserve).await.map_err(Trouble::step)?;
    }
    make_and_show(deps, ctx).await
}
