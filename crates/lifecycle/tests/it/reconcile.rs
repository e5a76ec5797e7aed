//! A state directory that somebody else had their hands in, opened again.

use std::{fs, os::unix::fs::symlink};

use longshore_harbor::{family, readback};
use longshore_lifecycle::{CheckState, Class, Event, Events, Host, Status, agreement};

use crate::place::{Place, digest, fetch, refused, volume, with_machine};

const GOLANG: &str = "images/golang";

/// Opens the place's host and answers what it said as well.
pub(crate) async fn reopened(place: &Place) -> (Host, Vec<String>) {
    let events = Events::new(256);
    let mut told = events.subscribe();
    let host = Host::open(place.settings("state"), events).await.unwrap();
    let mut notices = Vec::new();
    while let Ok(event) = told.try_recv() {
        if let Event::Notice { text } = event {
            notices.push(text);
        }
    }
    (host, notices)
}

pub(crate) async fn shut(host: Host) {
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_catalogue_does_not_know_is_removed_recorded_or_left_to_its_owner() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    let stamps = state.stamps();
    shut(host).await;

    state.gave_out(999);
    fs::write(state.path("volumes/999.img"), "stray").unwrap();
    fs::write(state.path("volumes/998.part"), "half").unwrap();
    fs::write(state.path("volumes/notes.txt"), "mine").unwrap();
    // The name of a blob is its proof.
    let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    fs::write(state.path("blobs/sha256").join(hello), "hello\n").unwrap();
    fs::write(state.path("blobs/sha256/README"), "mine").unwrap();
    let partial = "0123456789abcdef".repeat(4);
    fs::write(state.path("blobs/partial").join(&partial), "bytes").unwrap();

    let (host, notices) = reopened(&place).await;
    assert_eq!(notices.len(), 2, "{notices:?}");
    for mine in ["notes.txt", "README"] {
        assert!(
            notices.iter().any(|notice| notice.contains(mine)),
            "{mine}: {notices:?}"
        );
    }
    assert_eq!(fs::read(state.path("volumes/notes.txt")).unwrap(), b"mine");
    assert_eq!(
        fs::read(state.path("blobs/sha256/README")).unwrap(),
        b"mine"
    );
    fs::remove_file(state.path("volumes/notes.txt")).unwrap();
    assert_eq!(state.stamps(), stamps, "nothing else was touched");
    assert!(state.names("blobs/sha256").contains(&hello.to_owned()));
    state.assert_tidy();

    place.server.forget_requests();
    let again = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    assert_eq!(again.volume.id, first.volume.id);
    assert_eq!(place.asked().len(), 1);
    // A blob that nothing needs goes with the next image.
    let _ = host.remove("images-golang", false).await.unwrap();
    let removed = host.remove(GOLANG, false).await.unwrap();
    assert!(removed.blobs.contains(&format!("sha256:{hello}")));
    assert_eq!(state.names("blobs/sha256"), ["README"]);
}

/// A database that is empty, or a copy of an earlier day, knows nothing of the disks that were made since.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_is_not_that_of_the_disks_removes_none_of_them() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let report = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    shut(host).await;
    let before = state.stamps();
    for file in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let there = state.path(file);
        if there.exists() {
            fs::rename(there, place.path(file)).unwrap();
        }
    }
    let opened = Host::open(place.settings("state"), Events::new(1)).await;
    let failure = opened.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "rescue"));
    assert!(failure.hint.as_ref().unwrap().contains("doctor --fix"));
    assert_eq!(state.stamps(), before, "nothing was removed");
    let found = agreement(&place.settings("state"), false, &Events::new(1)).await;
    let newer = found.iter().filter(|check| check.name == "volume-newer");
    assert_eq!(newer.count(), 2);
    // Put back, all is as it was.
    for file in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(state.path(file));
        if place.path(file).exists() {
            fs::rename(place.path(file), state.path(file)).unwrap();
        }
    }
    let host = place.host("state").await;
    let again = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    assert_eq!(again.volume.id, report.volume.id);
    shut(host).await;
    assert_eq!(state.stamps(), before);
    // And where nobody has it any more, they go when somebody says so.
    for file in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(state.path(file));
    }
    assert!(
        Host::open(place.settings("state"), Events::new(1))
            .await
            .is_err()
    );
    let fixed = agreement(&place.settings("state"), true, &Events::new(64)).await;
    assert!(
        fixed.iter().all(|check| check.state != CheckState::Fail),
        "{fixed:?}"
    );
    assert_eq!(state.names("volumes"), [""; 0]);
    shut(place.host("state").await).await;
}

