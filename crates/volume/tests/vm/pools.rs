//! A pool on two disks of the machine.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
};

use longshore_vmtest::Guest;
use longshore_volume::{
    dm::{DeviceName, DeviceNumber, Uuid},
    thin::{Pool, PoolTable, WhenFull},
};

pub(crate) const BLOCK: u64 = 64 << 10;

pub(crate) fn name() -> DeviceName {
    DeviceName::new("longshore.test").unwrap()
}

pub(crate) fn uuid() -> Uuid {
    Uuid::ours("pool-test").unwrap()
}

pub(crate) fn number(path: &Path) -> DeviceNumber {
    // As the kernel's name of the device has it in sysfs.
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(format!("/sys/class/block/{name}/dev")).unwrap();
    let (major, minor) = text.trim().split_once(':').unwrap();
    assert_ne!(fs::metadata(path).unwrap().rdev(), 0);
    DeviceNumber {
        major: major.parse().unwrap(),
        minor: minor.parse().unwrap(),
    }
}

pub(crate) fn bytes(path: &Path) -> u64 {
    let name = path.file_name().unwrap().to_str().unwrap();
    let sectors = fs::read_to_string(format!("/sys/class/block/{name}/size")).unwrap();
    sectors.trim().parse::<u64>().unwrap() * 512
}

pub(crate) fn table(guest: &Guest) -> PoolTable {
    let (metadata, data) = (guest.disk(0), guest.disk(1));
    PoolTable {
        metadata: number(&metadata),
        data: number(&data),
        data_bytes: bytes(&data),
        block: BLOCK,
        low_water: 16,
        pass_discard_down: true,
        when_full: WhenFull::Fail,
    }
}

/// A new pool, whatever was on the disks.
pub(crate) fn fresh(guest: &Guest) -> Pool {
    let mut metadata = File::options().write(true).open(guest.disk(0)).unwrap();
    metadata.write_all(&[0; 4096]).unwrap();
    metadata.sync_all().unwrap();
    Pool::up(&name(), &uuid(), &table(guest)).unwrap()
}

/// The pool's metadata is sound; the pool is down.
pub(crate) fn check(guest: &Guest) {
    let checked = Command::new("thin_check")
        .arg(guest.disk(0))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}");
}

pub(crate) fn first_bytes(path: &Path, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    File::open(path).unwrap().read_exact(&mut bytes).unwrap();
    bytes
}
