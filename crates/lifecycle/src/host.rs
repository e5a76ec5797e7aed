//! The facade: one state directory, its lock, its engine, and what can be asked of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use longshore_fsm::{
    Engine, EngineBuilder, Retention, RunId, Start, StartOptions, WorkflowRef,
    store::{RunFilter, SqliteStore, Store},
};
use longshore_source::ImageName;
use rusqlite::Connection;

use crate::{
    Allow, Class, Event, Events, Failure, ImageReport, MachineOptions, Settings,
    deps::{Deps, DomainWrite, Storage, root},
    image_run::{self, ImageRequest, ImageResponse},
    machine_run::{self, MachineRequest, MachineResponse},
    pools::{self, Tender},
    reconcile::reconcile,
    result::{Loaded, image_report},
    run_report::image_run_id,
    run_trouble::failed_as,
    scanning::for_stored_images,
    site::{self, Site},
    state_dir::Lock,
    trouble::{Trouble, millis},
};

/// How long a step may take to stop at a durable point. Fetches and unpacking look for a cancel at
/// every buffer; a flush of a large volume is what takes longest.
const GRACE: Duration = Duration::from_secs(60);

/// The queue of the runs that bring images here.
const IMAGES: &str = "images";

/// Which runs are remembered: what happened a quarter of a year ago is of no use to anybody, and ten
/// thousand runs are some tens of megabytes.
const RETENTION: Retention = Retention {
    age: Some(Duration::from_secs(90 * 24 * 60 * 60)),
    count: Some(10_000),
};

/// What to fetch, and what to make of it.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The image.
    pub image: ImageName,
    /// What the machine is to be.
    pub machine: MachineOptions,
    /// Whether a machine is made at all.
    pub activate: bool,
    /// What is let through although something stands against the image.
    pub allow: Allow,
    /// Whether objects that changed since they were pinned are taken as a new generation.
    pub accept_changed: bool,
}

/// An engine on a state directory. At most one has it at a time.
#[derive(Debug)]
pub struct Host<S: Store<Handle = Connection> = SqliteStore> {
    pub(crate) deps: Arc<Deps>,
    pub(crate) engine: Engine<S>,
    image: WorkflowRef<ImageRequest, ImageResponse>,
    pub(crate) machine: WorkflowRef<MachineRequest, MachineResponse>,
    /// Whoever gives the pool room meanwhile; ended before the lock is let go.
    _tender: Option<Tender>,
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
        let place = settings.state_dir.clone();
        let opened = Self::open_in(settings, events).await;
        opened.map_err(|failure| failure.on_disk(&place))
    }

    async fn open_in(settings: Settings, events: Events) -> Result<Self, Failure> {
        let site = Site::open(&settings).await?;
        let root = root(site.state.path())?;
        let opened = tokio::task::spawn_blocking({
            let (settings, events) = (settings.clone(), events.clone());
            move || {
                let backend = pools::backend(&settings, &site, &root, &events)?;
                Ok((Storage::new(&root, backend)?, site))
            }
        });
        let (storage, site) = opened
            .await
            .map_err(|error| Failure::broken("opening the volumes stopped").caused_by(&error))??;
        let Site {
            store,
            readers,
            lock,
            ..
        } = site;
        let kept = readers.clone();
        let deps = Arc::new(Deps::new(&settings, readers, storage, events.clone()));
        let (closing, written) = (deps.closing.clone(), store.clone());
        let mut host = Self::assemble(deps, store, Some(lock)).await?;
        host._tender = pools::tend(&written, &kept, &events, &closing);
        Ok(host)
    }
}

impl<S: Store<Handle = Connection>> Host<S> {
    /// A host of parts that were put together elsewhere.
    pub(crate) async fn assemble(
        deps: Arc<Deps>,
        store: S,
        lock: Option<Lock>,
    ) -> Result<Self, Failure> {
        Self::assemble_with(deps, store, lock, |engine| engine).await
    }

