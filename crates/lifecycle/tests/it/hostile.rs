//! Every wrong input ends with the right words, and leaves nothing behind.

use std::{fs, path::Path};

use longshore_harbor::family::{
    Packing,
    hostile::{self, Hostile, Verdict},
};
use longshore_lifecycle::{Class, Failure, Host, Status};

use crate::{
    judged::judge,
    place::{Place, State, fetch, open, refused, volume},
};

/// What each family is refused for.
const CODES: &[(&str, &str)] = &[
    ("not-an-archive", "header-checksum"),
    ("empty-object", "empty"),
    ("truncated", "truncated"),
    ("truncated-gzip", "gzip-truncated"),
    ("parent-components", "name-parent"),
    ("whiteout-of-dot", "whiteout-name"),
    ("whiteout-of-dot-dot", "whiteout-name"),
    ("through-a-file", "parent-not-directory"),
    ("symlink-loop", "symlink-loop"),
    ("missing-link-target", "hard-link-missing"),
    ("body-on-a-symlink", "unexpected-body"),
    ("gzip-bomb", "limit-ratio"),
    ("gap", "layer-missing"),
    ("duplicate-number", "layer-twice"),
];

/// What entries of the hostile families would have made of this host, had they got out.
const OUTSIDE: [&str; 3] = ["/tmp/longshore-escaped", "/etc/through", "/etc/cron.d/evil"];

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_family_is_refused_for_what_it_is_and_leaves_nothing() {
    let place = Place::new();
    let hostname = fs::read("/etc/hostname").ok();
    let mut settings = place.settings("state");
    // Where a bomb is first looked at as one; by default it would take a while to get there.
    settings.limits.ratio_from_bytes = 64 << 20;
    let host = open(settings).await;
    for wrong in hostile::all() {
        let Verdict::Rejected(entry) = wrong.verdict else {
            continue;
        };
        let keys = wrong.family.keys(Packing::Plain);
        place.put(&wrong.family, Packing::Plain);
        let failure = refused(&host, wrong.family.prefix()).await;
        let told = format!("{}: {failure:#?}", wrong.name);
        assert_eq!(failure.class, Class::Refused, "{told}");
        assert_eq!(failure.code, code(&wrong), "{told}");
        if entry.is_some() {
            assert_eq!(failure.entry.as_deref(), entry, "{told}");
        }
        assert_eq!(failure.layer.as_ref(), keys.last(), "{told}");
        assert_eq!(
            failure.image.as_deref(),
            Some(wrong.family.prefix()),
            "{told}"
        );
        assert!(!failure.retryable, "{told}");
        nothing_usable(&place.state("state"), &wrong, &failure);
        let removed = host.remove(wrong.family.prefix(), false).await.unwrap();
        assert_eq!(removed.images, [wrong.family.prefix()]);
        assert!(place.state("state").list().is_empty());
    }
    leaves_no_byte(&place, host).await;
    untouched(hostname);
}

/// A layer that is refused with its first bytes is refused while its fetch ends: before, after, or just when it
/// is proven and nobody has recorded that.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_refused_layer_leaves_nothing_however_its_fetch_ends() {
    let place = Place::new();
    let layer = place.server.path("images/tiny/1.tar.gz");
    fs::create_dir_all(layer.parent().unwrap()).unwrap();
    // The beginning of a gzip member, and no more.
    fs::write(layer, b"\x1f\x8b\x08\0\0\0\0\0\0\xff").unwrap();
    for number in 0..40 {
        let name = format!("state-{number}");
        let host = open(place.settings_of_folder(&name)).await;
        refused(&host, "images/tiny").await;
        host.close().await;
        for folder in ["blobs/sha256", "blobs/partial", "blobs/receipts", "volumes"] {
            let left = place.state(&name).names(folder);
            assert_eq!(left, [""; 0], "{folder}, at attempt {number}");
        }
    }
}

