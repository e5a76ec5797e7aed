//! What scanning costs, with advisories and databases of packages that are real.
//!
//! * import: the records of a publisher to the file of a shard, from memory, and how large that is;
//! * load: that file to advisories, against the least that reading it costs: its bytes and their SHA-256;
//! * inventory: a database of packages to the packages in it;
//! * match: packages against advisories at hand, against the same by a loop over all advisories.
//!
//! `cargo bench -p longshore-scan --bench scan`. The data are in `../shared/scan` beside the workspace; where
//! they are not, there is nothing to measure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use longshore_scan::{
    Advisories, End, Imported, Inventory, InventoryLimits, MemoryRootfs, Package, PackageKind,
    Shard, Stream, compare_versions, import_osv, match_inventory, read_inventory,
};

#[path = "../tests/it/data.rs"]
mod data;
#[allow(dead_code, reason = "the tests of matching need more of them")]
#[path = "../tests/it/feeds.rs"]
mod feeds;

/// What a thousand packages may take to be matched, and what all advisories may take on disk.
const MATCH_GOAL: Duration = Duration::from_millis(10);
const STORE_GOAL: u64 = 16_000_000;

const PACKAGES: usize = 1_000;
const ROUNDS: usize = 200;
/// The loop without an index takes seconds.
const ROUNDS_OF_PEER: usize = 3;

/// 2026-11-26T00:00:00Z.
const NOW: i64 = 1_795_651_200_000;

fn main() {
    if data::shared("").is_none() {
        return;
    }
    let shards = import();
    load(&shards);
    inventories();
    let advisories: Advisories = shards.into_iter().collect();
    for inventory in thousands(&advisories) {
        matching(&inventory, &advisories);
    }
}

/// Brings everything in, and says what that takes.
fn import() -> Vec<Shard> {
    let mut shards = Vec::new();
    let mut stored = 0;
    let osv = [
        ("AlmaLinux", feeds::almalinux(), "2026-08-21"),
        ("Go", feeds::go(), "2026-08-21"),
        ("PyPI", feeds::pypi(), "2024-10-10"),
        ("crates.io", feeds::rustsec(), "2026-08-21"),
        (
            "Debian's DSA and DLA",
            feeds::debian_updates(),
            "2023-04-02",
        ),
    ];
    for (name, files, dated) in osv {
        let files = files.unwrap();
        let bytes = files.iter().map(|(_, json)| json.len()).sum();
        let (took, imported) = timed(|| {
            let files = files
                .iter()
                .map(|(name, json)| (name.as_str(), json.as_slice()));
            import_osv(files, &feeds::source(dated)).unwrap()
        });
        stored += imported_is(name, bytes, took, &imported);
        shards.extend(imported.shards);
    }
    for release in 3..=11 {
        let release = format!("v3.{release}");
        let (took, imported) = timed(|| feeds::alpine(&release).unwrap());
        let name = format!("Alpine {release}, reading its YAML");
        stored += imported_is(&name, 0, took, &imported);
        shards.extend(imported.shards);
    }
    println!(
        "store: {stored} bytes in all, {:.2} of the {STORE_GOAL} that it may be",
        ratio(stored, STORE_GOAL)
    );
    shards
}

fn imported_is(name: &str, bytes: usize, took: Duration, imported: &Imported) -> u64 {
    let (encoding, files) = timed(|| {
        let files = imported.shards.iter().map(Shard::encode);
        files.map(|file| file.len() as u64).sum::<u64>()
    });
    let report = &imported.report;
    println!(
        "import: {name}: {} records ({bytes} bytes), {} entries in {took:.0?}, encoded in {encoding:.0?} to {files} bytes",
        report.records, report.entries
    );
    files
}

/// Loads each of the larger shards from its file.
fn load(shards: &[Shard]) {
    let dir = tempfile::tempdir().unwrap();
    for shard in shards.iter().filter(|shard| shard.len() > 2_000) {
        let path = dir.path().join("shard");
        fs::write(&path, shard.encode()).unwrap();
        let loaded = times(50, || Shard::decode(&fs::read(&path).unwrap()).unwrap());
        let least = times(50, || {
            let bytes = fs::read(&path).unwrap();
            ring::digest::digest(&ring::digest::SHA256, &bytes)
        });
        println!(
            "load: {} ({} entries): {loaded}, {:.1} of reading and hashing it ({least})",
            shard.stream(),
            shard.len(),
            loaded.p50.as_secs_f64() / least.p50.as_secs_f64(),
        );
    }
}

/// A root filesystem with an operating system and one file of its packages.
fn rootfs(id: &str, version: &str, path: &str, database: &str) -> MemoryRootfs {
    let bytes = fs::read(data::shared("pkgdb").unwrap().join(database)).unwrap();
    let release = format!("ID={id}\nVERSION_ID={version}\n");
    MemoryRootfs::new()
        .file("etc/os-release", release)
        .file(path, bytes)
}

