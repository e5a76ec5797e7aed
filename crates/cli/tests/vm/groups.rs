//! A pool on logical volumes, with LVM's own tools: it is given room out of its volume group until that has none, and
//! what survives is what it was, byte for byte.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileExt, symlink},
    path::Path,
    process::{Child, Stdio},
};

use longshore_vmtest::{Guest, Scenario};
use serde_json::Value;

use crate::{
    site::{Site, blank, run},
    trouble::{alarms, assert_survived, digest, finish, site_with_machine, status},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_pool_lives_in_a_group", a_pool_lives_in_a_group),
    ("metadata_in_a_group_is_full", metadata_in_a_group_is_full),
];

const GROUP: &str = "harbour-one";
const DATA: &str = "/dev/harbour-one/data";
const META: &str = "/dev/harbour-one/meta";
const DISK: &str = "/dev/mapper/longshore-one";
const TWO: &str = "/dev/mapper/longshore-two";
/// The disks of the machine that make the group: one from the beginning, one when that is full.
const FIRST: usize = 2;
const SECOND: usize = 1;
/// The disk of the state directory, and these.
pub(crate) const DISKS: &[u64] = &[1 << 30, 128 << 20, 256 << 20];

/// There is no udev, and every device is LVM's to look at.
const SETTINGS: &str = "activation { udev_sync = 0 udev_rules = 0 }
devices { use_devicesfile = 0 obtain_device_list_from_udev = 0 }
backup { backup = 0 archive = 0 }
";

