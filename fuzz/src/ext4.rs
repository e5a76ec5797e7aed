//! Filesystems: what was done to one is what is read back, and what e2fsck finds nothing wrong with.

use longshore_ext4::{Error, Filesystem, Format, MemoryDevice};

use crate::draw::Draw;
use crate::fsck::assert_clean;
use crate::model::{Full, Model};
use crate::operation::Operation;

/// Operations at most.
const MOST: usize = 48;

const MIB: u64 = 1 << 20;

/// Makes a filesystem in memory, does what is drawn to it and to a model, reads it back, and starts
/// e2fsck on it.
///
/// # Panics
/// Where the filesystem is not what the model is, or e2fsck is not content.
pub fn ext4(data: &[u8]) {
    let mut draw = Draw::new(data);
    // The larger one has two groups.
    let size = if draw.one_in(8) { 140 * MIB } else { 8 * MIB };
    let made = Filesystem::make(MemoryDevice::new(size), &Format::default());
    let mut filesystem = made.expect("the size is one that can be");
    let mut model = Model::new(&filesystem);
    for _ in 0..MOST {
        if draw.is_empty() {
            break;
        }
        let operation = Operation::draw(&mut draw);
        if let Err(Full) = model.apply(&mut filesystem, &operation) {
            let commit = filesystem.commit();
            assert!(
                matches!(commit, Ok(()) | Err(Error::Poisoned)),
                "{commit:?}"
            );
            return;
        }
        if matches!(operation, Operation::Reopen) {
            filesystem = reopened(filesystem);
        }
    }
    model.assert_same(&filesystem);
    filesystem.commit().expect("the device is memory");
    model.assert_same(&filesystem);
    assert_clean(filesystem.device());
    model.assert_same(&reopened(filesystem));
}

fn reopened(filesystem: Filesystem<MemoryDevice>) -> Filesystem<MemoryDevice> {
    Filesystem::open(filesystem.into_device()).expect("it was committed")
}
