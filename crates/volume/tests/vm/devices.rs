//! Every call of device-mapper, on devices that are simple enough to be seen through.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    process::Command,
    thread,
};

use longshore_vmtest::{Guest, Scenario};
use longshore_volume::dm::{Control, DeviceName, Errno, Line, Nodes, Suspend, Uuid};

use crate::{loops, pools::number};

pub(crate) const SCENARIOS: &[Scenario] = &[
    (
        "the_kernel_speaks_our_version",
        the_kernel_speaks_our_version,
    ),
    ("a_device_lives_and_goes", a_device_lives_and_goes),
    ("what_cannot_be_is_named", what_cannot_be_is_named),
    ("an_answer_may_be_long", an_answer_may_be_long),
    ("a_suspended_device_waits", a_suspended_device_waits),
    (
        "an_open_device_is_busy_or_goes_later",
        an_open_device_is_busy_or_goes_later,
    ),
    (
        "nodes_are_made_where_nobody_does",
        nodes_are_made_where_nobody_does,
    ),
    ("a_file_is_a_block_device", loops::a_file_is_a_block_device),
    (
        "loops_are_found_by_their_file",
        loops::loops_are_found_by_their_file,
    ),
];

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

fn uuid(text: &str) -> Uuid {
    Uuid::ours(text).unwrap()
}

/// A part of the machine's disk.
fn part(guest: &Guest, start: u64, length: u64) -> Line {
    Line {
        start: 0,
        length,
        target: "linear".to_owned(),
        words: format!("{} {start}", number(&guest.disk(0))),
    }
}

pub(crate) fn up(control: &Control, device: &DeviceName, guest: &Guest) {
    control.create(device, &uuid(device.as_str())).unwrap();
    control.load(device, &[part(guest, 0, 2048)]).unwrap();
    let info = control.resume(device).unwrap();
    Nodes::default().ensure(device, info.number).unwrap();
}

fn the_kernel_speaks_our_version(_: &Guest) {
    let control = Control::open().unwrap();
    assert_eq!(control.version().major, 4);
    let targets = control.targets().unwrap();
    for target in ["linear", "thin", "thin-pool"] {
        assert!(
            targets.iter().any(|(name, _)| name == target),
            "{targets:?}"
        );
    }
    // As dmsetup has them.
    let said = Command::new("dmsetup").arg("targets").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    for (name, [major, minor, patch]) in targets {
        let version = format!("v{major}.{minor}.{patch}");
        let line = said
            .lines()
            .find(|line| line.split_whitespace().next() == Some(&name));
        assert!(
            line.unwrap().ends_with(&version),
            "{name} {version}: {said}"
        );
    }
    assert_eq!(control.list().unwrap(), []);
}

pub(crate) fn a_device_lives_and_goes(guest: &Guest) {
    let control = Control::open().unwrap();
    let (first, second) = (name("longshore-a"), name("longshore-b"));
    assert_eq!(control.info(&first).unwrap(), None);
    let made = control.create(&first, &uuid("a")).unwrap();
    assert!(!made.has_table && made.opened == 0);
    assert_eq!(control.find(&uuid("a")).unwrap().unwrap().0, "longshore-a");
    assert_eq!(control.find(&uuid("b")).unwrap(), None);

    let lines = [
        part(guest, 0, 2048),
        Line {
            start: 2048,
            ..part(guest, 4096, 1024)
        },
    ];
    let loaded = control.load(&first, &lines).unwrap();
    assert!(loaded.has_new_table && !loaded.has_table);
    let resumed = control.resume(&first).unwrap();
    assert!(resumed.has_table && !resumed.has_new_table && !resumed.suspended);
    assert_eq!(control.table(&first).unwrap(), lines);
    let status = control.status(&first).unwrap();
    assert_eq!(
        (status.len(), status[1].length, status[0].words.as_str()),
        (2, 1024, "")
    );
    // dmsetup sees the same device.
    let shown = Command::new("dmsetup")
        .args(["table", "longshore-a"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(
        shown.lines().next().unwrap(),
        format!("0 2048 linear {}", lines[0].words)
    );

    let node = Nodes::default().ensure(&first, resumed.number).unwrap();
    assert_eq!(node.to_str(), Some("/dev/mapper/longshore-a"));
    let file = File::options().read(true).write(true).open(&node).unwrap();
    file.write_all_at(b"second line", 2048 * 512).unwrap();
    file.sync_all().unwrap();
    drop(file);
    let mut read = [0; 11];
    let disk = File::open(guest.disk(0)).unwrap();
    disk.read_exact_at(&mut read, 4096 * 512).unwrap();
    assert_eq!(&read, b"second line");

    control.rename(&first, &second).unwrap();
    assert_eq!(control.info(&first).unwrap(), None);
    assert_eq!(control.find(&uuid("a")).unwrap().unwrap().0, "longshore-b");
    control.load(&second, &[part(guest, 0, 8)]).unwrap();
    assert!(!control.clear(&second).unwrap().has_new_table);
    assert!(control.remove(&second).unwrap());
    assert!(!control.remove(&second).unwrap());
    Nodes::default().forget(&first).unwrap();
    assert!(!node.exists());
}

fn what_cannot_be_is_named(guest: &Guest) {
    let control = Control::open().unwrap();
    let device = name("longshore-a");
    let errno =
        |result: Result<_, longshore_volume::dm::DmError>| result.unwrap_err().errno().unwrap();
    up(&control, &device, guest);
    assert_eq!(errno(control.create(&device, &uuid("other"))), Errno::Busy);
    assert_eq!(
        errno(control.create(&name("other"), &uuid("longshore-a"))),
        Errno::Busy
    );
    assert_eq!(errno(control.resume(&name("none"))), Errno::NotFound);
    assert_eq!(
        errno(control.suspend(&name("none"), Suspend::AtOnce)),
        Errno::NotFound
    );
    let unknown = Line {
        target: "no-such-target".to_owned(),
        ..part(guest, 0, 8)
    };
    assert_eq!(errno(control.load(&device, &[unknown])), Errno::Invalid);
    // That a disk is too short for its table is seen only when the table is to count.
    control.load(&device, &[part(guest, 1 << 30, 8)]).unwrap();
    assert_eq!(errno(control.resume(&device)), Errno::Invalid);
    assert!(!control.clear(&device).unwrap().has_new_table);
    control.resume(&device).unwrap();
    let error = control.set_uuid(&device, &uuid("new")).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::Invalid), "{error}");
    let error = control.message(&device, "hello").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::Invalid), "{error}");
    assert_eq!(error.to_string(), "could not send a message to longshore-a");
    control.remove(&device).unwrap();
}

