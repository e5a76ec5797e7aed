//! The step `activate`: takes the snapshot under the id that was reserved, and shows it under the
//! machine's name.
//!
//! Each part finds what an earlier attempt did of it: both the snapshot and the path may be asked for
//! again.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{MachineRow, MachineState, VolumeId, Writer};
use longshore_ext4::{Open, Reader};
use longshore_fsm::{Attempt, Ctx, StepError};
use longshore_volume::Access;
use rusqlite::Connection;

use super::{
    MachineRequest, MachineResponse,
    reserve::{check_base, look},
};
use crate::{
    Class, Failure, MachineName,
    deps::{Deps, volume_id},
    join::DiskRead,
    plan::chain_uuid,
    trouble::{Trouble, millis},
};

pub(super) async fn activate(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    deps.step_begins(&ctx.request().name, ctx.step(), ctx.attempt());
    make_and_show(deps, ctx).await
}

/// From a machine that is reserved, or further, to one that is active.
pub(super) async fn make_and_show(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let request = ctx.request().clone();
    let name = MachineName::new(request.name.as_str())
        .map_err(|error| Failure::new(Class::Usage, "machine-name", error.to_string()).step())?;
    let machine = look(&deps, &request).map_err(Failure::step)?;
    let machine = machine.ok_or_else(|| removed(&request).step())?;
    if machine.state == MachineState::Reserved {
        make(&deps, &ctx.attempt_handle(), &machine)
            .await
            .map_err(Failure::step)?;
    }
    let disk = volume_id(machine.disk).map_err(Failure::step)?;
    let activated = {
        let backend = Arc::clone(&deps.backend);
        tokio::task::spawn_blocking(move || backend.activate(disk, &name)).await
    };
    let activated = activated.map_err(|error| {
        Failure::broken("an activation was cut off")
            .caused_by(&error)
            .step()
    })?;
    let activated = activated.map_err(Trouble::step)?;
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

/// The machine's disk.
async fn make(
    deps: &Arc<Deps>,
    attempt: &Attempt<Connection>,
    machine: &MachineRow,
) -> Result<(), Failure> {
    check_base(deps, machine.base)?;
    let (origin, disk) = (machine.base, machine.disk);
    let owned = Arc::clone(deps);
    let snapshot = tokio::task::spawn_blocking(move || snapshot(&owned, origin, disk));
    snapshot
        .await
        .map_err(|error| Failure::broken("a snapshot was cut off").caused_by(&error))??;
    let (name, disk) = (machine.name.clone(), machine.disk);
    let created = move |connection: &Connection| {
        let write = Writer::new(connection);
        write.volume_created(disk)?;
        write.machine_state(&name, MachineState::Created, None)?;
        Ok(())
    };
    attempt.record(created).await.map_err(Trouble::failure)
}

/// Takes the snapshot, and proves that it is one of what was sealed: a device or a file that another has taken the
/// place of is never handed out. It bears the UUID of the chain in its superblock, which no guest has seen yet.
fn snapshot(deps: &Deps, base: VolumeId, disk: VolumeId) -> Result<(), Failure> {
    let rows = deps.read(|read| Ok((read.volume(base)?, read.volume(disk)?)))?;
    let (Some(sealed), Some(row)) = rows else {
        return Err(Failure::broken(
            "a machine's volumes are not in the catalogue",
        ));
    };
    let chain = sealed
        .chain
        .ok_or_else(|| Failure::broken("a sealed volume without a chain"))?;
    let id = volume_id(disk)?;
    let larger = (row.size != sealed.size).then_some(row.size);
    // Made now or by an earlier attempt: it is there.
    let _ = deps
        .backend
        .snapshot(volume_id(base)?, id, larger)
        .map_err(Trouble::failure)?;
    let opened = deps.backend.open(id, Access::Read);
    let opened = DiskRead(opened.map_err(Trouble::failure)?);
    let found = Reader::open(opened, Open { unclean: false }).map(|reader| reader.uuid());
    if matches!(&found, Ok(uuid) if *uuid == chain_uuid(&chain)) {
        return Ok(());
    }
    let text = format!("volume {base} is not what was sealed under its id");
    let failure = Failure::new(Class::Failed, "volume-differs", text)
        .hint("nothing was handed out; remove the image and fetch it again");
    Err(match found {
        Ok(_) => failure,
        Err(error) => failure.caused_by(&error),
    })
}

/// It was there when the run began.
fn removed(request: &MachineRequest) -> Failure {
    Failure::new(
        Class::Busy,
        "machine-removed",
        format!(
            "machine {} was removed while it was being made",
            request.name
        ),
    )
    .hint("the same command makes it anew")
}
