//! Directories with an index: as they grow, shrink and go on, judged by e2fsck and the kernel.

use std::{collections::HashMap, fs};

use longshore_ext4::{Error, Filesystem, Format, InodeNumber, MemoryDevice, New};

use crate::{
    mount::Mount,
    support::{
        FileDevice, MIB, assert_clean, assert_device_clean, debugfs, directory, file, memory, mode,
        run, scratch, store,
    },
};

const MANY: u32 = 100_000;

/// Makes names that nothing is behind but one empty file for each.
fn fill<D: longshore_ext4::Device>(
    filesystem: &mut Filesystem<D>,
    dir: InodeNumber,
    names: impl Iterator<Item = String>,
) {
    for name in names {
        filesystem
            .create(dir, name.as_bytes(), New::File { size: 0 }, &mode(0o600))
            .unwrap();
    }
}

/// The depth of an index and its pointers, as debugfs sees them.
fn levels_of(dump: &str) -> u32 {
    let line = dump
        .lines()
        .find_map(|line| line.trim().strip_prefix("Indirect levels: "));
    line.unwrap().parse().unwrap()
}

#[test]
fn the_kernel_finds_each_of_100000_names_and_goes_on() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 2 << 30);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let many = directory(&mut filesystem, root, "many");
    fill(
        &mut filesystem,
        many,
        (0..MANY).map(|n| format!("entry-{n}")),
    );
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_clean(&image);
    let dump = String::from_utf8_lossy(&debugfs(&image, "htree_dump /many")).into_owned();
    assert_eq!(levels_of(&dump), 1);
    let named = dump.matches(") entry-").count();
    assert_eq!(named, MANY as usize);
    {
        let Some(mount) = Mount::new(&image, "rw") else {
            return;
        };
        let at = |n: u32| mount.at("many").join(format!("entry-{n}"));
        for n in 0..MANY {
            fs::symlink_metadata(at(n)).unwrap();
        }
        assert!(fs::symlink_metadata(at(MANY)).is_err());
        for n in (0..MANY).step_by(3) {
            fs::remove_file(at(n)).unwrap();
        }
        for n in 0..20_000 {
            fs::write(mount.at("many").join(format!("of-the-kernel-{n}")), b"").unwrap();
        }
        assert_eq!(fs::read_dir(mount.at("many")).unwrap().count(), 86_666);
    }
    assert_clean(&image);
    // And we go on where it ended.
    let mut filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    assert_eq!(filesystem.children(many).unwrap().len(), 86_666);
    fill(
        &mut filesystem,
        many,
        (0..5000).map(|n| format!("of-ours-{n}")),
    );
    for n in 0..20_000 {
        let name = format!("of-the-kernel-{n}");
        filesystem.unlink(many, name.as_bytes()).unwrap();
    }
    filesystem.commit().unwrap();
    assert_eq!(filesystem.children(many).unwrap().len(), 71_666);
    drop(filesystem);
    assert_clean(&image);
}