fn an_answer_may_be_long(guest: &Guest) {
    let control = Control::open().unwrap();
    let device = name("longshore-long");
    control.create(&device, &uuid("long")).unwrap();
    let line = |number: u64| Line {
        start: number * 8,
        ..part(guest, number * 16, 8)
    };
    let lines: Vec<_> = (0..2000).map(line).collect();
    control.load(&device, &lines).unwrap();
    control.resume(&device).unwrap();
    assert!(
        control.table(&device).unwrap() == lines,
        "a table of 2,000 lines"
    );
    control.remove(&device).unwrap();
    let names: Vec<_> = (0..300)
        .map(|number| name(&format!("longshore-{}-{number}", "x".repeat(90))))
        .collect();
    for device in &names {
        control
            .create(device, &uuid(&device.as_str()[80..]))
            .unwrap();
    }
    let listed = control.list().unwrap();
    assert_eq!(listed.len(), 300);
    for device in &names {
        assert!(listed.iter().any(|found| found.name == device.as_str()));
        control.remove(device).unwrap();
    }
}

pub(crate) fn a_suspended_device_waits(guest: &Guest) {
    let control = Control::open().unwrap();
    let device = name("longshore-a");
    up(&control, &device, guest);
    let node = Nodes::default().path(&device);
    for how in [Suspend::Flushing, Suspend::AtOnce] {
        assert!(control.suspend(&device, how).unwrap().suspended);
        let path = node.clone();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let writer = thread::spawn(move || {
            let file = File::options().write(true).open(path).unwrap();
            begun.send(()).unwrap();
            file.write_all_at(b"it waited", 0).unwrap();
            file.sync_all().unwrap();
        });
        has_begun.recv().unwrap();
        assert!(control.info(&device).unwrap().unwrap().suspended);
        assert!(!control.resume(&device).unwrap().suspended);
        writer.join().unwrap();
    }
    control.remove(&device).unwrap();
}

pub(crate) fn an_open_device_is_busy_or_goes_later(guest: &Guest) {
    let control = Control::open().unwrap();
    let device = name("longshore-a");
    up(&control, &device, guest);
    let file = File::open(Nodes::default().path(&device)).unwrap();
    assert_eq!(control.info(&device).unwrap().unwrap().opened, 1);
    let error = control.remove(&device).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::Busy));
    assert!(control.remove_deferred(&device).unwrap());
    assert!(control.info(&device).unwrap().unwrap().is_going);
    // An event ends the wait, and so does the end of the device.
    control.arm().unwrap();
    drop(file);
    // Closing it has the kernel remove it from a thread of its own.
    while control.info(&device).unwrap().is_some() {
        thread::yield_now();
    }
    Nodes::default().forget(&device).unwrap();
}

pub(crate) fn nodes_are_made_where_nobody_does(guest: &Guest) {
    fs::remove_file("/dev/mapper/control").unwrap();
    let control = Control::open().unwrap();
    let device = name("longshore-a");
    up(&control, &device, guest);
    let (nodes, path) = (Nodes::default(), Nodes::default().path(&device));
    let number = control.info(&device).unwrap().unwrap().number;
    // One that is another device's, as after a boot that numbers them anew.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(guest.disk(0), &path).unwrap();
    nodes.ensure(&device, number).unwrap();
    assert_eq!(
        File::open(&path)
            .map(|_| ())
            .map_err(|error| error.to_string()),
        Ok(())
    );
    let meta = fs::metadata(&path).unwrap();
    let dev = std::os::unix::fs::MetadataExt::rdev(&meta);
    let shown = format!("{}:{}", dev >> 8 & 0xfff, dev & 0xff);
    assert_eq!(shown, number.to_string());
    control.remove(&device).unwrap();
    nodes.forget(&device).unwrap();
}
