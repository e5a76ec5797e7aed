//! The step `reserve`: the machine's row and the id of its disk, in the catalogue before anything is
//! made under it.
//!
//! Both commit with the step's completion, so that what is there of a run which is to be undone is
//! what a completed step has left, and a step that failed has left nothing. A machine that is there
//! already is left as it is.

use std::sync::Arc;

use longshore_catalog::{
    MachineRow, MachineState, NewMachine, VolumeId, VolumeKind, VolumeState, Writer,
};
use longshore_fsm::{Ctx, StepError, store::WriteError};
use rusqlite::Connection;

use super::{MachineRequest, MachineResponse};
use crate::{
    Class, Failure,
    deps::Deps,
    room::for_machine,
    scanning::{Allowed, admit},
};

pub(super) async fn reserve(
    deps: Arc<Deps>,
    ctx: &mut Ctx<MachineRequest, MachineResponse, Connection>,
) -> Result<(), StepError> {
    let request = ctx.request().clone();
    deps.step_begins(&request.name, ctx.step(), ctx.attempt());
    if look(&deps, &request).map_err(Failure::step)?.is_none() {
        let reserve = reservation(&deps, &request, ctx.run_id().get()).map_err(Failure::step)?;
        ctx.on_completion(reserve);
    }
    Ok(())
}

/// The machine of that name, if there is one; it must be one that this request may have.
pub(super) fn look(deps: &Deps, request: &MachineRequest) -> Result<Option<MachineRow>, Failure> {
    let name = &request.name;
    let Some(machine) = deps.read(|read| read.machine(name))? else {
        return Ok(None);
    };
    if machine.state == MachineState::Deleting {
        return Err(Failure::new(
            Class::Busy,
            "machine-deleting",
            format!("machine {name} is being removed"),
        )
        .hint(format!("finish that with `longshore remove {name}`")));
    }
    if machine.base != VolumeId(request.base) {
        return Err(Failure::new(
            Class::Refused,
            "machine-exists",
            format!("machine {name} exists already and was made of another image"),
        )
        .hint("choose another name with --name, or remove the machine first"));
    }
    let disk = deps.read(|read| read.volume(machine.disk))?;
    if let (Some(wanted), Some(disk)) = (request.size, disk)
        && wanted != disk.size
    {
        return Err(other_size(&machine, disk.size));
    }
    Ok(Some(machine))
}

/// A machine that is there has a disk of another size than was asked for.
pub(crate) fn other_size(machine: &MachineRow, has: u64) -> Failure {
    let name = &machine.name;
    let text = format!("machine {name} exists already, with a disk of {has} bytes");
    Failure::new(Class::Refused, "machine-size", text)
        .hint("choose another name with --name, or make it anew with `longshore reset --size`")
}

/// The size of a machine's disk.
pub(crate) fn disk_size(base: u64, wanted: Option<u64>) -> Result<u64, Failure> {
    let wanted = wanted.unwrap_or(base);
    let text = match wanted {
        _ if !wanted.is_multiple_of(4096) => "a disk's size is a multiple of 4096 bytes".to_owned(),
        _ if wanted < base => {
            format!("a disk of {wanted} bytes is smaller than its image's volume of {base}")
        }
        _ => return Ok(wanted),
    };
    Err(Failure::new(Class::Usage, "machine-size", text))
}

/// The write that reserves a machine for a run, unless it is there; refused where something stands
/// against its image that nobody has taken upon themselves.
pub(super) fn reservation(
    deps: &Deps,
    request: &MachineRequest,
    run: u64,
) -> Result<impl FnOnce(&Connection) -> Result<(), WriteError> + Send + 'static, Failure> {
    let (base, now, asked) = (VolumeId(request.base), deps.now(), request.clone());
    check_base(deps, base)?;
    let image = deps.read(|read| read.image_by_id(request.image))?;
    let image =
        image.ok_or_else(|| Failure::broken("a machine's image is not in the catalogue"))?;
    // A standing order counts also for what was asked for before there was a word for it.
    let standing = || Allowed::of(deps.scanning.allow, &deps.scanning.user);
    let allowed = request.allowed.clone().or_else(standing);
    let allowance = admit(deps, &image, &request.name, allowed.as_ref())?;
    let size = deps.read(|read| read.volume(base))?;
    let size = disk_size(size.map_or(deps.volume_size, |row| row.size), request.size)?;
    for_machine(deps, size)?;
    let expires_at = asked.ttl.map(|ttl| expiry(now, ttl));
    Ok(move |connection: &Connection| {
        let write = Writer::new(connection);
        if write.machine(&asked.name)?.is_none() {
            let disk = write.reserve_volume(VolumeKind::Disk, Some(base), size, run, now)?;
            let machine = NewMachine {
                name: &asked.name,
                image: asked.image,
                base,
                disk,
                owner: asked.owner.as_deref(),
                expires_at,
            };
            write.add_machine(&machine, now)?;
            if let Some(allowance) = allowance {
                write.allow(&allowance)?;
            }
        }
        Ok(())
    })
}

/// From when on a machine is not needed any more.
fn expiry(now: i64, ttl: u64) -> i64 {
    let millis = ttl.saturating_mul(1000);
    now.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Nothing takes a snapshot of a volume that is not sealed.
pub(crate) fn check_base(deps: &Deps, base: VolumeId) -> Result<(), Failure> {
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
