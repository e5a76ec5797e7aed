//! The reader of SQLite's files against SQLite: databases that SQLite has made are read row by row, and
//! those that the tests make are sound for SQLite too.

use std::{fs, path::Path};

use longshore_scan::{Inventory, InventoryLimits, MemoryRootfs, Reason, read_inventory};
use rusqlite::Connection;

use super::rpm_file::{self, Tag};

const PATH: &str = "var/lib/rpm/rpmdb.sqlite";

pub(super) fn read(database: Vec<u8>) -> Inventory {
    let rootfs = MemoryRootfs::new()
        .file("etc/os-release", "ID=rocky\nVERSION_ID=9.3\n")
        .file(PATH, database);
    read_inventory(&rootfs, &InventoryLimits::default()).expect("memory does not fail")
}

/// Headers with names `p0`, `p1`, ... and licences of all lengths up to a few pages.
fn headers(count: usize, step: usize) -> Vec<Vec<u8>> {
    let header = |nth: usize| {
        rpm_file::header(&[
            Tag::Text(rpm_file::NAME, &format!("p{nth:04}")),
            Tag::Text(rpm_file::LICENCE, &"x".repeat(nth * step)),
            Tag::Text(rpm_file::VERSION, "1.0"),
            Tag::Text(rpm_file::RELEASE, "1"),
        ])
    };
    (0..count).map(header).collect()
}

fn made_by_sqlite(path: &Path, headers: &[Vec<u8>], page: usize) -> Vec<u8> {
    let connection = Connection::open(path).expect("a new database");
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {page};
             CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL);
             CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL);
             CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC);"
        ))
        .expect("SQL that SQLite knows");
    let transaction = connection
        .unchecked_transaction()
        .expect("nobody else is there");
    for header in headers {
        transaction
            .execute("INSERT INTO Packages (blob) VALUES (?1)", [header])
            .expect("there is room");
    }
    transaction.commit().expect("there is room");
    drop(connection);
    fs::read(path).expect("it was just written")
}

fn names(inventory: &Inventory) -> Vec<String> {
    inventory
        .packages
        .iter()
        .map(|it| it.name.clone())
        .collect()
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("p{nth:04}")).collect()
}

#[test]
fn what_sqlite_wrote_is_read_with_every_size_of_pages() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for page in (9..=16).map(|bits| 1 << bits) {
        // Three levels with small pages, chains of pages with all, every length at the edges.
        let count = 1200;
        let path = folder.path().join(format!("{page}.sqlite"));
        let inventory = read(made_by_sqlite(&path, &headers(count, 3), page));
        assert_eq!(inventory.gaps, [], "{page}");
        assert_eq!(names(&inventory), expected(count), "{page}");
        for (nth, package) in inventory.packages.iter().enumerate() {
            let licence = package.licence.as_ref().map_or(0, String::len);
            assert_eq!(licence, 3 * nth, "{page}");
        }
    }
}

#[test]
fn what_sqlite_has_deleted_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("rpmdb.sqlite");
    made_by_sqlite(&path, &headers(300, 40), 4096);
    let connection = Connection::open(&path).expect("it was just made");
    connection
        .execute_batch("DELETE FROM Packages WHERE hnum % 3 <> 1")
        .expect("SQL that SQLite knows");
    drop(connection);
    let inventory = read(fs::read(&path).expect("it was just written"));
    let left: Vec<_> = expected(300).into_iter().step_by(3).collect();
    assert_eq!((names(&inventory), inventory.gaps), (left, vec![]));
}

#[test]
fn what_the_tests_make_is_sound_for_sqlite() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (page, reserved) in [(512, 0), (512, 32), (4096, 0), (4096, 12), (65_536, 255)] {
        let headers = headers(40, 37);
        let database = rpm_file::database(&headers, page, reserved);
        let path = folder.path().join(format!("{page}-{reserved}.sqlite"));
        fs::write(&path, &database).expect("there is room");
        let connection = Connection::open(&path).expect("it is one");
        let check =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.as_deref(), Ok("ok"), "{page} {reserved}");
        let mut rows = connection
            .prepare("SELECT blob FROM Packages ORDER BY hnum")
            .expect("it has one");
        let rows = rows
            .query_map([], |row| row.get::<_, Vec<u8>>(0))
            .expect("it has rows");
        let rows: Vec<_> = rows.map(|row| row.expect("a blob")).collect();
        assert!(rows == headers, "{page} {reserved}");
        let inventory = read(database);
        assert_eq!(
            (names(&inventory), inventory.gaps),
            (expected(40), vec![]),
            "{page} {reserved}"
        );
    }
}

