//! Damage that must stop nothing and must never pass for what was there.

use std::{
    fs,
    os::unix::fs::{FileExt as _, symlink},
};

use longshore_harbor::family;

use crate::{
    place::{Place, digest, fetch, only, volume},
    reconcile::{reopened, shut},
};

const GOLANG: &str = "images/golang";

#[tokio::test(flavor = "multi_thread")]
async fn a_path_to_a_volume_that_nobody_knows_does_not_bar_the_door() {
    let place = Place::with(&[family::demo()]);
    let state = place.state("state");
    shut(place.host("state").await).await;
    state.gave_out(999);
    fs::write(state.path("volumes/999.img"), "stray").unwrap();
    symlink("../volumes/999.img", state.path("machines/stray.img")).unwrap();
    let (_host, _) = reopened(&place).await;
    assert_eq!(state.names("machines"), [""; 0]);
    assert_eq!(state.names("volumes"), [""; 0]);
}

/// Bytes that rotted under a name that says otherwise never become a volume.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_rotted_does_not_become_another_volume() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = fetch(&host, GOLANG).await;
    let bytes = digest(&first);
    shut(host).await;
    fs::remove_file(volume(&first)).unwrap();
    let digest_of = first.layers[1].digest.strip_prefix("sha256:").unwrap();
    let blob = state.path("blobs/sha256").join(digest_of);
    let file = fs::OpenOptions::new().write(true).open(blob).unwrap();
    file.write_all_at(b"rotted", 1_000_000).unwrap();
    let (host, _) = reopened(&place).await;
    match host.fetch_and_create(only(GOLANG)).await {
        Ok(report) => assert_eq!(digest(&report), bytes, "another volume"),
        Err(failure) => assert_eq!(state.names("volumes"), [""; 0], "{failure:#?}"),
    }
}
