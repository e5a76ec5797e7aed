//! Killed at each durable point as the pool itself is changed: given room, repaired, moved. The same command then
//! finishes, and the disk of the machine in it is what it was.

use std::{fs::File, os::unix::fs::FileExt};

use longshore_vmtest::Guest;

use crate::{
    killed::{POINTS, killed},
    site::Site,
    trouble::{assert_survived, finish, on_files},
};

pub(crate) fn as_a_pool_is_extended_repaired_and_moved(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "32MiB", "--sparse");
    let mut kills = 0;
    let mut size = 32;
    for kind in POINTS {
        for n in 1.. {
            size += 2;
            let size = format!("{size}MiB");
            let job = ["pool", "extend", "--size", &size];
            let was = killed(&site, &job, kind, n);
            kills += usize::from(was);
            let extended = site.json(&job);
            let bytes = extended["data"]["total_bytes"].as_u64().unwrap();
            assert_eq!(format!("{}MiB", bytes >> 20), size, "{kind} {n}");
            well(&site, &before, &format!("extend {kind} {n}"));
            if !was {
                break;
            }
        }
    }
    for kind in POINTS {
        for n in 1.. {
            site.json(&["pool", "down"]);
            let metadata = site.json(&["pool", "status"])["metadata"]["path"].clone();
            spoil(metadata.as_str().unwrap());
            let job = ["pool", "repair"];
            let was = killed(&site, &job, kind, n);
            kills += usize::from(was);
            site.json(&job);
            site.json(&["pool", "up"]);
            well(&site, &before, &format!("repair {kind} {n}"));
            if !was {
                break;
            }
        }
    }
    for kind in POINTS {
        for n in 1.. {
            let place = format!("/state/{}-{n}", kind.split(',').next().unwrap());
            let job = ["pool", "migrate", "--loop-dir", &place];
            let was = killed(&site, &job, kind, n);
            kills += usize::from(was);
            // Killed behind its end it is there already.
            let path = site.json(&["pool", "status"])["data"]["path"].clone();
            if !path.as_str().unwrap().starts_with(&place) {
                site.json(&job);
            }
            well(&site, &before, &format!("migrate {kind} {n}"));
            if !was {
                break;
            }
        }
    }
    assert!(kills >= 30, "only {kills} were killed");
    finish(&site);
}

fn well(site: &Site, before: &str, when: &str) {
    // Any command that works here brings up what was left down.
    site.json(&["df"]);
    site.json(&["pool", "up"]);
    assert_eq!(site.json(&["pool", "check"])["clean"], true, "{when}");
    assert_survived(site, before);
}

/// Overwrites the root of the bitmaps of the data's space map.
fn spoil(metadata: &str) {
    let file = File::options()
        .read(true)
        .write(true)
        .open(metadata)
        .unwrap();
    let mut root = [0; 8];
    file.read_exact_at(&mut root, 64 + 16).unwrap();
    file.write_all_at(&[0x55; 4096], u64::from_le_bytes(root) * 4096)
        .unwrap();
    file.sync_all().unwrap();
}
