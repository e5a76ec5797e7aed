//! Killed at each durable point as the pool itself is changed: given room, repaired, moved, recovered; and as what
//! differs is put right. The same command then finishes, and the disk of the machine in it is what it was.

use std::{fs, path::Path};

use longshore_vmtest::{Guest, Scenario};

use crate::{
    killed::{POINTS, killed},
    site::{Site, run},
    trouble::{
        BITMAPS_AT, IMAGE, META, assert_survived, finish, move_database, on_files, spoil,
        superblock,
    },
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("as_a_pool_is_extended", as_a_pool_is_extended),
    ("as_a_pool_is_repaired", as_a_pool_is_repaired),
    ("as_a_pool_is_moved", as_a_pool_is_moved),
    ("as_a_pool_is_recovered", as_a_pool_is_recovered),
    ("as_a_lost_pool_is_found", as_a_lost_pool_is_found),
    ("as_what_differs_is_put_right", as_what_differs_is_put_right),
];

/// A pool on files, and a job on it that is killed at its n-th point of a kind and given again, for every n there is:
/// says whether it was killed.
fn at_each_point(guest: &Guest, mut killed_at: impl FnMut(&Site, &str, usize) -> bool) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "32MiB", "--sparse");
    let mut kills = 0;
    for kind in POINTS {
        let points = (1..).find(|&n| {
            let was = killed_at(&site, kind, n);
            well(&site, &before, &format!("{kind} {n}"));
            !was
        });
        let points = points.unwrap() - 1;
        said(&format!("killed at each of {points} of {kind}"));
        kills += points;
    }
    assert!(kills >= 10, "only {kills} were killed");
    finish(&site);
}

#[allow(clippy::print_stdout, reason = "what takes long says how far it is")]
fn said(text: &str) {
    println!("{text}");
}

fn well(site: &Site, before: &str, when: &str) {
    // Any command that works here brings up what was left down.
    site.json(&["df"]);
    site.json(&["pool", "up"]);
    assert_eq!(site.json(&["pool", "check"])["clean"], true, "{when}");
    assert_survived(site, before);
}

fn as_a_pool_is_extended(guest: &Guest) {
    let mut size = 32;
    at_each_point(guest, |site, kind, n| {
        size += 2;
        let size = format!("{size}MiB");
        let job = ["pool", "extend", "--size", &size];
        let was = killed(site, &job, kind, n);
        let extended = site.json(&job);
        let bytes = extended["data"]["total_bytes"].as_u64().unwrap();
        assert_eq!(format!("{}MiB", bytes >> 20), size, "{kind} {n}");
        was
    });
}

fn as_a_pool_is_repaired(guest: &Guest) {
    at_each_point(guest, |site, kind, n| {
        site.json(&["pool", "down"]);
        let metadata = site.json(&["pool", "status"])["metadata"]["path"].clone();
        let metadata = metadata.as_str().unwrap();
        spoil(metadata, superblock(metadata, BITMAPS_AT));
        let job = ["pool", "repair"];
        let was = killed(site, &job, kind, n);
        site.json(&job);
        site.json(&["pool", "up"]);
        was
    });
}

fn as_a_pool_is_moved(guest: &Guest) {
    at_each_point(guest, |site, kind, n| {
        let place = format!("/state/{}-{n}", kind.split(',').next().unwrap());
        let job = ["pool", "migrate", "--loop-dir", &place];
        let was = killed(site, &job, kind, n);
        // Killed behind its end it is there already.
        let path = site.json(&["pool", "status"])["data"]["path"].clone();
        if !path.as_str().unwrap().starts_with(&place) {
            site.json(&job);
        }
        was
    });
}

/// With a catalogue of the day before, which does not know the machine that was made since.
fn as_a_pool_is_recovered(guest: &Guest) {
    at_each_point(guest, |site, kind, n| {
        let state = Path::new("/state/longshore");
        site.json(&["backup", "--force", "/state/backup"]);
        site.json(&["activate", IMAGE, "--name", "newer"]);
        site.json(&["deactivate", "newer"]);
        let aside = Path::new("/state/aside");
        fs::create_dir_all(aside).unwrap();
        move_database(state, aside);
        fs::copy("/state/backup", state.join("longshore.db")).unwrap();
        let job = ["pool", "recover"];
        let was = killed(site, &job, kind, n);
        let recovered = site.json(&job);
        assert_eq!(recovered["proven"], 2, "{kind} {n}: {recovered}");
        assert_eq!(
            recovered["lost"].as_array().unwrap().len(),
            0,
            "{recovered}"
        );
        assert_eq!(
            recovered["unknown"].as_array().unwrap().len(),
            1,
            "{recovered}"
        );
        site.json(&["pool", "up"]);
        // It is there until somebody says that it is not needed.
        site.output(&["doctor", "--fix"]);
        was
    });
}

/// Made known by its parts, and the machine's disk claimed.
fn as_a_lost_pool_is_found(guest: &Guest) {
    at_each_point(guest, |site, kind, n| {
        let aside = Path::new("/state/aside");
        fs::create_dir_all(aside).unwrap();
        let id = site.json(&["show", IMAGE])["machines"][0]["volume"].to_string();
        move_database(Path::new("/state/longshore"), aside);
        let find = [
            "pool",
            "recover",
            "--data",
            "/state/pools/longshore.data",
            "--meta",
            META,
        ];
        let found = killed(site, &find, kind, n);
        // Killed behind its end it is known already.
        if !site.output(&["pool", "status"]).status.success() {
            site.json(&find);
        }
        site.json(&["fetch-and-create", IMAGE, "--no-activate"]);
        let claim = ["pool", "claim", &id, IMAGE, "--name", "one"];
        let claimed = killed(site, &claim, kind, n);
        site.json(&claim);
        site.output(&["doctor", "--fix"]);
        found || claimed
    });
}

fn as_what_differs_is_put_right(guest: &Guest) {
    at_each_point(guest, |site, kind, n| {
        let mut blobs = fs::read_dir("/state/longshore/blobs/sha256").unwrap();
        let gone = blobs.next().unwrap().unwrap().path();
        fs::rename(&gone, "/state/aside").unwrap();
        site.output(&["doctor", "--fix"]);
        // The catalogue does not know it any more, and it is here again.
        fs::rename("/state/aside", &gone).unwrap();
        for spoilt in [
            &["message", "longshore", "0", "create_thin 100000"][..],
            &["remove", "longshore-one"],
        ] {
            let done = run("dmsetup", spoilt);
            assert!(done.status.success(), "{spoilt:?}: {done:?}");
        }
        let stale = "/dev/mapper/longshore-stale";
        run("busybox", &["mknod", stale, "b", "253", "77"]);
        let was = killed(site, &["doctor", "--fix"], kind, n);
        site.output(&["doctor", "--fix"]);
        assert!(!Path::new(stale).exists(), "{kind} {n}");
        let told = site.output(&["-o", "json", "doctor"]);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let checks = told["checks"].as_array().unwrap();
        let agreement = checks.iter().find(|check| check["name"] == "agreement");
        assert_eq!(agreement.unwrap()["state"], "ok", "{kind} {n}: {told}");
        was
    });
}
