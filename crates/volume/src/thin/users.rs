//! Who has a device open: for an error that says what to end.

use std::{fs, os::unix::fs::FileTypeExt, os::unix::fs::MetadataExt, path::Path};

use crate::dm::DeviceNumber;

/// Who has it mounted, or open, as far as `/proc` shows: `it is mounted on /mnt`, `process 7 (qemu) has it open`.
pub(super) fn user_of(device: DeviceNumber) -> Option<String> {
    mounted(device).or_else(|| opened(device))
}

fn mounted(device: DeviceNumber) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let place = mount_of(&mounts, device)?;
    Some(format!("it is mounted on {place}"))
}

/// Where a device is mounted: the fifth word of the line whose third is its number (proc(5)).
fn mount_of(mounts: &str, device: DeviceNumber) -> Option<&str> {
    let number = device.to_string();
    let mut lines = mounts.lines().map(str::split_whitespace);
    lines.find_map(|mut line| (line.nth(2)? == number).then(|| line.nth(1))?)
}

fn opened(device: DeviceNumber) -> Option<String> {
    let dev = rustix::fs::makedev(device.major, device.minor);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| {
            let name = process.file_name().into_string().ok()?;
            let id: u32 = name.parse().ok()?;
            has_open(&process.path(), dev).then_some((id, process.path()))
        })
        .map(|(id, process)| {
            let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
            format!(
                "process {id} ({}) has it open",
                command.trim().escape_default()
            )
        })
        .next()
}

fn has_open(process: &Path, dev: u64) -> bool {
    // Processes end while they are looked at.
    let open = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    open.into_iter().any(|file| {
        fs::metadata(file.path())
            .is_ok_and(|file| file.file_type().is_block_device() && file.rdev() == dev)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts =
            "22 1 254:3 / / rw - ext4 /dev/dm-3 rw\n23 22 254:4 / /mnt rw - ext4 /dev/dm-4 rw\n";
        let at = |minor| DeviceNumber { major: 254, minor };
        assert_eq!(mount_of(mounts, at(4)), Some("/mnt"));
        assert_eq!(mount_of(mounts, at(5)), None);
    }
}
