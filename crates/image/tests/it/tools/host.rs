//! Trees on the host: made, packed and extracted by tools, and listed as ours are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use longshore_image::{DeviceNumber, Listing, ListingContent, ListingRow, Name, Timestamp};

use crate::builder::Image;

/// Why nothing can be compared here, if so.
pub(crate) fn missing(tools: &[&str]) -> Option<String> {
    let absent: Vec<_> = tools
        .iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !absent.is_empty() {
        return Some(format!("skipped: {absent:?} is not here"));
    }
    let id = Command::new("id").arg("-u").output().unwrap();
    (id.stdout != b"0\n")
        .then(|| "skipped: not root, who alone makes devices and owners".to_owned())
}

/// A folder of the test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("tools")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn python(script: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("python3");
    let output = command
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap();
    succeeded(&output);
    output.stdout
}

/// Runs a line of shell with `$TREE`, `$OUT` and `$TO` set. The local settings are those in which a
/// name is bytes.
pub(crate) fn shell(line: &str, variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("LC_ALL", "C");
    for (name, path) in variables {
        command.env(name, path);
    }
    command.output().unwrap()
}

pub(crate) fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The tree with everything in it, and so many small files.
pub(crate) fn tree(folder: &Path, files: usize) -> PathBuf {
    let tree = folder.join("tree");
    fs::create_dir(&tree).unwrap();
    python(
        include_str!("tree.py"),
        &[tree.to_str().unwrap(), &files.to_string()],
    );
    tree
}

/// What each of these folders holds, in our words.
pub(crate) fn listed(folders: &[PathBuf]) -> Vec<Listing> {
    let folders: Vec<_> = folders.iter().map(|it| it.to_str().unwrap()).collect();
    let lines = python(include_str!("walk.py"), &folders);
    let lines = String::from_utf8(lines).unwrap();
    let listings = lines.split_terminator("\n\n");
    listings
        .map(|lines| lines.lines().map(row).collect())
        .collect()
}

fn row(line: &str) -> (Vec<u8>, ListingRow) {
    let [path, content, mode, uid, gid, mtime, group, xattrs] =
        *line.split('\t').collect::<Vec<_>>()
    else {
        panic!("eight fields: {line}");
    };
    let nanoseconds: i128 = mtime.parse().unwrap();
    let second = 1_000_000_000;
    let xattrs = xattrs.split(',').filter(|pair| !pair.is_empty());
    let xattr = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (Name::from(hex(name)), Name::from(hex(value)))
    };
    let row = ListingRow {
        content: content_of(content),
        mode: mode.parse().unwrap(),
        uid: uid.parse().unwrap(),
        gid: gid.parse().unwrap(),
        mtime: Timestamp {
            seconds: i64::try_from(nanoseconds.div_euclid(second)).unwrap(),
            nanoseconds: u32::try_from(nanoseconds.rem_euclid(second)).unwrap(),
        },
        link_group: (!group.is_empty()).then(|| Name::from(hex(group))),
        xattrs: xattrs.map(xattr).collect(),
    };
    (hex(path), without_what_differs(row))
}

fn content_of(text: &str) -> ListingContent {
    let fields: Vec<_> = text.split(' ').collect();
    let device = || DeviceNumber {
        major: fields[1].parse().unwrap(),
        minor: fields[2].parse().unwrap(),
    };
    match fields[0] {
        "file" => ListingContent::File {
            size: fields[1].parse().unwrap(),
            digest: format!("sha256:{}", fields[2]).parse().unwrap(),
        },
        "dir" => ListingContent::Directory,
        "symlink" => ListingContent::Symlink(hex(fields[1]).into()),
        "char" => ListingContent::CharDevice(device()),
        "block" => ListingContent::BlockDevice(device()),
        _ => ListingContent::Fifo,
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .bytes()
        .map(|digit| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// A host gives every symlink the mode 777, and has ACLs in another form than a disk.
fn without_what_differs(mut row: ListingRow) -> ListingRow {
    if matches!(row.content, ListingContent::Symlink(_)) {
        row.mode = 0o777;
    }
    row.xattrs
        .retain(|(name, _)| !name.as_bytes().starts_with(b"system."));
    row
}

/// What these layers amount to, as far as a host can have the same.
pub(crate) fn read(layers: &[&Path]) -> Listing {
    let mut image = Image::new();
    for layer in layers {
        let read = image.layer(fs::File::open(layer).unwrap());
        read.unwrap_or_else(|rejected| panic!("{}: {rejected}", layer.display()));
    }
    let rows = image.listing().into_iter();
    rows.map(|(path, row)| (path, without_what_differs(row)))
        .collect()
}

/// What differs, by path. The root counts only if it was an entry.
pub(crate) fn differences(ours: &Listing, theirs: &Listing) -> BTreeMap<String, String> {
    let untouched = Image::new().listing();
    let is_root = |path: &[u8]| path == b"/" && ours.get(path) == untouched.get(path);
    let paths: BTreeMap<_, ()> = ours
        .keys()
        .chain(theirs.keys())
        .map(|it| (it, ()))
        .collect();
    let shown = |row: Option<&ListingRow>| row.map_or("not there".into(), |it| format!("{it:?}"));
    paths
        .into_keys()
        .filter(|path| ours.get(*path) != theirs.get(*path) && !is_root(path))
        .map(|path| {
            let (ours, theirs) = (shown(ours.get(path)), shown(theirs.get(path)));
            let how = format!("\n  ours   {ours}\n  theirs {theirs}");
            (path.escape_ascii().to_string(), how)
        })
        .collect()
}
