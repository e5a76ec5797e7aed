//! What an interrupted fetch leaves, and what the next one makes of it.

use longshore_durable::{Dir, Mode, Power, Simulated, Space};
use longshore_source::{FetchError, Source};

use crate::{
    s3::{Fault, Request},
    support::{Layer, bytes, read_all, store, store_in, until},
};

const KIB: u64 = 1 << 10;

/// Fetches the first half of a layer of 512 KiB, and stops.
async fn half(layer: &Layer, store: &longshore_source::BlobStore) {
    layer.server.script(|request, _| match &request.range {
        Some(range) if range.start >= 256 * KIB => Fault::StallAfter(0),
        _ => Fault::None,
    });
    let fetch = layer.fetch(store);
    until(&fetch, 256 * KIB).await;
    let mut progress = fetch.watch();
    drop(fetch);
    while progress.changed().await.is_ok() {}
    layer.server.script(|_, _| Fault::None);
    layer.server.forget();
}

#[tokio::test]
async fn a_resume_asks_for_what_is_missing_and_for_nothing_else() {
    let layer = Layer::of(512 << 10).await;
    let disk = Simulated::new();
    half(&layer, &store_in(&disk)).await;
    // The process is gone, and the power was.
    let store = store_in(&disk.crash(0));
    assert_eq!(store.partials().unwrap()[0].durable, 256 * KIB);
    let fetch = layer.fetch(&store);
    assert!(read_all(fetch.follow()).await.unwrap() == layer.bytes);
    let blob = fetch.proven().await.unwrap();
    assert_eq!(
        (blob.resumed_bytes, blob.fetched_bytes),
        (256 * KIB, 256 * KIB)
    );
    assert_eq!(layer.server.sent(), 256 * KIB);
    let lowest = layer.server.with(|s| {
        s.requests
            .iter()
            .map(|r| r.range.clone().unwrap().start)
            .min()
    });
    assert_eq!(lowest, Some(256 * KIB));
    layer.arrives(&store).await;
}

#[tokio::test]
async fn what_was_left_of_another_version_is_not_used() {
    let layer = Layer::of(512 << 10).await;
    let store = store();
    half(&layer, &store).await;
    let mut newer = layer;
    newer.bytes = bytes(512 << 10, 8);
    newer
        .server
        .put("images/go/1.tar", newer.bytes.clone(), "\"v2\"");
    newer.locator = crate::support::locate(&newer.source, "images/go").await;
    newer.server.forget();
    let blob = newer.fetched(&store).await.unwrap();
    assert_eq!((blob.resumed_bytes, blob.digest), (0, newer.digest()));
    assert_eq!(newer.server.sent(), 512 * KIB);
    // The old one is still there, for whoever knows whether it is wanted.
    assert_eq!(store.partials().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sidecar_that_was_touched_says_nothing() {
    let layer = Layer::of(512 << 10).await;
    let disk = Simulated::new();
    let store = store_in(&disk);
    half(&layer, &store).await;
    let id = store.partials().unwrap()[0].id;
    let partials = disk.dir("partial").unwrap();
    let sidecar = partials.open(&format!("{id}.json"), Mode::Write).unwrap();
    sidecar.write_at(20, b"?").unwrap();
    let partial = &store.partials().unwrap()[0];
    assert_eq!(
        (partial.id, partial.durable, &partial.locator),
        (id, 0, &None)
    );
    assert_eq!(partial.allocated, 256 * KIB);
    let blob = layer.arrives(&store).await;
    assert_eq!((blob.resumed_bytes, blob.fetched_bytes), (0, 512 * KIB));
}

#[tokio::test]
async fn a_partial_that_is_shorter_than_its_sidecar_says_is_not_used() {
    let layer = Layer::of(512 << 10).await;
    let disk = Simulated::new();
    let store = store_in(&disk);
    half(&layer, &store).await;
    let id = store.partials().unwrap()[0].id;
    let partials = disk.dir("partial").unwrap();
    partials
        .open(&id.to_hex(), Mode::Write)
        .unwrap()
        .set_len(255 << 10)
        .unwrap();
    assert_eq!(layer.arrives(&store).await.resumed_bytes, 0);
}

#[tokio::test]
async fn stored_bytes_that_rotted_are_found_by_the_digest() {
    let layer = Layer::of(512 << 10).await;
    let disk = Simulated::new();
    let store = store_in(&disk);
    half(&layer, &store).await;
    let id = store.partials().unwrap()[0].id;
    let partials = disk.dir("partial").unwrap();
    partials
        .open(&id.to_hex(), Mode::Write)
        .unwrap()
        .write_at(1_000, b"rot")
        .unwrap();
    let token = tokio_util::sync::CancellationToken::new();
    let fetch = store.fetch(&layer.source, &layer.locator, Some(layer.digest()), &token);
    let error = fetch.proven().await.unwrap_err();
    assert!(
        matches!(error, FetchError::DigestMismatch { .. }),
        "{error:?}"
    );
    drop(fetch);
    assert_eq!(layer.arrives(&store).await.resumed_bytes, 0);
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full_and_room_lets_it_go_on() {
    let mut layer = Layer::of(512 << 10).await;
    let mut config = layer.server.config("s3://b");
    // Nothing is durable before it is put away, with what room there is then.
    config.transfer.checkpoint_bytes = u64::MAX;
    config.transfer.checkpoint_interval = std::time::Duration::from_secs(3_600);
    config.transfer.concurrency = 1;
    layer.source = Source::connect(&config).unwrap();
    let space = Space::limited(300 << 10);
    let disk = Simulated::with(Power::new(), space.clone(), true);
    let store = store_in(&disk);
    let fetch = layer.fetch(&store);
    let error = fetch.proven().await.unwrap_err();
    assert!(error.is_disk_full(), "{error:?}");
    let seen = read_all(fetch.follow()).await.unwrap_err();
    assert_eq!(seen.kind(), std::io::ErrorKind::StorageFull);
    let durable = store.partials().unwrap()[0].durable;
    assert_eq!(durable, 256 * KIB);
    space.set_capacity(1 << 20);
    layer.server.forget();
    let blob = layer.arrives(&store).await;
    assert_eq!(blob.resumed_bytes, durable);
    assert_eq!(layer.server.sent(), 512 * KIB - durable);
    assert!(layer.server.requests(Request::is_get) > 0);
}

#[tokio::test]
async fn a_fetch_begun_while_another_winds_down_goes_on_from_what_that_one_leaves() {
    let mut layer = Layer::of(512 << 10).await;
    let mut config = layer.server.config("s3://b");
    // Nothing is durable before the first one puts it away.
    config.transfer.checkpoint_bytes = u64::MAX;
    config.transfer.checkpoint_interval = std::time::Duration::from_secs(3_600);
    layer.source = Source::connect(&config).unwrap();
    let store = store();
    layer.server.script(|request, _| match &request.range {
        Some(range) if range.start >= 256 * KIB => Fault::StallAfter(0),
        _ => Fault::None,
    });
    let fetch = layer.fetch(&store);
    until(&fetch, 256 * KIB).await;
    fetch.cancel();
    layer.server.script(|_, _| Fault::None);
    let blob = layer.arrives(&store).await;
    assert_eq!(blob.resumed_bytes, 256 * KIB);
}
