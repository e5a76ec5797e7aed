//! Images and machines in a pool.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use longshore_vmtest::{Guest, Scenario};
use serde_json::Value;

use crate::{
    bucket::{FAMILIES, LARGE, REAL},
    pools,
    site::{Site, head, run, text},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("families_share_their_layers", families_share_their_layers),
    ("a_machine_has_its_life", a_machine_has_its_life),
    ("without_nodes_of_anybody", without_nodes_of_anybody),
    (
        "real_packages_are_switched_to",
        real_packages_are_switched_to,
    ),
];

/// Those where nodes come and go, once more with udevd.
pub(crate) const WITH_UDEV: &[Scenario] = &[
    ("a_machine_has_its_life", a_machine_has_its_life),
    ("families_share_their_layers", families_share_their_layers),
    (
        "on_files_thick_and_sparse",
        pools::on_files_thick_and_sparse,
    ),
];

fn bytes(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

fn device(machine: &str) -> String {
    format!("/dev/mapper/longshore-{machine}")
}

/// What `df` says of something.
fn space<'a>(report: &'a Value, kind: &str, key: &str, name: &str) -> &'a Value {
    let rows = report[kind].as_array().unwrap();
    rows.iter().find(|row| row[key] == name).unwrap()
}

/// Two files or devices are the same, byte for byte.
pub(crate) fn assert_same(one: &str, other: &str) {
    let [mut one_file, mut other_file] = [one, other].map(|path| File::open(path).unwrap());
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let len = |file: &mut File| {
        let len = file.seek(SeekFrom::End(0)).unwrap();
        file.rewind().unwrap();
        len
    };
    let size = len(&mut one_file);
    assert_eq!(size, len(&mut other_file), "{one} and {other}");
    for at in (0..size).step_by(1 << 20) {
        one_file.read_exact(&mut left).unwrap();
        other_file.read_exact(&mut right).unwrap();
        assert!(
            left == right,
            "{one} and {other} differ within 1 MiB of {at}"
        );
    }
}

/// A disk is what the file backend has made of the same layers, on the host.
pub(crate) fn assert_as_in_files(machine: &str) {
    assert_same(&device(machine), &format!("/bucket/files/{machine}.img"));
}

fn families_share_their_layers(guest: &Guest) {
    let site = Site::with_pool(guest);
    let fetched = site.json(&[&["fetch-and-create"], &FAMILIES[..]].concat());
    for report in fetched.as_array().unwrap() {
        let image = report["image"].as_str().unwrap();
        let machine = image.replace('/', "-");
        assert_eq!(report["machine"]["path"], device(&machine));
        assert_as_in_files(&machine);
        let checked = run("e2fsck", &["-fn", &device(&machine)]);
        assert!(checked.status.success(), "{checked:?}");
    }
    let chain = |image: &str| -> Vec<u64> {
        let volumes = site.json(&["show", image])["volumes"].clone();
        let volumes = volumes.as_array().unwrap().iter();
        volumes.map(|volume| bytes(&volume["id"])).collect()
    };
    let (golang, node) = (chain(FAMILIES[0]), chain(FAMILIES[1]));
    assert_eq!((golang.len(), node.len()), (4, 4));
    assert_eq!(golang[..3], node[..3], "layers 1 to 3 are the same volumes");
    assert_ne!(golang[3], node[3]);

    // Nothing of a machine's is at the beginning of the disk, for the host's udev to find there; behind it is.
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
    let head = head(&text(&guest.disk(2)), 16 << 20);
    assert!(head[..64 << 10].iter().all(|&byte| byte == 0));
    assert!(head.iter().any(|&byte| byte != 0));

    // What each takes alone is its own layer; a machine that has written nothing takes nothing alone.
    let report = site.json(&["df"]);
    for image in FAMILIES {
        let image = space(&report, "images", "image", image);
        assert!(bytes(&image["allocated_bytes"]) > 7 << 20, "{image}");
        assert!(
            bytes(&image["exclusive_bytes"]) < 1 << 20,
            "its machine has it too: {image}"
        );
    }
    let machine = space(&report, "machines", "machine", "images-node");
    assert_eq!(machine["exclusive_bytes"], 0);
    // What a machine writes is its own, and comes back when it is removed.
    let used = |report: &Value| bytes(&report["pool"]["data"]["used_bytes"]);
    let before = used(&report);
    let mut disk = File::options()
        .write(true)
        .open(device("images-node"))
        .unwrap();
    disk.seek(SeekFrom::Start(40 << 20)).unwrap();
    disk.write_all(&vec![7; 8 << 20]).unwrap();
    disk.sync_all().unwrap();
    let report = site.json(&["df"]);
    assert_eq!(used(&report), before + (8 << 20));
    let machine = space(&report, "machines", "machine", "images-node");
    assert_eq!(machine["exclusive_bytes"], 8 << 20);
    // A disk that somebody has open is theirs, and whoever asks is told who.
    for verb in ["remove", "reset", "deactivate"] {
        let (code, error) = site.fails(&[verb, "images-node"]);
        let said = error["message"].as_str().unwrap().to_owned();
        assert_eq!(code, Some(7), "{verb}: {error}");
        assert!(said.contains("(test) has it open"), "{verb}: {said}");
        assert!(Path::new(&device("images-node")).exists());
    }
    let (code, error) = site.fails(&["pool", "down"]);
    assert_eq!((code, &error["code"]), (Some(7), &"pool-busy".into()));
    let listed = site.json(&["show", FAMILIES[1]]);
    assert_eq!(listed["machines"][0]["state"], "active");
    drop(disk);
    site.json(&["remove", "images-node"]);
    assert_eq!(used(&site.json(&["df"])), before);
    site.json(&["remove", "images-golang"]);
    for image in FAMILIES {
        site.json(&["remove", image]);
    }
    let report = site.json(&["df"]);
    // But for the block that no machine may have.
    assert_eq!(used(&report), 64 << 10);
    assert_eq!(report["images"], Value::Array(Vec::new()));
    site.check();
}

