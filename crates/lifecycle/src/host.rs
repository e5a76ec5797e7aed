//! The facade: one state directory, its lock, its engine, and what can be asked of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use longshore_catalog::{ImageRow, MachineRow, MachineState, SCHEMA, SCHEMA_OWNER, Writer};
use longshore_fsm::{
    Cancel, Ended, Engine, RunId, Start, StartOptions, WorkflowRef,
    store::{Batch, Migrations, Readers, SqliteStore, Store, Target, Write},
};
use longshore_source::ImageName;
use rusqlite::Connection;

use crate::{
    Class, Event, Events, Failure, ImageReport, MachineName, MachineReport, Settings,
    default_machine_name,
    deps::{Deps, DomainWrite, Storage},
    image_run::{self, ImageRequest, ImageResponse},
    machine_run::{self, MachineRequest, MachineResponse},
    reconcile::reconcile,
    result::{Loaded, image_report},
    run_report::{failure_of, image_run_id},
    state_dir::{Lock, StateDir},
    trouble::{Trouble, millis},
};

/// How long a step may take to stop at a durable point. Fetches and unpacking look for a cancel at
/// every buffer; a flush of a large volume is what takes longest.
const GRACE: Duration = Duration::from_secs(60);

/// What to fetch, and what to make of it.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The image.
    pub image: ImageName,
    /// What the machine is to be called; the image's name where nothing is said.
    pub machine: Option<MachineName>,
    /// Whether a machine is made at all.
    pub activate: bool,
    /// Whether objects that changed since they were pinned are taken as a new generation.
    pub accept_changed: bool,
}

/// An engine on a state directory. At most one has it at a time.
#[derive(Debug)]
pub struct Host<S: Store<Handle = Connection> = SqliteStore> {
    pub(crate) deps: Arc<Deps>,
    engine: Engine<S>,
    image: WorkflowRef<ImageRequest, ImageResponse>,
    machine: WorkflowRef<MachineRequest, MachineResponse>,
    /// Let go last; a test that simulates its own state directory has none.
    _lock: Option<Lock>,
}

impl Host {
    /// Takes the state directory, makes it if there is none, and makes its catalogue and its disk
    /// agree. Runs that are not asked for are left as they are.
    ///
    /// # Errors
    /// [`Class::Busy`] if another has it for longer than the settings let this one wait;
    /// [`Class::Full`], [`Class::Failed`] if it cannot be read or written.
    pub async fn open(settings: Settings, events: Events) -> Result<Self, Failure> {
        let state = StateDir::prepare(&settings.state_dir)?;
        let lock = {
            let (state, purpose, wait) = (state.clone(), settings.purpose.clone(), settings.wait);
            tokio::task::spawn_blocking(move || state.lock(&purpose, wait))
                .await
                .map_err(|error| Failure::broken("the wait was cut off").caused_by(&error))??
        };
        let storage = Storage::open(&settings, state.path())?;
        let migrations = [Migrations {
            owner: SCHEMA_OWNER,
            steps: SCHEMA,
        }];
        let store = SqliteStore::open(state.database(), &migrations).map_err(Trouble::failure)?;
        let readers = Readers::open(state.database(), &migrations).map_err(Trouble::failure)?;
        let deps = Arc::new(Deps::new(&settings, readers, storage, events));
        Self::assemble(deps, store, Some(lock)).await
    }
}

impl<S: Store<Handle = Connection>> Host<S> {
    /// A host of parts that were put together elsewhere.
    pub(crate) async fn assemble(
        deps: Arc<Deps>,
        store: S,
        lock: Option<Lock>,
    ) -> Result<Self, Failure> {
        let image = image_run::workflow(&deps).map_err(|error| unregistered(&error))?;
        let machine = machine_run::workflow(&deps).map_err(|error| unregistered(&error))?;
        let (image_ref, machine_ref) = (image.handle(), machine.handle());
        let engine = Engine::builder(store)
            .register(image)
            .register(machine)
            .open();
        let engine = engine.await.map_err(|error| unregistered(&error))?;
        let host = Self {
            deps,
            engine,
            image: image_ref,
            machine: machine_ref,
            _lock: lock,
        };
        host.blocking(|deps, record| reconcile(deps, record))
            .await?;
        Ok(host)
    }

