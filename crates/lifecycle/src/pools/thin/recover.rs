//! A pool taken as it is for the truth, with a catalogue of another day.
//!
//! An id that the catalogue has may be another's volume by now. What is sealed, and what was made of it, bears the UUID
//! of its chain in its filesystem: what does not is forgotten, and never removed, for it may be what somebody has made
//! since. A disk that was being made when the catalogue was copied is proven, too, where it is there by now.

use std::{collections::BTreeSet, sync::Arc};

use longshore_catalog::{MachineState, VolumeId, VolumeKind, VolumeRow, VolumeState, Writer};
use longshore_volume::thin::{Expected, Pool, PoolState, ThinBackend};

use super::{
    down::let_go_of_machines,
    found::find,
    reading::Sizes,
    row::{Known, whole_pool_of},
    rows::Rows,
    stranger::{images, on, told},
};
use crate::{
    Class, Failure, PoolRecovery, PoolRecoveryRequest, Settings, plan::chain_uuid, site::Site,
    trouble::Trouble,
};

/// Makes the catalogue agree with the pool as that is, whatever its transaction; of one that it does not know, makes it
/// known. The devices of machines are gone afterwards, until the next command that works here.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is no pool; [`Class::Busy`](crate::Class::Busy) while a disk
/// is open; [`Class::Failed`](crate::Class::Failed) where it has to be repaired first.
pub async fn recover_pool(
    settings: Settings,
    asked: PoolRecoveryRequest,
) -> Result<PoolRecovery, Failure> {
    let site = Site::open(&settings).await?;
    let recovered = tokio::task::spawn_blocking(move || {
        if let Some(parts) = &asked.parts {
            return find(&site, parts, asked.dry_run);
        }
        let pool = whole_pool_of(&site)?;
        // The device of a machine may be another's disk.
        let_go_of_machines(&pool)?;
        let up = pool.spec.up(&pool.name, Expected::Any);
        let up = up.map_err(Trouble::failure)?;
        recover(&site, &pool, up, &asked)
    });
    recovered
        .await
        .map_err(|error| Failure::broken("recovering a pool stopped").caused_by(&error))?
}

fn recover(
    site: &Site,
    pool: &Known,
    up: Pool,
    asked: &PoolRecoveryRequest,
) -> Result<PoolRecovery, Failure> {
    let status = match up.state().map_err(Trouble::failure)? {
        PoolState::Working(_) => up.working().map_err(Trouble::failure)?,
        PoolState::Failed | PoolState::Error => {
            return Err(Failure::new(
                Class::Failed,
                "pool-broken",
                "the pool's metadata cannot be used",
            )
            .hint("repair it first with `longshore pool repair`"));
        }
    };
    let devices = up.devices().map_err(Trouble::failure)?;
    let there: BTreeSet<u64> = devices.iter().map(|device| device.id).collect();
    let rows = site.read(Rows::look)?;
    let backend = ThinBackend::new(up, Arc::new(Sizes(site.readers.clone())));
    let (mut proven, mut lost, mut begun) = (0, Vec::new(), Vec::new());
    for volume in rows.to_be_proven(&there) {
        match there.contains(&volume.id.0) && is_it(&backend, &rows, volume)? {
            true => {
                proven += 1;
                begun.extend((volume.state == VolumeState::Reserved).then_some(volume.id));
            }
            false => lost.push(volume),
        }
    }
    let names = lost.iter().map(|volume| rows.in_words(volume)).collect();
    let unknown = devices.iter().filter(|device| !rows.has(device.id));
    let unknown: Vec<_> = unknown.copied().collect();
    let unknown = told(
        pool.spec.find(&pool.name).map_err(Trouble::failure)?,
        &unknown,
        &site.read(images)?,
    )?;
    let is_there =
        |volume: &&&VolumeRow| volume.kind == VolumeKind::Disk && there.contains(&volume.id.0);
    // A guest may have made another filesystem, and then the disk is the machine's all the same.
    if let Some(disk) = lost.iter().find(is_there)
        && !asked.dry_run
        && !asked.accept_loss
    {
        let what = rows.in_words(disk);
        let text = format!("{what}, is there, and nothing on it says that it is that");
        return Err(Failure::new(Class::Refused, "recover-loses", text).hint(
            "look at it first, or forget it with --accept-loss: it stays in the pool until `doctor --fix`",
        ));
    }
    if !asked.dry_run {
        let last = devices.last().map(|device| VolumeId(device.id));
        let lost: Vec<_> = lost.into_iter().cloned().collect();
        forget(site, pool, status.transaction, last, &rows, &lost, &begun)?;
    }
    Ok(PoolRecovery {
        name: pool.name.to_string(),
        done: !asked.dry_run,
        transaction: status.transaction,
        recorded_transaction: Some(pool.transaction),
        proven,
        lost: names,
        unknown,
    })
}

