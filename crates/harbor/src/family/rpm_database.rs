//! A database as rpm writes it since 4.16: an SQLite file with a header of tags for each package.
//!
//! Written by SQLite itself, and by the description of the header in rpm's `docs/manual/format_header.md`,
//! not by anything that longshore reads it with.

use rusqlite::Connection;

/// A package that is installed.
#[derive(Debug, Clone, Copy)]
pub struct RpmPackage<'a> {
    /// Its name.
    pub name: &'a str,
    /// `[EPOCH:]VERSION-RELEASE`.
    pub version: &'a str,
    /// The source package's name.
    pub source: &'a str,
}

/// The bytes of `rpmdb.sqlite` with these packages.
///
/// # Panics
/// Where SQLite cannot write a file in a temporary directory, or a version has no release.
#[must_use]
pub fn rpm_database(packages: &[RpmPackage<'_>]) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("rpmdb.sqlite");
    let connection = Connection::open(&path).expect("a new file");
    let made = connection.execute_batch(
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);
         CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL);
         CREATE INDEX Name_key_idx ON Name (key ASC);",
    );
    made.expect("the tables");
    for package in packages {
        connection
            .execute("INSERT INTO Packages (blob) VALUES (?1)", [header(package)])
            .expect("a row");
        let number = connection.last_insert_rowid();
        connection
            .execute(
                "INSERT INTO Name VALUES (?1, ?2, 0)",
                (package.name, number),
            )
            .expect("a row");
    }
    connection.close().expect("all is written");
    std::fs::read(path).expect("what was just written")
}

/// What a tag holds.
enum Value {
    Number(u32),
    Text(String),
    /// A text that may be in several languages.
    Texts(String),
}

/// A header without its magic: how many entries, how many bytes of data, the entries, the data.
fn header(package: &RpmPackage<'_>) -> Vec<u8> {
    let (epoch, rest) = match package.version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().ok(), rest),
        None => (None, package.version),
    };
    let (version, release) = rest.rsplit_once('-').expect("a version with its release");
    let source = format!("{}-{version}-{release}.src.rpm", package.source);
    let mut tags = vec![
        (1000, Value::Text(package.name.to_owned())),
        (1001, Value::Text(version.to_owned())),
        (1002, Value::Text(release.to_owned())),
    ];
    tags.extend(epoch.map(|epoch| (1003, Value::Number(epoch))));
    tags.extend([
        (
            1004,
            Value::Texts(format!("{} of a demonstration", package.name)),
        ),
        (1011, Value::Text("AlmaLinux".to_owned())),
        (1014, Value::Text("MIT".to_owned())),
        (1022, Value::Text("x86_64".to_owned())),
        (1044, Value::Text(source)),
    ]);
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, value) in &tags {
        let (kind, bytes) = match value {
            Value::Number(number) => (4_u32, number.to_be_bytes().to_vec()),
            Value::Text(text) => (6, [text.as_bytes(), b"\0"].concat()),
            Value::Texts(text) => (9, [text.as_bytes(), b"\0"].concat()),
        };
        while kind == 4 && data.len() % 4 != 0 {
            data.push(0);
        }
        let offset = u32::try_from(data.len()).expect("a small header");
        for field in [*tag, kind, offset, 1] {
            index.extend(u32::to_be_bytes(field));
        }
        data.extend(bytes);
    }
    let count = |len: usize| u32::try_from(len).expect("a small header").to_be_bytes();
    let mut header = count(tags.len()).to_vec();
    header.extend(count(data.len()));
    header.extend(index);
    header.extend(data);
    header
}