fn a_machine_has_its_life(guest: &Guest) {
    let site = Site::with_pool(guest);
    let node = FAMILIES[1];
    site.json(&["fetch-and-create", node, "--no-activate"]);
    let larger = [
        "activate", node, "--name", "web", "--size", "1GiB", "--owner", "team a", "--ttl", "1s",
    ];
    assert_eq!(site.json(&larger)["path"], device("web"));
    let size = |name: &str| {
        File::open(device(name))
            .unwrap()
            .seek(SeekFrom::End(0))
            .unwrap()
    };
    assert_eq!(size("web"), 1 << 30);
    let machine = site.json(&["show", node])["machines"][0].clone();
    assert_eq!(
        (&machine["name"], &machine["owner"]),
        (&"web".into(), &"team a".into())
    );
    assert!(machine["expires_at"].is_i64());
    // Another size is another machine; a smaller one than the image's is none.
    let other = ["activate", node, "--name", "web", "--size", "2GiB"];
    assert_eq!(site.fails(&other).0, Some(6));
    let small = ["activate", node, "--name", "tiny", "--size", "4096"];
    assert_eq!(site.fails(&small).0, Some(2));
    // Several of one image, and what one writes is not the others'.
    site.json(&["activate", node, "--name", "db"]);
    let write = |name: &str, byte: u8| {
        let mut disk = File::options().write(true).open(device(name)).unwrap();
        disk.write_all(&[byte; 512]).unwrap();
        disk.sync_all().unwrap();
    };
    write("web", 1);
    write("db", 2);
    let first = |name: &str| head(&device(name), 1)[0];
    assert_eq!((first("web"), first("db")), (1, 2));
    // Out of use and back: what was written stays; as new: it is gone.
    site.json(&["deactivate", "web"]);
    assert!(!Path::new(&device("web")).exists());
    // What nobody has open can be looked into all the same.
    assert!(site.output(&["ls", node, "/usr/bin/own"]).status.success());
    site.json(&["activate", "web"]);
    assert_eq!(first("web"), 1);
    assert_eq!(site.json(&["reset", "web"])["path"], device("web"));
    assert_eq!((first("web"), size("web")), (0, 1 << 30));
    assert_eq!(first("db"), 2);
    site.json(&["reset", "web", "--size", "512MiB"]);
    assert_eq!(size("web"), 512 << 20);
    let drive = site.json(&["export", "web", "--for", "qemu"]);
    assert!(
        drive["arguments"][1]
            .as_str()
            .unwrap()
            .contains("host_device")
    );
    // Its time is over.
    assert_eq!(site.json(&["cleanup", "--dry-run"])["machines"][0], "web");
    let gone = site.json(&["cleanup"]);
    assert_eq!(gone["machines"], serde_json::json!(["web"]));
    assert!(!Path::new(&device("web")).exists() && Path::new(&device("db")).exists());
    // More than the pool can hold is refused before anything is begun.
    let (code, error) = site.fails(&["fetch-and-create", "images/huge"]);
    assert_eq!(
        (code, &error["code"]),
        (Some(8), &"pool-full".into()),
        "{error}"
    );
    site.check();
}