/// The tools of LVM are one program under many names.
fn lvm(arguments: &[&str]) {
    let done = run("lvm", arguments);
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

fn free(part: &str, site: &Site) -> Option<u64> {
    status(site)[part]["group"]["free_bytes"].as_u64()
}

fn total(site: &Site) -> u64 {
    status(site)["data"]["total_bytes"].as_u64().unwrap()
}

/// A pool in a group of one disk, with an image and a machine that has written something.
fn in_a_group(guest: &Guest, data: &str) -> (Site, String) {
    let site = Site::fresh(guest);
    fs::create_dir_all("/etc/lvm").unwrap();
    fs::write("/etc/lvm/lvm.conf", SETTINGS).unwrap();
    for tool in ["lvs", "lvextend"] {
        let _ = fs::create_dir_all("/sbin");
        if let Err(error) = symlink("/bin/lvm", Path::new("/sbin").join(tool)) {
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
    }
    for number in [FIRST, SECOND] {
        blank(&guest.disk(number));
    }
    lvm(&["vgcreate", GROUP, guest.disk(FIRST).to_str().unwrap()]);
    for (name, size) in [("data", data), ("meta", "4M")] {
        lvm(&["lvcreate", "--yes", "-L", size, "-n", name, GROUP]);
    }
    // An extent has what the last one had who used it.
    for volume in [DATA, META] {
        blank(Path::new(volume));
    }
    site.json(&["pool", "create", "--data", DATA, "--meta", META]);
    site_with_machine(&site);
    let before = digest(DISK);
    (site, before)
}

fn watch(site: &Site) -> Child {
    let mut watching = site.command(&["-o", "json", "pool", "watch", "--every", "1s"]);
    watching.stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits until it has said this.
fn heard(watching: &mut Child, text: &str) {
    let mut said = Vec::new();
    let out = watching.stdout.as_mut().unwrap();
    let mut byte = [0];
    while !String::from_utf8_lossy(&said).contains(text) {
        out.read_exact(&mut byte).unwrap();
        said.extend(byte);
    }
}

/// What it has said that was not heard.
fn end(mut watching: Child) -> String {
    run("busybox", &["kill", &watching.id().to_string()]);
    let mut said = String::new();
    let mut out = watching.stdout.take().unwrap();
    out.read_to_string(&mut said).unwrap();
    watching.wait().unwrap();
    said
}

/// Writes so many bytes to a machine's large disk, and waits until they are durable.
fn fill(len: usize) -> io::Result<()> {
    let disk = File::options().write(true).open(TWO)?;
    disk.write_all_at(&vec![7; len], 0)?;
    disk.sync_all()
}

fn a_pool_lives_in_a_group(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = in_a_group(guest, "36M");
    // Of 256 MiB, 252 are extents of 4.
    let told = status(&site);
    assert_eq!(told["data"]["group"]["name"], GROUP, "{told}");
    assert_eq!(told["metadata"]["group"]["free_bytes"], 212 << 20, "{told}");
    let said = site.output(&["pool", "status"]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("free in group harbour-one"), "{said}");
    let doctor = site.output(&["doctor"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("2.03"), "{doctor}");

    // Given room out of the group, in whole extents; what is done already is done.
    let extended = site.json(&["pool", "extend", "--size", "38MiB"]);
    assert_eq!(extended["data"]["total_bytes"], 38 << 20, "{extended}");
    assert_eq!(free("data", &site), Some(208 << 20));
    lvm(&["lvextend", "-L", "44M", "harbour-one/data"]);
    let extended = site.json(&["pool", "extend", "--size", "42MiB"]);
    assert_eq!(extended["data"]["total_bytes"], 42 << 20, "{extended}");
    assert_eq!(free("data", &site), Some(204 << 20));
    // What was made longer by hand is taken up, and less or too much is refused.
    assert_eq!(
        site.json(&["pool", "extend"])["data"]["total_bytes"],
        43 << 20
    );
    assert_eq!(
        site.fails(&["pool", "extend", "--size", "16MiB"]).0,
        Some(2)
    );
    let (code, error) = site.fails(&["pool", "extend", "--size", "1GiB"]);
    assert_eq!((code, &error["code"]), (Some(8), &"group-full".into()));
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("vgextend harbour-one"), "{error}");
    let both = [
        "pool",
        "extend",
        "--size",
        "240MiB",
        "--metadata-size",
        "16MiB",
    ];
    assert_eq!(site.fails(&both).1["code"], "group-full");
    assert_eq!(
        free("metadata", &site),
        Some(204 << 20),
        "neither was made longer"
    );
    let more = ["pool", "extend", "--metadata-size", "5MiB"];
    assert_eq!(site.json(&more)["metadata"]["total_bytes"], 8 << 20);
    assert_survived(&site, &before);

    // Without LVM's tools nothing is guessed, and what is needed is said.
    fs::rename("/sbin/lvs", "/sbin/away").unwrap();
    let (code, error) = site.fails(&["pool", "extend", "--size", "64MiB"]);
    assert_eq!((code, &error["code"]), (Some(1), &"pool-lvm".into()));
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("lvm2"), "{error}");
    assert_eq!(alarms(&site), Vec::<String>::new());
    fs::rename("/sbin/away", "/sbin/lvs").unwrap();

    // One that grows lets writes wait while whoever watches has LVM give it room, until the group has none.
    let grow = ["pool", "extend", "--automatic", "--by", "50"];
    assert_eq!(site.json(&grow)["when_full"], "queue");
    let watching = watch(&site);
    let activate = [
        "activate",
        "images/one",
        "--name",
        "two",
        "--size",
        "512MiB",
    ];
    site.json(&activate);
    fill(56 << 20).unwrap();
    let larger = total(&site);
    assert!(larger > 56 << 20, "{larger}");
    assert_survived(&site, &before);
    // It ends when the kernel has waited for as long as it does.
    assert!(fill(300 << 20).is_err());
    assert_eq!(free("data", &site), Some(0));
    let told = status(&site);
    assert_eq!(told["state"], "out-of-data-space", "{told}");
    let found = alarms(&site);
    assert!(found.contains(&"group-low".to_owned()), "{found:?}");
    let once = site.output(&["pool", "watch", "--once"]);
    assert_eq!(once.status.code(), Some(8), "{once:?}");
    let said = end(watching);
    assert!(
        said.lines().count() >= 3 && said.contains("group-low"),
        "{said}"
    );

    // A disk more in the group, and it goes on.
    lvm(&["vgextend", GROUP, guest.disk(SECOND).to_str().unwrap()]);
    let mut watching = watch(&site);
    heard(&mut watching, "\"state\":\"working\"");
    fill(300 << 20).unwrap();
    end(watching);
    assert_eq!(status(&site)["state"], "working");
    let last = site.json(&["pool", "extend", "--no-automatic"]);
    assert_eq!(last["growth"], Value::Null);
    site.json(&["remove", "two"]);
    assert_survived(&site, &before);

    // It is where it was after the group was away.
    let larger = total(&site);
    site.json(&["pool", "down"]);
    lvm(&["vgchange", "-an", GROUP]);
    assert_eq!(site.fails(&["pool", "up"]).0, Some(1));
    lvm(&["vgchange", "-ay", GROUP]);
    site.json(&["pool", "up"]);
    assert_eq!(total(&site), larger);
    assert_survived(&site, &before);
    finish(&site);
    lvm(&["vgremove", "--force", "--yes", GROUP]);
}

/// It is given twice the room, as a file is; one of another kind is LVM's to enlarge.
fn metadata_in_a_group_is_full(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = in_a_group(guest, "64M");
    let message = |text: &str| run("dmsetup", &["message", "longshore", "0", text]);
    let made: Vec<u32> = (100_000..101_200)
        .take_while(|id| message(&format!("create_thin {id}")).status.success())
        .collect();
    assert!(made.len() < 1200, "it is to be full");
    assert_eq!(site.json(&["pool", "repair"])["done"], "room");
    let now = status(&site);
    assert_eq!(now["metadata"]["total_bytes"], 8 << 20, "{now}");
    assert_eq!(now["state"], "working", "{now}");
    for id in made {
        message(&format!("delete {id}"));
    }
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
    lvm(&["vgremove", "--force", "--yes", GROUP]);
}
