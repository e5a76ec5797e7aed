//! The file backend on real filesystems: two that share extents, and one that does not.

use std::{
    cell::Cell,
    fs::{self, File},
    io::ErrorKind,
    path::PathBuf,
    process::Command,
    thread,
};

use longshore_durable::Host;
use longshore_volume::{Access, Backend, Created, FileBackend, SnapshotKind, VolumeId};
use tempfile::TempDir;

use crate::conformance::{self, MIB, id, read};

/// Bytes of a sparse image. XFS begins at 300 MiB, and there is room for three volumes.
const FILESYSTEM: u64 = 1 << 30;
const VOLUME: u64 = 64 * MIB;

#[test]
fn btrfs_shares_extents() {
    if let Some(mounted) = Mounted::new("btrfs") {
        conforms(&mounted);
        let taken = independent(&mounted, SnapshotKind::Shared);
        assert!(taken < VOLUME / 8, "{taken}");
    }
}

#[test]
fn xfs_shares_extents() {
    if let Some(mounted) = Mounted::new("xfs") {
        conforms(&mounted);
        let taken = independent(&mounted, SnapshotKind::Shared);
        assert!(taken < VOLUME / 8, "{taken}");
    }
}

#[test]
fn ext4_copies() {
    if let Some(mounted) = Mounted::new("ext4") {
        conforms(&mounted);
        let taken = independent(&mounted, SnapshotKind::Copy);
        assert!(taken >= VOLUME, "{taken}");
    }
}

fn conforms(mounted: &Mounted) {
    let count = Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        Box::new(mounted.backend(&count.get().to_string()))
    });
}

/// Of two volumes none ever shows what is written to the other. Answers what the snapshot took of the filesystem.
fn independent(mounted: &Mounted, kind: SnapshotKind) -> u64 {
    let backend = mounted.backend("independent");
    assert_eq!(backend.snapshot_kind(), kind);
    let (origin, copy) = (id(1), id(2));
    backend.create(origin, VOLUME).unwrap();
    let mut expected: Vec<u8> = (0..VOLUME / 8)
        .flat_map(|word| (word | 1 << 63).to_le_bytes())
        .collect();
    write(&backend, origin, &[(0, &expected)]);

    let before = mounted.free();
    assert_eq!(
        backend.snapshot(origin, copy, None).unwrap(),
        Created::Created
    );
    let taken = before.saturating_sub(mounted.free());
    assert!(content(&backend, copy) == expected);

    // In the middle of blocks, over their edges, whole ones, and gone ones.
    let mut changed = expected.clone();
    let (few, many) = ([7; 100], vec![8; 3 << 20]);
    let changes: [(u64, &[u8]); 4] = [
        (0, &few),
        (8191, &few),
        (10 * MIB, &many),
        (VOLUME - 100, &few),
    ];
    write(&backend, copy, &changes);
    for (offset, bytes) in changes {
        put(&mut changed, offset, bytes);
    }
    discard(&backend, copy, 20 * MIB + 5, MIB);
    put(&mut changed, 20 * MIB + 5, &vec![0; 1 << 20]);
    assert!(content(&backend, origin) == expected);
    assert!(content(&backend, copy) == changed);

    let (few, many) = ([5; 100], vec![6; 1 << 20]);
    let changes: [(u64, &[u8]); 3] = [(50, &few), (11 * MIB, &many), (40 * MIB + 1, &many)];
    write(&backend, origin, &changes);
    for (offset, bytes) in changes {
        put(&mut expected, offset, bytes);
    }
    discard(&backend, origin, 0, 4096);
    put(&mut expected, 0, &[0; 4096]);
    assert!(content(&backend, copy) == changed);

    // As the filesystem has them, and not its memory.
    drop(backend);
    mounted.again();
    let backend = mounted.backend("independent");
    assert!(content(&backend, origin) == expected);
    assert!(content(&backend, copy) == changed);
    backend.remove(origin).unwrap();
    assert!(content(&backend, copy) == changed);
    taken
}