#[test]
fn a_package_has_all_that_its_header_says() {
    let headers = [
        rpm_file::header(&[
            Tag::Text(rpm_file::NAME, "nodejs"),
            Tag::Text(rpm_file::VERSION, "18.20.2"),
            Tag::Text(rpm_file::RELEASE, "1.module+el9"),
            Tag::Number(rpm_file::EPOCH, 1),
            Tag::Text(rpm_file::VENDOR, "Rocky Enterprise Software Foundation"),
            Tag::Text(rpm_file::LICENCE, "MIT and ISC"),
            Tag::Text(rpm_file::ARCHITECTURE, "x86_64"),
            Tag::Text(rpm_file::SOURCE_RPM, "nodejs-18.20.2-1.module+el9.src.rpm"),
            Tag::Text(rpm_file::MODULARITY_LABEL, "nodejs:18:9040020240610:rhel9"),
        ]),
        rpm_file::header(&[
            Tag::Text(rpm_file::NAME, "gpg-pubkey"),
            Tag::Text(rpm_file::VERSION, "fd431d51"),
            Tag::Text(rpm_file::RELEASE, "4ae0493b"),
        ]),
    ];
    let inventory = read(rpm_file::database(&headers, 4096, 0));
    let [nodejs] = &inventory.packages[..] else {
        panic!("{:?}", inventory.packages);
    };
    assert_eq!(nodejs.version, "1:18.20.2-1.module+el9");
    assert_eq!(nodejs.source_version(), "18.20.2-1.module+el9");
    assert_eq!(
        nodejs.module.as_deref(),
        Some("nodejs:18:9040020240610:rhel9")
    );
    assert_eq!(
        nodejs.vendor.as_deref(),
        Some("Rocky Enterprise Software Foundation")
    );
    assert_eq!(
        (nodejs.arch.as_deref(), nodejs.licence.as_deref()),
        (Some("x86_64"), Some("MIT and ISC"))
    );
    assert_eq!(inventory.gaps, []);
}

#[test]
fn headers_that_are_not_understood_are_a_gap_and_the_others_are_read() {
    let no_version = rpm_file::header(&[Tag::Text(rpm_file::NAME, "x")]);
    let no_name = rpm_file::header(&[Tag::Text(rpm_file::VERSION, "1")]);
    let odd_source = rpm_file::header(&[
        Tag::Text(rpm_file::NAME, "x"),
        Tag::Text(rpm_file::VERSION, "1"),
        Tag::Text(rpm_file::RELEASE, "1"),
        Tag::Text(rpm_file::SOURCE_RPM, "x"),
    ]);
    for (header, what) in [
        (no_version, "its version is missing"),
        (no_name, "its name is missing"),
        (odd_source, "the source of x is no name of a source package"),
        (b"x".to_vec(), "its header is not as long as it says"),
    ] {
        let inventory = read(rpm_file::database(
            &[header, rpm_file::plain("z", "1")],
            4096,
            0,
        ));
        assert_eq!(names(&inventory), ["z"]);
        let said = matches!(&inventory.gaps[..], [Reason::Unreadable { problem, .. }] if problem.contains(&format!("row 1: {what}")));
        assert!(said, "{:?}", inventory.gaps);
    }
}

#[test]
fn a_database_without_the_table_says_so() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("other.sqlite");
    let connection = Connection::open(&path).expect("a new database");
    connection
        .execute_batch("CREATE TABLE other (a, b)")
        .expect("SQL that SQLite knows");
    drop(connection);
    let inventory = read(fs::read(&path).expect("it was just written"));
    assert!(
        inventory.gaps[0]
            .to_string()
            .contains("no table of packages"),
        "{:?}",
        inventory.gaps
    );
}
