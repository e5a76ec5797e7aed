//! The whole job, with the engine's fault kit around it.
//!
//! Where `crash` numbers the changes of a disk and loses what was not synced, this goes by the
//! workflows themselves: every step of every run fails, once and for ever, is called twice, and is cut
//! off, cancelled or paused at every commit. A step that is added is covered with that.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use longshore_catalog::{MachineState, SCHEMA, SCHEMA_OWNER, VolumeState};
use longshore_durable::{Power, Simulated, Space};
use longshore_fsm::{
    store::{Migrations, Readers, SqliteStore},
    testing::kit::{Faults, FaultyStore, Kind, Kit, Life, StepFault, Strike, Trial},
};
use longshore_source::{SourceConfig, SourceUrl};
use longshore_volume::Access;
use tempfile::TempDir;

use crate::{
    Allow, BackendChoice, Failure, FetchRequest, Host, ImageReport, Limits, Settings,
    crash::{IMAGE, VOLUME_SIZE, bucket, digest},
    deps::Deps,
};

/// `fetch-and-create` of one image, on a backend whose snapshots are copies or share.
struct FetchAndCreate {
    bucket: TempDir,
    shares: bool,
}

/// One state directory.
struct World {
    disk: Simulated,
    dir: TempDir,
    settings: Settings,
    /// What the last life that got there said.
    report: Option<ImageReport>,
}

const MIGRATIONS: [Migrations<'static>; 1] = [Migrations {
    owner: SCHEMA_OWNER,
    steps: SCHEMA,
}];

impl World {
    fn database(&self) -> PathBuf {
        self.dir.path().join("longshore.db")
    }

    fn deps(&self) -> Result<Arc<Deps>, Failure> {
        let readers = Readers::open(self.database(), &MIGRATIONS).unwrap();
        let storage = crate::crash::storage(&self.disk)?;
        let (events, _) = tokio::sync::broadcast::channel(16);
        Ok(Arc::new(Deps::new(
            &self.settings,
            readers,
            storage,
            events,
        )))
    }

    async fn open(&self, faults: &Faults) -> Result<Host<FaultyStore<SqliteStore>>, Failure> {
        let store = SqliteStore::open(self.database(), &MIGRATIONS).unwrap();
        let store = faults.store(store);
        let install = |engine| faults.install(engine);
        let host = Host::assemble_with(self.deps()?, store, None, install).await?;
        faults.attach(&host.engine).await;
        Ok(host)
    }

    async fn job(&mut self, faults: &Faults) -> Result<(), Failure> {
        let host = self.open(faults).await?;
        let request = FetchRequest {
            image: IMAGE.parse().unwrap(),
            machine: crate::MachineOptions::default(),
            activate: true,
            allow: Allow::default(),
            accept_changed: false,
        };
        let result = host.fetch_and_create(request).await;
        host.close().await;
        self.report = Some(result?);
        Ok(())
    }
}

/// What a user has in the end: everything but numbers, times, and what was fetched by whom.
#[derive(Debug, PartialEq)]
struct Seen {
    image: String,
    status: String,
    chain: String,
    /// Key, digest, diff id and size of each layer.
    layers: Vec<(String, String, String, u64)>,
    /// Size and used bytes of the image's volume, and the digest of everything on it.
    volume: (u64, u64, String),
    /// Each machine with its state, and the digest of everything on its disk.
    machines: Vec<(String, MachineState, String)>,
    paths: usize,
    generations: usize,
    blobs: usize,
    partial_blobs: usize,
    unsealed: usize,
    /// Volumes that the catalogue or the disk has alone.
    astray: usize,
}

/// What was made for a run that did not get there.
#[derive(Debug, PartialEq)]
struct Left {
    unsealed: usize,
    astray: usize,
    unfinished_machines: usize,
}

fn left(deps: &Deps) -> Left {
    let known = deps.read(|read| read.volumes()).unwrap();
    let machines = deps.read(|read| read.machines()).unwrap();
    let is_unfinished = |state| matches!(state, VolumeState::Reserved | VolumeState::Deleting);
    let disks: BTreeSet<_> = machines.iter().map(|machine| machine.disk).collect();
    let on_disk: BTreeSet<_> = (deps.backend.list().unwrap().volumes.iter())
        .map(|id| id.get())
        .collect();
    let in_catalogue: BTreeSet<_> = known.iter().map(|row| row.id.0).collect();
    Left {
        unsealed: (known.iter())
            .filter(|row| {
                let is_disk = disks.contains(&row.id);
                is_unfinished(row.state) || row.state == VolumeState::Created && !is_disk
            })
            .count(),
        astray: in_catalogue.symmetric_difference(&on_disk).count(),
        unfinished_machines: (machines.iter())
            .filter(|machine| machine.state != MachineState::Active)
            .count(),
    }
}

