//! A fetch that goes well, for one caller and for several.

use longshore_durable::{Dir, Host, Simulated};
use longshore_image::Digest;
use longshore_source::{BlobEntry, FetchError, PartialError, Progress, SourceError};
use tokio_util::sync::CancellationToken;

use crate::{
    s3::{Fault, Request, S3},
    support::{Layer, content, locate, read_all, store, store_in, until},
};

#[tokio::test]
async fn an_object_arrives_whole_in_ranges_and_under_its_digest() {
    let layer = Layer::of(1_000_000).await;
    let store = store();
    let blob = layer.arrives(&store).await;
    assert_eq!((blob.fetched_bytes, blob.resumed_bytes), (1_000_000, 0));
    assert_eq!(layer.server.sent(), 1_000_000);
    let ranges: Vec<_> = layer
        .server
        .with(|state| state.requests.iter().map(|r| r.range.clone()).collect());
    assert_eq!(ranges.len(), 16, "{ranges:?}");
    assert!(
        layer
            .server
            .with(|s| s.requests.iter().all(|r| r.headers["if-match"] == "\"v1\""))
    );
    let entry = BlobEntry {
        digest: layer.digest(),
        size: 1_000_000,
    };
    let list = store.list().unwrap();
    assert_eq!((list.blobs, list.foreign), (vec![entry], vec![]));
    assert!(store.contains(&layer.digest()).unwrap());
    assert!(store.remove(&layer.digest()).unwrap());
    assert!(!store.remove(&layer.digest()).unwrap());
    assert!(!store.contains(&layer.digest()).unwrap());
}

