//! e2fsck's judgement of an image.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use longshore_ext4::{Device, MemoryDevice};

use crate::scratch::scratch;

/// Writes the device into a file, holes being holes, and has e2fsck look at all of it.
///
/// # Panics
/// Where e2fsck finds anything; what it says is in the message.
pub(crate) fn assert_clean(device: &MemoryDevice) {
    let path = scratch("image");
    let file = File::create(&path).expect("there is room for an image");
    file.set_len(device.size())
        .expect("there is room for an image");
    let mut run: Vec<u8> = Vec::new();
    let mut start = 0;
    let write = |run: &mut Vec<u8>, start: u64| {
        file.write_all_at(run, start)
            .expect("there is room for an image");
        run.clear();
    };
    for at in device.written_pages() {
        if at != start + run.len() as u64 {
            write(&mut run, start);
        }
        if run.is_empty() {
            start = at;
        }
        let from = run.len();
        run.resize(from + 4096, 0);
        device
            .read_at(at, &mut run[from..])
            .expect("what was written can be read");
    }
    write(&mut run, start);
    let mut e2fsck = Command::new("e2fsck");
    e2fsck.arg("-fn").arg(&path).stdin(Stdio::null());
    let status = e2fsck
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("e2fsck can be started");
    if !status.success() {
        let said = Command::new("e2fsck").arg("-fn").arg(&path).output();
        let said = said.expect("e2fsck can be started").stdout;
        panic!("e2fsck: {status}\n{}", String::from_utf8_lossy(&said));
    }
}
