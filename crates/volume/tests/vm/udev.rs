//! What udevd makes of our devices, by device-mapper's own rules: nothing, and it has nothing to complain of.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileTypeExt,
    path::Path,
    process::Command,
    sync::Arc,
};

use longshore_vmtest::{Guest, Scenario};
use longshore_volume::{
    Backend, Deactivated, Name, VolumeId,
    dm::{Control, DeviceName, DeviceNumber, Nodes, Suspend},
    thin::{MemoryLedger, ThinBackend},
};

use crate::{
    devices::{self, up},
    loops, pools, thin,
};

/// Those where nodes come and go, once more with udevd, and what is true only there.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_device_lives_and_goes", devices::a_device_lives_and_goes),
    (
        "a_suspended_device_waits",
        devices::a_suspended_device_waits,
    ),
    (
        "an_open_device_is_busy_or_goes_later",
        devices::an_open_device_is_busy_or_goes_later,
    ),
    (
        "nodes_are_made_where_nobody_does",
        devices::nodes_are_made_where_nobody_does,
    ),
    ("a_file_is_a_block_device", loops::a_file_is_a_block_device),
    (
        "loops_are_found_by_their_file",
        loops::loops_are_found_by_their_file,
    ),
    (
        "a_pool_comes_up_and_says_how_it_is",
        thin::a_pool_comes_up_and_says_how_it_is,
    ),
    (
        "a_machine_that_is_open_names_its_holder",
        thin::a_machine_that_is_open_names_its_holder,
    ),
    (
        "a_device_of_ours_is_not_looked_into",
        a_device_of_ours_is_not_looked_into,
    ),
    (
        "a_machine_comes_and_goes_many_times",
        a_machine_comes_and_goes_many_times,
    ),
    (
        "nothing_is_left_of_fifty_devices",
        nothing_is_left_of_fifty_devices,
    ),
    // The last, for udevd is busy with what it has made long after it is done.
    ("thin_volumes_conform", thin::thin_volumes_conform),
];

fn a_device_of_ours_is_not_looked_into(guest: &Guest) {
    let control = Control::open().unwrap();
    let device = name("longshore-a");
    up(&control, &device, guest);
    let number = control.info(&device).unwrap().unwrap().number;
    let node = Nodes::default().path(&device);
    // What would be found.
    run("/bin/busybox", &["mkswap", node.to_str().unwrap()]);
    control.suspend(&device, Suspend::Flushing).unwrap();
    control.resume(&device).unwrap();
    // Nor where somebody asks for its events once more, which then say nothing of any flags.
    for action in ["change", "add"] {
        settle();
        assert_is_untouched(&control, &device, number);
        let of_it = format!("/sys/dev/block/{number}");
        run("udevadm", &["trigger", "--action", action, &of_it]);
    }
    settle();
    assert_is_untouched(&control, &device, number);
    assert!(control.remove(&device).unwrap());
    Nodes::default().forget(&device).unwrap();

    // It does look into one of anybody else's, and watches it a little later than it says that it is done.
    let table = format!("0 2048 linear {} 0", guest.disk(0).display());
    run("dmsetup", &["create", "theirs", "--table", &table]);
    let number = control.info(&name("theirs")).unwrap().unwrap().number;
    let known = known(number);
    assert!(known.contains("E:ID_FS_TYPE=swap"), "{known}");
    settle();
    assert!(is_watched(number));
    run("dmsetup", &["remove", "theirs"]);
    assert_nothing_is_left(guest);
}

fn a_machine_comes_and_goes_many_times(guest: &Guest) {
    let ledger = Arc::new(MemoryLedger::default());
    let backend = ThinBackend::new(pools::fresh(guest), ledger);
    let (id, web) = (VolumeId::new(1).unwrap(), Name::new("web").unwrap());
    backend.create(id, 1 << 20).unwrap();
    for _ in 0..5 {
        let path = backend.activate(id, &web).unwrap().path.unwrap();
        assert_eq!(path, Path::new("/dev/mapper/longshore-web"));
        write_to(&path);
        // Nobody looks into it once it is closed, so that it can go.
        assert_eq!(backend.deactivate(&web).unwrap(), Deactivated::Deactivated);
        assert!(fs::symlink_metadata(&path).is_err());
    }
    drop(backend);
    thin::down(guest);
    assert_nothing_is_left(guest);
}

