//! Layers as they are stored: gzip and zstd, damaged in every way, and the same as plain where they are not.

use std::io::Write;

use longshore_image::{Code, Digest};

use crate::draw::Draw;
use crate::entries::odd_archive;
use crate::verdict::same_in_pieces;

/// Reads a compressed layer: the bytes themselves, the bytes after the beginning of a gzip member or of a
/// zstd frame, or an archive that was compressed here and then damaged.
///
/// # Panics
/// Where something does not hold: the verdict depends on the pieces that the bytes come in, or an
/// archive is another thing for having been compressed.
pub fn compressed(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    match way % 8 {
        0 => drop(same_in_pieces(rest)),
        1 => drop(same_in_pieces(
            &[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], rest].concat(),
        )),
        2 => drop(same_in_pieces(
            &[&[0x28, 0xb5, 0x2f, 0xfd][..], rest].concat(),
        )),
        3 => drop(same_in_pieces(&[&[0x1f, 0x8b, 8][..], rest].concat())),
        _ => wrapped(&mut Draw::new(rest), way % 2 == 0),
    }
}

/// An archive compressed by others' code, in one piece or two, and then perhaps damaged.
fn wrapped(draw: &mut Draw<'_>, gzip: bool) {
    let damage: Vec<(u16, u8)> = (0..draw.below(8).saturating_sub(3))
        .map(|_| (draw.word(), draw.byte()))
        .collect();
    let cut = draw.word();
    let (level, end) = (draw.byte(), draw.byte());
    let plain = match draw.below(8) {
        0 => vec![0; draw.below(60_000) * 4],
        1 => draw.rest().to_vec(),
        _ => odd_archive(draw),
    };
    let compress = if gzip { gzipped } else { zstandard };
    let mut stored = match end % 4 {
        0 if !plain.is_empty() => {
            let (one, other) = plain.split_at(usize::from(cut) % plain.len());
            [compress(one, level), compress(other, level)].concat()
        }
        1 if !gzip => {
            let skippable = [0x50 | (end >> 4), 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
            [&skippable[..], &compress(&plain, level)].concat()
        }
        _ => compress(&plain, level),
    };
    if damage.is_empty() {
        return assert_as_plain(&plain, &stored);
    }
    for (place, byte) in damage {
        match byte {
            0 => stored.truncate(usize::from(place) % (stored.len() + 1)),
            1 => stored.push(byte),
            _ if stored.is_empty() => {}
            _ => {
                let place = usize::from(place) % stored.len();
                stored[place] ^= byte;
            }
        }
    }
    drop(same_in_pieces(&stored));
}

fn assert_as_plain(plain: &[u8], stored: &[u8]) {
    if plain.starts_with(&[0x1f, 0x8b]) || plain.get(1..4) == Some(&[0xb5, 0x2f, 0xfd]) {
        return; // not plain when it stands alone
    }
    let (tree, result) = same_in_pieces(stored);
    if plain.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) {
        return;
    }
    let (tree_2, expected) = same_in_pieces(plain);
    match (result, expected) {
        (Ok(report), Ok(expected)) => {
            assert_eq!(*report.diff_id.digest(), Digest::of(plain));
            assert_eq!(report.diff_id, expected.diff_id);
            assert_eq!(report.stream_bytes, expected.stream_bytes);
            assert_eq!(report.counters, expected.counters);
            assert_eq!(tree.listing(), tree_2.listing());
        }
        (Err(rejected), _) if matches!(rejected.code, Code::LimitRatio | Code::ZstdWindow) => {}
        (Err(rejected), Err(expected)) => assert_eq!(rejected, expected),
        (result, expected) => panic!("compressed {result:?}, plain {expected:?}"),
    }
}

fn gzipped(bytes: &[u8], level: u8) -> Vec<u8> {
    let level = flate2::Compression::new(u32::from(level % 10));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder
        .write_all(bytes)
        .expect("a vector takes what it is given");
    encoder.finish().expect("a vector takes what it is given")
}

fn zstandard(bytes: &[u8], level: u8) -> Vec<u8> {
    zstd::bulk::compress(bytes, i32::from(level % 5) - 1).expect("memory is not full")
}