#[tokio::test]
async fn it_works_on_a_real_filesystem() {
    let layer = Layer::of(300_000).await;
    let directory = tempfile::tempdir().unwrap();
    let store = store_in(&Host::open(directory.path()).unwrap());
    let fetch = layer.fetch(&store);
    assert!(read_all(fetch.follow()).await.unwrap() == layer.bytes);
    layer.arrives(&store).await;
    let path = directory
        .path()
        .join("sha256")
        .join(layer.digest().to_hex());
    assert_eq!(std::fs::read(path).unwrap(), layer.bytes);
    assert_eq!(
        std::fs::read_dir(directory.path().join("partial"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn an_empty_object_is_a_blob_and_needs_no_request() {
    let layer = Layer::of(0).await;
    let store = store();
    let fetch = layer.fetch(&store);
    assert_eq!(read_all(fetch.follow()).await.unwrap(), b"");
    let blob = layer.arrives(&store).await;
    assert_eq!((blob.size, blob.digest), (0, Digest::of(b"")));
    assert_eq!(layer.server.requests(|_| true), 0);
}

#[tokio::test]
async fn at_most_so_many_requests_run_at_a_time() {
    let layer = Layer::of(640 << 10).await;
    // Every request is answered when the test says so: then no more can have come in.
    layer.server.script(|_, _| Fault::StallAfter(0));
    let store = store();
    let fetch = layer.fetch(&store);
    while layer.server.requests(Request::is_get) < 4 {
        tokio::task::yield_now().await;
    }
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(layer.server.requests(Request::is_get), 4);
    let starts: Vec<u64> = layer.server.with(|state| {
        let mut starts: Vec<u64> = state
            .requests
            .iter()
            .map(|r| r.range.clone().unwrap().start)
            .collect();
        starts.sort_unstable();
        starts
    });
    assert_eq!(starts, [0, 64 << 10, 128 << 10, 192 << 10]);
    fetch.cancel();
}

#[tokio::test]
async fn followers_read_what_is_there_before_the_rest_arrives() {
    let layer = Layer::of(512 << 10).await;
    let store = store();
    // The third range never comes: the frontier stays before it.
    layer.server.script(
        |request, _| match request.range.clone().map(|range| range.start) {
            Some(start) if start == 128 << 10 => Fault::StallAfter(0),
            _ => Fault::None,
        },
    );
    let fetch = layer.fetch(&store);
    let mut early = fetch.follow();
    let head = tokio::task::spawn_blocking(move || {
        let mut head = vec![0; 128 << 10];
        std::io::Read::read_exact(&mut early, &mut head).map(|()| (head, early))
    });
    let (head, early) = head.await.unwrap().unwrap();
    assert_eq!(head, layer.bytes[..128 << 10]);
    // What is beyond the gap arrives, and nobody sees it.
    until(&fetch, 448 << 10).await;
    assert_eq!(
        fetch.progress(),
        Progress {
            done: 448 << 10,
            total: 512 << 10
        }
    );
    let waiting = tokio::spawn(read_all(early));
    fetch.cancel();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(FetchError::of(&error), Some(FetchError::Cancelled)),
        "{error:?}"
    );
    assert_ne!(error.kind(), std::io::ErrorKind::Interrupted);
    assert!(matches!(fetch.proven().await, Err(FetchError::Cancelled)));
}

#[tokio::test]
async fn several_followers_each_get_every_byte_also_afterwards() {
    let layer = Layer::of(400_000).await;
    let store = store();
    let fetch = layer.fetch(&store);
    let followers = [read_all(fetch.follow()), read_all(fetch.follow())];
    for read in futures::future::join_all(followers).await {
        assert_eq!(read.unwrap(), layer.bytes);
    }
    fetch.proven().await.unwrap();
    assert!(read_all(fetch.follow()).await.unwrap() == layer.bytes);
    assert_eq!(
        fetch.progress(),
        Progress {
            done: 400_000,
            total: 400_000
        }
    );
}

#[tokio::test]
async fn a_follower_keeps_its_fetch_running() {
    let layer = Layer::of(400_000).await;
    let store = store();
    let follower = layer.fetch(&store).follow();
    assert!(read_all(follower).await.unwrap() == layer.bytes);
}

#[tokio::test]
async fn two_callers_share_one_fetch() {
    let layer = Layer::of(400_000).await;
    let store = store();
    let (one, other) = (layer.fetch(&store), layer.fetch(&store));
    let (one, other) = tokio::join!(one.proven(), other.proven());
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(layer.server.sent(), 400_000);
}

#[tokio::test]
async fn one_of_two_callers_may_leave() {
    let layer = Layer::of(400_000).await;
    let store = store();
    let token = CancellationToken::new();
    let leaving = store.fetch(&layer.source, &layer.locator, None, &token);
    let staying = layer.fetch(&store);
    token.cancel();
    assert!(matches!(leaving.proven().await, Err(FetchError::Cancelled)));
    let error = read_all(leaving.follow()).await.unwrap_err();
    assert!(matches!(
        FetchError::of(&error),
        Some(FetchError::Cancelled)
    ));
    assert!(read_all(staying.follow()).await.unwrap() == layer.bytes);
    assert_eq!(staying.proven().await.unwrap().fetched_bytes, 400_000);
}

#[tokio::test]
async fn a_caller_who_expects_other_bytes_is_told_so() {
    let layer = Layer::of(100_000).await;
    let store = store();
    let token = CancellationToken::new();
    let (right, wrong) = (layer.digest(), Digest::of(b"other bytes"));
    let first = store.fetch(&layer.source, &layer.locator, None, &token);
    let joined = store.fetch(&layer.source, &layer.locator, Some(wrong), &token);
    assert_eq!(first.proven().await.unwrap().digest, right);
    let error = joined.proven().await.unwrap_err();
    let FetchError::DigestMismatch {
        expected, found, ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((expected, found), (wrong, right));
}

#[tokio::test]
async fn bytes_that_nobody_expects_are_thrown_away() {
    let layer = Layer::of(100_000).await;
    let store = store();
    let wrong = Digest::of(b"other bytes");
    let token = CancellationToken::new();
    let fetch = store.fetch(&layer.source, &layer.locator, Some(wrong), &token);
    let error = fetch.proven().await.unwrap_err();
    assert!(
        matches!(error, FetchError::DigestMismatch { .. }),
        "{error:?}"
    );
    assert_eq!(store.list().unwrap().blobs, []);
    assert_eq!(store.partials().unwrap(), []);
}

#[tokio::test]
async fn a_blob_that_is_expected_and_here_is_not_asked_for() {
    let layer = Layer::of(100_000).await;
    let store = store();
    layer.arrives(&store).await;
    layer.server.forget();
    let token = CancellationToken::new();
    let fetch = store.fetch(&layer.source, &layer.locator, Some(layer.digest()), &token);
    assert!(read_all(fetch.follow()).await.unwrap() == layer.bytes);
    let blob = fetch.proven().await.unwrap();
    assert_eq!((blob.fetched_bytes, blob.resumed_bytes), (0, 0));
    assert_eq!(layer.server.requests(|_| true), 0);
}

#[tokio::test]
async fn the_same_bytes_under_another_key_are_one_blob() {
    let layer = Layer::of(100_000).await;
    layer
        .server
        .put("images/node/1.tar", layer.bytes.clone(), "\"v1\"");
    let store = store();
    layer.arrives(&store).await;
    let other = locate(&layer.source, "images/node").await;
    let blob = store
        .fetch(&layer.source, &other, None, &CancellationToken::new())
        .proven()
        .await;
    assert_eq!(blob.unwrap().digest, layer.digest());
    assert_eq!(store.list().unwrap().blobs.len(), 1);
    assert_eq!(store.partials().unwrap(), []);
}

#[tokio::test]
async fn a_locator_of_another_origin_is_refused() {
    let layer = Layer::of(10).await;
    let elsewhere = S3::start().await;
    let store = store();
    let fetch = store.fetch(
        &elsewhere.source(),
        &layer.locator,
        None,
        &CancellationToken::new(),
    );
    let error = fetch.proven().await.unwrap_err();
    assert!(
        matches!(error, FetchError::Source(SourceError::WrongOrigin { .. })),
        "{error:?}"
    );
    assert_eq!(elsewhere.requests(|_| true), 0);
}

#[tokio::test]
async fn nobody_interested_ends_the_fetch_and_keeps_what_has_arrived() {
    let layer = Layer::of(512 << 10).await;
    let store = store();
    layer.server.script(|request, _| match &request.range {
        Some(range) if range.start >= 256 << 10 => Fault::StallAfter(0),
        _ => Fault::None,
    });
    let fetch = layer.fetch(&store);
    until(&fetch, 256 << 10).await;
    let id = store.partials().unwrap()[0].id;
    assert!(matches!(
        store.remove_partial(id),
        Err(PartialError::InUse { .. })
    ));
    let mut progress = fetch.watch();
    drop(fetch);
    // The channel closes when the driver, the last to hold the state, is gone.
    while progress.changed().await.is_ok() {}
    let partials = store.partials().unwrap();
    assert_eq!(partials[0].durable, 256 << 10);
    assert_eq!(partials[0].locator.as_ref().unwrap().key, layer.locator.key);
    assert!(store.remove_partial(id).unwrap());
    assert!(!store.remove_partial(id).unwrap());
    assert_eq!(store.partials().unwrap(), []);
}

#[tokio::test]
async fn what_is_not_ours_is_listed_and_left_alone() {
    let disk = Simulated::new();
    let store = store_in(&disk);
    for (folder, name) in [
        ("sha256", "README"),
        ("partial", "x.json"),
        ("partial", "lost+found"),
    ] {
        let created = longshore_durable::Mode::CreateNew;
        disk.dir(folder).unwrap().open(name, created).unwrap();
    }
    let foreign = store.list().unwrap().foreign;
    assert_eq!(
        foreign,
        ["sha256/README", "partial/lost+found", "partial/x.json"]
    );
    assert_eq!(store.partials().unwrap(), []);
    let layer = Layer::of(10).await;
    layer.fetched(&store).await.unwrap();
    assert!(content(&store, &layer.digest()) == layer.bytes);
    assert_eq!(store.list().unwrap().foreign, foreign);
}
