//! A command over a real S3 server that is killed at a chosen moment, and what must hold when the
//! same command has been run again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use longshore_harbor::{
    readback::disk_digest,
    s3::{Operation, Options, S3Server},
};
use serde_json::Value;

use crate::place::{Ended, Place};

/// How often a running command is looked at.
const LOOK_AGAIN: Duration = Duration::from_micros(200);

/// One image behind a server, and state directories to bring it to.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) place: Place,
    pub(crate) server: S3Server,
    pub(crate) image: String,
    volume_size: &'static str,
}

/// The state directory of one trial.
pub(crate) struct State<'a> {
    trial: &'a Trial,
    pub(crate) dir: PathBuf,
}

impl Trial {
    /// Serves `bucket`, of which `image` is wanted.
    pub(crate) fn new(place: Place, bucket: &Path, image: &str) -> Self {
        let server = S3Server::start(Options::new(bucket)).unwrap();
        server.warm(image).unwrap();
        Self {
            place,
            server,
            image: image.to_owned(),
            volume_size: "1GiB",
        }
    }

    /// With volumes of this size.
    pub(crate) fn volumes_of(self, volume_size: &'static str) -> Self {
        Self {
            volume_size,
            ..self
        }
    }

    /// A state directory of that name in the place.
    pub(crate) fn state(&self, name: &str) -> State<'_> {
        self.state_in(self.place.path(name))
    }

    /// A state directory anywhere.
    pub(crate) fn state_in(&self, dir: PathBuf) -> State<'_> {
        State { trial: self, dir }
    }
}

