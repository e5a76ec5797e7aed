//! Files as block devices.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use longshore_vmtest::Guest;
use longshore_volume::dm::Loop;

pub(crate) fn a_file_is_a_block_device(_: &Guest) {
    let file = File::create_new("/tmp/backing").unwrap();
    file.set_len(4 << 20).unwrap();
    let attached = Loop::attach("/tmp/backing".as_ref()).unwrap();
    let device = File::options()
        .read(true)
        .write(true)
        .open(attached.path())
        .unwrap();
    device.write_all_at(b"through the loop", 4096).unwrap();
    device.sync_all().unwrap();
    let mut read = [0; 16];
    File::open("/tmp/backing")
        .unwrap()
        .read_exact_at(&mut read, 4096)
        .unwrap();
    assert_eq!(&read, b"through the loop");
    let size = || fs::read_to_string(format!("/sys/block/loop{}/size", attached.number)).unwrap();
    assert_eq!(size().trim(), "8192");
    file.set_len(8 << 20).unwrap();
    attached.grown().unwrap();
    assert_eq!(size().trim(), "16384");
    drop(device);
    attached.clone().detach().unwrap();
    assert_eq!(Loop::find("/tmp/backing".as_ref()).unwrap(), None);
    // Once more changes nothing.
    attached.detach().unwrap();
    fs::remove_file("/tmp/backing").unwrap();
}

pub(crate) fn loops_are_found_by_their_file(_: &Guest) {
    for name in ["/tmp/one", "/tmp/two"] {
        File::create_new(name).unwrap().set_len(1 << 20).unwrap();
    }
    let one = Loop::attach("/tmp/one".as_ref()).unwrap();
    let two = Loop::attach("/tmp/two".as_ref()).unwrap();
    assert_ne!(one, two);
    // A file has one device, whatever it is called by now.
    assert_eq!(Loop::attach("/tmp/one".as_ref()).unwrap(), one);
    fs::rename("/tmp/one", "/tmp/three").unwrap();
    fs::rename("/tmp/two", "/tmp/one").unwrap();
    assert_eq!(
        Loop::find("/tmp/three".as_ref()).unwrap(),
        Some(one.clone())
    );
    assert_eq!(Loop::find("/tmp/one".as_ref()).unwrap(), Some(two.clone()));
    // Its node is made again.
    fs::remove_file(one.path()).unwrap();
    assert_eq!(
        Loop::find("/tmp/three".as_ref()).unwrap(),
        Some(one.clone())
    );
    // One that is only waiting to be closed is no longer its file's, which udevd may see to at any time.
    let open = File::open(one.path()).unwrap();
    one.clone().detach().unwrap();
    assert_eq!(Loop::find("/tmp/three".as_ref()).unwrap(), None);
    let again = Loop::attach("/tmp/three".as_ref()).unwrap();
    assert_ne!(again, one);
    drop(open);
    assert_eq!(
        Loop::find("/tmp/three".as_ref()).unwrap(),
        Some(again.clone())
    );
    again.detach().unwrap();
    two.detach().unwrap();
    assert!(Loop::attach("/tmp/none".as_ref()).is_err());
}