fn contents(deps: &Deps, id: u64) -> String {
    let id = longshore_volume::VolumeId::new(id).unwrap();
    digest(&*deps.backend.open(id, Access::Read).unwrap())
}

impl Trial for FetchAndCreate {
    type World = World;
    type Seen = Seen;
    type Left = Left;

    async fn fresh(&self) -> World {
        World {
            disk: Simulated::with(Power::new(), Space::unlimited(), self.shares),
            // Where a sync costs nothing, if there is such a place: what a disk keeps is another
            // test's matter.
            dir: tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap()),
            settings: Settings {
                state_dir: PathBuf::new(),
                source: SourceConfig::new(SourceUrl::directory(self.bucket.path())),
                backend: BackendChoice::File,
                limits: Limits::default(),
                volume_size: VOLUME_SIZE,
                images_at_once: crate::DEFAULT_IMAGES_AT_ONCE,
                pool_overcommit: None,
                inflate_ahead: crate::DEFAULT_INFLATE_AHEAD,
                max_retries: 2,
                scanning: crate::Scanning {
                    refresh: None,
                    allow: Allow {
                        vulnerable: false,
                        unproven: true,
                    },
                    ..crate::Scanning::default()
                },
                offline: false,
                wait: Duration::ZERO,
                purpose: "a test".into(),
            },
            report: None,
        }
    }

    async fn live(&self, world: &mut World, faults: &Faults) -> Life {
        match world.job(faults).await {
            Ok(()) => Life::Completed,
            Err(failure) if failure.code == "cancelled" => Life::Cancelled,
            Err(failure) if failure.code == "paused" => Life::Paused,
            Err(failure) => Life::Failed(format!("{failure:?}")),
        }
    }

    async fn look(&self, world: &World) -> Seen {
        let deps = world.deps().unwrap();
        let report = world.report.as_ref().unwrap();
        let Left {
            unsealed, astray, ..
        } = left(&deps);
        let machines = deps.read(|read| read.machines()).unwrap();
        let machines = machines
            .iter()
            .map(|row| (row.name.clone(), row.state, contents(&deps, row.disk.0)));
        Seen {
            image: report.image.clone(),
            status: format!("{:?}", report.status),
            chain: report.chain_id.clone(),
            layers: (report.layers.iter())
                .map(|layer| {
                    let (key, digest) = (layer.key.clone(), layer.digest.clone());
                    (key, digest, layer.diff_id.clone(), layer.size)
                })
                .collect(),
            volume: (
                report.volume.size,
                report.volume.used,
                contents(&deps, report.volume.id),
            ),
            machines: machines.collect(),
            paths: deps.backend.active().unwrap().len(),
            generations: deps.read(|read| read.images()).unwrap().len(),
            blobs: deps.blobs.list().unwrap().blobs.len(),
            partial_blobs: deps.blobs.partials().unwrap().len(),
            unsealed,
            astray,
        }
    }

    async fn left(&self, world: &World) -> Left {
        // A database that nobody has made yet has nothing in it.
        drop(SqliteStore::open(world.database(), &MIGRATIONS).unwrap());
        left(&world.deps().unwrap())
    }
}

async fn disturbed_everywhere(shares: bool) {
    let trial = FetchAndCreate {
        bucket: bucket(),
        shares,
    };
    let kit = Kit::default().pausing();
    let kit = if std::env::var_os("LONGSHORE_SOAK").is_some() {
        kit
    } else {
        // Each of the two begins elsewhere.
        kit.every(6, 3 * u64::from(shares))
    };
    let report = kit.run(&trial).await;
    let steps = report.sites.iter().filter(|site| !site.is_undo).count();
    assert!(steps >= 5, "{report}");
    for fault in [StepFault::Twice, StepFault::ForEverBefore] {
        let cases = u64::try_from(steps).unwrap();
        assert_eq!(report.of(Kind::Step(fault)), cases, "{report}");
    }
    assert!(report.of(Kind::At(Strike::CrashBefore)) >= 3, "{report}");
    assert!(report.of(Kind::At(Strike::Cancel)) >= 3, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_anywhere_costs_nothing_where_snapshots_are_copies() {
    disturbed_everywhere(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_anywhere_costs_nothing_where_snapshots_share() {
    disturbed_everywhere(true).await;
}
