//! Same operations, same bytes: whatever the pieces, wherever it is opened anew, on any machine.

use std::collections::BTreeSet;

use longshore_ext4::{Device, Filesystem, Format, MemoryDevice, New};
use sha2::{Digest, Sha256};

use crate::support::{MIB, assert_device_clean, directory, file, memory, mode, noise};

/// A digest over what is in use, as a volume's is computed.
pub(crate) fn digest(filesystem: &Filesystem<MemoryDevice>) -> String {
    let mut sha = Sha256::new();
    let mut block = vec![0; 4096];
    for range in filesystem.used_extents() {
        for offset in range.step_by(4096) {
            filesystem.device().read_at(offset, &mut block).unwrap();
            sha.update(offset.to_le_bytes());
            sha.update(&block);
        }
    }
    sha.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A small tree of everything; a change of this digest is a change of `FORMAT_VERSION`.
#[test]
fn the_bytes_of_a_fixed_tree_are_known() {
    let mut filesystem = memory(256 * MIB);
    let root = filesystem.root();
    let etc = directory(&mut filesystem, root, "etc");
    let hosts = file(&mut filesystem, etc, "hosts", b"127.0.0.1 localhost\n");
    file(&mut filesystem, root, "noise", &noise(7, 2_500_000));
    let mut metadata = mode(0o755);
    metadata.xattrs = vec![(b"security.capability".to_vec(), vec![2; 20])];
    filesystem
        .create(etc, b"link", New::Symlink(b"hosts"), &metadata)
        .unwrap();
    filesystem
        .create(etc, b"long", New::Symlink(&[b'x'; 100]), &mode(0o777))
        .unwrap();
    let null = New::CharDevice { major: 1, minor: 3 };
    filesystem.create(root, b"null", null, &metadata).unwrap();
    metadata.xattrs.push((b"user.long".to_vec(), noise(3, 500)));
    filesystem.set_metadata(etc, &metadata).unwrap();
    filesystem.link(root, b"hosts", hosts).unwrap();
    for n in 0..300 {
        file(&mut filesystem, etc, &format!("file-{n}"), &noise(n, 5000));
    }
    for n in (0..300).step_by(3) {
        filesystem
            .unlink(etc, format!("file-{n}").as_bytes())
            .unwrap();
    }
    let size = 100 << 20;
    let comb = filesystem
        .create(root, b"comb", New::File { size }, &mode(0o600))
        .unwrap();
    for n in 0..1000 {
        filesystem.write(comb, n * 100_000, b"tooth").unwrap();
    }
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    assert_eq!(
        digest(&filesystem),
        "e9064b794c187dd3b16d86cfe81552fe93a8aaad84a56e7fbfbb8f35e5462563",
    );
}

#[test]
fn the_pieces_a_file_is_written_in_do_not_matter() {
    let mut content = noise(5, 1_700_000);
    content[100_000..500_000].fill(0);
    content[600_000..601_000].fill(0);
    let digests: Vec<String> = [7usize, 511, 4096, 5000, 1 << 20, usize::MAX]
        .into_iter()
        .map(|piece| {
            let mut filesystem = memory(64 * MIB);
            let root = filesystem.root();
            // Holes of free space make several extents of it.
            for n in 0..40 {
                file(&mut filesystem, root, &format!("{n}"), &noise(n, 90_000));
            }
            for n in (0..40).step_by(2) {
                filesystem.unlink(root, format!("{n}").as_bytes()).unwrap();
            }
            let size = content.len() as u64;
            let new = New::File { size };
            let inode = filesystem.create(root, b"file", new, &mode(0o600)).unwrap();
            let mut at = 0;
            for part in content.chunks(piece.min(content.len())) {
                filesystem.write(inode, at, part).unwrap();
                at += part.len() as u64;
            }
            filesystem.commit().unwrap();
            digest(&filesystem)
        })
        .collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

/// Gaps of every width come and go in a directory of many blocks.
#[test]
fn a_directory_opened_anew_goes_on_alike() {
    let mut kept = memory(32 * MIB);
    let root = kept.root();
    let dir = directory(&mut kept, root, "dir");
    kept.commit().unwrap();
    let mut reopened = kept.device().clone();
    let mut names: BTreeSet<Vec<u8>> = BTreeSet::new();
    let lengths = noise(11, 4000);
    for (round, lengths) in lengths.chunks(100).enumerate() {
        let mut other = Filesystem::open(reopened).unwrap();
        for (nth, len) in lengths.iter().enumerate() {
            let remove = round > 10 && nth % 2 == 0;
            let victim = names.iter().nth(usize::from(*len) * 7 % names.len().max(1));
            if let Some(victim) = victim.cloned().filter(|_| remove) {
                names.remove(&victim);
                for filesystem in [&mut kept, &mut other] {
                    filesystem.unlink(dir, &victim).unwrap();
                }
                continue;
            }
            let mut name = format!("{len:03}-{round}-{nth}-").into_bytes();
            name.resize(name.len().max(usize::from(*len)), b'n');
            for filesystem in [&mut kept, &mut other] {
                filesystem
                    .create(dir, &name, New::Fifo, &mode(0o600))
                    .unwrap();
            }
            names.insert(name);
        }
        kept.commit().unwrap();
        other.commit().unwrap();
        assert_eq!(digest(&kept), digest(&other), "round {round}");
        reopened = other.into_device();
    }
    assert_device_clean(kept.device());
    assert!(kept.stat(dir).unwrap().size > 20 * 4096);
    let children = kept.children(dir).unwrap();
    let found: BTreeSet<_> = children.into_iter().map(|child| child.name).collect();
    assert!(found == names);
}

#[test]
fn a_device_with_other_free_blocks_gives_the_same_digest() {
    let build = |filesystem: &mut Filesystem<MemoryDevice>| {
        let root = filesystem.root();
        file(filesystem, root, "file", &noise(1, 50_000));
        filesystem.commit().unwrap();
    };
    let mut fresh = memory(16 * MIB);
    build(&mut fresh);
    let mut used =
        Filesystem::make(NoDiscard(MemoryDevice::new(16 * MIB)), &Format::default()).unwrap();
    let root = used.root();
    file(&mut used, root, "old", &noise(9, 1_000_000));
    used.commit().unwrap();
    used.unlink(root, b"old").unwrap();
    used.commit().unwrap();
    let mut used = Filesystem::open(used.into_device().0).unwrap();
    build(&mut used);
    assert_eq!(digest(&fresh), digest(&used));
}

/// A device that keeps what it is told to discard.
#[derive(Debug)]
struct NoDiscard(MemoryDevice);

impl Device for NoDiscard {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.0.read_at(offset, buf)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn discard(&mut self, _offset: u64, _len: u64) -> std::io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