impl State<'_> {
    /// The binary over the server; the one that `LONGSHORE_BIN` names, if it names one.
    pub(crate) fn longshore(&self, arguments: &[&str]) -> Command {
        let trial = self.trial;
        let ours = trial.place.longshore(arguments);
        let mut command = match std::env::var_os("LONGSHORE_BIN") {
            None => ours,
            Some(program) => {
                let mut other = Command::new(program);
                let set = ours
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?)));
                other.args(ours.get_args()).env_clear().envs(set);
                other.current_dir(trial.place.root());
                other
            }
        };
        command
            .env("LONGSHORE_STATE_DIR", &self.dir)
            .env("LONGSHORE_BUCKET", trial.server.bucket())
            .env("LONGSHORE_ENDPOINT", trial.server.endpoint())
            .env("LONGSHORE_ADVISORIES_REFRESH", "never")
            .env("LONGSHORE_ALLOW_UNPROVEN", "true")
            .env("LONGSHORE_VOLUME_SIZE", trial.volume_size);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.longshore(arguments).output().unwrap())
    }

    /// The command whose crash must cost nothing, to its end.
    pub(crate) fn fetch_and_create(&self) -> Ended {
        self.run(&["fetch-and-create", &self.trial.image, "-o", "json"])
    }

    /// The same command, begun.
    pub(crate) fn begin(&self) -> Running<'_> {
        let arguments = ["fetch-and-create", &self.trial.image, "-o", "json"];
        let mut command = self.longshore(&arguments);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Running {
            state: self,
            child,
            lines,
            began: Instant::now(),
            seen: Seen::default(),
            log: 0,
            said: Vec::new(),
        }
    }

    /// Files that a listing of `name` in the state directory shows.
    pub(crate) fn names(&self, name: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.dir.join(name)).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// The bytes of each key that are not to be fetched again.
    pub(crate) fn durable(&self) -> BTreeMap<String, u64> {
        let mut durable = BTreeMap::new();
        let partials = self.dir.join("blobs/partial");
        for name in self.names("blobs/partial") {
            let Some(data) = name.strip_suffix(".json") else {
                continue;
            };
            // One that is whole by now is no partial blob any more.
            let Ok(text) = fs::read_to_string(partials.join(&name)) else {
                continue;
            };
            let record: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
            let ranges = record["durable"].as_array().unwrap().iter();
            let length =
                |range: &Value| range["end"].as_u64().unwrap() - range["start"].as_u64().unwrap();
            if partials.join(data).exists() {
                let key = record["locator"]["key"].as_str().unwrap().to_owned();
                durable.insert(key, ranges.map(length).sum());
            }
        }
        durable
    }

    /// Everything below the state directory, by its path in it. What goes while it is looked at is
    /// left out.
    fn entries(&self) -> Vec<(String, fs::Metadata)> {
        let (mut found, mut left) = (Vec::new(), vec![self.dir.clone()]);
        while let Some(dir) = left.pop() {
            let entries = fs::read_dir(dir).into_iter().flatten();
            for entry in entries.map_while(Result::ok) {
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                if metadata.is_dir() {
                    left.push(entry.path());
                }
                let path = entry.path();
                let name = path.strip_prefix(&self.dir).unwrap().to_str().unwrap();
                found.push((name.to_owned(), metadata));
            }
        }
        found
    }

    /// Bytes on disk.
    pub(crate) fn allocated(&self) -> u64 {
        let entries = self.entries().into_iter();
        entries.map(|(_, found)| found.blocks() * 512).sum()
    }

    /// Directories that a state directory does not always have.
    pub(crate) fn directories(&self) -> BTreeSet<String> {
        let own = "advisories blobs blobs/sha256 blobs/partial blobs/receipts volumes machines";
        let entries = self.entries().into_iter();
        entries
            .filter(|(name, found)| found.is_dir() && !own.split(' ').any(|own| own == name))
            .map(|(name, _)| name)
            .collect()
    }

    /// Every file, by its path in the state directory.
    fn files(&self) -> BTreeSet<String> {
        let entries = self.entries().into_iter();
        entries
            .filter(|(_, found)| !found.is_dir())
            .map(|(name, _)| name)
            .collect()
    }

    /// Runs the command once more, without a fault, and checks that the crash before it cost
    /// nothing: it finishes, fetches nothing that was durable, leaves one image and no file that
    /// the catalogue does not know, and volumes with the bytes of `undisturbed`.
    pub(crate) fn finish(&self, undisturbed: &Disks) -> Ended {
        let (server, image) = (&self.trial.server, &self.trial.image);
        let durable = self.durable();
        let here = self.names("blobs/sha256");
        server.clear_faults();
        server.forget_requests();
        let ended = self.fetch_and_create().expect(0);
        for layer in ended.json()["layers"].as_array().unwrap() {
            let (key, digest) = (&layer["key"], &layer["digest"]);
            let (key, digest) = (key.as_str().unwrap(), digest.as_str().unwrap());
            let kept = durable.get(key).copied().unwrap_or_default();
            let missing = match here.contains(digest.strip_prefix("sha256:").unwrap()) {
                true => 0,
                false => layer["size"].as_u64().unwrap() - kept,
            };
            let sent = server.bytes_of(key);
            assert!(
                sent <= missing,
                "{key}: {sent} bytes were fetched, and only {missing} were not durable; \
                 blobs: {here:?}"
            );
        }
        assert!(server.count(Operation::List) <= 1, "{image}");
        assert_eq!(self.disks(), *undisturbed);
        self.is_tidy();
        ended
    }

    /// Checks that one image is here, and what is known of it is all that there is.
    fn is_tidy(&self) {
        let list = self.run(&["list", "-o", "json"]).expect(0).json();
        let images = list.as_array().unwrap();
        assert_eq!(images.len(), 1, "{list}");
        assert_eq!(images[0]["image"], self.trial.image.as_str());
        assert_eq!(images[0]["status"], "unproven");

        let show = self.show();
        let mut known = BTreeSet::from(["VERSION", "lock", "longshore.db"].map(str::to_owned));
        let number = |value: &Value| value.as_u64().unwrap();
        for layer in show["layer_details"].as_array().unwrap() {
            let digest = layer["digest"].as_str().unwrap();
            known.insert(digest.replace("sha256:", "blobs/sha256/"));
        }
        for volume in show["volumes"].as_array().unwrap() {
            assert_eq!(volume["state"], "sealed", "{show}");
            known.insert(format!("volumes/{}.img", number(&volume["id"])));
        }
        for machine in show["machines"].as_array().unwrap() {
            known.insert(format!("volumes/{}.img", number(&machine["volume"])));
            known.insert(format!(
                "machines/{}.img",
                machine["name"].as_str().unwrap()
            ));
        }
        let mut files = self.files();
        // SQLite's own, as long as the last who opened the database did not close it.
        files.retain(|file| !matches!(file.as_str(), "longshore.db-wal" | "longshore.db-shm"));
        assert_eq!(files, known);
    }

    /// What `show` says of the image.
    pub(crate) fn show(&self) -> Value {
        self.run(&["show", &self.trial.image, "-o", "json"])
            .expect(0)
            .json()
    }

    /// The disks of the image by content.
    pub(crate) fn disks(&self) -> Disks {
        let show = self.show();
        let digest = |value: &Value| disk_digest(Path::new(value.as_str().unwrap())).unwrap();
        let volume = |volume: &Value| {
            let chain = volume["chain_id"].as_str().unwrap().to_owned();
            (chain, digest(&volume["path"]))
        };
        Disks {
            volumes: show["volumes"]
                .as_array()
                .unwrap()
                .iter()
                .map(volume)
                .collect(),
            machine: digest(&show["machines"][0]["path"]),
        }
    }
}

