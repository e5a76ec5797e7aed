//! The step `activate`: reserve the disk's id, take the snapshot, show it under the machine's name.
//!
//! Each part finds what an earlier attempt did of it: the id is in the catalogue before anything is
//! made under it, and both the snapshot and the path may be asked for again.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{MachineRow, MachineState, VolumeId, VolumeKind, VolumeState, Writer};
use longshore_fsm::{Attempt, BuildErrors, Ctx, StepError, Workflow};
use rusqlite::Connection;

use super::{MachineRequest, MachineResponse};
use crate::{
    Class, Failure, MachineName,
    deps::{Deps, volume_id},
    trouble::{Trouble, millis},
};

/// The workflow's name.
pub(crate) const WORKFLOW: &str = "machine";

/// Changes with the steps and with what they store.
const VERSION: u32 = 1;

pub(crate) fn workflow(
    deps: &Arc<Deps>,
) -> Result<Workflow<MachineRequest, MachineResponse, Connection>, BuildErrors> {
    let policy = deps.step_policy();
    let deps = Arc::clone(deps);
    Workflow::builder(WORKFLOW, VERSION)
        .start_with("activate", policy, move |ctx| {
            Box::pin(activate(Arc::clone(&deps), ctx))
        })
        .end()
}

async fn activate(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let request = ctx.request().clone();
    deps.step_begins(&request.name, ctx.step(), ctx.attempt());
    let name = MachineName::new(request.name.as_str())
        .map_err(|error| Failure::new(Class::Usage, "machine-name", error.to_string()).step())?;
    let base = VolumeId(request.base);
    let is_new = deps
        .read(|read| read.machine(name.as_str()))
        .map_err(Failure::step)?
        .is_none();
    if is_new {
        check_base(&deps, base).map_err(Failure::step)?;
    }
    let (attempt, run) = (ctx.attempt_handle(), ctx.run_id().get());
    let machine = reserve(&deps, &attempt, run, &request)
        .await
        .map_err(Failure::step)?;
    if machine.state == MachineState::Reserved {
        check_base(&deps, base).map_err(Failure::step)?;
        let (origin, disk) = (volume_id(base), volume_id(machine.disk));
        let (origin, disk) = (origin.map_err(Failure::step)?, disk.map_err(Failure::step)?);
        let backend = Arc::clone(&deps.backend);
        let snapshot = tokio::task::spawn_blocking(move || backend.snapshot(origin, disk));
        let _ = snapshot
            .await
            .map_err(|error| {
                Failure::broken("a snapshot was cut off")
                    .caused_by(&error)
                    .step()
            })?
            .map_err(Trouble::step)?;
        let (name, disk) = (request.name.clone(), machine.disk);
        let created = move |connection: &Connection| {
            let write = Writer::new(connection);
            write.volume_created(disk)?;
            write.machine_state(&name, MachineState::Created, None)?;
            Ok(())
        };
        attempt.record(created).await.map_err(Trouble::step)?;
    }
    let disk = volume_id(machine.disk).map_err(Failure::step)?;
    let activated = deps.backend.activate(disk, &name).map_err(Trouble::step)?;
    let path = activated
        .path
        .map(|path| path.to_string_lossy().into_owned());
    let response = ctx.response_mut();
    response.path.clone_from(&path);
    response.activate_ms = millis(begun);
    ctx.on_completion(move |connection| {
        let write = Writer::new(connection);
        write.machine_state(&request.name, MachineState::Active, path.as_deref())?;
        Ok(())
    });
    Ok(())
}

/// Nothing takes a snapshot of a volume that is not sealed.
fn check_base(deps: &Deps, base: VolumeId) -> Result<(), Failure> {
    let row = deps.read(|read| read.volume(base))?;
    match row {
        Some(row) if row.state == VolumeState::Sealed => Ok(()),
        _ => Err(Failure::new(
            Class::NotFound,
            "volume-gone",
            format!("volume {base} is not sealed any more"),
        )
        .hint("fetch the image again with `longshore fetch-and-create`")),
    }
}

/// The machine with the id of its disk, reserved if it has none.
async fn reserve(
    deps: &Deps,
    attempt: &Attempt<Connection>,
    run: u64,
    request: &MachineRequest,
) -> Result<MachineRow, Failure> {
    let (base, now, asked) = (VolumeId(request.base), deps.now(), request.clone());
    let size = deps
        .read(|read| read.volume(base))?
        .map_or(deps.volume_size, |row| row.size);
    let reserved = attempt
        .record(move |connection| {
            let write = Writer::new(connection);
            if let Some(machine) = write.machine(&asked.name)? {
                return Ok(machine);
            }
            let disk = write.reserve_volume(VolumeKind::Disk, Some(base), size, run, now)?;
            write.add_machine(&asked.name, asked.image, base, disk, now)?;
            let machine = write.machine(&asked.name)?;
            Ok(machine.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
        })
        .await
        .map_err(Trouble::failure)?;
    let name = &request.name;
    if reserved.state == MachineState::Deleting {
        return Err(Failure::new(
            Class::Busy,
            "machine-deleting",
            format!("machine {name} is being removed"),
        )
        .hint("finish that with `longshore remove`"));
    }
    if reserved.base != base {
        return Err(Failure::new(
            Class::Refused,
            "machine-exists",
            format!("machine {name} exists already and was made of another image"),
        )
        .hint("choose another name with --name, or remove the machine first"));
    }
    Ok(reserved)
}
