//! Taking away machines and images, and with an image what nothing else needs any more.

use longshore_catalog::{ImageRow, VolumeKind, VolumeRow, VolumeState, Writer};
use longshore_fsm::store::Store;
use rusqlite::Connection;

use crate::{
    Class, Failure, Host, MachineName, Removed,
    deps::{Deps, Record, volume_id},
    reconcile::remove_machine,
    trouble::Trouble,
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// Removes a machine and its disk, or every generation of an image with the volumes and blobs
    /// that nothing else needs. What keys are pinned to stays known. A dry run names what was asked for
    /// and what a machine would free.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is neither, [`Class::Busy`] if a machine was made of the image
    /// or the disk is in use.
    pub async fn remove(&self, target: &str, dry_run: bool) -> Result<Removed, Failure> {
        let mut machine = self.deps.read(|read| read.machine(target))?;
        if let (Some(_), false, Ok(name)) = (&machine, dry_run, MachineName::new(target)) {
            // One that cannot be made goes all the same.
            if let Err(failure) = self.settle(&name).await {
                tracing::info!(machine = target, %failure, "removing a machine that cannot be made");
            }
            machine = self.deps.read(|read| read.machine(target))?;
            if machine.is_none() {
                return Ok(Removed {
                    machines: vec![target.to_owned()],
                    ..Removed::default()
                });
            }
        }
        if let Some(machine) = machine {
            return self
                .blocking(move |deps, record| {
                    let freed_bytes = allocated(deps, machine.disk)?;
                    if !dry_run {
                        remove_machine(deps, &machine, record)?;
                    }
                    Ok(Removed {
                        machines: vec![machine.name],
                        volumes: vec![machine.disk.0],
                        freed_bytes,
                        ..Removed::default()
                    })
                })
                .await;
        }
        let images = self.deps.read(|read| read.images())?;
        let images: Vec<ImageRow> = images
            .into_iter()
            .filter(|image| image.name == target)
            .collect();
        if images.is_empty() {
            return Err(Failure::new(
                Class::NotFound,
                "not-found",
                format!("there is neither a machine nor an image {target}"),
            )
            .hint("see what there is with `longshore list`"));
        }
        self.blocking(move |deps, record| remove_images(deps, &images, dry_run, record))
            .await
    }
}

fn remove_images(
    deps: &Deps,
    images: &[ImageRow],
    dry_run: bool,
    record: Record<'_>,
) -> Result<Removed, Failure> {
    for image in images {
        let machines = deps.read(|read| read.machines_of(image.id))?;
        if let Some(machine) = machines.first() {
            return Err(Failure::new(
                Class::Busy,
                "in-use",
                format!("machine {} was made of {}", machine.name, image.name),
            )
            .hint(format!(
                "remove it first with `longshore remove {}`",
                machine.name
            )));
        }
    }
    let mut removed = Removed {
        images: images
            .first()
            .map(|image| image.name.clone())
            .into_iter()
            .collect(),
        ..Removed::default()
    };
    if dry_run {
        return Ok(removed);
    }
    let ids: Vec<_> = images.iter().map(|image| image.id).collect();
    // In one write: cut off after it, what only these images needed goes at the next start.
    record(Box::new(move |connection| {
        let write = Writer::new(connection);
        for id in ids {
            write.forget_image(id)?;
        }
        Ok(write.let_unused_volumes_go()?)
    }))?;
    collect_garbage(deps, &mut removed, record)?;
    Ok(removed)
}

/// Drops sealed volumes and blobs that nothing needs. Nothing may be at work.
pub(crate) fn collect_garbage(
    deps: &Deps,
    removed: &mut Removed,
    record: Record<'_>,
) -> Result<(), Failure> {
    record(Box::new(|connection| {
        Ok(Writer::new(connection).let_unused_volumes_go()?)
    }))?;
    let volumes = deps.read(|read| read.volumes())?;
    let is_going = |volume: &&VolumeRow| {
        volume.kind == VolumeKind::Base && volume.state == VolumeState::Deleting
    };
    // Newest first: a snapshot before what it was taken of.
    for volume in volumes.iter().rev().filter(is_going) {
        removed.freed_bytes += allocated(deps, volume.id)?;
        deps.drop_unsealed(volume.id, record)?;
        removed.volumes.push(volume.id.0);
    }
    for blob in deps.read(|read| read.unused_blobs())? {
        let digest = blob.digest;
        // The row first: a blob that the catalogue does not know is only recorded again.
        record(Box::new(move |connection| {
            Ok(Writer::new(connection).forget_blob(&digest)?)
        }))?;
        deps.blobs.remove(&digest).map_err(Trouble::failure)?;
        removed.freed_bytes += blob.size;
        removed.blobs.push(digest.to_string());
    }
    Ok(())
}

pub(crate) fn allocated(deps: &Deps, id: longshore_catalog::VolumeId) -> Result<u64, Failure> {
    Ok(deps
        .backend
        .usage(volume_id(id)?)
        .map_or(0, |usage| usage.allocated_bytes))
}
