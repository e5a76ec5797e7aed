//! Layers over layers: the merge against an oracle that shares no code with it.

use std::fs;

use longshore_image::{Code, Listing, ListingContent, ListingRow, Name, Rejected, Totals};

use crate::builder::{Head, Tar};
use crate::draw::Draw;
use crate::manifest::{Kind, Manifest, Node};
use crate::oracle;
use crate::scratch::scratch;
use crate::verdict::verdict;
use crate::watched::Watched;

/// Entries of a layer at most.
const MOST: usize = 10;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Merges up to three layers, and has the oracle of `harbor` do the same.
///
/// # Panics
/// Where they disagree: on what is in the image, or on whether there is one.
pub fn layers(data: &[u8]) {
    let mut draw = Draw::new(data);
    let mut layers = vec![layer(&mut draw)];
    while layers.len() < 3 && !draw.is_empty() {
        layers.push(layer(&mut draw));
    }
    let (mut tree, mut totals) = (Watched::default(), Totals::default());
    let mut paths = Vec::new();
    let mut result = Ok(());
    let mut behind_symlink = false;
    for (nth, layer) in layers.iter().enumerate() {
        paths.push(scratch(&format!("{nth}.tar")));
        fs::write(&paths[nth], layer).expect("there is room for a layer");
        tree.followed = false;
        let verdict = verdict(&mut tree, &layer[..], &mut totals);
        behind_symlink |= nth > 0 && tree.followed && hides_below(layer);
        match verdict {
            Ok(_) => {}
            Err(rejected) if is_ours_alone(&rejected, layer) => return,
            // What it leads through may be hidden further on, and to the oracle it is hidden already.
            Err(_) if nth > 0 && tree.followed && has_whiteout(layer) => return,
            Err(rejected) => {
                result = Err(rejected);
                break;
            }
        }
    }
    if layers[1..].iter().any(|layer| hides_below_its_own(layer)) {
        return;
    }
    if behind_symlink {
        return;
    }
    match (result, oracle::manifest(&paths)) {
        (Ok(()), Ok(expected)) => assert_same(&tree.listing(), &expected),
        (Err(_), Err(_)) => {}
        (Ok(()), Err(refused)) => {
            let nth = paths.iter().position(|path| *path == refused.layer);
            let hides = nth.is_some_and(|nth| has_whiteout(&layers[nth]));
            let loses = hides || layers.iter().any(|layer| climbs(layer));
            assert!(is_beyond_it(&refused.why, loses), "accepted, and {refused}");
        }
        (Err(rejected), Ok(_)) => panic!("{rejected}, and the oracle accepts it"),
    }
}

/// What the oracle has no opinion of: an order within a layer that it does not look at, and limits.
fn is_ours_alone(rejected: &Rejected, layer: &[u8]) -> bool {
    let is_whiteout = || {
        let entry = rejected.entry.as_ref().map_or(&b""[..], Name::as_bytes);
        entry.windows(4).any(|part| part == b".wh.")
    };
    // A second name of a lower layer's file is this layer's, and to the oracle it is not.
    let has_link = || headers(layer).any(|block| block[156] == b'1');
    match rejected.code {
        // The oracle looks for what is hidden in the layers below only.
        Code::ParentNotDirectory => is_whiteout() || has_link(),
        code => matches!(
            code,
            Code::WhiteoutAmbiguous
                | Code::LimitDuplicates
                | Code::LimitEntries
                | Code::HardLinkTooMany
                | Code::WalkTooLong
                | Code::SymlinkLoop
                | Code::NameTooDeep
        ),
    }
}

fn has_whiteout(layer: &[u8]) -> bool {
    names(layer).any(is_whiteout)
}

/// Whether a whiteout lies in a directory that the layer itself has an entry for. To us it is about that
/// directory; the oracle, which hides first, follows the symlink that may have stood there.
fn hides_below_its_own(layer: &[u8]) -> bool {
    names(layer).filter(|name| is_whiteout(name)).any(|hidden| {
        names(layer)
            .filter(|name| !is_whiteout(name))
            .map(|name| name.strip_suffix(b"/").unwrap_or(name))
            .any(|own| {
                let rest = hidden.strip_prefix(own);
                rest.is_some_and(|rest| rest.starts_with(b"/"))
            })
    })
}

/// Whether a whiteout is in a directory, and not in the root. Where its way leads through a symlink, it depends
/// on what the layer did before: we go through what there is by then, and back from what is not there to where
/// it would be. The oracle hides first, and goes nowhere from what is not there.
fn hides_below(layer: &[u8]) -> bool {
    names(layer).any(|name| is_whiteout(name) && name.contains(&b'/'))
}

fn is_whiteout(name: &[u8]) -> bool {
    name.windows(4).any(|part| part == b".wh.")
}

/// The names in the headers of a layer that was made here.
fn names(layer: &[u8]) -> impl Iterator<Item = &[u8]> {
    headers(layer).filter_map(|block| block[..100].split(|byte| *byte == 0).next())
}

fn headers(layer: &[u8]) -> impl Iterator<Item = &[u8]> {
    layer
        .chunks(512)
        .filter(|block| &block[257..262] == b"ustar")
}

/// Whether a symlink's target has `..` in it.
fn climbs(layer: &[u8]) -> bool {
    headers(layer)
        .filter(|block| block[156] == b'2')
        .any(|block| block[157..257].windows(2).any(|part| part == b".."))
}

