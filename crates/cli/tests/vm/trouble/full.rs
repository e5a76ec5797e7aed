//! Pools that run out of room: of data, of metadata, of the host's.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::FileExt,
    process::Stdio,
};

use longshore_vmtest::Guest;
use serde_json::Value;

use super::scene::{DISK, IMAGE, alarms, assert_survived, digest, finish, on_files, status, write};
use crate::site::run;

pub(super) fn a_full_pool_is_given_room(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "32MiB", "--thick");
    // Whoever watches is told when it happens: the next look would be in an hour.
    let watch = ["-o", "json", "pool", "watch", "--every", "1h"];
    let mut watching = site.command(&watch);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&told.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["alarms"], Value::Array(vec![]));
    assert!(write(0, 48 << 20).is_err());
    while next()["state"] != "out-of-data-space" {}
    run("busybox", &["kill", &watching.id().to_string()]);
    watching.wait().unwrap();
    assert_eq!(status(&site)["state"], "out-of-data-space");
    assert_eq!(alarms(&site), ["data-full"]);
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(8)
    );
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert_eq!((code, &error["code"]), (Some(8), &"pool-full".into()));
    // A smaller pool is none.
    assert_eq!(
        site.fails(&["pool", "extend", "--size", "16MiB"]).0,
        Some(2)
    );
    let extended = site.json(&["pool", "extend", "--size", "128MiB"]);
    assert_eq!(extended["state"], "working");
    assert_eq!(extended["data"]["total_bytes"], 128 << 20);
    assert_eq!(alarms(&site), Vec::<String>::new());
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(0)
    );
    write(0, 48 << 20).unwrap();
    // The image is untouched, and the machine as new is what it was.
    site.json(&["reset", "one"]);
    write(40 << 20, 1 << 20).unwrap();
    assert_survived(&site, &before);
    // After a reboot it has the room that it was given.
    site.json(&["pool", "down"]);
    assert_eq!(site.json(&["pool", "up"])["data"]["total_bytes"], 128 << 20);
    finish(&site);
}

pub(super) fn one_that_grows_lets_writes_wait(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, _) = on_files(guest, "32MiB", "--sparse");
    let (code, _) = site.fails(&["pool", "extend", "--automatic=100"]);
    assert_eq!(code, Some(2));
    let told = site.json(&[
        "pool",
        "extend",
        "--automatic",
        "--by",
        "50",
        "--most",
        "96MiB",
    ]);
    assert_eq!(
        (&told["when_full"], &told["growth"]["at_percent"]),
        (&"queue".into(), &80.into())
    );
    // Nobody else is at work: whoever watches gives it room.
    let mut watching = site.command(&["-o", "json", "pool", "watch", "--every", "1s"]);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    write(0, 56 << 20).unwrap();
    let total = status(&site)["data"]["total_bytes"].as_u64().unwrap();
    assert!(total > 56 << 20 && total <= 96 << 20, "{total}");
    run("busybox", &["kill", &watching.id().to_string()]);
    let mut said = String::new();
    watching
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    watching.wait().unwrap();
    assert!(said.lines().count() >= 2, "{said}");
    // As far as it may, and no further.
    site.json(&["activate", IMAGE, "--name", "two"]);
    let two = File::options()
        .write(true)
        .open("/dev/mapper/longshore-two")
        .unwrap();
    let most = site.json(&["pool", "extend", "--size", "96MiB"]);
    assert_eq!(
        (&most["when_full"], &most["growth"]["most_bytes"]),
        (&"fail".into(), &(96 << 20).into())
    );
    let written = two
        .write_all_at(&vec![7; 60 << 20], 0)
        .and_then(|()| two.sync_all());
    assert!(written.is_err());
    drop(two);
    site.json(&["remove", "two"]);
    let growing = site.json(&["pool", "extend", "--no-automatic"]);
    assert_eq!(
        (&growing["when_full"], &growing["growth"]),
        (&"fail".into(), &Value::Null)
    );
    finish(&site);
}

pub(super) fn metadata_is_full(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "256MiB", "--thick");
    // Each has a node of its own: 2 MiB are 512.
    let mut made = Vec::new();
    for id in 100_000..100_600 {
        let created = run(
            "dmsetup",
            &["message", "longshore", "0", &format!("create_thin {id}")],
        );
        if !created.status.success() {
            break;
        }
        made.push(id);
    }
    // Debian's kernel 6.1 makes it read-only; thin-provisioning.rst has it marked, too.
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    assert!(["read-only", "needs-check"].contains(&&*state), "{state}");
    assert!(made.len() < 600);
    assert_eq!(alarms(&site), [&*state, "metadata-full"]);
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert_eq!((code, &error["code"]), (Some(1), &"pool-broken".into()));
    // It is not given room before it is repaired; what machines have can be read all the same.
    let (code, error) = site.fails(&["pool", "extend", "--metadata-size", "8MiB"]);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-broken".into()));
    assert_eq!(digest(DISK), before);
    assert_eq!(site.json(&["pool", "repair"])["done"], "room");
    let now = status(&site);
    assert_eq!(now["metadata"]["total_bytes"], 4 << 20, "{now}");
    assert_eq!(
        (&now["state"], &now["alarms"]),
        (&"working".into(), &Value::Array(vec![]))
    );
    let extended = site.json(&["pool", "extend", "--metadata-size", "8MiB"]);
    assert_eq!(extended["metadata"]["total_bytes"], 8 << 20, "{extended}");
    let checked = site.output(&["-o", "json", "pool", "check"]);
    assert_eq!(
        checked.status.code(),
        Some(1),
        "whose they are nobody knows"
    );
    for id in made {
        run(
            "dmsetup",
            &["message", "longshore", "0", &format!("delete {id}")],
        );
    }
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
}

pub(super) fn the_host_is_full(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "640MiB", "--sparse");
    let filled = run(
        "busybox",
        &["dd", "if=/dev/zero", "of=/state/filled", "bs=1M"],
    );
    assert!(!filled.status.success(), "it is to be full");
    assert_eq!(alarms(&site), ["host-low"]);
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(8)
    );
    assert!(write(0, 32 << 20).is_err());
    fs::remove_file("/state/filled").unwrap();
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    if state != "working" {
        site.json(&["pool", "repair"]);
    }
    assert_eq!(status(&site)["state"], "working");
    site.json(&["reset", "one"]);
    write(40 << 20, 1 << 20).unwrap();
    assert_survived(&site, &before);
    finish(&site);
}

pub(super) fn what_is_free_is_given_back(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    // A volume that is deleted without being discarded, as somebody else might.
    let message = |text: &str| {
        let done = run("dmsetup", &["message", "longshore", "0", text]);
        assert!(done.status.success(), "{text}: {done:?}");
    };
    message("create_thin 100000");
    let table = "0 65536 thin /dev/mapper/longshore 100000";
    assert!(
        run("dmsetup", &["create", "theirs", "--table", table])
            .status
            .success()
    );
    let mut theirs = File::options()
        .write(true)
        .open("/dev/mapper/theirs")
        .unwrap();
    theirs.write_all(&vec![5; 16 << 20]).unwrap();
    theirs.sync_all().unwrap();
    drop(theirs);
    assert!(run("dmsetup", &["remove", "theirs"]).status.success());
    message("delete 100000");
    let trimmed = site.json(&["pool", "trim"]);
    let given = trimmed["given_back_bytes"].as_u64().unwrap();
    assert!(given >= 16 << 20, "{trimmed}");
    assert_survived(&site, &before);
    finish(&site);
}