/// Digests of the volumes of an image by their chains, and of its machine's disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disks {
    pub(crate) volumes: BTreeMap<String, String>,
    pub(crate) machine: String,
}

/// What a running command has done so far, as far as it can be seen from outside.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Lines on its standard error.
    pub(crate) lines: usize,
    /// Times that its database's log was seen to have changed its length: at most as often as it
    /// has committed.
    pub(crate) commits: usize,
    /// Requests that it made.
    pub(crate) requests: usize,
    /// Blobs that have their names.
    pub(crate) blobs: usize,
    /// Volumes that have their names.
    pub(crate) volumes: usize,
    /// Machines that have their paths.
    pub(crate) machines: usize,
    /// Time since its start.
    pub(crate) elapsed: Duration,
}

/// A command at work.
pub(crate) struct Running<'a> {
    state: &'a State<'a>,
    child: Child,
    lines: Receiver<String>,
    began: Instant,
    seen: Seen,
    log: u64,
    said: Vec<String>,
}

impl Running<'_> {
    /// Watches it until `reached` says so, or until it has closed its standard error; true in the
    /// first case. `reached` is also given the process, for what can be asked of that.
    pub(crate) fn watch(&mut self, mut reached: impl FnMut(&Seen, &Child) -> bool) -> bool {
        loop {
            let line = self.lines.recv_timeout(LOOK_AGAIN);
            let has_ended = matches!(line, Err(RecvTimeoutError::Disconnected));
            if let Ok(line) = line {
                self.seen.lines += 1;
                self.said.push(line);
            }
            self.look();
            if reached(&self.seen, &self.child) {
                return true;
            }
            if has_ended {
                return false;
            }
        }
    }

    fn look(&mut self) {
        let state = self.state;
        let log = fs::metadata(state.dir.join("longshore.db-wal"));
        let log = log.map_or(self.log, |found| found.len());
        if log != self.log {
            (self.seen.commits, self.log) = (self.seen.commits + 1, log);
        }
        self.seen.requests = state.trial.server.requests().len();
        self.seen.blobs = state.names("blobs/sha256").len();
        let volumes = state.names("volumes");
        self.seen.volumes = volumes.iter().filter(|name| name.ends_with(".img")).count();
        self.seen.machines = state.names("machines").len();
        self.seen.elapsed = self.began.elapsed();
    }

    /// Kills it with SIGKILL as soon as `reached` says so. False where it had finished before.
    pub(crate) fn kill_when(mut self, mut reached: impl FnMut(&Seen) -> bool) -> bool {
        self.watch(|seen, _| reached(seen));
        // Without effect on one that has ended.
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(
            status.success() || status.code().is_none(),
            "{status}: {:#?}",
            self.said
        );
        !status.success()
    }

    /// Lets it end, and tells what was seen.
    pub(crate) fn end(mut self) -> (ExitStatus, Seen) {
        self.watch(|_, _| false);
        (self.child.wait().unwrap(), self.seen)
    }
}
