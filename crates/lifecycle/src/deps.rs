//! What the steps work with, chosen and put together in this one place.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{SystemTime, UNIX_EPOCH},
};

use longshore_catalog::{Reader, SealKey, VolumeId, Writer};
use longshore_durable::{Dir, Host as HostDir};
use longshore_ext4::FORMAT_VERSION;
use longshore_fsm::{
    Attempts, StepName, StepPolicy,
    store::{Readers, WriteError},
};
use longshore_image::{Budget, ChainId, Digest, Limits};
use longshore_scan::OpenVex;
use longshore_source::{BlobStore, Source, SourceConfig};
use longshore_volume::Backend;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::{
    Class, Event, Events, Failure, Scanning, Settings,
    caged::Cages,
    flights::Flights,
    join::BlobReader,
    plan::ChainOrigin,
    room::Promises,
    scanning::{AdvisoryStore, Updater, vex},
    site,
    trouble::Trouble,
};

/// What a step of either workflow may use.
#[derive(Debug)]
pub(crate) struct Deps {
    pub(crate) readers: Readers,
    pub(crate) blobs: BlobStore,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) advisories: Arc<AdvisoryStore>,
    pub(crate) limits: Limits,
    /// What layers may take that are inflated before their turn, of all images together.
    pub(crate) inflate_ahead: Budget,
    /// The share of it that an image has whose layers are inflated by another process.
    pub(crate) inflate_ahead_of_one: u64,
    pub(crate) volume_size: u64,
    pub(crate) state_dir: PathBuf,
    /// How many images are brought here at a time.
    pub(crate) images_at_once: NonZeroUsize,
    pub(crate) scanning: Scanning,
    /// The operator's VEX documents, read when the first image is judged.
    vex: OnceLock<Result<OpenVex, Failure>>,
    pub(crate) cages: Cages,
    /// Cancelled when the host is closed: for work outside of any run.
    pub(crate) closing: CancellationToken,
    max_retries: u32,
    offline: bool,
    source_config: SourceConfig,
    /// Made when it is first needed: what is here already needs no network.
    source: OnceLock<Result<Arc<Source>, Failure>>,
    /// By origin, entity tag and size.
    pub(crate) blob_flights: Flights<String>,
    /// By parent volume and what is put on it.
    pub(crate) build_flights: Flights<(Option<VolumeId>, Vec<String>)>,
    events: Events,
    /// Room in the pool that work under way may still take.
    pub(crate) promises: Promises,
    /// How many bytes machines may be promised for each that the pool has.
    pub(crate) pool_overcommit: Option<u64>,
}

/// The parts that a test may want to choose itself.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) blobs: BlobStore,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) advisories: AdvisoryStore,
}

impl Storage {
    /// What is kept in a state directory, and the volumes wherever they are.
    pub(crate) fn new(root: &dyn Dir, backend: Arc<dyn Backend>) -> Result<Self, Failure> {
        let blobs = root.dir("blobs").map_err(|error| {
            Failure::new(
                Class::Failed,
                "state-dir",
                "could not make the directory of the blobs",
            )
            .caused_by(&error)
        })?;
        let blobs = BlobStore::open(&*blobs).map_err(Trouble::failure)?;
        let advisories = root.dir("advisories").map_err(|error| {
            Failure::new(
                Class::Failed,
                "state-dir",
                "could not make the directory of the advisories",
            )
            .caused_by(&error)
        })?;
        let advisories = AdvisoryStore::new(advisories);
        Ok(Self {
            blobs,
            backend,
            advisories,
        })
    }
}

/// The state directory as the seam for durable writes has it.
pub(crate) fn root(state: &Path) -> Result<HostDir, Failure> {
    HostDir::open(state).map_err(|error| {
        let text = format!("could not open {}", state.display());
        Failure::new(Class::Failed, "state-dir", text).caused_by(&error)
    })
}

impl Deps {
    pub(crate) fn new(
        settings: &Settings,
        readers: Readers,
        storage: Storage,
        events: Events,
    ) -> Self {
        let Storage {
            blobs,
            backend,
            advisories,
        } = storage;
        Self {
            readers,
            blobs,
            backend,
            advisories: Arc::new(advisories),
            limits: settings.limits.clone(),
            inflate_ahead: Budget::new(settings.inflate_ahead),
            inflate_ahead_of_one: share(settings.inflate_ahead, settings.images_at_once),
            volume_size: settings.volume_size,
            state_dir: settings.state_dir.clone(),
            images_at_once: settings.images_at_once,
            scanning: settings.scanning.clone(),
            vex: OnceLock::new(),
            cages: Cages::new(&settings.scanning),
            closing: CancellationToken::new(),
            max_retries: settings.max_retries,
            offline: settings.offline,
            source_config: settings.source.clone(),
            source: OnceLock::new(),
            blob_flights: Flights::new(),
            build_flights: Flights::new(),
            promises: Promises::default(),
            pool_overcommit: settings.pool_overcommit,
            events,
        }
    }

    /// Whether the origin is never to be asked.
    pub(crate) fn offline(&self) -> bool {
        self.offline
    }

