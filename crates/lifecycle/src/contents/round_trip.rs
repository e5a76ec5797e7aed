//! From an archive to a disk, from there to an archive, and the same again.

use std::{fs::File, path::Path};

use longshore_durable::{Dir, Host};
use longshore_ext4::{Filesystem, Format};
use longshore_harbor::family::{Content, Family, Packing};
use longshore_image::{Limits, MemoryTree, Totals, apply};
use longshore_volume::{Access, Backend, FileBackend, VolumeId};

use super::Contents;
use crate::{
    Class,
    join::{DiskDevice, DiskTree},
};

/// A layer with everything that an archive can say and an image keeps.
fn everything() -> Family {
    let long = format!("long/{}/{}", "d".repeat(120), "n".repeat(200));
    let mut sparse = vec![0; 300_000];
    sparse[100_000..100_005].copy_from_slice(b"tooth");
    let mut begins = sparse.clone();
    begins[0] = 1;
    *begins.last_mut().unwrap() = 1;
    Family::builder("images/all")
        .layer(|layer| {
            layer
                .dir("./", 0o750)
                .mtime(1_600_000_000, 5)
                .dir("etc", 0o1777)
                .file("etc/plain", &b"plain"[..])
                .mode(0o6755)
                .owner(3_000_000, 4_000_000_000)
                .mtime(1_700_000_000, 123_456_789)
                .xattr("user.name", b"value\n\0")
                .xattr("user.empty", b"")
                .hardlink("etc/again", "etc/plain")
                .hardlink("a first name", "etc/plain")
                .file("etc/empty", &b""[..])
                .mtime(-1_000, 250_000_000)
                .file("etc/block", vec![7; 512])
                .file(
                    "large",
                    Content::Noise {
                        seed: 1,
                        length: 1_000_001,
                    },
                )
                .file("hole", Content::Zeros(70_001))
                .file("sparse", sparse.clone())
                .file("begins", begins.clone())
                .file(&long, &b"long"[..])
                .symlink("link", "etc/plain")
                .symlink("far", &"t".repeat(300))
                .hardlink("far again", "far")
                .hardlink("long link", &long)
                .chardev("null", 1, 3)
                .blockdev("disk", 300, 80_000)
                .fifo("pipe")
                .file("snow\u{2603}", &b"name"[..])
        })
        .build()
}

fn imported(archive: &[u8]) -> MemoryTree {
    let mut tree = MemoryTree::new();
    apply(
        &mut tree,
        archive,
        &Limits::default(),
        &mut Totals::default(),
    )
    .unwrap();
    tree
}

/// Puts a layer onto a disk of its own in `dir`; where that is.
fn disk_of(archive: &[u8], dir: &Path) -> String {
    let host = Host::open(dir).unwrap();
    let backend = FileBackend::open(&host as &dyn Dir).unwrap();
    let id = VolumeId::new(1).unwrap();
    backend.create(id, 64 << 20).unwrap();
    let disk = DiskDevice(backend.open(id, Access::Write).unwrap());
    let mut tree = DiskTree(Filesystem::make(disk, &Format::default()).unwrap());
    apply(
        &mut tree,
        archive,
        &Limits::default(),
        &mut Totals::default(),
    )
    .unwrap();
    tree.0.commit().unwrap();
    backend.path(id).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_an_archive_is_made_of_it_gives_again() {
    let dir = tempfile::tempdir().unwrap();
    let written = everything().write(dir.path(), Packing::Plain).unwrap();
    let before = std::fs::read(&written[0]).unwrap();
    let path = disk_of(&before, dir.path());

    let contents = Contents::open(dir.path(), &path, false).unwrap();
    let mut after = Vec::new();
    let exported = contents.archive(&mut after).unwrap().unwrap();
    let listing = imported(&after).listing();
    assert_eq!(listing, imported(&before).listing());
    assert_eq!(exported.entries, listing.len() as u64);
    // Holes are not in it.
    assert!(after.len() < 1_300_000, "{}", after.len());

    let mut again = Vec::new();
    contents.archive(&mut again).unwrap();
    assert!(after == again, "the same disk gives the same bytes");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is() {
    struct Ends(std::io::ErrorKind, usize);
    impl std::io::Write for Ends {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1 = self.1.checked_sub(bytes.len()).ok_or(self.0)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let written = everything().write(dir.path(), Packing::Plain).unwrap();
    let path = disk_of(&std::fs::read(&written[0]).unwrap(), dir.path());
    let contents = Contents::open(dir.path(), &path, false).unwrap();
    let mut gone = Ends(std::io::ErrorKind::BrokenPipe, 10_000);
    assert!(contents.archive(&mut gone).unwrap().is_none());
    assert!(contents.copy(b"/large", &mut gone).unwrap().is_none());
    let mut full = Ends(std::io::ErrorKind::StorageFull, 10_000);
    assert_eq!(contents.archive(&mut full).unwrap_err().class, Class::Full);
}

#[test]
fn what_is_no_disk_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let written = everything().write(dir.path(), Packing::Plain).unwrap();
    let path = disk_of(&std::fs::read(&written[0]).unwrap(), dir.path());
    let open = |path: &str| Contents::open(dir.path(), path, false);

    // Its journal would have to be replayed: the flag, and the checksum over it.
    let mut bytes = vec![0; 1024];
    let file = File::options().read(true).write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 1024).unwrap();
    let other = dir.path().join("other.img");
    std::fs::copy(&path, &other).unwrap();
    let other = other.to_str().unwrap();
    let file = File::options().write(true).open(other).unwrap();
    // Without checksums, so that none has to be made right: metadata_csum and its seed.
    bytes[0x60] |= 4;
    bytes[0x61] &= !0x20;
    bytes[0x65] &= !4;
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 1024).unwrap();
    let failure = open(other).unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "unclean"));
    assert!(failure.hint.is_some());
    assert!(
        Contents::open(dir.path(), other, true)
            .unwrap()
            .unclean()
            .is_some()
    );

    let none = open(written[0].to_str().unwrap()).unwrap_err();
    assert_eq!((none.class, &*none.code), (Class::Failed, "damaged"));
    let missing = open("/nowhere/disk.img").unwrap_err();
    assert_eq!(missing.class, Class::NotFound);
    assert_eq!(open("/dev/null").unwrap_err().class, Class::Usage);
    assert_eq!(open("images/none").unwrap_err().class, Class::NotFound);
}