    /// Does blocking work that writes to the catalogue outside of any run.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Deps, &dyn Fn(DomainWrite) -> Result<(), Failure>) -> Result<T, Failure>
        + Send
        + 'static,
    ) -> Result<T, Failure> {
        let (deps, engine) = (Arc::clone(&self.deps), self.engine.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let record = |write: DomainWrite| {
                let batch = Batch {
                    target: Target::Domain,
                    events: Vec::new(),
                    writes: vec![Write::new(write)],
                };
                let committed = runtime.block_on(engine.store().commit(batch));
                committed.map(|_| ()).map_err(Trouble::failure)
            };
            work(&deps, &record)
        })
        .await
        .map_err(|error| Failure::broken("work was cut off").caused_by(&error))?
    }

    /// Fetches an image, builds its volume, and makes a machine of it, each as far as it is not
    /// done already.
    ///
    /// # Errors
    /// A [`Failure`] of any class; what was fetched and sealed until then stays, and the same
    /// request goes on from there.
    pub async fn fetch_and_create(&self, request: FetchRequest) -> Result<ImageReport, Failure> {
        let begun = Instant::now();
        let name = request.image.as_str().to_owned();
        let named = |failure: Failure| failure.image(&name);
        let loaded = self.load(&request).await.map_err(named)?;
        let machine = if request.activate {
            let machine = self.machine_of(&loaded.image, request.machine, &request.image);
            Some(machine.await.map_err(named)?)
        } else {
            None
        };
        image_report(&self.deps, loaded, machine, millis(begun)).map_err(named)
    }

    /// The image workflow, or nothing where the image is here and the origin is not to be asked.
    async fn load(&self, request: &FetchRequest) -> Result<Loaded, Failure> {
        let origin = self.deps.origin()?;
        let name = request.image.as_str();
        let present = self.deps.read(|read| read.image(&origin, name))?;
        let present = present.filter(|image| image.volume.is_some());
        if self.deps.offline() {
            return match present {
                Some(image) => Ok(Loaded::present(image)),
                None => Err(self
                    .deps
                    .source()
                    .map(|_| ())
                    .err()
                    .unwrap_or_else(|| Failure::broken("an offline host has a source"))),
            };
        }
        let asked = ImageRequest {
            origin: origin.clone(),
            name: name.to_owned(),
            accept_changed: request.accept_changed,
        };
        let result = self
            .run(&self.image, &image_run_id(&origin, name), asked)
            .await;
        match (result, present) {
            (Ok((run, response)), _) => Loaded::by_run(&self.deps, run, response),
            // What is here is held to its pins, so it is what the origin would have to give.
            (Err(failure), Some(image)) if failure.code == "unavailable" => {
                self.deps.say(Event::Notice {
                    text: format!("{failure}; using {name} as it is here"),
                });
                Ok(Loaded::present(image))
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Runs a workflow to its end, joining a run that does the same.
    async fn run<Req, Resp>(
        &self,
        workflow: &WorkflowRef<Req, Resp>,
        id: &str,
        request: Req,
    ) -> Result<(RunId, Resp), Failure>
    where
        Req: serde::Serialize,
        Resp: serde::de::DeserializeOwned,
    {
        let started = self
            .engine
            .start(workflow, id, request, StartOptions::default())
            .await;
        let run = match started.map_err(Trouble::failure)? {
            Start::Started(run) | Start::Joined(run) => run,
            Start::Conflict(run) => {
                let mut failure = Failure::new(
                    Class::Busy,
                    "other-request",
                    format!("run {run} is not done yet and was asked for something else"),
                )
                .hint(format!(
                    "repeat the command that began it, or give it up with `longshore runs cancel {run}`"
                ));
                failure.run = Some(run.get());
                return Err(failure);
            }
        };
        let outcome = self.engine.wait(run).await.map_err(Trouble::failure)?;
        match &outcome.ended {
            Ended::Completed => {}
            Ended::Failed { error, .. } => return Err(failure_of(error, run.get())),
            Ended::Cancelled { cause } => {
                let mut failure = Failure::new(
                    Class::Interrupted,
                    "cancelled",
                    format!("cancelled: {cause}"),
                );
                failure.run = Some(run.get());
                return Err(failure);
            }
            Ended::ContinuedAs { .. } => {
                return Err(Failure::broken("a run went on as another"));
            }
        }
        let response = outcome.response().map_err(|error| {
            Failure::broken("the response of a run cannot be read").caused_by(&error)
        })?;
        Ok((run, response))
    }

    /// The machine of an image, made if there is none of that name.
    async fn machine_of(
        &self,
        image: &ImageRow,
        name: Option<MachineName>,
        image_name: &ImageName,
    ) -> Result<(MachineReport, u64), Failure> {
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
                let path = machine.path.clone();
                return Ok((
                    MachineReport {
                        name: machine.name.clone(),
                        path,
                    },
                    0,
                ));
            }
        } else {
            self.admitted(image)?;
        }
        let (image, base) = match there {
            Some(machine) => (machine.image, machine.base),
            None => (
                image.id,
                image
                    .volume
                    .ok_or_else(|| Failure::broken("an image without a volume"))?,
            ),
        };
        let asked = MachineRequest {
            name: name.to_string(),
            image,
            base: base.0,
        };
        let (_, response) = self.run(&self.machine, name.as_str(), asked).await?;
        let report = MachineReport {
            name: name.to_string(),
            path: response.path,
        };
        Ok((report, response.activate_ms))
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

    /// A machine is made only of an image whose recorded decision admits it.
    fn admitted(&self, image: &ImageRow) -> Result<(), Failure> {
        match self.deps.read(|read| read.decision(image.id))? {
            Some(decision) if decision.admitted => Ok(()),
            Some(decision) => Err(Failure::new(
                Class::Refused,
                "not-admitted",
                format!("{} is {}", image.name, decision.verdict),
            )),
            None => Err(Failure::new(
                Class::Refused,
                "undecided",
                format!(
                    "nothing has decided yet whether {} may become a machine",
                    image.name
                ),
            )
            .hint("finish it with `longshore fetch-and-create`")),
        }
    }

    /// Makes a machine of an image that is here, or activates the one of that name.
    ///
    /// # Errors
    /// [`Class::NotFound`] if the image is not here, [`Class::Refused`] if it was not admitted or
    /// the machine was made of another image.
    pub async fn create_machine(
        &self,
        image: &ImageName,
        name: Option<MachineName>,
    ) -> Result<MachineReport, Failure> {
        let origin = self.deps.origin()?;
        let row = self.deps.read(|read| read.image(&origin, image.as_str()))?;
        let row = row.filter(|row| row.volume.is_some()).ok_or_else(|| {
            Failure::new(Class::NotFound, "not-found", format!("{image} is not here")).hint(
                format!("fetch it with `longshore fetch-and-create {image}`"),
            )
        })?;
        let (report, _) = self.machine_of(&row, name, image).await?;
        Ok(report)
    }

    /// Gives a machine that was deactivated its path again.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such machine.
    pub async fn activate(&self, name: &MachineName) -> Result<MachineReport, Failure> {
        let machine = self.deps.read(|read| read.machine(name.as_str()))?;
        let machine = machine.ok_or_else(|| no_such_machine(name))?;
        if machine.state == MachineState::Active {
            return Ok(MachineReport {
                name: machine.name,
                path: machine.path,
            });
        }
        let asked = MachineRequest {
            name: machine.name.clone(),
            image: machine.image,
            base: machine.base.0,
        };
        let (_, response) = self.run(&self.machine, name.as_str(), asked).await?;
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
        let machine = self.deps.read(|read| read.machine(name.as_str()))?;
        let machine = machine.ok_or_else(|| no_such_machine(name))?;
        if machine.state != MachineState::Active {
            return Ok(false);
        }
        let name = name.clone();
        self.blocking(move |deps, record| {
            // The catalogue first: a path that it does not know is taken away at the next start.
            let row = machine.name;
            record(Box::new(move |connection| {
                Ok(Writer::new(connection).machine_state(&row, MachineState::Created, None)?)
            }))?;
            let _ = deps.backend.deactivate(&name).map_err(Trouble::failure)?;
            Ok(true)
        })
        .await
    }

    /// Gives up a run that has not ended. Says whether it had.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is none of that number.
    pub async fn cancel_run(&self, run: u64) -> Result<bool, Failure> {
        let id = RunId::new(run).ok_or_else(|| {
            Failure::new(
                Class::NotFound,
                "no-such-run",
                format!("there is no run {run}"),
            )
        })?;
        let cancelled = self.engine.cancel(id, "asked for by the user").await;
        Ok(!matches!(
            cancelled.map_err(Trouble::failure)?,
            Cancel::AlreadyEnded
        ))
    }

    /// Stops: what is under way ends at a durable point and can be gone on with later.
    pub async fn close(&self) {
        let report = self.engine.shutdown(GRACE).await;
        for run in report.unfinished {
            tracing::warn!(%run, "a run did not stop in time; it is gone on with at the next start");
        }
    }
}

fn no_such_machine(name: &MachineName) -> Failure {
    Failure::new(
        Class::NotFound,
        "no-such-machine",
        format!("there is no machine {name}"),
    )
    .hint("see what there is with `longshore list`")
}

fn unregistered(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::broken("the workflows cannot be registered").caused_by(error)
}
