//! Servers that misbehave: what may pass is tried again from where it broke off, what is final is
//! said at once, and nothing wrong is ever stored.

use std::{sync::Arc, time::Duration};

use longshore_source::{FetchError, Source, SourceConfig, SourceError};
use tokio_util::sync::CancellationToken;

use crate::{
    s3::{Fault, Request},
    support::{Layer, read_all, store},
};

const KIB: u64 = 1 << 10;

/// A layer of 256 KiB that is asked for in four ranges, with changed settings.
async fn layer(change: impl FnOnce(&mut SourceConfig)) -> Layer {
    let mut layer = Layer::of(256 << 10).await;
    let mut config = layer.server.config("s3://b");
    change(&mut config);
    layer.source = Source::connect(&config).unwrap();
    layer
}

#[tokio::test]
async fn trouble_that_passes_costs_only_what_was_missing() {
    // Each fault with the bytes it wastes, which are sent but not believed.
    for (fault, wasted) in [
        (Fault::Status(500, "", ""), 0),
        (
            Fault::Status(503, "", "<Error><Code>SlowDown</Code></Error>"),
            0,
        ),
        (Fault::Status(429, "", ""), 0),
        (Fault::CutAfter(0), 0),
        (Fault::CutAfter(40_000), 0),
        (Fault::Extra(100), 64 * KIB + 100),
        (Fault::Shifted(10), 64 * KIB),
        (Fault::Short(10), 64 * KIB),
    ] {
        let layer = layer(|_| {}).await;
        layer.server.fail(3, Request::is_get, fault.clone());
        layer.arrives(&store()).await;
        assert_eq!(layer.server.requests(Request::is_get), 4 + 3, "{fault:?}");
        let sent = layer.server.sent();
        assert!(sent <= 256 * KIB + 3 * wasted, "{fault:?}: {sent} bytes");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_asked_again() {
    for fault in [
        Fault::StallAfter(0),
        Fault::StallAfter(50_000),
        Fault::Silence,
    ] {
        let layer = layer(|config| {
            config.timeouts.idle = Duration::from_millis(200);
            config.timeouts.response = Duration::from_millis(200);
        })
        .await;
        layer.server.fail(1, Request::is_get, fault.clone());
        layer.arrives(&store()).await;
        // At least: on a busy machine an honest answer may be late, too.
        assert!(layer.server.requests(Request::is_get) > 4, "{fault:?}");
    }
}

#[tokio::test]
async fn trouble_that_does_not_pass_is_given_up_and_what_arrived_is_kept() {
    for fault in [
        Fault::Status(500, "", ""),
        Fault::CutAfter(0),
        Fault::StallAfter(0),
        Fault::Shifted(1),
        Fault::Extra(1),
    ] {
        let stalls = matches!(fault, Fault::StallAfter(_));
        let layer = layer(|config| {
            if stalls {
                config.timeouts.idle = Duration::from_millis(150);
            }
            config.transfer.concurrency = 1;
        })
        .await;
        let broken = fault.clone();
        layer.server.script(move |request, _| match &request.range {
            Some(range) if range.start >= 64 * KIB => broken.clone(),
            _ => Fault::None,
        });
        let store = store();
        let fetch = layer.fetch(&store);
        let follower = tokio::spawn(read_all(fetch.follow()));
        let error = fetch.proven().await.unwrap_err();
        let FetchError::Source(SourceError::Unavailable { tries, .. }) = &error else {
            panic!("{fault:?}: {error:?}")
        };
        assert_eq!(*tries, 6, "{fault:?}");
        if !stalls {
            assert_eq!(layer.server.requests(Request::is_get), 1 + 6, "{fault:?}");
        }
        let seen = follower.await.unwrap().unwrap_err();
        assert!(
            matches!(
                FetchError::of(&seen),
                Some(FetchError::Source(SourceError::Unavailable { .. }))
            ),
            "{seen:?}"
        );
        assert_eq!(store.partials().unwrap()[0].durable, 64 * KIB, "{fault:?}");
        assert_eq!(store.list().unwrap().blobs, []);
        layer.server.script(|_, _| Fault::None);
        let blob = layer.arrives(&store).await;
        assert_eq!(
            (blob.resumed_bytes, blob.fetched_bytes),
            (64 * KIB, 192 * KIB)
        );
    }
}

#[tokio::test]
async fn a_range_that_comes_in_drops_is_not_given_up() {
    // 1 MiB at least in every try, more tries than retries: each one brought something.
    let mut layer = Layer::of(9 << 20).await;
    let mut config = layer.server.config("s3://b");
    config.transfer.range = 9 << 20;
    layer.source = Source::connect(&config).unwrap();
    layer
        .server
        .fail(7, Request::is_get, Fault::CutAfter((1 << 20) + 1));
    let blob = layer.arrives(&store()).await;
    assert_eq!(layer.server.requests(Request::is_get), 8);
    assert_eq!(blob.fetched_bytes, 9 << 20);
}

#[tokio::test]
async fn what_is_final_is_said_after_one_try() {
    for (status, document) in [
        (403, "<Error><Code>AccessDenied</Code></Error>"),
        (404, "<Error><Code>NoSuchKey</Code></Error>"),
        (
            400,
            "<Error><Code>InvalidRequest</Code><Message>no</Message></Error>",
        ),
        (307, ""),
    ] {
        let layer = layer(|config| config.transfer.concurrency = 1).await;
        layer
            .server
            .fail(99, Request::is_get, Fault::Status(status, "", document));
        let error = layer.fetched(&store()).await.unwrap_err();
        match (&error, status) {
            (FetchError::Source(SourceError::Denied { .. }), 403) => {
                assert!(error.to_string().contains("or it is not found there"));
            }
            (FetchError::Source(SourceError::NotFound { .. }), 404) => {}
            (FetchError::Source(SourceError::Refused { .. }), 400 | 307) => {}
            _ => panic!("{status}: {error:?}"),
        }
        assert_eq!(layer.server.requests(|_| true), 1, "{status}");
    }
}

#[tokio::test]
async fn an_object_replaced_between_ranges_has_changed_whatever_the_server_heeds() {
    for heeds_if_match in [true, false] {
        let layer = layer(|config| config.transfer.concurrency = 1).await;
        layer
            .server
            .with(|state| state.heeds_if_match = heeds_if_match);
        layer.server.script(|request, objects| {
            if request
                .range
                .as_ref()
                .is_some_and(|range| range.start == 128 * KIB)
            {
                let object = objects.get_mut("images/go/1.tar").unwrap();
                object.bytes = vec![1; 256 << 10].into();
                object.etag = "\"v2\"".into();
            }
            Fault::None
        });
        let store = store();
        let error = layer.fetched(&store).await.unwrap_err();
        let FetchError::Source(SourceError::Changed {
            expected, found, ..
        }) = &error
        else {
            panic!("{heeds_if_match}: {error:?}")
        };
        let found = found.as_ref().unwrap();
        assert_eq!(expected.etag.as_ref().unwrap().as_str(), "\"v1\"");
        assert_eq!(found.etag.as_ref().unwrap().as_str(), "\"v2\"");
        assert!(error.to_string().contains("\"v1\"") && error.to_string().contains("\"v2\""));
        assert_eq!(store.partials().unwrap(), []);
        assert_eq!(store.list().unwrap().blobs, []);
    }
}

#[tokio::test]
async fn an_object_that_shrank_or_lost_its_etag_has_changed() {
    for (length, etag) in [(1_000, "\"v2\""), (256 << 10, "W/\"v1\""), (256 << 10, "")] {
        let layer = layer(|_| {}).await;
        layer.server.with(|state| state.heeds_if_match = false);
        layer.server.put("images/go/1.tar", vec![1; length], etag);
        let error = layer.fetched(&store()).await.unwrap_err();
        let changed = matches!(error, FetchError::Source(SourceError::Changed { .. }));
        assert!(changed, "{length} {etag}: {error:?}");
    }
}

#[tokio::test]
async fn an_object_removed_during_the_fetch_is_not_found() {
    let layer = layer(|config| config.transfer.concurrency = 1).await;
    layer.server.script(|request, objects| {
        if request.range.as_ref().is_some_and(|range| range.start > 0) {
            objects.clear();
        }
        Fault::None
    });
    let error = layer.fetched(&store()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Source(SourceError::NotFound { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let layer = layer(|_| {}).await;
    layer.server.script(|_, _| Fault::IgnoreRange);
    let store = store();
    let blob = layer.arrives(&store).await;
    assert_eq!(blob.fetched_bytes, 256 * KIB);
    // One that does so from some byte on: what is there is not written again.
    let layer = self::layer(|config| config.transfer.concurrency = 1).await;
    layer.server.script(|request, _| match &request.range {
        Some(range) if range.start > 0 => Fault::IgnoreRange,
        _ => Fault::None,
    });
    let blob = layer.arrives(&store).await;
    assert_eq!(blob.fetched_bytes, 64 * KIB + 256 * KIB);
}

#[tokio::test]
async fn a_whole_answer_that_breaks_off_is_continued_where_there_is_an_etag() {
    let layer = layer(|_| {}).await;
    let mut cuts = 2;
    layer.server.script(move |request, _| match &request.range {
        Some(_) => Fault::IgnoreRange,
        None if cuts > 0 => {
            cuts -= 1;
            Fault::CutAfter(100_000)
        }
        None => Fault::None,
    });
    layer.arrives(&store()).await;
}

#[tokio::test]
async fn without_an_etag_an_answer_is_never_continued() {
    let mut layer = Layer::with_etag(256 << 10, "").await;
    assert_eq!(layer.locator.etag, None);
    let store = store();
    // Before the first byte everything is still open.
    layer
        .server
        .fail(2, Request::is_get, Fault::Status(503, "", ""));
    let blob = layer.arrives(&store).await;
    assert_eq!(
        (blob.fetched_bytes, layer.server.requests(Request::is_get)),
        (256 * KIB, 3)
    );

    layer.server.forget();
    layer
        .server
        .fail(1, Request::is_get, Fault::CutAfter(100_000));
    let error = layer.fetched(&store).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Source(SourceError::Unavailable { .. })),
        "{error:?}"
    );
    assert_eq!(layer.server.requests(Request::is_get), 1);
    // And nothing of it is gone on with, for it may be of another version.
    layer.bytes.reverse();
    layer.server.put("images/go/1.tar", layer.bytes.clone(), "");
    let blob = layer.arrives(&store).await;
    assert_eq!((blob.fetched_bytes, blob.resumed_bytes), (256 * KIB, 0));
}

#[tokio::test]
async fn a_wait_for_the_next_try_ends_with_the_fetch() {
    let layer = layer(|config| {
        config.backoff.first = Duration::from_secs(3_600);
        config.backoff.cap = Duration::from_secs(3_600);
    })
    .await;
    let answered = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&answered);
    layer.server.script(move |_, _| {
        notify.notify_one();
        Fault::Status(500, "", "")
    });
    let store = store();
    let cancel = CancellationToken::new();
    let fetch = store.fetch(&layer.source, &layer.locator, None, &cancel);
    answered.notified().await;
    let mut progress = fetch.watch();
    cancel.cancel();
    assert!(matches!(fetch.proven().await, Err(FetchError::Cancelled)));
    drop(fetch);
    while progress.changed().await.is_ok() {}
}
