//! The whole job, cut off at every durable change and gone on with.
//!
//! Blobs and volumes are on a disk that numbers its changes, stops at the n-th, and then loses,
//! tears and reorders what was not synced; the catalogue is a real SQLite file whose commits are
//! numbered in the same sequence. The job is begun, cut off at the first change, at the second,
//! and so on until it gets through; after each cut the same request must finish, with the bytes of
//! a job that was never cut off, and with nothing on disk that the catalogue does not know.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use longshore_catalog::{SCHEMA, SCHEMA_OWNER, VolumeState};
use longshore_durable::{Failure as Fault, Plan, Power, Simulated, Space};
use longshore_fsm::store::{
    Batch, CommitError, Committed, Migrations, Prune, RawRun, Readers, RunFilter, SqliteStore,
    Store, StoreError,
};
use longshore_harbor::family::{Family, Packing};
use longshore_source::{SourceConfig, SourceUrl};
use longshore_volume::{Access, FileBackend};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{
    Allow, BackendChoice, Failure, FetchRequest, Host, ImageReport, Limits, Settings,
    deps::{Deps, Storage},
    trouble::Trouble,
};

pub(crate) const IMAGE: &str = "images/small";
pub(crate) const VOLUME_SIZE: u64 = 8 << 20;

/// Blobs and volumes in files on a disk.
pub(crate) fn storage(disk: &Simulated) -> Result<Storage, Failure> {
    let backend = FileBackend::open(disk).map_err(Trouble::failure)?;
    Storage::new(disk, Arc::new(backend))
}

/// A store whose commits need power, and are numbered with the changes of the disk.
#[derive(Debug)]
pub(crate) struct Powered {
    inner: SqliteStore,
    power: Power,
}

impl Store for Powered {
    type Handle = Connection;

    async fn commit(&self, batch: Batch<Connection>) -> Result<Committed, CommitError> {
        let step = self.power.step("commit", || Ok(()));
        step.map_err(|error| StoreError::Io(Arc::new(error)))?;
        self.inner.commit(batch).await
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        self.inner.load(filter).await
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        self.inner.prune(prune).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// One state directory over its crashes: a disk that is replaced by what each crash leaves of it,
/// and a database that stays.
pub(crate) struct World {
    pub(crate) disk: Simulated,
    pub(crate) database: PathBuf,
    bucket: PathBuf,
    _dir: TempDir,
}

impl World {
    pub(crate) fn new(bucket: &Path, shares: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            disk: Simulated::with(Power::new(), Space::unlimited(), shares),
            database: dir.path().join("longshore.db"),
            bucket: bucket.to_owned(),
            _dir: dir,
        }
    }

    pub(crate) async fn open(&self) -> Result<Host<Powered>, Failure> {
        let settings = Settings {
            state_dir: PathBuf::new(),
            source: SourceConfig::new(SourceUrl::directory(&self.bucket)),
            backend: BackendChoice::File,
            limits: Limits::default(),
            volume_size: VOLUME_SIZE,
            max_retries: 0,
            images_at_once: crate::DEFAULT_IMAGES_AT_ONCE,
            pool_overcommit: None,
            inflate_ahead: crate::DEFAULT_INFLATE_AHEAD,
            scanning: crate::Scanning {
                refresh: None,
                allow: Allow {
                    vulnerable: false,
                    unproven: true,
                },
                ..crate::Scanning::default()
            },
            offline: false,
            wait: std::time::Duration::ZERO,
            purpose: "a test".into(),
        };
        let migrations = [Migrations {
            owner: SCHEMA_OWNER,
            steps: SCHEMA,
        }];
        let inner = SqliteStore::open(&self.database, &migrations).unwrap();
        let readers = Readers::open(&self.database, &migrations).unwrap();
        let power = self.disk.power().clone();
        let storage = storage(&self.disk)?;
        let (events, _) = tokio::sync::broadcast::channel(16);
        let deps = Arc::new(Deps::new(&settings, readers, storage, events));
        Host::assemble(deps, Powered { inner, power }, None).await
    }

    /// The job as far as it gets.
    pub(crate) async fn job(&self) -> Result<ImageReport, Failure> {
        let host = self.open().await?;
        let request = FetchRequest {
            image: IMAGE.parse().unwrap(),
            machine: crate::MachineOptions::default(),
            activate: true,
            allow: Allow::default(),
            accept_changed: false,
        };
        let result = host.fetch_and_create(request).await;
        host.close().await;
        result
    }

    /// What holds once the job is done, and the digest of the image's volume.
    pub(crate) async fn check(&self, report: &ImageReport) -> String {
        let host = self.open().await.unwrap();
        let deps = Arc::clone(&host.deps);
        let known = deps.read(|read| read.volumes()).unwrap();
        let on_disk: BTreeSet<u64> = deps
            .backend
            .list()
            .unwrap()
            .volumes
            .iter()
            .map(|id| id.get())
            .collect();
        assert_eq!(
            known.iter().map(|row| row.id.0).collect::<BTreeSet<_>>(),
            on_disk
        );
        let unfinished = known
            .iter()
            .filter(|row| row.state == VolumeState::Reserved)
            .count();
        assert_eq!(unfinished, 0, "{known:?}");
        let images = deps.read(|read| read.images()).unwrap();
        assert_eq!(images.len(), 1, "one image, one generation");
        let blobs = deps.blobs.list().unwrap();
        let known: Vec<_> = deps.read(|read| read.blobs()).unwrap();
        assert_eq!(blobs.blobs.len(), known.len());
        assert_eq!(deps.blobs.partials().unwrap(), []);
        let machines = deps.read(|read| read.machines()).unwrap();
        assert_eq!(machines.len(), 1);
        assert_eq!(
            deps.backend.active().unwrap().len(),
            1,
            "the machine has its path"
        );
        let top = longshore_volume::VolumeId::new(report.volume.id).unwrap();
        let digest = digest(&*deps.backend.open(top, Access::Read).unwrap());
        let disk = longshore_volume::VolumeId::new(machines[0].disk.0).unwrap();
        let machine = self::digest(&*deps.backend.open(disk, Access::Read).unwrap());
        assert_eq!(
            machine, digest,
            "a new machine's disk is the image's volume"
        );
        host.close().await;
        digest
    }
}

/// The digest of everything on a disk.
pub(crate) fn digest(disk: &dyn longshore_volume::Disk) -> String {
    let mut hasher = longshore_image::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    for offset in (0..disk.size()).step_by(buffer.len()) {
        disk.read_at(offset, &mut buffer).unwrap();
        hasher.update(&buffer);
    }
    hasher.finish().to_string()
}

pub(crate) fn bucket() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let family = Family::builder(IMAGE)
        .layer(|layer| {
            layer
                .dir("etc", 0o755)
                .file("etc/os-release", "ID=small\n")
                .file("etc/big", vec![7_u8; 300_000])
                .symlink("bin", "usr/bin")
        })
        .layer(|layer| {
            layer
                .whiteout("etc/big")
                .file("bin/run", "#!/bin/sh\n")
                .mode(0o755)
        })
        .build();
    family.write(dir.path(), Packing::Plain).unwrap();
    dir
}

