//! A pool's life: made, told of, down, up, after a reboot, adopted, destroyed.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
};

use longshore_vmtest::{Guest, Scenario};

use crate::{
    site::{Site, run},
    trouble::{on_files, write},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("on_two_disks", on_two_disks),
    ("on_files_thick_and_sparse", on_files_thick_and_sparse),
    ("what_is_there_is_refused", what_is_there_is_refused),
    ("a_full_pool_gets_room", a_full_pool_gets_room),
    (
        "one_of_somebody_else_is_adopted",
        one_of_somebody_else_is_adopted,
    ),
];

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn on_two_disks(guest: &Guest) {
    let site = Site::fresh(guest);
    assert_eq!(site.json(&["list"]), serde_json::json!([]));
    let create = site.create();
    let dry: Vec<&str> = [&words(&create)[..], &["--dry-run"]].concat();
    assert_eq!(site.json(&dry)["state"], "planned");
    assert_eq!(site.fails(&["pool", "status"]).0, Some(5));
    let made = site.json(&words(&create));
    assert_eq!(made["state"], "working");
    assert_eq!(made["device"], "/dev/mapper/longshore");
    // All but the end of the disk, and a block of our own at its beginning.
    assert_eq!(made["data"]["total_bytes"], (2_u64 << 30) - (1 << 20));
    assert_eq!(made["data"]["used_bytes"], 64 << 10);
    // There is one, and it is the same however often it is asked for.
    let (code, error) = site.fails(&words(&create));
    assert_eq!((code, &error["code"]), (Some(6), &"pool-exists".into()));
    assert_eq!(site.json(&["pool", "up"])["state"], "working");
    assert_eq!(site.json(&["pool", "down"])["state"], "down");
    assert!(!Path::new("/dev/mapper/longshore").exists());
    let (code, error) = site.fails(&["fetch-and-create", "images/one"]);
    // Nothing is in it yet, but somebody wanted it.
    assert_eq!((code, &error["code"]), (Some(7), &"pool-down".into()));
    assert_eq!(site.json(&["pool", "up"])["state"], "working");
    let would = site.json(&["pool", "destroy", "--dry-run"]);
    assert_eq!(would["name"], "longshore");
    site.destroy();
    assert_eq!(site.fails(&["pool", "status"]).0, Some(5));
    // What was ours is blank again.
    assert_eq!(site.json(&words(&create))["state"], "working");
    site.destroy();
}

pub(crate) fn on_files_thick_and_sparse(guest: &Guest) {
    if guest.boot() == 0 {
        let site = Site::fresh(guest);
        for (how, below) in [("--thick", false), ("--sparse", true)] {
            let made = site.json(&[
                "pool",
                "create",
                "--loop-dir",
                "/state/pools",
                "--size",
                "256MiB",
                how,
                "--block-size",
                "128KiB",
            ]);
            assert_eq!(made["state"], "working");
            assert_eq!(made["discards_below"], below);
            assert_eq!(made["block_bytes"], 128 << 10);
            if below {
                break;
            }
            site.destroy();
            assert!(!Path::new("/state/pools/longshore.data").exists());
        }
        site.json(&["fetch-and-create", "images/one", "--name", "one"]);
        let (code, error) = site.fails(&["pool", "destroy"]);
        assert_eq!((code, &error["code"]), (Some(7), &"in-use".into()));
        guest.crash();
    }
    let site = Site::again(guest);
    assert_eq!(site.json(&["pool", "status"])["state"], "down");
    let up = site.json(&["pool", "up"]);
    assert_eq!(up["state"], "working");
    assert_eq!(up["data"]["path"], "/state/pools/longshore.data");
    // The machine that was active has its disk again.
    assert!(Path::new("/dev/mapper/longshore-one").exists());
    let loops = run("busybox", &["losetup", "-a"]);
    let loops = String::from_utf8_lossy(&loops.stdout).into_owned();
    assert_eq!(loops.matches("/state/pools/").count(), 2, "{loops}");
    site.json(&["pool", "up"]);
    // What a machine wrote is given back to the host's filesystem when it goes.
    let taken = || {
        run("busybox", &["sync"]);
        fs::metadata("/state/pools/longshore.data")
            .unwrap()
            .blocks()
            * 512
    };
    let before = taken();
    let mut disk = File::options()
        .write(true)
        .open("/dev/mapper/longshore-one")
        .unwrap();
    disk.write_all(&vec![7; 16 << 20]).unwrap();
    disk.sync_all().unwrap();
    drop(disk);
    let written = taken();
    assert!(
        written >= before + (15 << 20),
        "{before} to {written} bytes"
    );
    site.json(&["remove", "one"]);
    let after = taken();
    assert!(
        after <= before + (1 << 20),
        "{before}, {written}, {after} bytes"
    );
    site.json(&["remove", "images/one"]);
    site.destroy();
    let loops = run("busybox", &["losetup", "-a"]);
    assert_eq!(
        String::from_utf8_lossy(&loops.stdout)
            .matches("pools")
            .count(),
        0
    );
}