    /// What the operator's VEX documents say together.
    pub(crate) fn vex(&self) -> Result<&OpenVex, Failure> {
        let read = || vex::read(&self.scanning.vex);
        self.vex.get_or_init(read).as_ref().map_err(Failure::clone)
    }

    /// Whoever asks publishers for advisories.
    pub(crate) fn updater(&self) -> Updater {
        Updater {
            store: Arc::clone(&self.advisories),
            publishers: self.scanning.publishers.clone(),
            source: self.source_config.clone(),
            events: self.events.clone(),
        }
    }

    /// The origin that images are looked for in. Asks nobody.
    pub(crate) fn origin(&self) -> Result<String, Failure> {
        Ok(self.connected()?.origin().to_string())
    }

    fn connected(&self) -> Result<Arc<Source>, Failure> {
        self.source
            .get_or_init(|| Source::connect(&self.source_config).map_err(Trouble::failure))
            .clone()
    }

    /// The source, connected when it is first asked for.
    pub(crate) fn source(&self) -> Result<Arc<Source>, Failure> {
        if self.offline {
            return Err(Failure::new(
                Class::NotFound,
                "offline",
                "the image is not whole here, and --offline keeps it from being fetched",
            )
            .hint("run the command again without --offline"));
        }
        self.connected()
    }

    /// The bytes of a blob that is here.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<BlobReader, Failure> {
        let file = self.blobs.blob(digest).map_err(Trouble::failure)?;
        let file = file.ok_or_else(|| {
            Failure::new(
                Class::Failed,
                "blob-gone",
                format!("blob {digest} is not here any more"),
            )
            .hint("run the command again: it will be fetched again")
        })?;
        BlobReader::new(file).map_err(|error| {
            Failure::new(
                Class::Failed,
                "blobs",
                format!("blob {digest} could not be read"),
            )
            .caused_by(&error)
        })
    }

    /// Looks into the catalogue.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, longshore_catalog::Error>,
    ) -> Result<T, Failure> {
        site::read(&self.readers, look)
    }

    /// Tells whoever listens that an attempt at a step has begun.
    pub(crate) fn step_begins(&self, subject: &str, step: &StepName, attempt: u32) {
        let (subject, step) = (subject.to_owned(), step.to_string());
        self.say(Event::Step {
            subject,
            step,
            attempt,
        });
    }

    /// The same of an attempt at undoing it.
    pub(crate) fn undo_begins(&self, subject: &str, step: &StepName, attempt: u32) {
        let (subject, step) = (subject.to_owned(), format!("undo {step}"));
        self.say(Event::Step {
            subject,
            step,
            attempt,
        });
    }

    /// Tells whoever listens.
    pub(crate) fn say(&self, event: Event) {
        // With nobody listening there is nobody to tell.
        let _ = self.events.send(event);
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        now()
    }

    /// What a sealed volume of a chain is found by. Of the settings the size and what becomes of
    /// devices change what comes out of unpacking, or whether anything does.
    ///
    /// The diff id of a compressed layer is the word of whoever inflated it. Where that is a child in a cage
    /// it is believed of the blob that the child was given: a layer that took its child over could else call
    /// itself another, and what was made of it be taken for what that one makes.
    pub(crate) fn seal_key(&self, chain: ChainId, origin: &ChainOrigin) -> SealKey {
        let mut policy = format!("devices={}", self.limits.devices.as_str());
        if let Some(blobs) = origin.digest().filter(|_| self.cages.are_used()) {
            policy = format!("{policy} blobs={blobs}");
        }
        SealKey {
            chain,
            format: FORMAT_VERSION,
            size: self.volume_size,
            policy,
        }
    }

    /// How often a step is tried again.
    pub(crate) fn step_policy(&self) -> StepPolicy {
        StepPolicy {
            attempts: Attempts::retries(self.max_retries),
            ..StepPolicy::default()
        }
    }

    /// Drops a volume that was never sealed, or that is said to go: its row promises nothing, so its bytes go first, and
    /// make room for what is to be recorded where the disk is full.
    pub(crate) fn drop_unsealed(
        &self,
        id: VolumeId,
        record: impl Fn(DomainWrite) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let _ = self
            .backend
            .remove(volume_id(id)?)
            .map_err(Trouble::failure)?;
        record(Box::new(move |connection| {
            let write = Writer::new(connection);
            write.volume_deleting(id)?;
            Ok(write.forget_volume(id)?)
        }))
    }
}

fn share(whole: u64, by: NonZeroUsize) -> u64 {
    u64::try_from(by.get()).map_or(0, |by| whole / by)
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A write of the catalogue, as the engine's store takes it.
pub(crate) type DomainWrite =
    Box<dyn FnOnce(&Connection) -> Result<(), WriteError> + Send + 'static>;

/// Writes to the catalogue; durable when it returns.
pub(crate) type Record<'a> = &'a dyn Fn(DomainWrite) -> Result<(), Failure>;

/// The catalogue's id in the backend's words.
pub(crate) fn volume_id(id: VolumeId) -> Result<longshore_volume::VolumeId, Failure> {
    longshore_volume::VolumeId::new(id.0).map_err(|error| {
        Failure::new(Class::Failed, "volume-ids", "no volume id is left").caused_by(&error)
    })
}