    /// The same, on an engine with which something else is done before it is opened.
    pub(crate) async fn assemble_with(
        deps: Arc<Deps>,
        store: S,
        lock: Option<Lock>,
        customize: impl FnOnce(EngineBuilder<S>) -> EngineBuilder<S>,
    ) -> Result<Self, Failure> {
        let image = image_run::workflow(&deps).map_err(|error| unregistered(&error))?;
        let machine = machine_run::workflow(&deps).map_err(|error| unregistered(&error))?;
        let older_machine = machine_run::version_1(&deps).map_err(|error| unregistered(&error))?;
        let (image_ref, machine_ref) = (image.handle(), machine.handle());
        let builder = Engine::builder(store)
            .register(image)
            .register(machine)
            .register(older_machine)
            .queue(IMAGES, deps.images_at_once.get())
            .retention(RETENTION);
        let engine = customize(builder).open();
        let engine = engine.await.map_err(|error| unregistered(&error))?;
        let host = Self {
            deps,
            engine,
            image: image_ref,
            machine: machine_ref,
            _tender: None,
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
        tokio::task::spawn_blocking(move || {
            let record = |write: DomainWrite| site::record(engine.store(), write);
            work(&deps, &record)
        })
        .await
        .map_err(|error| Failure::broken("work was cut off").caused_by(&error))?
        .map_err(|failure| failure.on_disk(&self.deps.state_dir))
    }

    /// Fetches an image, builds its volume, looks into it, and makes a machine of it, each as far as it is
    /// not done already. No machine is made where something stands against the image that nobody takes upon
    /// themselves: that is no failure, and the report says it.
    ///
    /// # Errors
    /// A [`Failure`] of any class; what was fetched and sealed until then stays, and the same
    /// request goes on from there.
    pub async fn fetch_and_create(&self, request: FetchRequest) -> Result<ImageReport, Failure> {
        let begun = Instant::now();
        let name = request.image.as_str().to_owned();
        let named = |failure: Failure| failure.image(&name);
        for_stored_images(&self.deps.scanning.scanners).map_err(named)?;
        let loaded = self.load(&request).await.map_err(named)?;
        self.judge_present(&loaded.image).await.map_err(named)?;
        let admitted = self.admits(&loaded.image, request.allow).map_err(named)?;
        let machine = if !request.activate {
            None
        } else if admitted {
            let machine = self.machine_of(
                &loaded.image,
                request.machine,
                &request.image,
                request.allow,
            );
            Some(machine.await.map_err(named)?)
        } else {
            self.machine_at_work(&loaded.image, request.machine.name, &request.image)
                .map_err(named)?
        };
        image_report(&self.deps, loaded, admitted, machine, millis(begun)).map_err(named)
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
        let id = image_run_id(&origin, name);
        let in_line = StartOptions::default().queue(IMAGES);
        let result = self.run(&self.image, &id, asked, in_line).await;
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

    /// Runs a workflow to its end, joining a run that does the same; one that is being given up or
    /// undone is let finish first. Whoever stops waiting gives nothing up: the run goes on, for it is
    /// the state directory's and not its caller's.
    pub(crate) async fn run<Req, Resp>(
        &self,
        workflow: &WorkflowRef<Req, Resp>,
        id: &str,
        request: Req,
        options: StartOptions,
    ) -> Result<(RunId, Resp), Failure>
    where
        Req: serde::Serialize,
        Resp: serde::de::DeserializeOwned,
    {
        let place = |failure: Failure| failure.on_disk(&self.deps.state_dir);
        let name = &workflow.key().name;
        self.let_end(name, id).await.map_err(place)?;
        let started = self.engine.start(workflow, id, request, options).await;
        let run = match started.map_err(Trouble::failure).map_err(place)? {
            Start::Started(run) | Start::Joined(run) => run,
            Start::Conflict(run) => {
                let text = format!("run {run} is not done yet and was asked for something else");
                return Err(Failure::new(Class::Busy, "other-request", text)
                    .hint(format!(
                        "go on with it with `longshore runs resume {run}`, or give it up with \
                         `longshore runs cancel {run}`"
                    ))
                    .of_run(run));
            }
        };
        let outcome = self.engine.wait(run).await;
        let outcome = outcome.map_err(Trouble::failure).map_err(place)?;
        if let Some(failure) = failed_as(&outcome.ended, run) {
            return Err(place(failure));
        }
        if !outcome.is_completed() {
            return Err(Failure::broken("a run went on as another"));
        }
        let response = outcome.response().map_err(|error| {
            Failure::broken("the response of a run cannot be read").caused_by(&error)
        })?;
        Ok((run, response))
    }

    /// Lets a run end that is on its way back: who asks anew wants a new one.
    async fn let_end(&self, workflow: &str, id: &str) -> Result<(), Failure> {
        let active = RunFilter {
            workflow: Some(workflow.to_owned()),
            id: Some(id.to_owned()),
            ..RunFilter::active()
        };
        let found = self.engine.list_runs(active).await;
        for run in found.map_err(Trouble::failure)? {
            if run.undoing.is_some() || run.cancel.is_some() {
                self.finish(run.run).await?;
            }
        }
        Ok(())
    }

    /// Stops: what is under way ends at a durable point and can be gone on with later.
    pub async fn close(&self) {
        self.deps.closing.cancel();
        let report = self.engine.shutdown(GRACE).await;
        // A cancelled fetch still makes durable what had arrived; after this nothing is written.
        if tokio::time::timeout(GRACE, self.deps.blobs.idle())
            .await
            .is_err()
        {
            tracing::warn!("a fetch did not stop in time");
        }
        for run in report.unfinished {
            tracing::warn!(%run, "a run did not stop in time; it is gone on with at the next start");
        }
    }
}

fn unregistered(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::broken("the workflows cannot be registered").caused_by(error)
}
