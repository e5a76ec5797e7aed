//! The power goes out, or the disk fails, at every change that a fetch makes to it.

use std::{fs, ops::Range, sync::Arc};

use longshore_durable::{Dir, Failure, Mode, Plan, Power, Simulated};
use longshore_image::Digest;
use longshore_source::{Blob, BlobStore, FetchError, Locator, Source, SourceConfig, SourceUrl};
use tokio_util::sync::CancellationToken;

use crate::support::{bytes, content, locate, small, store_in};

/// Everything lost, everything kept, names only, bytes only, and two draws.
const SEEDS: [u64; 6] = [0, 1, 2, 3, 11, 12];

/// A layer in a directory, fetched in many small ranges with a checkpoint after each.
struct Layer {
    _directory: tempfile::TempDir,
    source: Arc<Source>,
    locator: Locator,
    bytes: Vec<u8>,
}

impl Layer {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bytes = bytes(50_000, 3);
        fs::create_dir(directory.path().join("go")).unwrap();
        fs::write(directory.path().join("go/1.tar"), &bytes).unwrap();
        let mut config = SourceConfig::new(SourceUrl::directory(directory.path()));
        config.transfer.range = 12_000;
        config.transfer.concurrency = 2;
        config.transfer.checkpoint_bytes = 1;
        let source = Source::connect(&config).unwrap();
        let locator = locate(&source, "go").await;
        Self {
            _directory: directory,
            source,
            locator,
            bytes,
        }
    }

    async fn fetch(&self, disk: &Simulated) -> Result<Blob, FetchError> {
        let store = BlobStore::open(disk)?;
        store
            .fetch(&self.source, &self.locator, None, &CancellationToken::new())
            .proven()
            .await
    }

    /// What holds at every instant.
    fn check(&self, disk: &Simulated, when: &str) {
        let store = store_in(disk);
        for blob in store.list().unwrap().blobs {
            assert!(
                content(&store, &blob.digest) == self.bytes,
                "half a blob {when}"
            );
            assert_eq!(blob.digest, Digest::of(&self.bytes), "a false blob {when}");
        }
        let partials = disk.dir("partial").unwrap();
        for partial in store.partials().unwrap() {
            if partial.durable == 0 {
                continue;
            }
            let data = partials.open(&partial.id.to_hex(), Mode::Read).unwrap();
            for Range { start, end } in recorded(&*partials, &format!("{}.json", partial.id)) {
                let there = small(start)..small(end);
                if data.len().unwrap() < end {
                    // Too short to be of this sidecar, and so not believed.
                    continue;
                }
                let mut found = vec![0; there.len()];
                data.read_at(start, &mut found).unwrap();
                // Not `assert_eq!`: nobody wants to read thousands of bytes.
                let wrong = found
                    .iter()
                    .zip(&self.bytes[there])
                    .position(|(a, b)| a != b);
                assert_eq!(
                    wrong, None,
                    "within {start}..{end}, which is recorded, {when}"
                );
            }
        }
    }

    /// After any accident: the same fetch again brings the object and leaves nothing else.
    async fn recovers(&self, disk: &Simulated, when: &str) {
        self.check(disk, when);
        let blob = self
            .fetch(disk)
            .await
            .unwrap_or_else(|error| panic!("{when}: {error:?}"));
        assert_eq!(blob.digest, Digest::of(&self.bytes), "{when}");
        assert_eq!(blob.fetched_bytes + blob.resumed_bytes, 50_000, "{when}");
        let store = store_in(disk);
        assert!(content(&store, &blob.digest) == self.bytes, "{when}");
        assert_eq!(store.partials().unwrap(), [], "{when}");
        assert_eq!(store.list().unwrap().foreign, [""; 0], "{when}");
        // What was said to be done is done for good.
        let after = store_in(&disk.crash(0));
        assert!(content(&after, &blob.digest) == self.bytes, "lost {when}");
        assert_eq!(after.partials().unwrap(), [], "{when}");
    }
}

/// The ranges in a sidecar, as they are written there.
fn recorded(partials: &dyn Dir, name: &str) -> Vec<Range<u64>> {
    let file = partials.open(name, Mode::Read).unwrap();
    let mut text = vec![0; small(file.len().unwrap())];
    file.read_at(0, &mut text).unwrap();
    let line = text.split(|&byte| byte == b'\n').next().unwrap();
    let record: serde_json::Value = serde_json::from_slice(line).unwrap();
    serde_json::from_value(record["durable"].clone()).unwrap()
}