/// The digest of a job that nobody disturbed, and how many changes it took.
pub(crate) async fn undisturbed(bucket: &Path, shares: bool) -> (String, u64) {
    let world = World::new(bucket, shares);
    let report = world.job().await.unwrap();
    let changes = world.disk.power().changes();
    (world.check(&report).await, changes)
}

/// The changes to strike at: all of them in a soak, else every fourth from a first one that the
/// calls of this choose differently, so that together they reach more.
pub(crate) fn points(changes: u64, first: u64) -> impl Iterator<Item = u64> {
    let step = if std::env::var_os("LONGSHORE_SOAK").is_some() {
        1
    } else {
        4
    };
    (1 + first % step..=changes).step_by(usize::try_from(step).unwrap())
}

/// Cuts the job off at every change, with what each of these seeds makes of the rest.
async fn cut_everywhere(shares: bool, seeds: &[u64]) {
    let bucket = bucket();
    let (expected, changes) = undisturbed(bucket.path(), shares).await;
    assert!(changes > 50, "the job makes {changes} changes");
    let mut cuts = 0;
    for (first, seed) in (0..).zip(seeds) {
        for at in points(changes, first) {
            let mut world = World::new(bucket.path(), shares);
            world.disk.power().plan(Plan::CutAt(at));
            // Side by side work does not always come in one order: a cut may come after the end.
            let cut = world.job().await.is_err();
            cuts += u64::from(cut);
            let struck = world.disk.power().struck();
            world.disk = world.disk.crash(*seed);
            let again = world.job().await;
            let report = again.unwrap_or_else(|failure| {
                panic!("cut at {at} ({struck:?}), seed {seed}: {failure:?}")
            });
            assert_eq!(
                world.check(&report).await,
                expected,
                "cut at {at} ({struck:?}), seed {seed}"
            );
        }
    }
    assert!(
        cuts > changes / 4,
        "only {cuts} cuts of a job of {changes} changes hit it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_anywhere_costs_nothing_where_snapshots_are_copies() {
    cut_everywhere(false, &[0, 9]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_anywhere_costs_nothing_where_snapshots_share() {
    cut_everywhere(true, &[0, 9]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_anywhere_is_typed_and_costs_nothing() {
    let bucket = bucket();
    let (expected, changes) = undisturbed(bucket.path(), true).await;
    for (first, fault) in (0..).zip([Fault::Io, Fault::NoSpace]) {
        for (second, (name, plan)) in (0..).zip([
            ("once", Plan::FailOnce as fn(u64, Fault) -> Plan),
            ("from then on", Plan::FailFrom as fn(u64, Fault) -> Plan),
        ]) {
            for at in points(changes, first * 2 + second) {
                let world = World::new(bucket.path(), true);
                world.disk.power().plan(plan(at, fault));
                let first = world.job().await;
                if let Err(failure) = &first {
                    assert_ne!(
                        failure.code, "internal",
                        "{fault:?} {name} at {at}: {failure:?}"
                    );
                }
                world.disk.power().plan(Plan::Steady);
                let report = world.job().await.unwrap_or_else(|failure| {
                    panic!("after {fault:?} {name} at {at}: {failure:?}; first {first:?}")
                });
                assert_eq!(
                    world.check(&report).await,
                    expected,
                    "{fault:?} {name} at {at}"
                );
            }
        }
    }
}