fn put(content: &mut [u8], offset: u64, bytes: &[u8]) {
    let offset = usize::try_from(offset).unwrap();
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn write(backend: &dyn Backend, id: VolumeId, changes: &[(u64, &[u8])]) {
    let mut disk = backend.open(id, Access::Write).unwrap();
    for &(offset, bytes) in changes {
        disk.write_at(offset, bytes).unwrap();
    }
    disk.flush().unwrap();
}

fn discard(backend: &dyn Backend, id: VolumeId, offset: u64, len: u64) {
    let mut disk = backend.open(id, Access::Write).unwrap();
    disk.discard(offset, len).unwrap();
    disk.flush().unwrap();
}

fn content(backend: &dyn Backend, id: VolumeId) -> Vec<u8> {
    let disk = backend.open(id, Access::Read).unwrap();
    read(&*disk, 0, usize::try_from(VOLUME).unwrap())
}

/// A filesystem in an image, mounted until this is dropped.
#[derive(Debug)]
struct Mounted {
    // Removed when it is unmounted.
    scratch: TempDir,
    filesystem: &'static str,
}

impl Mounted {
    /// `None` where it cannot be made or mounted here, which is said.
    #[expect(clippy::print_stdout, reason = "a test says what it skips")]
    fn new(filesystem: &'static str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: mounting {filesystem} needs root");
            return None;
        }
        let scratch = tempfile::tempdir().unwrap();
        let file = File::create_new(image(&scratch)).unwrap();
        file.set_len(FILESYSTEM).unwrap();
        fs::create_dir(point(&scratch)).unwrap();
        let mkfs = format!("mkfs.{filesystem}");
        let made = run(Command::new(mkfs).arg("-q").arg(image(&scratch)));
        match made.and_then(|()| mount(filesystem, &scratch)) {
            Ok(()) => Some(Self {
                scratch,
                filesystem,
            }),
            Err(why) => {
                println!("skipped: {filesystem} is not had here: {why}");
                None
            }
        }
    }

    /// The backend in a directory of its own.
    fn backend(&self, dir: &str) -> FileBackend {
        let root = Host::create(point(&self.scratch).join(dir)).unwrap();
        FileBackend::open(&root).unwrap()
    }

    /// Bytes that are free once everything is written.
    fn free(&self) -> u64 {
        let point = File::open(point(&self.scratch)).unwrap();
        rustix::fs::syncfs(&point).unwrap();
        let stat = rustix::fs::fstatvfs(&point).unwrap();
        stat.f_bfree * stat.f_frsize
    }

    /// Unmounts it, and mounts it once more.
    fn again(&self) {
        unmount(&self.scratch).unwrap();
        mount(self.filesystem, &self.scratch).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Not a second panic where the test that used it has failed with files open.
        let unmounted = unmount(&self.scratch);
        assert!(thread::panicking() || unmounted.is_ok(), "{unmounted:?}");
    }
}

fn image(scratch: &TempDir) -> PathBuf {
    scratch.path().join("image")
}

fn point(scratch: &TempDir) -> PathBuf {
    scratch.path().join("mounted")
}

/// Fails where this machine has no such filesystem or loop device for this user.
fn mount(filesystem: &str, scratch: &TempDir) -> Result<(), String> {
    let words = ["-t", filesystem, "-o", "loop"];
    let mut mount = Command::new("mount");
    run(mount.args(words).args([image(scratch), point(scratch)]))
}

fn unmount(scratch: &TempDir) -> Result<(), String> {
    run(Command::new("umount").arg(point(scratch)))
}

/// Fails where the program is not here, or may not do it here; what else fails is the test's failure.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let said = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("{name} is not installed"));
        }
        Err(error) => panic!("{name}: {error}"),
    };
    let reasons = [
        "ermission",
        "permitted",
        "loop device",
        "unknown filesystem",
    ];
    assert!(
        reasons.iter().any(|reason| said.contains(reason)),
        "{name}: {said}"
    );
    Err(said)
}