fn texlive() -> MemoryRootfs {
    rootfs(
        "debian",
        "10",
        "var/lib/dpkg/status",
        "claircore-texlive.status",
    )
}

fn mariner() -> MemoryRootfs {
    let (path, database) = ("var/lib/rpm/rpmdb.sqlite", "cbl-mariner-2.0.rpmdb.sqlite");
    rootfs("almalinux", "8.10", path, database)
}

fn read(rootfs: &MemoryRootfs) -> Inventory {
    read_inventory(rootfs, &InventoryLimits::default()).unwrap()
}

fn inventories() {
    for (name, rootfs) in [
        ("dpkg of texlive", texlive()),
        ("rpm of Mariner", mariner()),
    ] {
        let took = times(50, || read(&rootfs));
        println!(
            "inventory: {name}: {} packages: {took}",
            read(&rootfs).packages.len()
        );
    }
}

/// Inventories of a thousand packages: of a real image and more of its kind, and of those of which most
/// is known, each in a version that all of it is about.
fn thousands(advisories: &Advisories) -> Vec<Inventory> {
    let mut debian = read(&texlive());
    let stream = debian.os.as_ref().unwrap().stream().unwrap();
    let shard = advisories.of(&stream).unwrap();
    let known: BTreeSet<&str> = shard.entries().map(|(name, _)| name).collect();
    let room = PACKAGES - debian.packages.len();
    let model = debian.packages[0].clone();
    let more = known
        .iter()
        .cycle()
        .zip(0..room)
        .map(|(name, nth)| Package {
            name: format!("{name}-{nth}"),
            version: "1:1.0-1".to_owned(),
            source: Some(longshore_scan::Source {
                name: (*name).to_owned(),
                version: "1:1.0-1".to_owned(),
            }),
            ..model.clone()
        });
    debian.packages.extend(more.collect::<Vec<_>>());

    let mut almalinux = read(&mariner());
    let stream = almalinux.os.as_ref().unwrap().stream().unwrap();
    let mut entries: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in advisories.of(&stream).unwrap().entries() {
        *entries.entry(name).or_default() += 1;
    }
    let mut most: Vec<_> = entries
        .into_iter()
        .map(|(name, entries)| (entries, name))
        .collect();
    most.sort_by(|a, b| b.cmp(a));
    let model = almalinux.packages[0].clone();
    let oldest = |(_, name): &(usize, &str)| Package {
        kind: PackageKind::Rpm,
        name: (*name).to_owned(),
        version: "0-1.el8".to_owned(),
        ..model.clone()
    };
    almalinux.packages = most.iter().take(PACKAGES).map(oldest).collect();
    vec![debian, almalinux]
}

fn matching(inventory: &Inventory, advisories: &Advisories) {
    let match_all = || match_inventory(inventory, advisories, NOW, 30);
    let findings = match_all().findings.len();
    let took = times(ROUNDS, match_all);
    let stream = inventory.os.as_ref().unwrap().stream().unwrap();
    let shard = advisories.of(&stream).unwrap();
    let peer = times(ROUNDS_OF_PEER, || without_index(inventory, shard, &stream));
    println!(
        "match: {} packages against {stream} ({} entries), {findings} findings: {took}; {:.2} of the {MATCH_GOAL:.0?} that it may take, {:.4} of a loop over all advisories ({peer})",
        inventory.packages.len(),
        shard.len(),
        took.p50.as_secs_f64() / MATCH_GOAL.as_secs_f64(),
        took.p50.as_secs_f64() / peer.p50.as_secs_f64(),
    );
}

/// How many advisories are about the packages, as a program finds that which keeps them in a list.
fn without_index(inventory: &Inventory, shard: &Shard, stream: &Stream) -> usize {
    let scheme = stream.ecosystem.scheme();
    let mut found = 0;
    for package in &inventory.packages {
        let (name, version) = match stream.ecosystem.by_source() {
            true => (package.source_name(), package.source_version()),
            false => (package.name.as_str(), package.version.as_str()),
        };
        let about = shard.entries().filter(|(of, _)| *of == name);
        found += about
            .filter(|(_, entry)| {
                entry.ranges().any(|range| match range.end {
                    End::Fixed(fixed) => {
                        compare_versions(scheme, version, fixed).is_ok_and(|order| order.is_lt())
                    }
                    _ => true,
                })
            })
            .count();
    }
    found
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed(), done)
}

/// How long something took: the half and all but one of a hundred times at most.
struct Times {
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.2?}, p99 {:.2?}", self.p50, self.p99)
    }
}

fn times<T>(rounds: usize, mut work: impl FnMut() -> T) -> Times {
    // Once for what is done only once.
    black_box(work());
    let mut times: Vec<_> = (0..rounds).map(|_| timed(|| black_box(work())).0).collect();
    times.sort_unstable();
    let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    Times {
        p50: at(50),
        p99: at(99),
    }
}

#[expect(clippy::cast_precision_loss, reason = "some millions of bytes")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to as f64
}
