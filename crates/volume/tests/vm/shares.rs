//! What volumes share, as `thin_ls` counts it too.

use std::{
    collections::BTreeMap,
    fs::File,
    os::unix::fs::{FileExt, OpenOptionsExt},
    process::Command,
    sync::Arc,
    thread,
};

use longshore_vmtest::Guest;
use longshore_volume::{
    Access, Backend, Share, VolumeId,
    thin::{MemoryLedger, MetadataError, Pool, PoolError, ThinBackend},
};

use crate::{
    pools::{BLOCK, check, fresh, name},
    thin::id,
};

const SIZE: u64 = 256 << 20;

/// Volumes and snapshots of snapshots, some of them written to, discarded, deleted.
fn grown(guest: &Guest) -> ThinBackend {
    let backend = ThinBackend::new(fresh(guest), Arc::new(MemoryLedger::default()));
    backend.create(id(1), SIZE).unwrap();
    // More mappings than a node has, so that its tree has two levels: every other block.
    write(&backend, 1, (0..1200).map(|block| block * 2));
    for snapshot in [2, 3, 4, 5] {
        backend.snapshot(id(1), id(snapshot), None).unwrap();
    }
    write(&backend, 3, [0, 1, 2, 700, 2399, 3000, 4095].into_iter());
    write(&backend, 4, 500..1500);
    backend.snapshot(id(4), id(6), None).unwrap();
    write(&backend, 6, [501, 502, 4000].into_iter());
    let mut disk = backend.open(id(6), Access::Write).unwrap();
    disk.discard(600 * BLOCK, 300 * BLOCK).unwrap();
    disk.flush().unwrap();
    drop(disk);
    // What the origin had before is the snapshots' own.
    write(&backend, 1, (0..40).map(|block| block * 60));
    backend.snapshot(id(6), id(7), None).unwrap();
    backend.remove(id(4)).unwrap();
    backend.create(id(70), SIZE).unwrap();
    backend.create(id(71), SIZE).unwrap();
    write(&backend, 71, 0..3);
    // As many as make the tree of volumes one of two levels.
    for snapshot in 1000..1600 {
        backend.snapshot(id(3), id(snapshot), None).unwrap();
    }
    write(&backend, 1234, 0..1);
    backend
}

fn write(backend: &ThinBackend, volume: u64, blocks: impl Iterator<Item = u64>) {
    let mut disk = backend.open(id(volume), Access::Write).unwrap();
    for block in blocks {
        let bytes = [u8::try_from(volume % 251).unwrap(); 4096];
        disk.write_at(block * BLOCK, &bytes).unwrap();
    }
    disk.flush().unwrap();
}

/// What `thin_ls` says of every volume: mapped and exclusive bytes.
fn listed(guest: &Guest, snapshot: &[&str]) -> BTreeMap<VolumeId, Share> {
    let listed = Command::new("thin_ls")
        .args(snapshot)
        .args(["--no-headers", "--format"])
        .arg("DEV,MAPPED_BYTES,EXCLUSIVE_BYTES")
        .arg(guest.disk(0))
        .output()
        .unwrap();
    let said = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.status.success(), "{said}");
    let line = |line: &str| {
        let numbers = line.split_whitespace().map(|word| word.parse().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        let &[volume, mapped, exclusive] = numbers.as_slice() else {
            panic!("{line}");
        };
        (id(volume), Share { mapped, exclusive })
    };
    said.lines().map(line).collect()
}

