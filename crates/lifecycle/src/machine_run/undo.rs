//! Undoing `reserve`: the machine that this run reserved goes, with its disk, unless it has become
//! active.
//!
//! That it goes is recorded first; from then on whoever starts next removes what is left of it. So
//! the undo is done once that is durable: what cannot be removed now, for a disk that fails, keeps
//! the run from its end no longer. It may be done again at any point.

use std::sync::Arc;

use longshore_catalog::{MachineRow, MachineState};
use longshore_fsm::{Ctx, StepError};
use rusqlite::Connection;

use super::{MachineRequest, MachineResponse};
use crate::{
    Failure,
    deps::{Deps, DomainWrite},
    reconcile::{let_machine_go, remove_machine},
    trouble::Trouble,
};

pub(super) async fn undo_reserve(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    let request = ctx.request().clone();
    let run = ctx.run_id().get();
    deps.undo_begins(&request.name, ctx.step(), ctx.attempt());
    let Some(machine) = reserved_by(&deps, &request.name, run).map_err(Failure::step)? else {
        return Ok(());
    };
    let attempt = ctx.attempt_handle();
    attempt
        .record(let_machine_go(&machine))
        .await
        .map_err(Trouble::step)?;
    let work = move || {
        let record = |write: DomainWrite| attempt.record_blocking(write).map_err(Trouble::failure);
        remove_machine(&deps, &machine, &record)
    };
    let removed = tokio::task::spawn_blocking(work).await;
    let removed = removed
        .unwrap_or_else(|error| Err(Failure::broken("removing a disk stopped").caused_by(&error)));
    if let Err(failure) = removed {
        tracing::warn!(%failure, machine = request.name, "a disk is left for the next start");
    }
    Ok(())
}

/// The machine, if this run has reserved it and it has not become anybody's.
fn reserved_by(deps: &Deps, name: &str, run: u64) -> Result<Option<MachineRow>, Failure> {
    deps.read(|read| {
        let machine = read.machine(name)?;
        let Some(machine) = machine.filter(|machine| machine.state != MachineState::Active) else {
            return Ok(None);
        };
        let disk = read.volume(machine.disk)?;
        let is_ours = disk.is_some_and(|disk| disk.run == Some(run));
        Ok(is_ours.then_some(machine))
    })
}