/// As in a container: no udev, no devtmpfs, and no node but those of the disks.
fn without_nodes_of_anybody(guest: &Guest) {
    let site = Site::with_pool(guest);
    site.json(&["pool", "down"]);
    let script = "
        set -e
        mount -t tmpfs tmpfs /dev
        mknod /dev/null c 1 3
        for disk in vda vdb vdc vdd; do
            number=$(cat /sys/class/block/$disk/dev)
            mknod /dev/$disk b ${number%:*} ${number#*:}
        done";
    let covered = run("busybox", &["sh", "-c", script]);
    assert!(covered.status.success(), "{covered:?}");
    assert!(!Path::new("/dev/mapper").exists());
    site.json(&["pool", "up"]);
    let fetched = site.json(&["fetch-and-create", FAMILIES[0]]);
    assert_eq!(fetched["machine"]["path"], device("images-golang"));
    assert!(Path::new("/dev/mapper/control").exists());
    let looked = run("e2fsck", &["-fn", &device("images-golang")]);
    assert!(looked.status.success(), "{looked:?}");
    site.check();
    let uncovered = run("busybox", &["umount", "-l", "/dev"]);
    assert!(uncovered.status.success(), "{uncovered:?}");
}

/// A machine of real packages is what the file backend makes, and runs: the virtual machine goes on with its disk as
/// the root, and is switched off from there.
fn real_packages_are_switched_to(guest: &Guest) {
    let machine = "images-tiny";
    if guest.boot() == 0 {
        let mut site = Site::with_pool(guest);
        if !Path::new("/bucket").join(REAL).exists() {
            return;
        }
        site.volumes = LARGE;
        let real = site.json(&["fetch-and-create", REAL]);
        assert_eq!(real["machine"]["path"], device(machine));
        assert_as_in_files(machine);
        let script = "{ cat /etc/os-release; sha256sum /usr/bin/dpkg; } | tee /written";
        guest.switch_root(Path::new(&device(machine)), script);
    }
    let mut site = Site::again(guest);
    site.volumes = LARGE;
    site.json(&["pool", "up"]);
    // What it has seen of itself is what the image has, and its disk was left clean.
    let file = |of: &str, path: &str| {
        let file = site.output(&["cat", of, path]);
        assert!(file.status.success(), "{file:?}");
        file.stdout
    };
    fs::write("/tmp/dpkg", file(REAL, "/usr/bin/dpkg")).unwrap();
    let digest = run("busybox", &["sha256sum", "/tmp/dpkg"]).stdout;
    let digest = String::from_utf8(digest).unwrap();
    let digest = digest.split_whitespace().next().unwrap();
    let mut expected = String::from_utf8(file(REAL, "/etc/os-release")).unwrap();
    expected.push_str(&format!("{digest}  /usr/bin/dpkg\n"));
    let written = String::from_utf8(file(machine, "/written")).unwrap();
    assert_eq!(written, expected);
    let checked = run("e2fsck", &["-fn", &device(machine)]);
    assert!(checked.status.success(), "{checked:?}");
    // The image is what it was, and the machine is again what the image is.
    assert_eq!(site.fails(&["cat", REAL, "/written"]).0, Some(5));
    site.json(&["reset", machine]);
    assert_eq!(site.fails(&["cat", machine, "/written"]).0, Some(5));
    assert_as_in_files(machine);
    site.check();
}
