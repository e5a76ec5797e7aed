//! What an image may ask for, and how early it is told no.

use std::num::NonZeroU64;

use longshore_harbor::family::{Content, Family, Packing, hostile};
use longshore_lifecycle::{Class, Event, Events, Host, Limits, Phase, Settings};

use crate::place::{Place, fetch, only, open, refused};

const MEBIBYTE: u64 = 1 << 20;

async fn limited(place: &Place, limits: Limits) -> Host {
    open(Settings {
        limits,
        ..place.settings("state")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_its_limit_is_refused_by_name_and_one_at_the_limit_is_not() {
    let place = Place::with(&[hostile::file_of_size(2 * MEBIBYTE + 1)]);
    let limits = Limits {
        file_bytes: 2 * MEBIBYTE,
        ..Limits::default()
    };
    let host = limited(&place, limits).await;
    let failure = refused(&host, "images/file-of-size").await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "limit-file")
    );
    assert_eq!(failure.entry.as_deref(), Some("usr/huge"));
    assert_eq!(failure.layer.as_deref(), Some("images/file-of-size/2.tar"));
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    place.state("state").assert_tidy();

    let fitting = Family::builder("images/fitting")
        .layer(|l| l.file("huge", Content::Zeros(2 * MEBIBYTE)))
        .build();
    place.put(&fitting, Packing::Plain);
    fetch(&host, "images/fitting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_all_layers_together_have_a_limit() {
    let place = Place::new();
    let three = Family::builder("images/three")
        .layer(|l| l.file("a", Content::Zeros(MEBIBYTE)))
        .layer(|l| l.file("a", Content::Zeros(MEBIBYTE)))
        .layer(|l| l.file("a", "small").file("b", Content::Zeros(MEBIBYTE)))
        .build();
    place.put(&three, Packing::Plain);
    let limits = Limits {
        image_bytes: 3 * MEBIBYTE,
        ..Limits::default()
    };
    let host = limited(&place, limits).await;
    let failure = refused(&host, "images/three").await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "limit-image")
    );
    assert_eq!(failure.entry.as_deref(), Some("b"));
    assert_eq!(failure.layer.as_deref(), Some("images/three/3.tar"));
    place.state("state").assert_tidy();
    // What lies below counts as well where its volume is there already.
    let below = fetch(&host, "images/three/1.tar").await;
    assert_eq!(below.layers.len(), 1);
    assert_eq!(refused(&host, "images/three").await.code, "limit-image");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb_is_stopped_at_its_beginning() {
    let place = Place::with(&[hostile::gzip_bomb(1024 * MEBIBYTE)]);
    let bomb = "images/gzip-bomb/2.tar.gz";
    let mut settings = place.settings("state");
    settings.limits.ratio = NonZeroU64::new(100).unwrap();
    settings.limits.ratio_from_bytes = 16 * MEBIBYTE;
    settings.limits.file_bytes = u64::MAX;
    settings.volume_size = 8 << 30;
    let events = Events::new(1 << 16);
    let mut told = events.subscribe();
    let host = Host::open(settings, events).await.unwrap();
    let failure = host
        .fetch_and_create(only("images/gzip-bomb"))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "limit-ratio")
    );
    assert_eq!(failure.entry.as_deref(), Some("bomb"));
    let mut read = 0;
    while let Ok(event) = told.try_recv() {
        if let Event::Layer {
            key,
            phase: Phase::Unpacking,
            done,
            ..
        } = event
            && key == bomb
        {
            read = read.max(done);
        }
    }
    // It holds a thousand times what it stores: 16 MiB come of some 16 KiB, read in pieces.
    let stored = place.size_of(bomb);
    assert!(stored > 1_000_000, "{stored}");
    assert!(
        read > 0 && read <= stored / 4,
        "{read} bytes of {stored} were unpacked"
    );
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_does_not_fit_its_volume_says_so() {
    let place = Place::new();
    let large = Family::builder("images/large")
        .layer(|l| {
            l.file(
                "noise",
                Content::Noise {
                    seed: 1,
                    length: 20 * MEBIBYTE,
                },
            )
        })
        .build();
    place.put(&large, Packing::Plain);
    let host = open(Settings {
        volume_size: 16 * MEBIBYTE,
        ..place.settings("state")
    })
    .await;
    let failure = refused(&host, "images/large").await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (Class::Refused, "volume-too-small"),
        "{failure:#?}"
    );
    assert_eq!(place.state("state").names("volumes"), [""; 0]);
}
