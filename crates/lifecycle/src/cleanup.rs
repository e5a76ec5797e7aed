//! Taking away what nobody needs any more: machines whose time is over, and what nothing else uses.

use longshore_catalog::MachineRow;
use longshore_fsm::store::Store;
use rusqlite::Connection;

use crate::{
    Failure, Host, Removed,
    deps::{Deps, Record},
    reconcile::remove_machine,
    remove::{allocated, collect_garbage},
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// Removes the machines whose time is over, and volumes and blobs that nothing needs. A machine whose disk is
    /// in use stays, and is named with the reason. A dry run names the machines.
    ///
    /// # Errors
    /// [`Class::Failed`](crate::Class::Failed), [`Class::Full`](crate::Class::Full).
    pub async fn cleanup(&self, dry_run: bool) -> Result<(Removed, Vec<Failure>), Failure> {
        self.blocking(move |deps, record| cleanup(deps, dry_run, record))
            .await
    }
}

fn cleanup(
    deps: &Deps,
    dry_run: bool,
    record: Record<'_>,
) -> Result<(Removed, Vec<Failure>), Failure> {
    let (mut removed, mut failures) = (Removed::default(), Vec::new());
    let now = deps.now();
    let machines = deps.read(|read| read.machines())?;
    for machine in machines.iter().filter(|machine| is_over(machine, now)) {
        let freed = allocated(deps, machine.disk)?;
        let gone = match dry_run {
            true => Ok(()),
            false => remove_machine(deps, machine, record),
        };
        match gone {
            Ok(()) => {
                removed.machines.push(machine.name.clone());
                removed.volumes.push(machine.disk.0);
                removed.freed_bytes += freed;
            }
            Err(failure) => failures.push(failure.image(machine.name.as_str())),
        }
    }
    if !dry_run {
        collect_garbage(deps, &mut removed, record)?;
    }
    Ok((removed, failures))
}

fn is_over(machine: &MachineRow, now: i64) -> bool {
    machine.expires_at.is_some_and(|end| end <= now)
}
