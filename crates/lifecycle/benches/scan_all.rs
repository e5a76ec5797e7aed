//! What it takes to look again into a thousand images that are stored, and into one of real layers for the
//! first time.
//!
//! * rescan: `scan` of one image after the other, and `scan --all`, of images whose inventories are recorded:
//!   real databases of packages, held against real advisories. Their volumes are empty files, for a rescan
//!   reads none of them;
//! * inventory: the family golang of the real bucket that `LONGSHORE_FULL_BUCKET` names, else the small one
//!   that the tests use, as a sealed volume, in a process of its own whose memory is told.
//!
//! `taskset -c 0 cargo bench -p longshore-lifecycle --bench scan_all` for one core. The data are in
//! `../shared/scan` beside the workspace; what needs them is not measured where they are not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

// What the sources of advisories need, which this bench shares with the tests of `scan`.
use serde_saphyr as _;
use toml as _;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use longshore_catalog::{InventoryRow, NewLayer, SealKey, Sealing, VolumeId, VolumeKind, Writer};
use longshore_image::{ChainId, Digest};
use longshore_lifecycle::{
    Allow, BackendChoice, DEFAULT_IMAGES_AT_ONCE, DEFAULT_INFLATE_AHEAD, DEFAULT_VOLUME_SIZE,
    Events, FetchRequest, Host, ImageName, Limits, Scanning, Settings, SourceConfig, SourceUrl,
    import_advisories,
};
use longshore_scan::{INVENTORY_FORMAT, Inventory, InventoryLimits, MemoryRootfs, read_inventory};
use rusqlite::Connection;

#[path = "../../scan/tests/it/data.rs"]
mod data;
#[allow(dead_code, reason = "the tests of matching need more of them")]
#[path = "../../scan/tests/it/feeds.rs"]
mod feeds;

const IMAGES: u64 = 1_000;
const ALL_GOAL: Duration = Duration::from_secs(10);
const ONE_GOAL: Duration = Duration::from_millis(50);
const INVENTORY_GOAL: Duration = Duration::from_millis(300);
const MEMORY_GOAL: u64 = 64 << 10;

/// The argument that makes this program the process whose memory is told.
const INVENTORY: &str = "inventory-of";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<_> = env::args().collect();
    if let [_, word, state, bucket, image] = &arguments[..]
        && word == INVENTORY
    {
        return runtime.block_on(inventory_of(state.as_ref(), bucket.as_ref(), image));
    }
    let cores = std::thread::available_parallelism().unwrap();
    println!("on {cores} processors");
    if data::shared("").is_some() {
        runtime.block_on(rescans());
    }
    runtime.block_on(first_look());
}

fn place() -> tempfile::TempDir {
    let named = env::var_os("LONGSHORE_BENCH_DIR").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let dir = named.unwrap_or(default);
    fs::create_dir_all(&dir).unwrap();
    tempfile::tempdir_in(dir).unwrap()
}

fn settings(state: &Path, bucket: &Path) -> Settings {
    Settings {
        state_dir: state.to_owned(),
        source: SourceConfig::new(SourceUrl::directory(bucket)),
        backend: BackendChoice::File,
        limits: Limits::default(),
        volume_size: DEFAULT_VOLUME_SIZE,
        max_retries: 0,
        images_at_once: DEFAULT_IMAGES_AT_ONCE,
        pool_overcommit: None,
        inflate_ahead: DEFAULT_INFLATE_AHEAD,
        scanning: Scanning {
            refresh: None,
            ..Scanning::default()
        },
        offline: false,
        wait: Duration::ZERO,
        purpose: "a benchmark".into(),
    }
}

async fn open(settings: &Settings) -> Host {
    Host::open(settings.clone(), Events::new(16)).await.unwrap()
}

fn database(state: &Path) -> Connection {
    Connection::open(state.join("longshore.db")).unwrap()
}

// A thousand images.

