//! What the facade can do with machines: make, activate and deactivate them.

use longshore_catalog::{ImageId, ImageRow, MachineRow, MachineState, Writer};
use longshore_fsm::{
    StartOptions,
    store::{RunFilter, Store},
};
use longshore_source::ImageName;
use longshore_volume::VolumeError;
use rusqlite::Connection;

use crate::{
    Class, Event, Failure, Host, MachineName, MachineOptions, MachineReport, default_machine_name,
    deps::DomainWrite,
    machine_run::{MachineRequest, MachineResponse, other_size},
    scanning::{Allow, Allowed, admit, record_allowance},
    trouble::Trouble,
};

impl<S: Store<Handle = Connection>> Host<S> {
    /// The machine of an image, made if there is none of that name.
    pub(crate) async fn machine_of(
        &self,
        image: &ImageRow,
        options: MachineOptions,
        image_name: &ImageName,
        allow: Allow,
    ) -> Result<(MachineReport, u64), Failure> {
        options.check()?;
        let MachineOptions {
            name,
            size,
            owner,
            ttl,
        } = options;
        let name = name.unwrap_or_else(|| default_machine_name(image_name));
        let there = self.deps.read(|read| read.machine(name.as_str()))?;
        if let Some(machine) = &there {
            self.same_image(machine, image)?;
            if machine.base != image.volume.unwrap_or(machine.base) {
                self.deps.say(Event::Notice {
                    text: format!(
                        "machine {name} was made of an earlier generation of {}, and stays as it is",
                        image.name
                    ),
                });
            }
            if machine.state == MachineState::Active {
                self.same_size(machine, size)?;
                self.settle(&name).await?;
                let path = machine.path.clone();
                return Ok((
                    MachineReport {
                        name: machine.name.clone(),
                        path,
                    },
                    0,
                ));
            }
        }
        let is_there = there.is_some();
        let (image, base) = match there {
            Some(machine) => (machine.image, machine.base),
            None => (
                image.id,
                image
                    .volume
                    .ok_or_else(|| Failure::broken("an image without a volume"))?,
            ),
        };
        let allowed = self.admitted(image, name.as_str(), allow, is_there).await?;
        let asked = MachineRequest {
            name: name.to_string(),
            image,
            base: base.0,
            size,
            owner,
            ttl,
            allowed,
        };
        let response = self.make_machine(asked).await?;
        let report = MachineReport {
            name: name.to_string(),
            path: response.path,
        };
        Ok((report, response.activate_ms))
    }

