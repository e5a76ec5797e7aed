//! What takes how much room: the pool or the filesystem, each image, each machine.

use std::collections::BTreeMap;

use longshore_catalog::{Reader, VolumeId};
use longshore_fsm::store::Store;
use longshore_volume::Share;
use rusqlite::Connection;
use serde::Serialize;

use crate::{
    Failure, Host,
    deps::{Deps, volume_id},
    trouble::Trouble,
    view::chain_of,
};

/// What takes how much room.
#[derive(Debug, Clone, Serialize)]
pub struct SpaceReport {
    /// Bytes that may still be allocated, where there is a limit.
    pub available_bytes: Option<u64>,
    /// The images that are here, by name; of each the newest generation.
    pub images: Vec<ImageSpace>,
    /// The machines, by name.
    pub machines: Vec<MachineSpace>,
    /// Bytes of the blobs that images were made of.
    pub blob_bytes: u64,
}

/// What an image takes.
#[derive(Debug, Clone, Serialize)]
pub struct ImageSpace {
    /// Its name.
    pub image: String,
    /// The volumes of its layers, top first.
    pub volumes: Vec<u64>,
    /// What they take.
    #[serde(flatten)]
    pub space: Space,
}

/// What a machine takes.
#[derive(Debug, Clone, Serialize)]
pub struct MachineSpace {
    /// Its name.
    pub machine: String,
    /// Bytes of its disk, as its guest sees it.
    pub size: u64,
    /// What the disk takes.
    #[serde(flatten)]
    pub space: Space,
}

/// Bytes that something takes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Space {
    /// All that it has, also what others have too.
    pub allocated_bytes: u64,
    /// What only it has: that is free once it is removed. Unknown where the backend does not tell.
    pub exclusive_bytes: Option<u64>,
}

impl<S: Store<Handle = Connection>> Host<S> {
    /// What takes how much room.
    ///
    /// # Errors
    /// [`Class::Failed`](crate::Class::Failed).
    pub async fn space(&self) -> Result<SpaceReport, Failure> {
        self.blocking(|deps, _| space(deps)).await
    }
}

fn space(deps: &Deps) -> Result<SpaceReport, Failure> {
    let (images, machines, blob_bytes) = deps.read(|read| {
        let mut images = Vec::new();
        for image in newest(read)? {
            if let Some(top) = image.volume {
                let top = read.volume(top)?;
                let chain = chain_of(read, top)?.into_iter().rev();
                images.push((
                    image.name,
                    chain.map(|volume| volume.id).collect::<Vec<_>>(),
                ));
            }
        }
        let mut machines = Vec::new();
        for machine in read.machines()? {
            let size = read.volume(machine.disk)?.map_or(0, |disk| disk.size);
            machines.push((machine.name, machine.disk, size));
        }
        let blobs = read.blobs()?.iter().map(|blob| blob.size).sum();
        Ok((images, machines, blobs))
    })?;
    let chains: Vec<_> = images.iter().map(|(_, chain)| chain.clone()).collect();
    let own = own_volumes(&chains);
    let groups = (chains.into_iter().chain(own))
        .chain(machines.iter().map(|(_, disk, _)| vec![*disk]))
        .collect();
    let spaces = spaces(deps, groups)?;
    let (whole, rest) = spaces.split_at(images.len());
    let (own, disks) = rest.split_at(images.len());
    let mut image_spaces = whole.iter().zip(own).map(|(whole, own)| Space {
        exclusive_bytes: own.exclusive_bytes,
        ..*whole
    });
    let mut disk_spaces = disks.iter().copied();
    Ok(SpaceReport {
        available_bytes: deps.backend.available().map_err(Trouble::failure)?,
        images: images
            .into_iter()
            .map(|(image, chain)| ImageSpace {
                image,
                volumes: chain.iter().map(|id| id.0).collect(),
                space: image_spaces.next().unwrap_or(NOTHING),
            })
            .collect(),
        machines: machines
            .into_iter()
            .map(|(machine, _, size)| MachineSpace {
                machine,
                size,
                space: disk_spaces.next().unwrap_or(NOTHING),
            })
            .collect(),
        blob_bytes,
    })
}

/// Of each chain the volumes that no other has: those that go when its image does.
fn own_volumes(chains: &[Vec<VolumeId>]) -> Vec<Vec<VolumeId>> {
    let mut users: BTreeMap<VolumeId, usize> = BTreeMap::new();
    for id in chains.iter().flatten() {
        *users.entry(*id).or_default() += 1;
    }
    let own = |chain: &Vec<VolumeId>| {
        let own = chain.iter().filter(|id| users.get(id) == Some(&1));
        own.copied().collect()
    };
    chains.iter().map(own).collect()
}

const NOTHING: Space = Space {
    allocated_bytes: 0,
    exclusive_bytes: None,
};

/// What groups of volumes take, as far as the backend tells.
fn spaces(deps: &Deps, groups: Vec<Vec<VolumeId>>) -> Result<Vec<Space>, Failure> {
    let mut ids = Vec::with_capacity(groups.len());
    for group in groups {
        let group: Result<Vec<_>, Failure> = group.into_iter().map(volume_id).collect();
        ids.push(group?);
    }
    if let Some(shares) = deps.backend.shares(&ids).map_err(Trouble::failure)? {
        let space = |share: Share| Space {
            allocated_bytes: share.mapped,
            exclusive_bytes: Some(share.exclusive),
        };
        return Ok(shares.into_iter().map(space).collect());
    }
    let allocated = |group: &Vec<longshore_volume::VolumeId>| {
        let usages = group.iter().map(|id| deps.backend.usage(*id));
        Space {
            // One that is gone takes nothing.
            allocated_bytes: usages.flatten().map(|usage| usage.allocated_bytes).sum(),
            exclusive_bytes: None,
        }
    };
    Ok(ids.iter().map(allocated).collect())
}

fn newest(read: &Reader<'_>) -> Result<Vec<longshore_catalog::ImageRow>, longshore_catalog::Error> {
    let mut images = read.images()?;
    images.dedup_by(|older, newer| older.origin == newer.origin && older.name == newer.name);
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_images_have_is_neithers_own() {
        let chain = |ids: &[u64]| ids.iter().copied().map(VolumeId).collect::<Vec<_>>();
        let own = own_volumes(&[chain(&[7, 5, 1]), chain(&[8, 5, 1]), chain(&[9])]);
        assert_eq!(own, [chain(&[7]), chain(&[8]), chain(&[9])]);
    }
}