/// The numbers of devices are used again while udevd is busy with what had them before.
fn nothing_is_left_of_fifty_devices(guest: &Guest) {
    let (control, nodes) = (Control::open().unwrap(), Nodes::default());
    let other = name("longshore-other");
    for _ in 0..5 {
        let devices: Vec<_> = (0..10)
            .map(|number| name(&format!("longshore-{number}")))
            .collect();
        for device in &devices {
            up(&control, device, guest);
            write_to(&nodes.path(device));
        }
        let renamed = &devices[0];
        let number = control.info(renamed).unwrap().unwrap().number;
        control.rename(renamed, &other).unwrap();
        nodes.forget(renamed).unwrap();
        write_to(&nodes.ensure(&other, number).unwrap());
        for device in devices[1..].iter().chain([&other]) {
            assert!(control.remove(device).unwrap());
            nodes.forget(device).unwrap();
        }
    }
    assert_nothing_is_left(guest);
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

fn run(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().unwrap();
    assert!(status.success(), "{program} {words:?}");
}

/// Waits until udevd has nothing to do.
fn settle() {
    run("udevadm", &["settle"]);
}

/// Closing what was written to is what udevd watches for in devices that it looks into.
fn write_to(path: &Path) {
    let mut node = File::options().write(true).open(path).unwrap();
    node.write_all(b"written, and closed").unwrap();
}

/// What udevd keeps about a device.
fn known(number: DeviceNumber) -> String {
    fs::read_to_string(format!("/run/udev/data/b{number}")).unwrap()
}

fn is_watched(number: DeviceNumber) -> bool {
    fs::symlink_metadata(format!("/run/udev/watch/b{number}")).is_ok()
}

fn assert_is_untouched(control: &Control, device: &DeviceName, number: DeviceNumber) {
    let known = known(number);
    // Found nothing, made no link, waits for nothing, holds nothing.
    for trace in ["E:ID_FS_", "S:"] {
        assert!(!known.contains(trace), "{known}");
    }
    assert!(!is_watched(number));
    assert_eq!(control.info(device).unwrap().unwrap().opened, 0);
    let node = fs::symlink_metadata(Nodes::default().path(device)).unwrap();
    assert!(node.file_type().is_block_device(), "the node is ours");
    // What it goes by where an event says nothing of it.
    for rules in ["DM", "SUBSYSTEM", "DISK", "OTHER"] {
        let flag = format!("E:DM_UDEV_DISABLE_{rules}_RULES_FLAG=1");
        assert!(known.contains(&flag), "{known}");
    }
}

/// There is no device and no node, nothing that udevd remembers of one, and no word of one in its log.
fn assert_nothing_is_left(guest: &Guest) {
    settle();
    assert_eq!(Control::open().unwrap().list().unwrap(), []);
    let mut nodes = names("/dev/mapper");
    nodes.retain(|node| node != "control");
    assert_eq!(nodes, [""; 0]);
    let devices = fs::read_to_string("/proc/devices").unwrap();
    let mut lines = devices.lines().map(str::trim);
    let major = lines.find_map(|line| line.strip_suffix(" device-mapper"));
    let prefix = format!("b{}:", major.unwrap());
    for dir in ["/run/udev/data", "/run/udev/watch"] {
        let mut remembered = names(dir);
        remembered.retain(|name| name.starts_with(&prefix));
        assert_eq!(remembered, [""; 0], "{dir}");
    }
    let log = guest.udevd_log();
    assert!(!log.contains("dmsetup") && !log.contains("dm-"), "{log}");
}

fn names(dir: &str) -> Vec<String> {
    let files = fs::read_dir(dir).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}