/// Runs the fetch with something going wrong at the 1st change, the 2nd, and so on until none
/// does.
async fn at_every_change(
    layer: &Layer,
    plan: impl Fn(u64) -> Plan,
    then: impl AsyncFn(u64, Simulated, Result<Blob, FetchError>),
) -> u64 {
    for number in 1.. {
        let disk = Simulated::new();
        disk.power().plan(plan(number));
        let outcome = layer.fetch(&disk).await;
        let struck = disk.power().struck().is_some();
        then(number, disk, outcome).await;
        if !struck {
            return number;
        }
    }
    unreachable!("numbers do not end")
}

#[tokio::test]
async fn a_crash_at_any_change_costs_no_durable_byte_and_publishes_no_false_one() {
    let layer = &Layer::new().await;
    let changes = at_every_change(layer, Plan::CutAt, async |number, disk, outcome| {
        let was_done = outcome.is_ok();
        for seed in SEEDS {
            let found = disk.crash(seed);
            let when = format!("after {:?} with seed {seed}", disk.power().struck());
            layer.check(&found, &when);
            if was_done {
                assert_eq!(store_in(&found).list().unwrap().blobs.len(), 1, "{when}");
            }
            // The recovery is interrupted too, somewhere else each time.
            found
                .power()
                .plan(Plan::CutAt(1 + (number * 7 + seed) % 23));
            let _ = layer.fetch(&found).await;
            let again = found.crash(seed + number);
            layer.recovers(&again, &format!("{when}, and again")).await;
        }
    })
    .await;
    assert!(changes > 30, "only {changes} changes were struck");
}

#[tokio::test]
async fn bytes_that_were_recorded_as_durable_are_not_fetched_again() {
    let layer = &Layer::new().await;
    let mut most = 0;
    for number in 1..60 {
        let disk = Simulated::new();
        disk.power().plan(Plan::CutAt(number));
        let _ = layer.fetch(&disk).await;
        let found = disk.crash(0);
        let store = store_in(&found);
        let done = store.list().unwrap().blobs.len() == 1;
        let durable = store
            .partials()
            .unwrap()
            .first()
            .map_or(0, |partial| partial.durable);
        if done || durable == 0 {
            continue;
        }
        let blob = layer.fetch(&found).await.unwrap();
        assert_eq!(blob.resumed_bytes, durable, "after change {number}");
        most = most.max(durable);
    }
    assert_eq!(most, 50_000, "the last checkpoint is of all bytes");
}

#[tokio::test]
async fn a_failure_at_any_change_is_told_and_the_next_fetch_works() {
    let layer = &Layer::new().await;
    for failure in [Failure::Io, Failure::NoSpace] {
        for for_ever in [false, true] {
            let plan = |number| match for_ever {
                false => Plan::FailOnce(number, failure),
                true => Plan::FailFrom(number, failure),
            };
            at_every_change(layer, plan, async |number, disk, outcome| {
                let when = format!(
                    "after {:?} ({failure:?}), {outcome:?}",
                    disk.power().struck()
                );
                match &outcome {
                    Err(error @ FetchError::Disk(_)) => {
                        assert_eq!(error.is_disk_full(), failure == Failure::NoSpace, "{when}");
                    }
                    Ok(_) => {}
                    Err(error) => panic!("{when}: {error:?}"),
                }
                disk.power().plan(Plan::Steady);
                layer.check(&disk, &when);
                for seed in [0, number + 20] {
                    layer
                        .recovers(&disk.crash(seed), &format!("{when}, crashed"))
                        .await;
                }
                layer.recovers(&disk, &when).await;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_power_that_is_shared_stops_the_fetch_at_once() {
    let layer = Layer::new().await;
    let power = Power::new();
    let disk = Simulated::with(power.clone(), longshore_durable::Space::unlimited(), true);
    power.cut();
    let error = layer.fetch(&disk).await.unwrap_err();
    let FetchError::Disk(error) = error else {
        panic!("{error:?}")
    };
    assert!(longshore_durable::is_power_out(error.io()));
}
