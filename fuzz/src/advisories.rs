//! Advisories, from publishers and from files of ours: whatever the bytes, they are read or refused, and
//! what was read is written, read back and matched.

use std::io::Cursor;

use longshore_scan::{
    Advisories, AdvisorySource, Imported, Shard, Stream, import_osv, import_osv_zip, import_secdb,
    import_tracker, match_package,
};
use sha2::{Digest, Sha256};

/// Reads advisories: as a record or an archive of OSV, Alpine's or Debian's; or as the file of a shard, the bytes
/// themselves or as its body under a digest that is right.
///
/// # Panics
/// Where something does not hold: what was read is not what is read back, or an entry is not found by the name of
/// its package.
pub fn advisories(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let source = AdvisorySource {
        location: "input".to_owned(),
        dated: "2026-11-26".to_owned(),
        ..AdvisorySource::default()
    };
    let imported = match way % 6 {
        0 => import_osv([("input", rest)], &source),
        1 => import_osv_zip(Cursor::new(rest), &source),
        2 => import_secdb([("input", rest)], &source),
        3 => import_tracker(rest, &source),
        4 => return Shard::decode(rest).map_or((), go_through),
        _ => return Shard::decode(&sealed(rest)).map_or((), go_through),
    };
    for shard in imported.map_or_else(|_| Vec::new(), |Imported { shards, .. }| shards) {
        let read = Shard::decode(&shard.encode()).expect("what was imported can be read back");
        assert_eq!(read, shard);
        go_through(shard);
    }
}

fn go_through(shard: Shard) {
    let stream = shard.stream().clone();
    let names: Vec<String> = shard.entries().map(|(name, _)| name.to_owned()).collect();
    let bounds: Vec<String> = shard
        .entries()
        .flat_map(|(_, entry)| entry.ranges().collect::<Vec<_>>())
        .flat_map(|range| {
            range
                .bounds()
                .map(|bound| (*bound).to_owned())
                .collect::<Vec<_>>()
        })
        .take(8)
        .chain(["1.2.3-r0".to_owned()])
        .collect();
    let advisories: Advisories = [shard].into_iter().collect();
    for name in names.iter().take(64) {
        let found = advisories
            .of(&stream)
            .map_or(0, |shard| shard.of(name).count());
        assert!(found > 0, "{name:?} is not found");
        for version in &bounds {
            let _ = match_package(&advisories, &stream, name, version);
        }
    }
}

/// A shard's file with these bytes for its body.
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    let stream = Stream::new(longshore_scan::Ecosystem::Debian, "12");
    let source = AdvisorySource {
        dated: "2026-11-26".to_owned(),
        ..AdvisorySource::default()
    };
    let empty = Shard::new(stream, vec![source], Vec::new()).expect("its source has a date");
    let mut file = empty.encode();
    // The magic, the format and the digest come first, then the header with its length.
    let length = file[41..45]
        .first_chunk()
        .map_or(0, |length| u32::from_le_bytes(*length));
    file.truncate(45 + length as usize);
    let digest = Sha256::digest([&file[45..], body].concat());
    file[9..41].copy_from_slice(&digest);
    let length = u32::try_from(body.len()).expect("an input has a few kilobytes");
    file.extend(length.to_le_bytes());
    file.extend(zstd::bulk::compress(body, 1).expect("memory is not full"));
    file
}
