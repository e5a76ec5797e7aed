//! A place for one test: a bucket behind a real S3 server, and state directories beside it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use longshore_harbor::{
    family::{Family, Packing},
    readback,
    s3::{Operation, Options, S3Server},
};
use longshore_lifecycle::{
    Allow, Auth, BackendChoice, Events, Failure, FetchRequest, Host, ImageDetail, ImageName,
    ImageReport, ImageSummary, Limits, Scanning, Settings, SourceConfig, SourceUrl, Status, View,
};
use tempfile::TempDir;

/// A bucket behind a server, and room for state directories.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) server: S3Server,
}

impl Place {
    /// An empty bucket.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let bucket = dir.path().join("bucket");
        fs::create_dir(&bucket).unwrap();
        let server = S3Server::start(Options::new(bucket)).unwrap();
        Self { dir, server }
    }

    /// A bucket that holds these, as plain archives.
    pub(crate) fn with(families: &[Family]) -> Self {
        let place = Self::new();
        for family in families {
            place.put(family, Packing::Plain);
        }
        place
    }

    /// A bucket that is somewhere already.
    pub(crate) fn over(bucket: &Path) -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            server: S3Server::start(Options::new(bucket)).unwrap(),
        }
    }

    pub(crate) fn put(&self, family: &Family, packing: Packing) -> Vec<PathBuf> {
        family.write(self.server.dir(), packing).unwrap()
    }

    /// Settings over the server, with a state directory of this name, a small volume and no
    /// patience.
    pub(crate) fn settings(&self, state: &str) -> Settings {
        let mut source = SourceConfig::new(SourceUrl::bucket(self.server.bucket()).unwrap());
        source.endpoint = Some(self.server.endpoint().parse().unwrap());
        source.path_style = Some(true);
        source.auth = Auth::Anonymous;
        source.max_retries = 1;
        source.backoff.first = Duration::from_millis(1);
        source.backoff.cap = Duration::from_millis(10);
        Settings {
            state_dir: self.path(state),
            source,
            backend: BackendChoice::File,
            limits: Limits::default(),
            volume_size: 1 << 30,
            max_retries: 0,
            images_at_once: longshore_lifecycle::DEFAULT_IMAGES_AT_ONCE,
            pool_overcommit: None,
            inflate_ahead: longshore_lifecycle::DEFAULT_INFLATE_AHEAD,
            scanning: unwatched(),
            offline: false,
            wait: Duration::ZERO,
            purpose: "a test".into(),
        }
    }

    /// The same over the bucket's folder, without a server.
    pub(crate) fn settings_of_folder(&self, state: &str) -> Settings {
        Settings {
            source: SourceConfig::new(SourceUrl::directory(self.server.dir())),
            ..self.settings(state)
        }
    }

    pub(crate) async fn host(&self, state: &str) -> Host {
        open(self.settings(state)).await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn state(&self, name: &str) -> State {
        State(self.path(name))
    }

    /// Every request so far: what was asked, of which key.
    pub(crate) fn asked(&self) -> Vec<(Operation, String)> {
        let requests = self.server.requests().into_iter();
        requests
            .map(|exchange| (exchange.operation, exchange.key))
            .collect()
    }

    /// The keys that were fetched so far, each once, in the order of their names.
    pub(crate) fn fetched(&self) -> Vec<String> {
        let asked = self.asked().into_iter();
        let mut keys: Vec<String> = asked
            .filter(|(operation, _)| *operation != Operation::List)
            .map(|(_, key)| key)
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    pub(crate) fn size_of(&self, key: &str) -> u64 {
        fs::metadata(self.server.path(key)).unwrap().len()
    }
}

/// Nobody is asked for advisories, and whatever is found, machines are made: most tests are about other
/// things than what is in an image.
pub(crate) fn unwatched() -> Scanning {
    Scanning {
        refresh: None,
        allow: Allow {
            vulnerable: true,
            unproven: true,
        },
        ..Scanning::default()
    }
}

/// A host that nobody listens to.
pub(crate) async fn open(settings: Settings) -> Host {
    Host::open(settings, Events::new(16)).await.unwrap()
}

pub(crate) fn image(name: &str) -> ImageName {
    name.parse().unwrap()
}

/// An image without a machine.
pub(crate) fn only(name: &str) -> FetchRequest {
    FetchRequest {
        image: image(name),
        machine: longshore_lifecycle::MachineOptions::default(),
        activate: false,
        allow: Allow::default(),
        accept_changed: false,
    }
}

/// An image and its machine.
pub(crate) fn with_machine(name: &str) -> FetchRequest {
    FetchRequest {
        activate: true,
        ..only(name)
    }
}

pub(crate) async fn fetch(host: &Host, name: &str) -> ImageReport {
    host.fetch_and_create(only(name)).await.unwrap()
}

pub(crate) async fn refused(host: &Host, name: &str) -> Failure {
    host.fetch_and_create(only(name)).await.unwrap_err()
}

pub(crate) fn volume(report: &ImageReport) -> PathBuf {
    report.volume.path.clone().unwrap().into()
}

/// What the report's volume holds, as one digest.
pub(crate) fn digest(report: &ImageReport) -> String {
    readback::disk_digest(&volume(report)).unwrap()
}

/// A state directory, seen from outside.
#[derive(Debug)]
pub(crate) struct State(PathBuf);

impl State {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Has the catalogue think that it has given out ids of volumes up to this one.
    pub(crate) fn gave_out(&self, id: i64) {
        let connection = rusqlite::Connection::open(self.path("longshore.db")).unwrap();
        connection
            .execute("DELETE FROM sqlite_sequence WHERE name = 'volumes'", [])
            .unwrap();
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('volumes', ?1)";
        connection.execute(sql, [id]).unwrap();
    }

    /// The names in one of its folders.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Everything that writing to a volume or a machine would change of its file.
    pub(crate) fn stamps(&self) -> BTreeMap<String, [i64; 6]> {
        let mut stamps = BTreeMap::new();
        for folder in ["volumes", "machines"] {
            for name in self.names(folder) {
                let path = format!("{folder}/{name}");
                let found = fs::symlink_metadata(self.path(&path)).unwrap();
                let stamp = [
                    i64::try_from(found.ino()).unwrap(),
                    i64::try_from(found.blocks()).unwrap(),
                    found.mtime(),
                    found.mtime_nsec(),
                    found.ctime(),
                    found.ctime_nsec(),
                ];
                stamps.insert(path, stamp);
            }
        }
        stamps
    }

    pub(crate) fn view(&self) -> View {
        View::open(&self.0).unwrap().unwrap()
    }

    pub(crate) fn list(&self) -> Vec<ImageSummary> {
        self.view().list().unwrap()
    }

    pub(crate) fn show(&self, name: &str) -> ImageDetail {
        self.view().show(&image(name), None).unwrap()
    }

    /// Checks that there is nothing half done: no file of a volume that the catalogue does not hold
    /// sealed or as a machine's disk, and no partial blob but of an image that failed, which goes
    /// on where it was stopped.
    #[track_caller]
    pub(crate) fn assert_tidy(&self) {
        let listed = self.list();
        if listed.iter().all(|row| row.status != Status::Failed) {
            assert_eq!(self.names("blobs/partial"), [""; 0]);
        }
        let mut known: Vec<String> = Vec::new();
        for summary in listed {
            let detail = self.show(&summary.image);
            for volume in &detail.volumes {
                assert_eq!(volume.state, "sealed", "{volume:?}");
                known.push(format!("{}.img", volume.volume.id));
            }
            let disks = summary.machines.iter();
            known.extend(disks.map(|machine| format!("{}.img", machine.volume)));
        }
        for name in self.names("volumes") {
            assert!(known.contains(&name), "{name} is not one of {known:?}");
        }
    }
}