fn code(wrong: &Hostile) -> &'static str {
    let found = CODES.iter().find(|(name, _)| *name == wrong.name);
    found
        .unwrap_or_else(|| panic!("what is {} refused for?", wrong.name))
        .1
}

/// It is listed as what it is, and there is no volume, whole or half.
#[track_caller]
fn nothing_usable(state: &State, wrong: &Hostile, failure: &Failure) {
    let listed = state.list();
    let row = listed
        .iter()
        .find(|row| row.image == wrong.family.prefix())
        .unwrap();
    assert_eq!(row.status, Status::Failed, "{row:#?}");
    assert_eq!(row.failure.as_ref(), Some(failure));
    assert!(row.volume.is_none() && row.machines.is_empty(), "{row:#?}");
    assert_eq!(state.names("volumes"), [""; 0], "{}", wrong.name);
    state.assert_tidy();
}

/// A fetch that was stopped at its very end may leave a blob that nobody has recorded: the next
/// start finds it, and it goes with the next image that is removed.
async fn leaves_no_byte(place: &Place, host: Host) {
    host.close().await;
    drop(host);
    let host = place.host("state").await;
    let honest = hostile::links_outside();
    place.put(&honest, Packing::Plain);
    fetch(&host, honest.prefix()).await;
    let _ = host.remove(honest.prefix(), false).await.unwrap();
    for folder in ["volumes", "machines", "blobs/sha256", "blobs/partial"] {
        assert_eq!(place.state("state").names(folder), [""; 0], "{folder}");
    }
}

#[track_caller]
fn untouched(hostname: Option<Vec<u8>>) {
    for path in OUTSIDE {
        assert!(!Path::new(path).exists(), "{path}");
    }
    assert_eq!(fs::read("/etc/hostname").ok(), hostname);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ordered_family_is_refused_before_anything_is_fetched() {
    let place = Place::new();
    let host = open(place.settings("state")).await;
    for wrong in hostile::all() {
        if wrong.verdict != Verdict::NoFamily {
            continue;
        }
        place.put(&wrong.family, Packing::Plain);
        let failure = refused(&host, wrong.family.prefix()).await;
        assert_eq!(failure.class, Class::Refused, "{failure:#?}");
        assert_eq!(failure.code, code(&wrong));
        assert!(
            failure.message.contains(wrong.family.prefix()),
            "{failure:#?}"
        );
    }
    assert_eq!(place.fetched(), [""; 0]);
    assert_eq!(place.state("state").list().len(), 0);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_point_out_of_the_image_are_data() {
    let place = Place::new();
    let hostname = fs::read("/etc/hostname").ok();
    let host = open(place.settings("state")).await;
    for wrong in hostile::all() {
        if wrong.verdict != Verdict::Builds {
            continue;
        }
        let layers = place.put(&wrong.family, Packing::Plain);
        let report = fetch(&host, wrong.family.prefix()).await;
        let found = judge(&volume(&report), &layers);
        assert!(found.get("tmp/longshore-escaped").is_some());
        assert!(found.get("etc/through").is_some());
    }
    untouched(hostname);
    place.state("state").assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_refused_can_be_put_right() {
    let place = Place::with(&[hostile::truncated()]);
    let host = place.host("state").await;
    assert_eq!(refused(&host, "images/truncated").await.code, "truncated");
    let good = longshore_harbor::family::Family::builder("images/truncated")
        .layer(|l| l.dir("etc", 0o755).file("etc/motd", "hello\n"))
        .layer(|l| l.file("etc/issue", "whole now\n"))
        .build();
    let layers = place.put(&good, Packing::Plain);
    // What came of it whole was pinned.
    let accepted = longshore_lifecycle::FetchRequest {
        accept_changed: true,
        ..crate::place::only("images/truncated")
    };
    let report = host.fetch_and_create(accepted).await.unwrap();
    judge(&volume(&report), &layers);
    place.state("state").assert_tidy();
}
