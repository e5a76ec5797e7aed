//! Well-formed archives, written and read by an independent reader: both must see the same.

use std::io::{Cursor, Read};

use longshore_image::{ListingContent, ListingRow, Name, Timestamp};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use crate::builder::{Image, gzip};

/// An entry as the other implementation writes and reads it.
#[derive(Debug, Clone)]
struct Made {
    name: String,
    kind: EntryType,
    link: String,
    body: Vec<u8>,
    mode: u32,
    uid: u64,
    mtime: u64,
    nanoseconds: u32,
    gnu: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let kind = prop::sample::select(vec![
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Fifo,
    ]);
    // Long names need extended headers of either dialect.
    let name = prop::collection::vec("[a-zé ]{1,40}", 1..8).prop_map(|parts| parts.join("/"));
    let body = prop::collection::vec(any::<u8>(), 0..1_500);
    let numbers = (
        0u32..0o10000,
        0u64..3_000_000_000,
        0u64..15_000_000_000,
        1u32..1_000_000_000,
    );
    (name, kind, "[a-z./]{1,300}", body, numbers, any::<bool>()).prop_map(
        |(name, kind, link, body, (mode, uid, mtime, nanoseconds), gnu)| {
            let body = if kind == EntryType::Regular {
                body
            } else {
                Vec::new()
            };
            Made {
                name,
                kind,
                link,
                body,
                mode,
                uid,
                mtime,
                nanoseconds,
                gnu,
            }
        },
    )
}

fn write(entries: &[Made]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = if entry.gnu {
            Header::new_gnu()
        } else {
            Header::new_ustar()
        };
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_size(entry.body.len() as u64);
        header.set_mtime(entry.mtime);
        header.set_uid(entry.uid);
        header.set_gid(1);
        if entry.gnu {
            if entry.kind == EntryType::Symlink {
                builder
                    .append_link(&mut header, &entry.name, &entry.link)
                    .unwrap();
            } else {
                builder
                    .append_data(&mut header, &entry.name, &entry.body[..])
                    .unwrap();
            }
            continue;
        }
        let mtime = format!("{}.{:09}", entry.mtime, entry.nanoseconds);
        let mut records = vec![("path", entry.name.as_bytes()), ("mtime", mtime.as_bytes())];
        if entry.kind == EntryType::Symlink {
            records.push(("linkpath", entry.link.as_bytes()));
        }
        builder.append_pax_extensions(records).unwrap();
        header.set_path("cut").unwrap();
        header.set_cksum();
        builder.append(&header, &entry.body[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// What the other reader says of the last entry of each path.
fn read(archive: &[u8]) -> Vec<(Vec<u8>, ListingRow)> {
    let mut rows = Vec::new();
    for entry in tar::Archive::new(Cursor::new(archive)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut body = Vec::new();
        entry.read_to_end(&mut body).unwrap();
        let header = entry.header();
        let content = match header.entry_type() {
            EntryType::Directory => ListingContent::Directory,
            EntryType::Fifo => ListingContent::Fifo,
            EntryType::Symlink => {
                ListingContent::Symlink(entry.link_name_bytes().unwrap()[..].into())
            }
            _ => ListingContent::File {
                size: body.len() as u64,
                digest: longshore_image::Digest::of(&body),
            },
        };
        let row = ListingRow {
            content,
            mode: u16::try_from(header.mode().unwrap()).unwrap(),
            uid: u32::try_from(header.uid().unwrap()).unwrap(),
            gid: u32::try_from(header.gid().unwrap()).unwrap(),
            mtime: Timestamp {
                seconds: i64::try_from(header.mtime().unwrap()).unwrap(),
                nanoseconds: 0,
            },
            link_group: None,
            xattrs: Vec::<(Name, Name)>::new(),
        };
        rows.push(([b"/", &entry.path_bytes()[..]].concat(), row));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_readers_see_the_same_entries(entries in prop::collection::vec(made(), 1..6)) {
        // Entries of their own top directory each: how they replace each other is tested elsewhere.
        let mut entries = entries;
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.name = format!("{number}/{}", entry.name);
        }
        let archive = write(&entries);
        let mut image = Image::new();
        image.layer(&gzip(&archive)[..]).unwrap();
        let listing = image.listing();
        let seen = read(&archive);
        prop_assert_eq!(seen.len(), entries.len());
        for ((path, mut row), entry) in seen.into_iter().zip(&entries) {
            if !entry.gnu {
                // The other reader leaves the records to its caller.
                row.mtime.nanoseconds = entry.nanoseconds;
            }
            prop_assert_eq!(&listing[&path], &row);
        }
    }
}