/// Whether what is under a volume's id is it, by the UUID of the chain that it was sealed with, or made of.
fn is_it(backend: &ThinBackend, rows: &Rows, volume: &VolumeRow) -> Result<bool, Failure> {
    let chain = match volume.kind {
        VolumeKind::Base => volume.chain,
        VolumeKind::Disk => rows.base_of(volume).and_then(|base| base.chain),
    };
    let Some(chain) = chain else { return Ok(false) };
    let found = on(backend, volume.id)?.filesystem(volume.id)?;
    Ok(found.is_some_and(|found| found.uuid == chain_uuid(&chain)))
}

/// Forgets what is lost, and knows the disks that were begun as made, all in one write with the transaction; gives out no
/// id that the pool has.
fn forget(
    site: &Site,
    pool: &Known,
    transaction: u64,
    last: Option<VolumeId>,
    rows: &Rows,
    lost: &[VolumeRow],
    begun: &[VolumeId],
) -> Result<(), Failure> {
    let name = pool.name.to_string();
    let disks: Vec<String> = lost
        .iter()
        .filter(|volume| volume.kind == VolumeKind::Disk)
        .filter_map(|volume| rows.machine_on(volume.id))
        .collect();
    let bases: Vec<VolumeId> = lost
        .iter()
        .filter(|volume| volume.kind == VolumeKind::Base)
        .map(|volume| volume.id)
        .collect();
    let made: Vec<_> = begun
        .iter()
        .filter_map(|disk| Some((*disk, rows.machine_on(*disk)?)))
        .collect();
    site.record(Box::new(move |connection| {
        let write = Writer::new(connection);
        for (disk, machine) in &made {
            write.volume_created(*disk)?;
            write.machine_state(machine, MachineState::Created, None)?;
        }
        for machine in &disks {
            write.machine_state(machine, MachineState::Deleting, None)?;
            write.forget_machine_and_disk(machine)?;
        }
        for base in &bases {
            write.volume_lost(*base)?;
        }
        if let Some(last) = last {
            write.skip_volumes(last)?;
        }
        Ok(write.pool_will(&name, transaction, None)?)
    }))
}

impl Rows {
    /// The volumes that are to be relied on, and the disks that were only reserved and are there.
    fn to_be_proven<'a>(&'a self, there: &'a BTreeSet<u64>) -> impl Iterator<Item = &'a VolumeRow> {
        let has_machine = |volume: &VolumeRow| self.machine_on(volume.id).is_some();
        self.volumes
            .iter()
            .filter(move |volume| match (volume.kind, volume.state) {
                (_, VolumeState::Sealed) => true,
                (VolumeKind::Disk, VolumeState::Created) => has_machine(volume),
                (VolumeKind::Disk, VolumeState::Reserved) => {
                    has_machine(volume) && there.contains(&volume.id.0)
                }
                _ => false,
            })
    }

    fn has(&self, id: u64) -> bool {
        self.volumes.iter().any(|volume| volume.id.0 == id)
    }

    fn machine_on(&self, disk: VolumeId) -> Option<String> {
        let machine = self.machines.iter().find(|machine| machine.disk == disk);
        machine.map(|machine| machine.name.clone())
    }

    fn base_of(&self, disk: &VolumeRow) -> Option<&VolumeRow> {
        let machine = self
            .machines
            .iter()
            .find(|machine| machine.disk == disk.id)?;
        self.volumes.iter().find(|volume| volume.id == machine.base)
    }
}
