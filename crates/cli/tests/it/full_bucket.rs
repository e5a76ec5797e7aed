//! The golang family of a full bucket, a gigabyte of real packages: what it costs in memory and on
//! disk, and that it is right. Only with `LONGSHORE_SOAK=1`, over the bucket that
//! `LONGSHORE_FULL_BUCKET` names.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use longshore_harbor::{
    oracle,
    readback::{fsck, manifest},
    s3::Operation,
};
use serde_json::Value;

use crate::{
    place::Place,
    soak::{is_soak, record},
    trial::{State, Trial},
};

/// The most memory that the process may ever have had, in KiB.
const MOST_MEMORY: u64 = 128 * 1024;
/// Bytes beside blobs and volumes: the database, its log, directories.
const BESIDE: u64 = 16 << 20;

#[test]
fn a_gigabyte_costs_little_memory_and_no_more_disk_than_it_must() {
    let bucket = match (is_soak(), std::env::var_os("LONGSHORE_FULL_BUCKET")) {
        (true, Some(bucket)) => PathBuf::from(bucket),
        _ => {
            println!("skipped: it is for LONGSHORE_SOAK=1 with a bucket in LONGSHORE_FULL_BUCKET");
            return;
        }
    };
    let trial = Trial::new(Place::new(), &bucket, "images/golang").volumes_of("8GiB");
    let server = &trial.server;
    server.warm("images/node").unwrap();
    let state = trial.state("state");

    let began = Instant::now();
    let mut running = state.begin();
    let (mut peak, mut most_on_disk, mut odd) = (0, 0, BTreeSet::new());
    let mut looked = Duration::ZERO;
    running.watch(|seen, child| {
        peak = peak.max(peak_memory(child));
        // Looking at every file is dearer than looking at the process.
        if seen.elapsed > looked + Duration::from_millis(100) {
            looked = seen.elapsed;
            most_on_disk = most_on_disk.max(state.allocated());
            odd.extend(state.directories());
        }
        false
    });
    let (status, _) = running.end();
    let took = began.elapsed();
    assert!(status.success(), "{status}");
    let bytes = layer_sizes(&state).iter().sum::<u64>();
    assert!(peak > 0);
    record(
        "images/golang of the full bucket: fetch-and-create",
        0,
        bytes,
        took,
        &format!("{peak} KiB of memory at most, {most_on_disk} bytes on disk at most"),
    );
    assert!(peak <= MOST_MEMORY, "{peak} KiB");

    odd.extend(state.directories());
    assert_eq!(odd, BTreeSet::new(), "directories that are none of ours");
    let show = state.show();
    let path = |value: &Value| PathBuf::from(value["path"].as_str().unwrap());
    let (volume, machine) = (path(&show["volume"]), path(&show["machines"][0]));
    let wanted = bytes + allocated(&volume) + allocated(&machine);
    let on_disk = state.allocated().max(most_on_disk);
    assert!(
        on_disk <= wanted + BESIDE,
        "{on_disk} bytes on disk; blobs, volume and machine take {wanted}"
    );
    record(
        "the same: bytes on disk",
        0,
        on_disk,
        took,
        &format!("{wanted} allowed"),
    );

    fsck(&machine).unwrap();
    fsck(&volume).unwrap();
    let layers: Vec<_> = (1..=5)
        .map(|number| bucket.join(format!("images/golang/{number}.tar")))
        .collect();
    let began = Instant::now();
    let expected = oracle::manifest(&layers).unwrap();
    let found = manifest(&machine).unwrap();
    expected.assert_same(&found);
    let paths = u64::try_from(found.len()).unwrap();
    record(
        "the same: paths as the oracle has them",
        0,
        paths,
        began.elapsed(),
        "all",
    );

    server.forget_requests();
    let began = Instant::now();
    state.run(&["fetch-and-create", "images/golang"]).expect(0);
    assert_eq!(server.count(Operation::Get), 0);
    assert_eq!(server.count(Operation::List), 1);
    record("the same again", 0, 1, began.elapsed(), "one LIST, no GET");

    let began = Instant::now();
    let node = state
        .run(&["fetch-and-create", "images/node", "-o", "json"])
        .expect(0)
        .json();
    let took = began.elapsed();
    for number in 1..=3 {
        assert_eq!(server.bytes_of(&format!("images/node/{number}.tar")), 0);
    }
    let fetched: u64 = (4..=5)
        .map(|number| {
            let size = std::fs::metadata(bucket.join(format!("images/node/{number}.tar")));
            let sent = server.bytes_of(&format!("images/node/{number}.tar"));
            assert_eq!(sent, size.unwrap().len(), "layer {number}");
            sent
        })
        .sum();
    fsck(&path(&node["machine"])).unwrap();
    record(
        "images/node after it: bytes fetched",
        0,
        fetched,
        took,
        "layers 4 and 5 only",
    );
}

/// The most memory a process has had so far, in KiB; 0 once it is gone.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().strip_suffix(" kB"))
        .map_or(0, |text| text.parse().unwrap())
}

fn layer_sizes(state: &State<'_>) -> Vec<u64> {
    let show = state.show();
    let layers = show["layer_details"].as_array().unwrap().iter();
    layers
        .map(|layer| layer["size"].as_u64().unwrap())
        .collect()
}

fn allocated(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).unwrap().blocks() * 512
}