/// A file that was cut short hides what was in it, and another length shows what never was.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_another_length_is_not_handed_out() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = host.fetch_and_create(with_machine(GOLANG)).await.unwrap();
    let bytes = digest(&first);
    shut(host).await;
    let link = state.path("machines/images-golang.img");
    let disk = fs::canonicalize(&link).unwrap();
    let length = |path: &std::path::Path, len: u64| {
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(len)
            .unwrap();
    };
    let was = fs::metadata(&disk).unwrap().len();
    length(&disk, was - 4096);
    // The image's is built again.
    length(&volume(&first), was + 4096);
    fs::remove_file(&link).unwrap();
    let (host, notices) = reopened(&place).await;
    assert!(!link.exists(), "{notices:?}");
    assert_eq!(notices.len(), 2, "{notices:?}");
    let again = fetch(&host, GOLANG).await;
    assert_eq!(digest(&again), bytes);
    shut(host).await;
    length(&disk, was);
    let (_host, notices) = reopened(&place).await;
    assert!(link.exists(), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_and_a_blob_that_are_gone_come_back_as_they_were() {
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let first = fetch(&host, GOLANG).await;
    let bytes = digest(&first);
    shut(host).await;

    // A volume: built again from the blobs that are here.
    fs::remove_file(volume(&first)).unwrap();
    let (host, notices) = reopened(&place).await;
    assert_eq!(notices.len(), 1, "{notices:?}");
    let listed = &state.list()[0];
    assert_eq!(listed.status, Status::Unpacking);
    assert!(listed.volume.is_none());
    place.server.forget_requests();
    let again = fetch(&host, GOLANG).await;
    assert_eq!(place.fetched(), [""; 0], "its blobs are here");
    assert_eq!(digest(&again), bytes);
    shut(host).await;

    // A blob alone: nothing needs it while the volume is there.
    let blob = |number: usize| {
        let digest = first.layers[number].digest.strip_prefix("sha256:").unwrap();
        state.path("blobs/sha256").join(digest)
    };
    fs::remove_file(blob(2)).unwrap();
    let (host, _) = reopened(&place).await;
    place.server.forget_requests();
    assert_eq!(digest(&fetch(&host, GOLANG).await), bytes);
    assert_eq!(place.asked().len(), 1);
    shut(host).await;

    // Both: that blob is fetched again, and no other.
    fs::remove_file(volume(&again)).unwrap();
    let (host, _) = reopened(&place).await;
    place.server.forget_requests();
    let third = fetch(&host, GOLANG).await;
    assert_eq!(place.fetched(), [first.layers[2].key.clone()]);
    assert_eq!(digest(&third), bytes);
    let reused: Vec<bool> = third.layers.iter().map(|layer| layer.reused).collect();
    assert_eq!(reused, [true, true, false, true, true]);
    state.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paths_of_machines_are_put_right() {
    let place = Place::with(&[family::demo()]);
    let state = place.state("state");
    let host = place.host("state").await;
    let request = with_machine("images/demo");
    let report = host.fetch_and_create(request).await.unwrap();
    let path = report.machine.unwrap().path.unwrap();
    shut(host).await;
    fs::remove_file(&path).unwrap();
    let (host, _) = reopened(&place).await;
    assert_eq!(
        readback::disk_digest(path.as_ref()).unwrap(),
        readback::disk_digest(report.volume.path.unwrap().as_ref()).unwrap()
    );
    let name = "images-demo".parse().unwrap();
    assert!(host.deactivate(&name).await.unwrap());
    let disk = state.list()[0].machines[0].volume;
    shut(host).await;
    symlink(format!("../volumes/{disk}.img"), &path).unwrap();
    let (_host, _) = reopened(&place).await;
    assert_eq!(state.names("machines"), [""; 0], "it is not active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_blob_that_is_wanted_stays_and_others_go() {
    use longshore_harbor::s3::{Fault, Rule};
    let place = Place::with(&[family::golang()]);
    let state = place.state("state");
    let mut settings = place.settings("state");
    settings.source.max_retries = 0;
    settings.source.transfer.range = 1 << 20;
    settings.source.transfer.checkpoint_bytes = 1 << 20;
    let host = crate::place::open(settings).await;
    let reset = Fault::Reset { after: 1000 };
    let first = "images/golang/1.tar";
    place.server.inject(Rule::new(reset).key(first).from_nth(3));
    assert_eq!(refused(&host, GOLANG).await.code, "unavailable");
    assert!(!state.names("blobs/partial").is_empty());
    shut(host).await;
    let (host, _) = reopened(&place).await;
    let kept = state.names("blobs/partial");
    assert!(!kept.is_empty(), "it will be gone on with");
    // Nobody wants it any more once its image is forgotten.
    let _ = host.remove(GOLANG, false).await.unwrap();
    shut(host).await;
    let (_host, _) = reopened(&place).await;
    assert_eq!(state.names("blobs/partial"), [""; 0], "of {kept:?}");
}