fn what_is_there_is_refused(guest: &Guest) {
    if !guest.has_time() {
        return;
    }
    let site = Site::fresh(guest);
    let create = site.create();
    let create = words(&create);
    // A filesystem on the data device.
    run("mke2fs", &["-q", "-F", "-t", "ext4", create[3]]);
    let (code, error) = site.fails(&create);
    assert_eq!((code, &error["code"]), (Some(6), &"not-empty".into()));
    // One that is mounted.
    let (code, error) = site.fails(&["pool", "create", "--data", "/dev/vda", "--meta", create[5]]);
    assert_eq!(
        (code, &error["code"]),
        (Some(7), &"device-busy".into()),
        "{error}"
    );
    let (code, error) = site.fails(&["pool", "create", "--data", "/dev/null", "--meta", create[5]]);
    assert_eq!(code, Some(1), "{error}");
    let (code, _) = site.fails(&["pool", "create", "--data", create[5], "--meta", create[5]]);
    assert_eq!(code, Some(2));
    let (code, _) = site.fails(&[
        "pool",
        "create",
        "--loop-dir",
        "/state/x",
        "--size",
        "1GiB",
        "--block-size",
        "1000",
    ]);
    assert_eq!(code, Some(2));
    assert_eq!(
        site.fails(&["pool", "status"]).0,
        Some(5),
        "nothing was begun"
    );
    // A pool's device that somebody uses for something else meanwhile is theirs.
    let site = Site::with_pool(guest);
    site.json(&["pool", "down"]);
    let data = |byte: u8| {
        let mut data = File::options().write(true).open(create[3]).unwrap();
        data.write_all(&[byte; 512]).unwrap();
        data.sync_all().unwrap();
    };
    data(b'x');
    for verb in ["up", "destroy"] {
        let (code, error) = site.fails(&["pool", verb]);
        assert_eq!(
            (code, &error["code"]),
            (Some(6), &"other-device".into()),
            "{verb}"
        );
    }
    assert_eq!(crate::site::head(create[3], 1), b"x");
    data(0);
    site.destroy();
}

/// A guest fills the pool: its writes fail, nothing is begun, and what is removed makes room again.
fn a_full_pool_gets_room(guest: &Guest) {
    if !guest.has_time() {
        return;
    }
    let (site, _) = on_files(guest, "32MiB", "--thick");
    assert!(write(0, 48 << 20).is_err());
    assert_eq!(site.json(&["pool", "status"])["state"], "out-of-data-space");
    let (code, error) = site.fails(&["activate", "images/one", "--name", "two"]);
    assert_eq!(
        (code, &error["code"]),
        (Some(8), &"pool-full".into()),
        "{error}"
    );
    let said = error["message"].as_str().unwrap();
    assert!(said.contains("the pool has no room"), "{said}");
    site.json(&["remove", "one"]);
    assert_eq!(site.json(&["pool", "status"])["state"], "working");
    site.json(&["activate", "images/one", "--name", "two"]);
    for gone in ["two", "images/one"] {
        site.json(&["remove", gone]);
    }
    site.destroy();
}

fn one_of_somebody_else_is_adopted(guest: &Guest) {
    if !guest.has_time() {
        return;
    }
    let site = Site::fresh(guest);
    let create = site.create();
    let (data, meta) = (&create[3], &create[5]);
    // As containerd's documentation has it: without zeroing.
    let table = format!("0 2097152 thin-pool {meta} {data} 128 100 1 skip_block_zeroing");
    let made = run("dmsetup", &["create", "theirs", "--table", &table]);
    assert!(made.status.success(), "{made:?}");
    run("dmsetup", &["message", "theirs", "0", "create_thin 7"]);
    let adopted = site.json(&["pool", "adopt", "theirs"]);
    assert_eq!(adopted["state"], "working");
    assert_eq!(adopted["data"]["total_bytes"], 1 << 30);
    let table = run("dmsetup", &["table", "theirs"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    // New blocks are zeroed from now on; all else is as its owner made it.
    assert!(table.contains(" 128 100 0"), "{table}");
    let fetched = site.json(&["fetch-and-create", "images/one"]);
    assert!(fetched["volume"]["id"].as_u64().unwrap() > 7, "{fetched}");
    site.json(&["remove", "images-one"]);
    site.json(&["remove", "images/one"]);
    let (code, error) = site.fails(&["pool", "destroy"]);
    assert_eq!(
        (code, &error["code"]),
        (Some(7), &"in-use".into()),
        "theirs"
    );
    run("dmsetup", &["message", "theirs", "0", "delete 7"]);
    site.destroy();
    // One that a volume manager has is not.
    let table = format!("0 2097152 thin-pool {meta} {data} 128 100");
    let named = [
        "create",
        "vg-pool",
        "-u",
        "LVM-abcdef-tpool",
        "--table",
        &table,
    ];
    assert!(run("dmsetup", &named).status.success());
    let (code, error) = site.fails(&["pool", "adopt", "vg-pool"]);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-managed".into()));
    assert_eq!(site.fails(&["pool", "status"]).0, Some(5));
    run("dmsetup", &["remove", "vg-pool"]);
}
