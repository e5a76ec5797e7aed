//! A disk of which only the pool knows made a machine's again.
//!
//! What is on it proves of which image it is: its filesystem bears the UUID of the image's chain. Whose it was, nothing
//! says: that is for whoever claims it.

use longshore_catalog::{ImageRow, MachineState, NewMachine, VolumeId, Writer};
use longshore_fsm::store::Store;
use longshore_source::ImageName;
use rusqlite::Connection;

use crate::{
    Class, Failure, Host, MachineName, MachineReport,
    deps::{Deps, Record},
    machine_run::check_base,
    plan::chain_uuid,
    pools::stranger,
    scanning::{Allow, Allowed, admit},
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// Makes a volume of the pool, which the catalogue does not know, the disk of a machine of an image, and activates
    /// it. Done before, it is only activated.
    ///
    /// # Errors
    /// [`Class::NotFound`] where the image or the volume is not here; [`Class::Refused`] where the volume is known, is
    /// no disk of that image, or something stands against the image.
    pub async fn claim(
        &self,
        volume: u64,
        image: &ImageName,
        name: &MachineName,
        allow: Allow,
    ) -> Result<MachineReport, Failure> {
        let id = VolumeId(volume);
        let image = self.image_here(image)?;
        let there = self.deps.read(|read| read.machine(name.as_str()))?;
        match there {
            Some(machine) if machine.disk == id => {}
            Some(_) => {
                let text = format!("there is a machine {name}, with another disk");
                return Err(Failure::new(Class::Refused, "machine-exists", text)
                    .hint("choose another name with --name"));
            }
            None => {
                let (name, allowed) = (
                    name.clone(),
                    Allowed::of(allow.or(self.deps.scanning.allow), &self.deps.scanning.user),
                );
                self.blocking(move |deps, record| {
                    claim(deps, id, &image, &name, allowed.as_ref(), record)
                })
                .await?;
            }
        }
        self.activate(name, allow).await
    }
}

fn claim(
    deps: &Deps,
    id: VolumeId,
    image: &ImageRow,
    name: &MachineName,
    allowed: Option<&Allowed>,
    record: Record<'_>,
) -> Result<(), Failure> {
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
    let chain = sealed.as_ref().and_then(|sealed| sealed.chain);
    let (Some(sealed), Some(chain)) = (sealed, chain) else {
        return Err(Failure::broken("a sealed volume without a chain"));
    };
    let found = stranger(deps, id)?;
    if found.uuid != chain_uuid(&chain) {
        let text = format!("volume {id} is no disk of {} as it is here", image.name);
        return Err(
            Failure::new(Class::Refused, "volume-differs", text).hint(format!(
                "it may be one of another image, or of another generation; copy it with `longshore pool save {id} FILE`"
            )),
        );
    }
    let allowance = admit(deps, image, name.as_str(), allowed)?;
    // A guest may have made its filesystem larger, if its disk was.
    let size = sealed.size.max(found.bytes);
    let (name, of, now) = (name.to_string(), image.id, deps.now());
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