/// Each form of the index is seen at least once: a list, a root, one that is full, nodes.
#[test]
fn every_form_on_the_way_is_clean() {
    let mut filesystem = memory(256 * MIB);
    let root = filesystem.root();
    let dir = directory(&mut filesystem, root, "dir");
    let name = |n: u32| format!("{n:0>255}");
    let mut made = 0;
    // A root has 507 pointers; the block with the 508th name block's is a node's.
    for (blocks, levels) in [
        (1, None),
        (3, Some(0)),
        (4, Some(0)),
        (508, Some(0)),
        (510, Some(1)),
        (900, Some(1)),
    ] {
        while filesystem.stat(dir).unwrap().size < blocks * 4096 {
            fill(&mut filesystem, dir, std::iter::once(name(made)));
            made += 1;
        }
        filesystem.commit().unwrap();
        let (_dir, image) = scratch();
        store(filesystem.device(), &image);
        assert_clean(&image);
        if let Some(levels) = levels {
            let dump = debugfs(&image, "htree_dump /dir");
            assert_eq!(
                levels_of(&String::from_utf8_lossy(&dump)),
                levels,
                "{blocks}"
            );
        }
        // And e2fsck has nothing to make better where it is allowed to.
        let output = run("e2fsck", &["-fy", image.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    for n in 0..made {
        let found = filesystem.lookup(dir, name(n).as_bytes()).unwrap();
        assert!(found.is_some(), "{n}");
    }
    assert_eq!(filesystem.lookup(dir, name(made).as_bytes()).unwrap(), None);
}

/// Two of 255 bytes with one hash, and what comes before and after them, so that the first cut of
/// the block is between the two.
fn straddling() -> Vec<String> {
    let hash = {
        let probe = memory(8 * MIB);
        let uuid = seed_of(probe.device());
        move |name: &str| half_md4(uuid, name.as_bytes())
    };
    let mut seen: HashMap<u32, String> = HashMap::new();
    let mut rest = Vec::new();
    let mut pair = None;
    for n in 0u32.. {
        let name = format!("{n:0>255}");
        let hash = hash(&name);
        if let Some(other) = seen.insert(hash, name.clone()) {
            // With room for others on both sides.
            if (1 << 30..3 << 30).contains(&hash) {
                pair = Some((hash, [other, name]));
                break;
            }
        } else if n < 100 {
            rest.push((hash, name));
        }
    }
    let (hash, pair) = pair.unwrap();
    let (below, above): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(other, _)| *other < hash);
    let names = |list: Vec<(u32, String)>| list.into_iter().map(|(_, name)| name);
    // Fifteen fill the block; the first eight of them stay.
    let mut all: Vec<String> = names(below).take(7).collect();
    all.extend(pair);
    all.extend(names(above).take(7));
    assert_eq!(all.len(), 16);
    all
}

fn seed_of(device: &MemoryDevice) -> [u32; 4] {
    use longshore_ext4::Device;
    let mut bytes = [0; 16];
    device.read_at(1024 + 0xec, &mut bytes).unwrap();
    std::array::from_fn(|nth| u32::from_le_bytes(bytes[nth * 4..nth * 4 + 4].try_into().unwrap()))
}

/// The kernel's `half_md4_transform`, written down once more as it stands there.
fn half_md4(seed: [u32; 4], name: &[u8]) -> u32 {
    let mut state = seed;
    let mut at = 0;
    while at < name.len() {
        let rest = &name[at..];
        let pad = u32::try_from(rest.len() % 256).unwrap() * 0x0101_0101;
        let mut x = [pad; 8];
        for (n, byte) in rest.iter().take(32).enumerate() {
            x[n / 4] = (x[n / 4] << 8).wrapping_add(u32::from(*byte));
        }
        let [mut a, mut b, mut c, mut d] = state;
        let f = |x: u32, y: u32, z: u32| z ^ (x & (y ^ z));
        let g = |x: u32, y: u32, z: u32| (x & y).wrapping_add((x ^ y) & z);
        let h = |x: u32, y: u32, z: u32| x ^ y ^ z;
        let round = |a: &mut u32, value: u32, x: u32, s: u32| {
            *a = a.wrapping_add(value).wrapping_add(x).rotate_left(s);
        };
        for half in [0, 4] {
            round(&mut a, f(b, c, d), x[half], 3);
            round(&mut d, f(a, b, c), x[half + 1], 7);
            round(&mut c, f(d, a, b), x[half + 2], 11);
            round(&mut b, f(c, d, a), x[half + 3], 19);
        }
        for order in [[1, 3, 5, 7], [0, 2, 4, 6]] {
            let k = |n: usize| x[order[n]].wrapping_add(0o13_240_474_631);
            round(&mut a, g(b, c, d), k(0), 3);
            round(&mut d, g(a, b, c), k(1), 5);
            round(&mut c, g(d, a, b), k(2), 9);
            round(&mut b, g(c, d, a), k(3), 13);
        }
        for order in [[3, 7, 2, 6], [1, 5, 0, 4]] {
            let k = |n: usize| x[order[n]].wrapping_add(0o15_666_365_641);
            round(&mut a, h(b, c, d), k(0), 3);
            round(&mut d, h(a, b, c), k(1), 9);
            round(&mut c, h(d, a, b), k(2), 11);
            round(&mut b, h(c, d, a), k(3), 15);
        }
        for (value, more) in state.iter_mut().zip([a, b, c, d]) {
            *value = value.wrapping_add(more);
        }
        at += 32;
    }
    state[1] & !1
}

#[test]
fn names_of_one_hash_in_two_blocks_are_found() {
    let names = straddling();
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 16 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let dir = directory(&mut filesystem, root, "dir");
    fill(&mut filesystem, dir, names.iter().cloned());
    filesystem.commit().unwrap();
    for name in &names {
        assert!(filesystem.lookup(dir, name.as_bytes()).unwrap().is_some());
        let again = filesystem.create(dir, name.as_bytes(), New::Fifo, &mode(0o600));
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    }
    assert_clean(&image);
    // The second block is where the first one's last hash goes on: its pointer is odd.
    let dump = String::from_utf8_lossy(&debugfs(&image, "htree_dump /dir")).into_owned();
    let entry = dump.lines().find(|line| line.contains("Entry #1: Hash 0x"));
    let (_, hash) = entry.unwrap().split_once("0x").unwrap();
    let hash = u32::from_str_radix(hash.split(' ').next().unwrap().trim_end_matches(','), 16);
    let hash = hash.unwrap();
    assert!(
        hash % 2 == 1 || dump.contains(&format!("{hash:08x}(cont")),
        "{dump}"
    );
    if let Some(mount) = Mount::new(&image, "ro") {
        for name in &names {
            fs::symlink_metadata(mount.at("dir").join(name)).unwrap();
        }
    }
    for name in &names {
        filesystem.unlink(dir, name.as_bytes()).unwrap();
    }
    filesystem.commit().unwrap();
    assert_eq!(filesystem.children(dir).unwrap(), []);
    assert_clean(&image);
}

#[test]
fn lost_and_found_is_filled_and_then_gets_an_index() {
    let mut filesystem = memory(64 * MIB);
    let root = filesystem.root();
    let found = filesystem.lookup(root, b"lost+found").unwrap().unwrap();
    let name = |n: u32| format!("found-{n}");
    let mut made = 0;
    for upto in [10, 600, 820, 3000] {
        fill(&mut filesystem, found, (made..upto).map(name));
        made = upto;
        filesystem.commit().unwrap();
        assert_device_clean(filesystem.device());
    }
    filesystem = Filesystem::open(filesystem.into_device()).unwrap();
    for n in 0..made {
        assert!(
            filesystem
                .lookup(found, name(n).as_bytes())
                .unwrap()
                .is_some()
        );
        filesystem.unlink(found, name(n).as_bytes()).unwrap();
    }
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
}

#[test]
fn a_directory_can_have_more_subdirectories_than_links_are_counted() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 2 << 30);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let dir = directory(&mut filesystem, root, "dir");
    let name = |n: u32| format!("sub-{n}");
    for n in 0..64_997 {
        directory(&mut filesystem, dir, &name(n));
    }
    assert_eq!(filesystem.stat(dir).unwrap().links, 64_999);
    for n in 64_997..65_100 {
        directory(&mut filesystem, dir, &name(n));
        assert_eq!(filesystem.stat(dir).unwrap().links, 1);
    }
    filesystem.commit().unwrap();
    assert_clean(&image);
    for n in 0..200 {
        filesystem.unlink(dir, name(n).as_bytes()).unwrap();
    }
    // It is not counted again.
    assert_eq!(filesystem.stat(dir).unwrap().links, 1);
    file(&mut filesystem, dir, "file", b"x");
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_clean(&image);
}