/// Inventories of real databases: Debian with the packages of TeX Live, rpm's of 126 packages, Alpine.
fn inventories() -> Vec<Inventory> {
    let folder = data::shared("pkgdb").unwrap();
    let one = |id, version, path, file: &str| {
        let release = format!("ID={id}\nVERSION_ID={version}\n");
        let rootfs = MemoryRootfs::new().file("etc/os-release", release);
        let rootfs = rootfs.file(path, fs::read(folder.join(file)).unwrap());
        read_inventory(&rootfs, &InventoryLimits::default()).unwrap()
    };
    let (dpkg, apk) = ("var/lib/dpkg/status", "lib/apk/db/installed");
    let rpm = "var/lib/rpm/rpmdb.sqlite";
    vec![
        one("debian", "10", dpkg, "claircore-texlive.status"),
        one("almalinux", "8.10", rpm, "cbl-mariner-2.0.rpmdb.sqlite"),
        one("alpine", "3.10.9", apk, "alpine-3.10.9.installed"),
        one("alpine", "3.7.3", apk, "alpine-3.7.3.installed"),
    ]
}

/// Takes in what the inventories are held against, as the command line does.
fn bring_advisories(settings: &Settings, dir: &Path) {
    let mut folders = Vec::new();
    for (name, files) in [
        ("almalinux", feeds::almalinux()),
        ("debian", feeds::debian_updates()),
    ] {
        let folder = dir.join(name);
        fs::create_dir(&folder).unwrap();
        for (nth, (_, json)) in files.unwrap().iter().enumerate() {
            let mut record: serde_json::Value = serde_json::from_slice(json).unwrap();
            if record["modified"].is_null() {
                record["modified"] = "2023-04-02T00:00:00Z".into();
            }
            fs::write(folder.join(format!("{nth}.json")), record.to_string()).unwrap();
        }
        folders.push(folder);
    }
    import_advisories(settings, &folders).unwrap();
    for release in ["v3.7", "v3.10"] {
        let files = feeds::alpine_files(release).unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|(name, json)| {
                let path = dir.join(format!("{release}-{name}.json"));
                fs::write(&path, json).unwrap();
                path
            })
            .collect();
        import_advisories(settings, &paths).unwrap();
    }
}

/// Stores images with volumes that have nothing in them, and with recorded inventories.
fn store(state: &Path, inventories: &[Inventory]) {
    let records: Vec<_> = inventories
        .iter()
        .map(|inventory| serde_json::to_string(inventory).unwrap())
        .collect();
    let mut connection = database(state);
    let transaction = connection.transaction().unwrap();
    let write = Writer::new(&transaction);
    let size = 1 << 20;
    for (nth, record) in (0..IMAGES).zip(records.iter().cycle()) {
        let key = format!("images/{nth:04}");
        let layer = NewLayer {
            key: format!("{key}/1.tar"),
            etag: None,
            size,
        };
        let image = write.add_image("file:///bench", &key, 1, &[layer], 1, 1);
        let volume = write.reserve_volume(VolumeKind::Base, None, size, 1, 1);
        let (image, volume) = (image.unwrap(), volume.unwrap());
        let chain: ChainId = Digest::of(key.as_bytes()).to_string().parse().unwrap();
        let seal = SealKey {
            chain,
            format: 1,
            size,
            policy: "{}".to_owned(),
        };
        let sealing = Sealing {
            used: 0,
            totals: "{}",
            path: None,
        };
        write.volume_created(volume).unwrap();
        write.seal_volume(volume, &seal, &sealing).unwrap();
        write.image_volume(image, &chain, volume).unwrap();
        let inventory = InventoryRow {
            format: INVENTORY_FORMAT,
            record: record.clone(),
            read_at: 1,
        };
        write.record_inventory(volume, &inventory).unwrap();
        empty_volume(state, volume, size);
    }
    transaction.commit().unwrap();
}

fn empty_volume(state: &Path, volume: VolumeId, size: u64) {
    let file = fs::File::create(state.join(format!("volumes/{volume}.img"))).unwrap();
    file.set_len(size).unwrap();
}

