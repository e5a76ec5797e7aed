//! Making a machine's disk anew, of the image that it was made of.
//!
//! ```text
//! path away -> another disk reserved, the old one going (one commit) -> old one removed -> made and shown
//! ```
//! Cut off before the commit, the machine is what it was and gets its path back at the next start; after it, the old
//! disk goes and the machine is one whose disk is yet to be made, which the same command does.

use longshore_catalog::{MachineRow, MachineState, VolumeKind, Writer};
use longshore_fsm::store::Store;
use rusqlite::Connection;

use crate::{
    Class, Failure, Host, MachineName, MachineReport,
    deps::{Deps, Record},
    machine_run::{MachineRequest, check_base, disk_size},
    machines::no_such_machine,
    room::for_machine,
    scanning::Allow,
    trouble::Trouble,
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// Throws away what a machine has written, and gives it a disk as new, of its size or of another. It is active
    /// afterwards.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such machine, [`Class::Busy`] if its disk is in use: then it is as it
    /// was. [`Class::Refused`] if something stands against its image.
    pub async fn reset(
        &self,
        name: &MachineName,
        size: Option<u64>,
        allow: Allow,
    ) -> Result<MachineReport, Failure> {
        let there = |machine: Option<MachineRow>| machine.ok_or_else(|| no_such_machine(name));
        there(self.deps.read(|read| read.machine(name.as_str()))?)?;
        self.settle(name).await?;
        let machine = there(self.deps.read(|read| read.machine(name.as_str()))?)?;
        if machine.state == MachineState::Deleting {
            let text = format!("machine {name} is being removed");
            return Err(Failure::new(Class::Busy, "machine-deleting", text)
                .hint(format!("finish that with `longshore remove {name}`")));
        }
        // Before anything is thrown away.
        let allowed = self
            .admitted(machine.image, &machine.name, allow, true)
            .await?;
        let asked = MachineRequest::again(&machine, allowed);
        let path_name = name.clone();
        self.blocking(move |deps, record| begin_anew(deps, &path_name, &machine, size, record))
            .await?;
        let response = self.make_machine(asked).await?;
        Ok(MachineReport {
            name: name.to_string(),
            path: response.path,
        })
    }
}

fn begin_anew(
    deps: &Deps,
    name: &MachineName,
    machine: &MachineRow,
    size: Option<u64>,
    record: Record<'_>,
) -> Result<(), Failure> {
    let (base, disk) =
        deps.read(|read| Ok((read.volume(machine.base)?, read.volume(machine.disk)?)))?;
    let base = base.ok_or_else(|| Failure::broken("a machine's base is not in the catalogue"))?;
    let old_size = disk.map_or(0, |disk| disk.size);
    let size = disk_size(base.size, size.or(Some(old_size).filter(|size| *size > 0)))?;
    // All that could keep the new disk from being made, before the old one is let go.
    check_base(deps, machine.base)?;
    for_machine(deps, size.saturating_sub(old_size))?;
    let _ = deps.backend.deactivate(name).map_err(Trouble::failure)?;
    // A machine that never got its disk still has the one that it had reserved.
    let (row, old, now) = (machine.name.clone(), machine.disk, deps.now());
    let (base, run) = (machine.base, disk_run(deps, machine)?);
    record(Box::new(move |connection| {
        let write = Writer::new(connection);
        let new = write.reserve_volume(VolumeKind::Disk, Some(base), size, run, now)?;
        Ok(write.machine_disk(&row, new)?)
    }))?;
    deps.drop_unsealed(old, record)
}

/// The run that reserved the old disk: the new one is as much its.
fn disk_run(deps: &Deps, machine: &MachineRow) -> Result<u64, Failure> {
    let disk = deps.read(|read| read.volume(machine.disk))?;
    Ok(disk.and_then(|disk| disk.run).unwrap_or_default())
}
