//! Good images, and where in them everything is that has a checksum of its own.

use std::sync::OnceLock;

use longshore_ext4::{
    Device, Filesystem, Format, InodeNumber, Kind, MemoryDevice, Metadata, New, Permissions,
};

use crate::overlay::Overlay;

const MIB: u64 = 1 << 20;
const SUPERBLOCK: u64 = 1024;
const DESCRIPTORS: u64 = 4096;
/// What the checksums of this format begin with (`s_checksum_seed`).
const SEED: u32 = u32::from_le_bytes(*b"long");

/// An image that is sound.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) device: MemoryDevice,
    pub(crate) parts: Vec<Part>,
    /// The pages that hold anything.
    pub(crate) pages: Vec<u64>,
}

/// A part of an image: where it is, and how many of its bytes its checksum covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) at: u64,
    pub(crate) len: usize,
    seal: Seal,
}

/// Where a part's checksum is, and what it begins with.
#[derive(Debug, Clone, Copy)]
enum Seal {
    Superblock,
    Descriptor(u32),
    BlockBitmap(u32),
    InodeBitmap(u32),
    Inode(u32),
    /// At the end of a block that belongs to this inode.
    Tail(u32),
}

/// The images: one of everything; one with a deep tree of extents and two groups; an empty one.
pub(crate) fn sound() -> &'static [Sound; 3] {
    static SOUND: OnceLock<[Sound; 3]> = OnceLock::new();
    SOUND.get_or_init(|| [everything(), deep(), make(8 * MIB, |_| ())])
}

fn make(size: u64, fill: impl FnOnce(&mut Filesystem<MemoryDevice>)) -> Sound {
    let made = Filesystem::make(MemoryDevice::new(size), &Format::default());
    let mut filesystem = made.expect("the size is one that can be");
    fill(&mut filesystem);
    filesystem.commit().expect("the device is memory");
    let parts = parts(&filesystem);
    let device = filesystem.into_device();
    let pages = device.written_pages().collect();
    Sound {
        device,
        parts,
        pages,
    }
}

fn metadata() -> Metadata {
    Metadata {
        permissions: Permissions::new(0o750).expect("twelve bits"),
        uid: 70_000,
        xattrs: vec![
            (b"security.capability".to_vec(), vec![1; 20]),
            (b"user.a".to_vec(), b"value".to_vec()),
        ],
        ..Metadata::default()
    }
}

fn add(
    filesystem: &mut Filesystem<MemoryDevice>,
    dir: InodeNumber,
    name: &str,
    new: New<'_>,
) -> InodeNumber {
    let made = filesystem.create(dir, name.as_bytes(), new, &metadata());
    made.expect("there is room")
}

fn comb(filesystem: &mut Filesystem<MemoryDevice>, teeth: u64) {
    let size = teeth * 8192;
    let root = filesystem.root();
    let comb = add(filesystem, root, "comb", New::File { size });
    for nth in 0..teeth {
        let written = filesystem.write(comb, nth * 8192, b"tooth");
        written.expect("there is room");
    }
}

fn everything() -> Sound {
    make(16 * MIB, |filesystem| {
        let root = filesystem.root();
        let dir = add(filesystem, root, "dir", New::Directory);
        for nth in 0..24 {
            add(
                filesystem,
                dir,
                &format!("file-{nth:0>150}"),
                New::File { size: 0 },
            );
        }
        let below = add(filesystem, dir, "below", New::Directory);
        let data = add(filesystem, below, "data", New::File { size: 100_000 });
        filesystem
            .write(data, 0, &[7; 100_000])
            .expect("there is room");
        filesystem.link(dir, b"again", data).expect("there is room");
        add(filesystem, root, "fast", New::Symlink(b"target"));
        add(filesystem, root, "slow", New::Symlink(&[b'x'; 200]));
        add(filesystem, root, "pipe", New::Fifo);
        let (major, minor) = (259, 70_000);
        add(filesystem, root, "disk", New::BlockDevice { major, minor });
        comb(filesystem, 400);
        filesystem
            .unlink(dir, format!("file-{:0>150}", 3).as_bytes())
            .expect("it is there");
    })
}

fn deep() -> Sound {
    make(140 * MIB, |filesystem| {
        let root = filesystem.root();
        add(filesystem, root, "other", New::Directory);
        comb(filesystem, 1500);
    })
}

fn number(device: &MemoryDevice, at: u64) -> u32 {
    let mut bytes = [0; 4];
    device.read_at(at, &mut bytes).expect("it is on the device");
    u32::from_le_bytes(bytes)
}