async fn rescans() {
    let place = place();
    let state = place.path().join("state");
    let settings = settings(&state, place.path());
    open(&settings).await.close().await;
    bring_advisories(&settings, place.path());
    let inventories = inventories();
    let packages: Vec<_> = inventories.iter().map(|one| one.packages.len()).collect();
    store(&state, &inventories);
    let host = open(&settings).await;
    println!("rescan: {IMAGES} images of {packages:?} packages in turns, volumes of their own");
    for turn in ["the first time", "again"] {
        let (began, before) = (Instant::now(), processor_time());
        let reports = host.scan_all(&[]).await.unwrap();
        let (took, worked) = (began.elapsed(), processor_time() - before);
        assert_eq!(reports.len() as u64, IMAGES);
        let findings: usize = reports
            .into_iter()
            .map(|report| report.unwrap().findings.len())
            .sum();
        println!(
            "rescan: scan --all, {turn}: {took:.2?}, {worked:.2?} of processor time, {findings} findings; {:.2} of the {ALL_GOAL:.0?} that it may take",
            took.as_secs_f64() / ALL_GOAL.as_secs_f64(),
        );
    }
    for (nth, inventory) in inventories.iter().enumerate() {
        let mut times = Vec::new();
        for image in (nth..1_000).step_by(inventories.len()) {
            let name: ImageName = format!("images/{image:04}").parse().unwrap();
            let began = Instant::now();
            host.scan(&name, &[]).await.unwrap();
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
        println!(
            "rescan: scan of one, {} packages of {}: p50 {:.2?}, p99 {:.2?}; {:.2} of the {ONE_GOAL:.0?} that it may take",
            inventory.packages.len(),
            inventory.os.as_ref().unwrap().name,
            at(50),
            at(99),
            at(50).as_secs_f64() / ONE_GOAL.as_secs_f64(),
        );
    }
    host.close().await;
}

/// What this process has worked so far, in user and kernel.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<u64> = after_name
        .split(' ')
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    // utime and stime, in hundredths of a second (proc_pid_stat(5)).
    let ticks = fields.get(11..13).map_or(0, |both| both.iter().sum());
    Duration::from_millis(ticks * 10)
}

// One of real layers.

fn real() -> Option<(PathBuf, String)> {
    if let Some(full) = env::var_os("LONGSHORE_FULL_BUCKET") {
        return Some((full.into(), "images/golang".to_owned()));
    }
    match longshore_harbor::real::small() {
        Ok(bucket) => Some((bucket.dir.clone(), bucket.prefix.to_owned())),
        Err(why) => {
            println!("inventory: skipped: there are {why}");
            None
        }
    }
}

async fn first_look() {
    let Some((bucket, image)) = real() else {
        return;
    };
    let place = place();
    let state = place.path().join("state");
    let host = open(&settings(&state, &bucket)).await;
    let request = FetchRequest {
        image: image.parse().unwrap(),
        machine: longshore_lifecycle::MachineOptions::default(),
        activate: false,
        allow: Allow::default(),
        accept_changed: false,
    };
    let report = host.fetch_and_create(request).await.unwrap();
    host.close().await;
    // The child works in the same state directory.
    drop(host);
    println!(
        "inventory: {image} of {}, {} bytes of a volume in use",
        bucket.display(),
        report.volume.used
    );
    let child = Command::new(env::current_exe().unwrap())
        .arg(INVENTORY)
        .args([&state, &bucket])
        .arg(&image)
        .status();
    assert!(child.unwrap().success());
}

/// Looks into a volume of which nothing is recorded, over and over.
async fn inventory_of(state: &Path, bucket: &Path, image: &str) {
    let host = open(&settings(state, bucket)).await;
    let name: ImageName = image.parse().unwrap();
    let mut times = [Vec::new(), Vec::new()];
    let mut packages = 0;
    for _ in 0..20 {
        // What is not recorded is read again.
        database(state)
            .execute("DELETE FROM inventories", [])
            .unwrap();
        for times in &mut times {
            let began = Instant::now();
            packages = host
                .scan(&name, &[])
                .await
                .unwrap()
                .outcome
                .summary
                .packages;
            times.push(began.elapsed());
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    let at = |which: usize, hundredths: usize| times[which][19 * hundredths / 100];
    let read = at(0, 50).saturating_sub(at(1, 50));
    println!(
        "inventory: {packages} packages: a scan that reads them p50 {:.2?}, p99 {:.2?}, one that has them recorded {:.2?}: {read:.2?} to read, {:.2} of the {INVENTORY_GOAL:.0?} that it may take",
        at(0, 50),
        at(0, 99),
        at(1, 50),
        read.as_secs_f64() / INVENTORY_GOAL.as_secs_f64(),
    );
    let peak = peak();
    println!(
        "inventory: at most {peak} KiB of memory of the whole process, of {MEMORY_GOAL} KiB that the reading alone may take"
    );
    host.close().await;
}

/// The most that this process has had in memory, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
