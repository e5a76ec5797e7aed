//! Damaged images: everything that is asked of one ends, with an answer or an error.

use longshore_ext4::{Device, Error, Filesystem, InodeNumber, Kind, Metadata, New, Result};

use crate::draw::Draw;
use crate::overlay::Overlay;
use crate::parts::{Sound, sound};

/// Names looked at, at most: in a damaged image a directory can be in itself.
const MOST: usize = 300;

/// Damages a sound image here and there, makes the checksums right again for the most part, reads all
/// of it, and at times goes on to change it.
///
/// # Panics
/// Where the filesystem does, or does not come to an end.
pub fn damaged(data: &[u8]) {
    let mut draw = Draw::new(data);
    let ways = draw.byte();
    let sound = &sound()[draw.pick(&[0, 0, 0, 0, 2, 2, 2, 1])];
    let mut device = Overlay::new(&sound.device);
    for _ in 0..12 {
        if draw.is_empty() {
            break;
        }
        damage(sound, &mut device, &mut draw);
    }
    let Ok(filesystem) = Filesystem::open(device) else {
        return;
    };
    let names = walk(&filesystem);
    assert!(filesystem.used_extents().count() < 10_000);
    if ways & 1 == 0 {
        return;
    }
    let (changed, device) = change(filesystem, &names, ways);
    // What was committed can be opened, or is seen to be damaged; and ends either way.
    if changed.is_ok()
        && let Ok(filesystem) = Filesystem::open(device)
    {
        walk(&filesystem);
    }
}

fn damage(sound: &Sound, device: &mut Overlay, draw: &mut Draw<'_>) {
    let way = draw.byte();
    let value: Vec<u8> = match way & 7 {
        0 => vec![0],
        1 => vec![0xff],
        2 => vec![draw.byte()],
        3 => draw.word().to_le_bytes().to_vec(),
        4 => u32::from(draw.word()).to_le_bytes().to_vec(),
        5 => draw.long().to_le_bytes()[..4].to_vec(),
        6 => draw
            .pick(&[u32::MAX, 1 << 31, 1 << 16, 1, 2, 0x8000, 0x7fff])
            .to_le_bytes()
            .to_vec(),
        _ => draw.bytes(40).to_vec(),
    };
    if way & 0xf0 == 0xf0 {
        let page = sound.pages[draw.below(sound.pages.len())];
        let at = page + draw.below(4096 - value.len()) as u64;
        return device
            .write_at(at, &value)
            .expect("a page is on the device");
    }
    let part = sound.parts[draw.below(sound.parts.len())];
    // Most of what matters is at the front.
    let reach = if way & 8 == 0 { 128 } else { part.len }.min(part.len);
    let offset = draw.below(reach).min(part.len - value.len());
    device
        .write_at(part.at + offset as u64, &value)
        .expect("a part is on the device");
    if way & 0xf0 != 0xe0 {
        part.seal(device);
    }
}

/// Looks at everything, up to a number of names; answers those.
fn walk<D: Device>(filesystem: &Filesystem<D>) -> Vec<(InodeNumber, Vec<u8>)> {
    let mut names = Vec::new();
    let mut todo = vec![filesystem.root()];
    while let Some(dir) = todo.pop() {
        let Ok(children) = filesystem.children(dir) else {
            continue;
        };
        for child in children {
            if names.len() == MOST {
                return names;
            }
            let kind = look_at(filesystem, child.inode);
            if matches!(kind, Ok(Kind::Directory)) {
                todo.push(child.inode);
            }
            names.push((dir, child.name));
        }
    }
    names
}

fn look_at<D: Device>(filesystem: &Filesystem<D>, inode: InodeNumber) -> Result<Kind> {
    let stat = filesystem.stat(inode)?;
    filesystem.xattrs(inode)?;
    match stat.kind {
        Kind::Symlink => drop(filesystem.read_link(inode)?),
        Kind::File => {
            let mut buffer = [0; 9000];
            for at in [
                0,
                5000,
                stat.size / 2,
                stat.size.saturating_sub(5000),
                u64::MAX,
            ] {
                filesystem.read(inode, at, &mut buffer)?;
            }
        }
        _ => {}
    }
    Ok(stat.kind)
}

/// Does what a layer would do. Answers the device, and whether it was committed.
fn change(
    mut filesystem: Filesystem<Overlay>,
    names: &[(InodeNumber, Vec<u8>)],
    ways: u8,
) -> (Result<()>, Overlay) {
    let root = filesystem.root();
    let mut results: Vec<std::result::Result<(), Error>> = Vec::new();
    let metadata = Metadata::default();
    let made = filesystem.create(root, b"new", New::File { size: 20_000 }, &metadata);
    if let Ok(new) = made {
        results.push(filesystem.write(new, 5000, &[1; 9000]));
        results.push(filesystem.close(new));
    }
    results.push(
        filesystem
            .create(root, b"more", New::Directory, &metadata)
            .map(drop),
    );
    results.push(
        filesystem
            .create(root, b"slow", New::Symlink(&[b'x'; 99]), &metadata)
            .map(drop),
    );
    if ways & 2 != 0 {
        for (dir, name) in names.iter().rev() {
            results.push(filesystem.unlink(*dir, name));
        }
    }
    if let Some((dir, name)) = names.last()
        && let Ok(Some(inode)) = filesystem.lookup(*dir, name)
    {
        results.push(filesystem.link(root, b"another", inode));
        results.push(filesystem.set_metadata(inode, &metadata));
    }
    let committed = filesystem.commit();
    (committed, filesystem.into_device())
}