pub(crate) fn shares_are_those_that_thin_ls_counts(guest: &Guest) {
    let backend = grown(guest);
    let pool = backend.pool();
    let devices = pool.devices().unwrap();
    let volumes: Vec<_> = devices.iter().map(|device| id(device.id)).collect();
    let groups: Vec<_> = volumes.iter().map(|volume| vec![*volume]).collect();
    let shares = pool.shares(&groups).unwrap();
    assert_eq!(pool.working().unwrap().held_root, None);
    let found: BTreeMap<_, _> = volumes.iter().copied().zip(shares).collect();
    assert_eq!(found.len(), 8 - 1 + 1 + 600);
    for device in devices {
        assert_eq!(found[&id(device.id)].mapped, device.mapped * BLOCK);
    }
    // The pool is at work: what is listed is a snapshot of its metadata.
    let message = |text: &str| pool.control().message(pool.name(), text).unwrap();
    message("reserve_metadata_snap");
    let theirs = listed(guest, &["-m"]);
    message("release_metadata_snap");
    assert_eq!(found, theirs);
    // The counts are worth comparing.
    let blocks = |volume: u64| {
        let Share { mapped, exclusive } = found[&id(volume)];
        (mapped / BLOCK, exclusive / BLOCK)
    };
    let expected = [
        (1, (1200, 40)),
        (2, (1200, 0)),
        (3, (1204, 0)),
        (7, (1401, 0)),
        (70, (0, 0)),
        (71, (3, 3)),
        (1234, (1204, 1)),
    ];
    assert_eq!(
        expected.map(|(volume, _)| (volume, blocks(volume))),
        expected
    );

    // All volumes have what the pool has used, and what some have alone is free once they are gone.
    let used = || pool.working().unwrap().data_used * BLOCK;
    let gone: Vec<_> = [3, 71].into_iter().chain(1000..1600).map(id).collect();
    let whole = pool.shares(&[volumes, gone.clone()]).unwrap();
    let all = used();
    assert_eq!((whole[0].mapped, whole[0].exclusive), (all, all));
    for volume in &gone {
        backend.remove(*volume).unwrap();
    }
    assert_eq!(all - used(), whole[1].exclusive);
    // Those of volume 3 and its snapshots, of 71, and of 1234.
    assert_eq!(whole[1].exclusive, (7 + 3 + 1) * BLOCK);
    drop(backend);
    Pool::find(&name()).unwrap().down().unwrap();
    check(guest);
    let theirs = listed(guest, &[]);
    let left = found.keys().filter(|volume| !gone.contains(volume));
    assert!(theirs.keys().eq(left));
}

/// A block of metadata as it is on the disk, past the page cache.
fn block(guest: &Guest, number: u64) -> [u8; 4096] {
    let direct = rustix::fs::OFlags::DIRECT.bits();
    let file = File::options()
        .read(true)
        .custom_flags(direct.try_into().unwrap())
        .open(guest.disk(0));
    let mut room = vec![0; 8192];
    let start = room.as_ptr().align_offset(4096);
    let aligned = &mut room[start..start + 4096];
    file.unwrap().read_exact_at(aligned, number * 4096).unwrap();
    aligned.try_into().unwrap()
}

pub(crate) fn a_snapshot_is_released_whatever_was_read(guest: &Guest) {
    let backend = ThinBackend::new(fresh(guest), Arc::new(MemoryLedger::default()));
    backend.create(id(1), SIZE).unwrap();
    write(&backend, 1, 0..10);
    let pool = backend.pool();
    let message = |text: &str| pool.control().message(pool.name(), text).unwrap();
    message("reserve_metadata_snap");
    let held = pool.working().unwrap().held_root.unwrap();
    let root = u64::from_le_bytes(block(guest, held)[320..328].try_into().unwrap());
    message("release_metadata_snap");
    let groups = [vec![id(1)]];
    let ten = Share {
        mapped: 10 * BLOCK,
        exclusive: 10 * BLOCK,
    };
    assert_eq!(pool.shares(&groups).unwrap(), [ten]);

    // The kernel has it in memory and does not see this.
    let good = block(guest, root);
    let mut bad = good;
    bad[2000] ^= 1;
    let disk = File::options().write(true).open(guest.disk(0)).unwrap();
    let put = |bytes: &[u8]| {
        disk.write_all_at(bytes, root * 4096).unwrap();
        disk.sync_all().unwrap();
    };
    put(&bad);
    let error = pool.shares(&groups).unwrap_err();
    let PoolError::Metadata(MetadataError::Damaged { block, what }) = error else {
        panic!("{error}");
    };
    assert_eq!((block, what), (root, "its checksum is wrong"));
    assert_eq!(pool.working().unwrap().held_root, None);
    put(&good);
    // A pool has one: those who look at once wait for each other.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(pool.shares(&groups).unwrap(), [ten]);
                }
            });
        }
    });
    drop(backend);
    Pool::find(&name()).unwrap().down().unwrap();
    check(guest);
}