/// Whether the oracle refuses what it cannot follow, and not what is wrong. `loses` says that it may have
/// lost the target of a link: the layer has a whiteout, and it hides first, where to us a link that stands
/// before the whiteout is a name of its layer and stays; or a symlink leads back from what is not there.
fn is_beyond_it(why: &str, loses: bool) -> bool {
    why.contains("below a symlink to a file")
        || why.contains("`..` in a link beyond what is there")
        || why.ends_with("NotADirectory")
        || loses && why.contains("hard link to")
}

fn layer(draw: &mut Draw<'_>) -> Vec<u8> {
    let mut tar = Tar::new();
    for _ in 0..=draw.below(MOST) {
        tar = entry(tar, draw);
    }
    tar.end()
}

fn path(draw: &mut Draw<'_>) -> Vec<&'static str> {
    let shape = draw.byte();
    let count = usize::from(shape % 3) + 1;
    let mut path: Vec<&str> = (0..count)
        .map(|nth| NAMES[usize::from(shape >> (2 + 2 * nth)) % 4])
        .collect();
    if shape == 0xff {
        path[0] = draw.pick(&[".", "", ".wh", "...", "\u{e9}", ".wh..wh.aufs"]);
    }
    path
}

fn entry(tar: Tar, draw: &mut Draw<'_>) -> Tar {
    let what = draw.byte();
    let path = path(draw);
    let joined = path.join("/");
    let stamped = |head: Head, draw: &mut Draw<'_>| {
        let stamp = draw.byte();
        head.mode(u16::from(stamp) * 16 + 7)
            .owner(u32::from(stamp & 3), u32::from(stamp >> 6))
            .mtime(u64::from(stamp))
    };
    match what % 16 {
        0..=3 => {
            let body = [what; 3];
            let body = &body[..usize::from(what >> 6)];
            let head = Head::new(b'0', joined.as_bytes()).size(body.len() as u64);
            let tar = if what & 0x30 == 0x30 {
                tar.pax(&[("SCHILY.xattr.user.a", &[what]), ("mtime", b"7.25")])
            } else {
                tar
            };
            tar.put(&stamped(head, draw), body)
        }
        4..=6 => tar.put(
            &stamped(Head::new(b'5', format!("{joined}/").as_bytes()), draw),
            b"",
        ),
        7..=9 => {
            let target = target(draw);
            let head = Head::new(b'2', joined.as_bytes()).link(target.as_bytes());
            tar.put(&stamped(head, draw), b"")
        }
        10 | 11 => {
            let target = self::path(draw).join("/");
            tar.put(
                &Head::new(b'1', joined.as_bytes()).link(target.as_bytes()),
                b"",
            )
        }
        12 | 13 => tar.file(&in_last(&path, |name| format!(".wh.{name}")), b""),
        14 => tar.file(&in_last(&path, |_| ".wh..wh..opq".to_owned()), b""),
        _ => match what >> 4 {
            0..=3 => tar.put(&stamped(Head::new(b'6', joined.as_bytes()), draw), b""),
            4..=7 => {
                let head = Head::new(b'3', joined.as_bytes()).device(u32::from(what), 5);
                tar.put(&stamped(head, draw), b"")
            }
            8..=11 => tar.put(&stamped(Head::new(b'5', b"./"), draw), b""),
            _ => tar.file(".wh..wh..opq", b""),
        },
    }
}

fn in_last(path: &[&str], name: impl Fn(&str) -> String) -> String {
    let mut path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    if let Some(last) = path.last_mut() {
        *last = name(last);
    }
    path.join("/")
}

/// A symlink's target: somewhere near.
fn target(draw: &mut Draw<'_>) -> String {
    let shape = draw.byte();
    let count = usize::from(shape % 3) + 1;
    let parts: Vec<&str> = (0..count)
        .map(|_| draw.pick(&["a", "b", "c", "d", "..", ".", "a", "b"]))
        .collect();
    let root = if shape & 0x80 != 0 { "/" } else { "" };
    root.to_owned() + &parts.join("/")
}

fn assert_same(found: &Listing, expected: &Manifest) {
    assert_eq!(found.len(), expected.len(), "{found:#?}\n{expected:#?}");
    for (path, row) in found {
        let path = &path[1..];
        let node = expected
            .get(path)
            .unwrap_or_else(|| panic!("{} is no path of the oracle's", path.escape_ascii()));
        assert_eq!(&node_of(row), node, "{}", path.escape_ascii());
    }
}

fn node_of(row: &ListingRow) -> Node {
    let kind = match &row.content {
        ListingContent::File { size, digest } => Kind::File {
            size: *size,
            sha256: *digest.as_bytes(),
        },
        ListingContent::Directory => Kind::Directory,
        ListingContent::Symlink(target) => Kind::Symlink(target.as_bytes().to_vec()),
        ListingContent::CharDevice(number) => Kind::CharDevice(number.major, number.minor),
        ListingContent::BlockDevice(number) => Kind::BlockDevice(number.major, number.minor),
        ListingContent::Fifo => Kind::Fifo,
    };
    let bytes = |name: &longshore_image::Name| name.as_bytes().to_vec();
    Node {
        kind,
        mode: row.mode.into(),
        uid: row.uid,
        gid: row.gid,
        mtime: (row.mtime.seconds, row.mtime.nanoseconds),
        xattrs: row
            .xattrs
            .iter()
            .map(|(name, value)| (bytes(name), bytes(value)))
            .collect(),
        group: row
            .link_group
            .as_ref()
            .map(|name| name.as_bytes()[1..].to_vec()),
    }
}