fn parts(filesystem: &Filesystem<MemoryDevice>) -> Vec<Part> {
    let device = filesystem.device();
    let part = |at, len, seal| Part { at, len, seal };
    let groups = u32::try_from(device.size().div_ceil(128 * MIB)).expect("it is small");
    let mut parts = vec![part(SUPERBLOCK, 1020, Seal::Superblock)];
    for group in 0..groups {
        let at = DESCRIPTORS + u64::from(group) * 64;
        let place = |field| u64::from(number(device, at + field)) * 4096;
        parts.push(part(at, 64, Seal::Descriptor(group)));
        parts.push(part(place(0), 4096, Seal::BlockBitmap(group)));
        let inodes = number(device, SUPERBLOCK + 0x28) as usize / 8;
        parts.push(part(place(4), inodes, Seal::InodeBitmap(group)));
    }
    // The journal, and what there is besides.
    let mut todo = vec![InodeNumber::new(8).expect("not 0"), filesystem.root()];
    while let Some(inode) = todo.pop() {
        let at = inode_place(device, inode.get());
        parts.push(part(at, 256, Seal::Inode(inode.get())));
        let is_dir = filesystem
            .stat(inode)
            .is_ok_and(|stat| stat.kind == Kind::Directory);
        if number(device, at + 0x20) & 0x8_0000 != 0 {
            node(device, at + 0x28, inode.get(), is_dir, &mut parts);
        }
        if is_dir {
            let children = filesystem.children(inode).expect("it can be read");
            let children = children.iter().map(|child| child.inode);
            // Of many that are the same a few do.
            todo.extend(children.filter(|inode| inode.get() < 16 || inode.get() > 35));
        }
    }
    parts
}

fn inode_place(device: &MemoryDevice, inode: u32) -> u64 {
    let per_group = number(device, SUPERBLOCK + 0x28);
    let (group, nth) = ((inode - 1) / per_group, (inode - 1) % per_group);
    let table = number(device, DESCRIPTORS + u64::from(group) * 64 + 8);
    u64::from(table) * 4096 + u64::from(nth) * 256
}

/// The blocks below a node of a tree of extents, and of a directory the blocks that it maps.
fn node(device: &MemoryDevice, at: u64, inode: u32, is_dir: bool, parts: &mut Vec<Part>) {
    let entries = number(device, at) >> 16;
    let depth = number(device, at + 6) & 0xffff;
    for nth in 0..u64::from(entries) {
        let entry = at + 12 + nth * 12;
        let (field, len) = if depth > 0 { (4, 4092) } else { (8, 4084) };
        let place = u64::from(number(device, entry + field)) * 4096;
        let seal = Seal::Tail(inode);
        if depth > 0 {
            parts.push(Part {
                at: place,
                len,
                seal,
            });
            node(device, place, inode, is_dir, parts);
        } else if is_dir {
            let count = u64::from(number(device, entry + 4) & 0x7fff);
            parts.extend((0..count).map(|nth| Part {
                at: place + nth * 4096,
                len,
                seal,
            }));
        }
    }
}

impl Part {
    /// Makes the checksum of the part right again.
    pub(crate) fn seal(self, device: &mut Overlay) {
        let mut bytes = device.bytes(self.at, self.len);
        match self.seal {
            Seal::Superblock => {
                write(device, self.at + 1020, &crc(u32::MAX, &bytes).to_le_bytes());
            }
            Seal::Descriptor(group) => seal_descriptor(device, group),
            Seal::BlockBitmap(group) => seal_bitmap(device, group, 0x18, crc(SEED, &bytes)),
            Seal::InodeBitmap(group) => seal_bitmap(device, group, 0x1a, crc(SEED, &bytes)),
            Seal::Inode(inode) => {
                bytes[0x7c..0x7e].fill(0);
                bytes[0x82..0x84].fill(0);
                let generation = crc(crc(SEED, &inode.to_le_bytes()), &bytes[0x64..0x68]);
                let sum = crc(generation, &bytes).to_le_bytes();
                write(device, self.at + 0x7c, &sum[..2]);
                write(device, self.at + 0x82, &sum[2..]);
            }
            Seal::Tail(inode) => {
                let place = self.at + 4092;
                let seed = crc(crc(SEED, &inode.to_le_bytes()), &[0; 4]);
                write(device, place, &crc(seed, &bytes).to_le_bytes());
            }
        }
    }
}

fn seal_descriptor(device: &mut Overlay, group: u32) {
    let at = DESCRIPTORS + u64::from(group) * 64;
    let mut bytes = device.bytes(at, 64);
    bytes[0x1e..0x20].fill(0);
    let sum = crc(crc(SEED, &group.to_le_bytes()), &bytes).to_le_bytes();
    write(device, at + 0x1e, &sum[..2]);
}

fn seal_bitmap(device: &mut Overlay, group: u32, field: u64, sum: u32) {
    let at = DESCRIPTORS + u64::from(group) * 64 + field;
    write(device, at, &sum.to_le_bytes()[..2]);
    write(device, at + 0x20, &sum.to_le_bytes()[2..]);
    seal_descriptor(device, group);
}

fn write(device: &mut Overlay, at: u64, bytes: &[u8]) {
    device.write_at(at, bytes).expect("a part is on the device");
}

/// CRC-32C as ext4 uses it: nothing is inverted.
fn crc(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!seed, bytes)
}
