//! A disk of which only the pool knows made a machine's again.
//!
//! A filesystem that does not bear the UUID of the image's chain is none of a machine of that image. One that does may be:
//! a guest can write any UUID, and whose the disk was nothing says. That is for whoever claims it, as is its size, which a
//! guest's filesystem is not asked for.

use longshore_catalog::{ImageRow, MachineState, NewMachine, VolumeId, VolumeRow, Writer};
use longshore_fsm::store::Store;
use longshore_source::ImageName;
use rusqlite::Connection;

use crate::{
    Class, Failure, Host, MachineName, MachineReport,
    deps::{Deps, Record},
    machine_run::{check_base, disk_size},
    plan::chain_uuid,
    pools::{Stranger, stranger},
    room::for_machine,
    scanning::{Allow, Allowed, admit},
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// Makes a volume of the pool, which the catalogue does not know, the disk of a machine of an image, and activates
    /// it. It is as long as the image's volume, or has `size` bytes. Done before, it is only activated.
    ///
    /// # Errors
    /// [`Class::NotFound`] where the image or the volume is not here; [`Class::Refused`] where the volume is known, is
    /// no disk of that image, or something stands against the image; [`Class::Usage`] where its filesystem is larger than
    /// it would be.
    pub async fn claim(
        &self,
        volume: u64,
        image: &ImageName,
        name: &MachineName,
        size: Option<u64>,
        allow: Allow,
    ) -> Result<MachineReport, Failure> {
        let id = VolumeId(volume);
        let image = self.image_here(image)?;
        let there = self.deps.read(|read| read.machine(name.as_str()))?;
        match there {
            Some(machine) if machine.disk == id && machine.image == image.id => {}
            Some(_) => {
                let text =
                    format!("there is a machine {name}, with another disk or of another image");
                return Err(Failure::new(Class::Refused, "machine-exists", text)
                    .hint("choose another name with --name"));
            }
            None => {
                let allow = allow.or(self.deps.scanning.allow);
                let asked = Asked {
                    id,
                    image,
                    name: name.clone(),
                    size,
                    allowed: Allowed::of(allow, &self.deps.scanning.user),
                };
                self.blocking(move |deps, record| claim(deps, &asked, record))
                    .await?;
            }
        }
        self.activate(name, allow).await
    }
}

/// What is to be made of a volume.
struct Asked {
    id: VolumeId,
    image: ImageRow,
    name: MachineName,
    size: Option<u64>,
    allowed: Option<Allowed>,
}

fn claim(deps: &Deps, asked: &Asked, record: Record<'_>) -> Result<(), Failure> {
    let (id, image) = (asked.id, &asked.image);
    if deps.read(|read| read.volume(id))?.is_some() {
        let text = format!("the catalogue knows volume {id}: it is nobody's to claim");
        return Err(Failure::new(Class::Refused, "volume-known", text)
            .hint("see whose it is with `longshore list`"));
    }
    let base = image
        .volume
        .ok_or_else(|| Failure::broken("an image without a volume"))?;
    check_base(deps, base)?;
    let sealed = deps.read(|read| read.volume(base))?;
    let sealed = sealed.ok_or_else(|| Failure::broken("a base that is not in the catalogue"))?;
    let size = judged(&stranger(deps, id)?, &sealed, asked)?;
    for_machine(deps, size)?;
    let allowance = admit(deps, image, asked.name.as_str(), asked.allowed.as_ref())?;
    let (name, of, now) = (asked.name.to_string(), image.id, deps.now());
    record(Box::new(move |connection| {
        let write = Writer::new(connection);
        write.claim_volume(id, base, size, now)?;
        let machine = NewMachine {
            name: &name,
            image: of,
            base,
            disk: id,
            owner: None,
            expires_at: None,
        };
        write.add_machine(&machine, now)?;
        write.machine_state(&name, MachineState::Created, None)?;
        if let Some(allowance) = allowance {
            write.allow(&allowance)?;
        }
        Ok(())
    }))
}

/// How long a disk is to be on which this was found. Pure.
fn judged(found: &Stranger, sealed: &VolumeRow, asked: &Asked) -> Result<u64, Failure> {
    let (id, image) = (asked.id, &asked.image.name);
    let chain = sealed.chain.map(|chain| chain_uuid(&chain));
    if chain != Some(found.uuid) {
        let text = format!("volume {id} is no disk of {image} as it is here");
        return Err(
            Failure::new(Class::Refused, "volume-differs", text).hint(format!(
                "it may be one of another image, or of another generation; copy it with `longshore pool save {id} FILE`"
            )),
        );
    }
    let size = disk_size(sealed.size, asked.size)?;
    if found.bytes > size {
        let text = format!(
            "the filesystem on volume {id} says that it has {} bytes, and the disk would have {size}",
            found.bytes
        );
        return Err(Failure::new(Class::Usage, "machine-size", text)
            .hint("if the machine's disk was larger than its image's volume, say --size"));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use longshore_catalog::{ImageId, VolumeKind, VolumeState};

    use super::*;
    use crate::made_up::volume;

    #[test]
    fn a_disk_is_claimed_only_of_its_image_and_no_longer_than_is_said() {
        let chain = "sha256:10b6fe19e875bd63b3516c6d0c4578a0e9f5fede09f3685e066bbf3540eaccb7";
        let chain = chain.parse().unwrap();
        let sealed = VolumeRow {
            chain: Some(chain),
            ..volume(1, VolumeKind::Base, VolumeState::Sealed)
        };
        let asked = |size| Asked {
            id: VolumeId(7),
            image: ImageRow {
                id: ImageId(1),
                origin: "file:///bucket".to_owned(),
                name: "images/web".to_owned(),
                generation: 1,
                run: 1,
                chain: Some(chain),
                volume: Some(sealed.id),
                created_at: 0,
            },
            name: MachineName::new("web").unwrap(),
            size,
            allowed: None,
        };
        let uuid = chain_uuid(&chain);
        let judge = |uuid, bytes, size| {
            let judged = judged(&Stranger { uuid, bytes }, &sealed, &asked(size));
            judged.map_err(|failure| failure.code.clone())
        };
        assert_eq!(judge(uuid, 4096, None), Ok(4096));
        assert_eq!(judge(uuid, 4096, Some(8192)), Ok(8192));
        assert_eq!(judge(uuid, 8192, Some(8192)), Ok(8192));
        // A guest's filesystem may say anything.
        assert_eq!(judge(uuid, 1 << 43, None), Err("machine-size".into()));
        assert_eq!(judge(uuid, 4096, Some(5000)), Err("machine-size".into()));
        assert_eq!(judge([7; 16], 4096, None), Err("volume-differs".into()));
    }
}