    /// Whether a machine may be made of an image as it is judged now.
    pub(crate) fn admits(&self, image: &ImageRow, allow: Allow) -> Result<bool, Failure> {
        let allow = allow.or(self.deps.scanning.allow);
        let allowed = Allowed::of(allow, &self.deps.scanning.user);
        match admit(&self.deps, image, "", allowed.as_ref()) {
            Ok(_) => Ok(true),
            Err(failure) if failure.class == Class::Refused => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The machine that would be made of an image, if it is there and active already: what is found
    /// against its image later takes no disk away from it.
    pub(crate) fn machine_at_work(
        &self,
        image: &ImageRow,
        name: Option<MachineName>,
        image_name: &ImageName,
    ) -> Result<Option<(MachineReport, u64)>, Failure> {
        let name = name.unwrap_or_else(|| default_machine_name(image_name));
        let there = self.deps.read(|read| read.machine(name.as_str()))?;
        let Some(machine) = there.filter(|machine| machine.state == MachineState::Active) else {
            return Ok(None);
        };
        self.same_image(&machine, image)?;
        let report = MachineReport {
            name: machine.name,
            path: machine.path,
        };
        Ok(Some((report, 0)))
    }

    /// Carries out to its end what was cut off of the making of a machine, so that whatever is asked of it next finds
    /// nobody at work on it.
    pub(crate) async fn settle(&self, name: &MachineName) -> Result<(), Failure> {
        let active = RunFilter {
            workflow: Some(self.machine.key().name.clone()),
            id: Some(name.to_string()),
            ..RunFilter::active()
        };
        let found = self.engine.list_runs(active).await;
        for run in found.map_err(Trouble::failure)? {
            self.finish(run.run).await?;
        }
        Ok(())
    }

    pub(crate) async fn make_machine(
        &self,
        asked: MachineRequest,
    ) -> Result<MachineResponse, Failure> {
        let (id, options) = (asked.name.clone(), StartOptions::default());
        let (_, response) = self.run(&self.machine, &id, asked, options).await?;
        Ok(response)
    }

    fn same_image(&self, machine: &MachineRow, image: &ImageRow) -> Result<(), Failure> {
        let made_of = self.deps.read(|read| read.image_by_id(machine.image))?;
        match made_of {
            Some(other) if other.origin == image.origin && other.name == image.name => Ok(()),
            other => Err(Failure::new(
                Class::Refused,
                "machine-exists",
                format!(
                    "machine {} exists already and was made of {}",
                    machine.name,
                    other.map_or_else(|| "another image".into(), |other| other.name)
                ),
            )
            .hint("choose another name with --name")),
        }
    }

    /// A machine is what it is: another size takes another machine, or its reset.
    fn same_size(&self, machine: &MachineRow, wanted: Option<u64>) -> Result<(), Failure> {
        let disk = self.deps.read(|read| read.volume(machine.disk))?;
        match (wanted, disk) {
            (Some(wanted), Some(disk)) if disk.size != wanted => {
                Err(other_size(machine, disk.size))
            }
            _ => Ok(()),
        }
    }

    /// A machine is made only of an image that nothing stands against, or where somebody takes that upon
    /// themselves: what is kept with the request. That a machine which is there already was let through
    /// is recorded here; of a new one it is when its row is.
    pub(crate) async fn admitted(
        &self,
        image: ImageId,
        machine: &str,
        allow: Allow,
        is_there: bool,
    ) -> Result<Option<Allowed>, Failure> {
        let user = &self.deps.scanning.user;
        let allowed = Allowed::of(allow.or(self.deps.scanning.allow), user);
        let row = self.deps.read(|read| read.image_by_id(image))?;
        let row =
            row.ok_or_else(|| Failure::broken("a machine's image is not in the catalogue"))?;
        let Some(allowance) = admit(&self.deps, &row, machine, allowed.as_ref())? else {
            return Ok(None);
        };
        if is_there {
            self.blocking(move |_, record| record(Box::new(record_allowance(allowance))))
                .await?;
        }
        // A standing order is no part of what was asked for: the step knows it, too, and a run that was begun
        // under another one is still the same run.
        Ok(Allowed::of(allow, user))
    }

    /// An image whose volume is here.
    pub(crate) fn image_here(&self, image: &ImageName) -> Result<ImageRow, Failure> {
        let origin = self.deps.origin()?;
        let row = self.deps.read(|read| read.image(&origin, image.as_str()))?;
        row.filter(|row| row.volume.is_some()).ok_or_else(|| {
            Failure::new(Class::NotFound, "not-found", format!("{image} is not here")).hint(
                format!("fetch it with `longshore fetch-and-create {image}`"),
            )
        })
    }

    /// Makes a machine of an image that is here, or activates the one of that name.
    ///
    /// # Errors
    /// [`Class::NotFound`] if the image is not here, [`Class::Refused`] if it was not admitted or
    /// the machine was made of another image.
    pub async fn create_machine(
        &self,
        image: &ImageName,
        options: MachineOptions,
        allow: Allow,
    ) -> Result<MachineReport, Failure> {
        let row = self.image_here(image)?;
        let (report, _) = self.machine_of(&row, options, image, allow).await?;
        Ok(report)
    }

    /// Gives a machine that was deactivated its path again.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such machine, [`Class::Refused`] if something stands against
    /// its image.
    pub async fn activate(
        &self,
        name: &MachineName,
        allow: Allow,
    ) -> Result<MachineReport, Failure> {
        let machine = self.deps.read(|read| read.machine(name.as_str()))?;
        let machine = machine.ok_or_else(|| no_such_machine(name))?;
        if machine.state == MachineState::Active {
            self.settle(name).await?;
            return Ok(MachineReport {
                name: machine.name,
                path: machine.path,
            });
        }
        let allowed = self
            .admitted(machine.image, &machine.name, allow, true)
            .await?;
        let asked = MachineRequest::again(&machine, allowed);
        let response = self.make_machine(asked).await?;
        Ok(MachineReport {
            name: machine.name,
            path: response.path,
        })
    }

    /// Takes a machine's path away; its disk stays. Says whether it was active.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such machine, [`Class::Busy`] if its disk is in use.
    pub async fn deactivate(&self, name: &MachineName) -> Result<bool, Failure> {
        self.settle(name).await?;
        let machine = self.deps.read(|read| read.machine(name.as_str()))?;
        let machine = machine.ok_or_else(|| no_such_machine(name))?;
        if machine.state != MachineState::Active {
            return Ok(false);
        }
        let name = name.clone();
        self.blocking(move |deps, record| {
            // The catalogue first: a path that it does not know is taken away at the next start.
            let state = |state, path: Option<String>| -> DomainWrite {
                let row = machine.name.clone();
                Box::new(move |connection| {
                    Ok(Writer::new(connection).machine_state(&row, state, path.as_deref())?)
                })
            };
            record(state(MachineState::Created, None))?;
            match deps.backend.deactivate(&name) {
                Ok(_) => Ok(true),
                Err(error) => {
                    // Somebody uses it: it is what it was.
                    if matches!(error, VolumeError::Busy { .. }) {
                        record(state(MachineState::Active, machine.path.clone()))?;
                    }
                    Err(error.failure())
                }
            }
        })
        .await
    }
}

pub(crate) fn no_such_machine(name: &MachineName) -> Failure {
    Failure::new(
        Class::NotFound,
        "no-such-machine",
        format!("there is no machine {name}"),
    )
    .hint("see what there is with `longshore list`")
}
