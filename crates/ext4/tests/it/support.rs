//! Devices for tests, and the programs that judge what is on them.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use longshore_ext4::{
    Device, Filesystem, Format, InodeNumber, MemoryDevice, Metadata, New, Permissions, Timestamp,
};
use tempfile::TempDir;

pub(crate) const MIB: u64 = 1 << 20;

/// What is neither a file, a directory nor a symlink; the numbers of one device do not fit in the old form.
pub(crate) const NODES: [(&str, New<'static>); 4] = [
    ("pipe", New::Fifo),
    ("socket", New::Socket),
    ("null", New::CharDevice { major: 1, minor: 3 }),
    (
        "disk",
        New::BlockDevice {
            major: 300,
            minor: 80_000,
        },
    ),
];

/// A device in a sparse file.
#[derive(Debug)]
pub(crate) struct FileDevice {
    file: File,
    size: u64,
}

impl FileDevice {
    /// A new file of that many bytes, all of them a hole.
    pub(crate) fn create(path: &Path, size: u64) -> Self {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .unwrap();
        file.set_len(size).unwrap();
        Self { file, size }
    }

    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Self { file, size }
    }
}

impl Device for FileDevice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn discard(&mut self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// A directory for images that is gone with the test.
pub(crate) fn scratch() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let image = dir.path().join("image");
    (dir, image)
}

/// A new filesystem in memory.
pub(crate) fn memory(size: u64) -> Filesystem<MemoryDevice> {
    Filesystem::make(MemoryDevice::new(size), &Format::default()).unwrap()
}

/// Metadata with what a test does not care about.
pub(crate) fn mode(bits: u32) -> Metadata {
    Metadata {
        permissions: Permissions::new(bits).unwrap(),
        uid: 1000,
        gid: 70_000,
        mtime: Timestamp::new(1_700_000_000, 123_456_789).unwrap(),
        xattrs: Vec::new(),
    }
}

/// Makes a regular file with that content.
pub(crate) fn file<D: Device>(
    filesystem: &mut Filesystem<D>,
    dir: InodeNumber,
    name: &str,
    content: &[u8],
) -> InodeNumber {
    let size = content.len() as u64;
    let new = New::File { size };
    let inode = filesystem
        .create(dir, name.as_bytes(), new, &mode(0o644))
        .unwrap();
    filesystem.write(inode, 0, content).unwrap();
    filesystem.close(inode).unwrap();
    inode
}

/// Makes a directory.
pub(crate) fn directory<D: Device>(
    filesystem: &mut Filesystem<D>,
    dir: InodeNumber,
    name: &str,
) -> InodeNumber {
    filesystem
        .create(dir, name.as_bytes(), New::Directory, &mode(0o755))
        .unwrap()
}

/// The whole content of a regular file.
pub(crate) fn content<D: Device>(filesystem: &Filesystem<D>, inode: InodeNumber) -> Vec<u8> {
    let size = usize::try_from(filesystem.stat(inode).unwrap().size).unwrap();
    let mut buf = vec![1; size + 1];
    assert_eq!(filesystem.read(inode, 0, &mut buf).unwrap(), size);
    buf.truncate(size);
    buf
}

/// Everything that may hold anything.
pub(crate) fn bytes_in_use<D: Device>(filesystem: &Filesystem<D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for range in filesystem.used_extents() {
        let start = bytes.len();
        bytes.resize(start + usize::try_from(range.end - range.start).unwrap(), 0);
        let part = &mut bytes[start..];
        filesystem.device().read_at(range.start, part).unwrap();
    }
    bytes
}

/// Whether the long forms of the suites are asked for.
pub(crate) fn is_soak() -> bool {
    std::env::var_os("LONGSHORE_SOAK").is_some_and(|value| value == "1")
}

/// Bytes that are neither zeros nor the same everywhere.
pub(crate) fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// Writes what is in memory to a sparse file, for programs to read.
pub(crate) fn store(device: &MemoryDevice, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(device.size()).unwrap();
    let mut page = vec![0; 4096];
    for offset in device.written_pages() {
        device.read_at(offset, &mut page).unwrap();
        file.write_all_at(&page, offset).unwrap();
    }
}

/// Runs a program of e2fsprogs.
pub(crate) fn run(program: &str, args: &[&str]) -> Output {
    let path = format!(
        "{}:/usr/sbin:/sbin",
        std::env::var("PATH").unwrap_or_default()
    );
    Command::new(program)
        .args(args)
        .env("PATH", path)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program} (of the package e2fsprogs): {error}"))
}

/// What `e2fsck -fn` finds nothing wrong with.
pub(crate) fn assert_clean(image: &Path) {
    let output = run("e2fsck", &["-fn", image.to_str().unwrap()]);
    assert!(
        output.status.success(),
        "e2fsck: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The same for a filesystem in memory.
pub(crate) fn assert_device_clean(device: &MemoryDevice) {
    let (_dir, image) = scratch();
    store(device, &image);
    assert_clean(&image);
}

/// What debugfs answers to a request.
pub(crate) fn debugfs(image: &Path, request: &str) -> Vec<u8> {
    let output = run("debugfs", &["-R", request, image.to_str().unwrap()]);
    assert!(output.status.success(), "debugfs {request}");
    output.stdout
}
