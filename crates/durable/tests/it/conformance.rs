//! What every implementation of `Dir` and `File` must do.
//!
//! Durability cannot be seen from within a running system; what a crash leaves is checked where
//! there is something that can crash.

use std::{io, sync::Arc};

use longshore_durable::{CloneOutcome, Dir, Entry, File, Mode};

/// Runs every check, each in a directory that `fresh` makes empty.
pub(crate) fn check(fresh: impl Fn() -> Arc<dyn Dir>) {
    let checks: [fn(&dyn Dir); 12] = [
        opening_says_what_is_wrong,
        names_are_single_components,
        reads_see_writes_and_holes,
        length_is_what_was_set,
        punching_zeroes_exactly_the_range,
        files_opened_for_reading_stay_as_they_are,
        renaming_replaces,
        renaming_into_another_directory_replaces,
        removing_leaves_open_files_alone,
        clones_are_independent,
        links_are_read_and_never_followed,
        listing_is_sorted_and_complete,
    ];
    for check in checks {
        check(&*fresh());
    }
}

fn put(dir: &dyn Dir, name: &str, content: &[u8]) -> Arc<dyn File> {
    let file = dir.open(name, Mode::CreateNew).unwrap();
    file.write_at(0, content).unwrap();
    file.sync().unwrap();
    dir.sync().unwrap();
    file
}

fn content(dir: &dyn Dir, name: &str) -> Vec<u8> {
    bytes(&*dir.open(name, Mode::Read).unwrap())
}

fn bytes(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0xee; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

fn names(dir: &dyn Dir) -> Vec<String> {
    dir.list()
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect()
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("the call must fail").kind()
}

fn opening_says_what_is_wrong(dir: &dyn Dir) {
    assert_eq!(kind(dir.open("a", Mode::Read)), io::ErrorKind::NotFound);
    assert_eq!(kind(dir.open("a", Mode::Write)), io::ErrorKind::NotFound);
    put(dir, "a", b"first");
    let again = dir.open("a", Mode::CreateNew);
    assert_eq!(kind(again), io::ErrorKind::AlreadyExists);
    assert_eq!(content(dir, "a"), b"first");
    dir.dir("d").unwrap();
    for mode in [Mode::Read, Mode::Write] {
        assert_eq!(kind(dir.open("d", mode)), io::ErrorKind::IsADirectory);
    }
    assert_eq!(kind(dir.dir("a")), io::ErrorKind::NotADirectory);
}

fn names_are_single_components(dir: &dyn Dir) {
    put(dir, "a", b"");
    for bad in ["", ".", "..", "d/a", "/a", "a\0"] {
        let kinds = [
            kind(dir.open(bad, Mode::CreateNew)),
            kind(dir.open(bad, Mode::Read)),
            kind(dir.dir(bad)),
            kind(dir.rename("a", bad)),
            kind(dir.rename(bad, "b")),
            kind(dir.rename_into("a", dir, bad)),
            kind(dir.remove(bad)),
            kind(dir.symlink("x", bad)),
            kind(dir.read_link(bad)),
            kind(dir.clone_file(bad, "b")),
            kind(dir.clone_file("a", bad)),
        ];
        assert_eq!(kinds, [io::ErrorKind::InvalidInput; 11], "{bad:?}");
    }
    assert_eq!(names(dir), ["a"]);
}

fn reads_see_writes_and_holes(dir: &dyn Dir) {
    let file = dir.open("a", Mode::CreateNew).unwrap();
    assert!(file.is_empty().unwrap());
    let far = 32 << 30;
    file.write_at(far - 3, b"across").unwrap();
    assert_eq!(file.len().unwrap(), far + 3);
    let mut buffer = [0xee; 8];
    file.read_at(far - 5, &mut buffer).unwrap();
    assert_eq!(&buffer, b"\0\0across");
    let past = file.read_at(far - 4, &mut buffer);
    assert_eq!(kind(past), io::ErrorKind::UnexpectedEof);
    file.read_at(far + 3, &mut []).unwrap();
    file.sync().unwrap();
    assert!(file.allocated().unwrap() < 1 << 20);
    file.write_at(far - 3, b"ACR").unwrap();
    file.read_at(far - 5, &mut buffer).unwrap();
    assert_eq!(&buffer, b"\0\0ACRoss");
    let other = dir.open("a", Mode::Read).unwrap();
    other.read_at(far - 5, &mut buffer).unwrap();
    assert_eq!(&buffer, b"\0\0ACRoss");
    file.write_at(u64::MAX - 2, b"past the end of all files")
        .unwrap_err();
}

fn length_is_what_was_set(dir: &dyn Dir) {
    let file = put(dir, "a", &[7; 5000]);
    file.set_len(4100).unwrap();
    assert_eq!(file.len().unwrap(), 4100);
    file.set_len(6000).unwrap();
    let mut expected = vec![7; 4100];
    expected.resize(6000, 0);
    assert_eq!(bytes(&*file), expected);
    file.set_len(0).unwrap();
    assert!(file.is_empty().unwrap());
    file.set_len(32 << 30).unwrap();
    file.sync().unwrap();
    assert_eq!(file.len().unwrap(), 32 << 30);
    assert!(file.allocated().unwrap() < 1 << 20);
}

fn punching_zeroes_exactly_the_range(dir: &dyn Dir) {
    const LEN: usize = 1 << 20;
    let file = put(dir, "a", &vec![7; LEN]);
    file.punch(5000, 900_000).unwrap();
    let mut expected = vec![7; LEN];
    expected[5000..905_000].fill(0);
    assert!(bytes(&*file) == expected);
    file.punch(1_000_000, 1 << 40).unwrap();
    expected[1_000_000..].fill(0);
    assert!(bytes(&*file) == expected);
    assert_eq!(file.len().unwrap(), 1 << 20);
    file.punch(1 << 30, 5).unwrap();
    file.punch(0, 0).unwrap();
    assert!(bytes(&*file) == expected);
}

fn files_opened_for_reading_stay_as_they_are(dir: &dyn Dir) {
    put(dir, "a", b"content");
    let file = dir.open("a", Mode::Read).unwrap();
    file.write_at(0, b"x").unwrap_err();
    file.set_len(0).unwrap_err();
    file.punch(0, 7).unwrap_err();
    assert_eq!(content(dir, "a"), b"content");
    let file = dir.open("a", Mode::Write).unwrap();
    file.write_at(0, b"C").unwrap();
    assert_eq!(content(dir, "a"), b"Content");
}

fn renaming_replaces(dir: &dyn Dir) {
    put(dir, "a", b"a");
    let old = put(dir, "b", b"b");
    dir.rename("a", "b").unwrap();
    dir.sync().unwrap();
    assert_eq!(
        (names(dir), content(dir, "b")),
        (vec!["b".into()], b"a".into())
    );
    assert_eq!(bytes(&*old), b"b");
    assert_eq!(kind(dir.rename("a", "b")), io::ErrorKind::NotFound);
    dir.rename("b", "b").unwrap();
    assert_eq!(content(dir, "b"), b"a");
    dir.dir("d").unwrap();
    assert_eq!(kind(dir.rename("b", "d")), io::ErrorKind::IsADirectory);
}

fn renaming_into_another_directory_replaces(dir: &dyn Dir) {
    let (from, to) = (dir.dir("from").unwrap(), dir.dir("to").unwrap());
    put(&*from, "a", b"a");
    put(&*to, "b", b"b");
    from.rename_into("a", &*to, "b").unwrap();
    to.sync().unwrap();
    from.sync().unwrap();
    assert_eq!((names(&*from), names(&*to)), (vec![], vec!["b".into()]));
    assert_eq!(content(&*to, "b"), b"a");
    let again = from.rename_into("a", &*to, "b");
    assert_eq!(kind(again), io::ErrorKind::NotFound);
}

fn removing_leaves_open_files_alone(dir: &dyn Dir) {
    let file = put(dir, "a", b"content");
    assert!(dir.remove("a").unwrap());
    assert!(!dir.remove("a").unwrap());
    assert_eq!(kind(dir.open("a", Mode::Read)), io::ErrorKind::NotFound);
    assert_eq!(bytes(&*file), b"content");
    file.write_at(0, b"C").unwrap();
    assert_eq!(bytes(&*file), b"Content");
    dir.dir("d").unwrap();
    // EISDIR on Linux, EPERM by POSIX.
    dir.remove("d").unwrap_err();
    assert_eq!(names(dir), ["d"]);
}

fn clones_are_independent(dir: &dyn Dir) {
    let file = put(dir, "a", b"content");
    file.write_at(1 << 30, b"far").unwrap();
    let outcome = dir.clone_file("a", "b").unwrap();
    let clone = dir.open("b", Mode::Write).unwrap();
    clone.sync().unwrap();
    dir.sync().unwrap();
    assert_eq!(outcome == CloneOutcome::Shared, dir.can_share().unwrap());
    assert_eq!(clone.len().unwrap(), (1 << 30) + 3);
    assert!(clone.allocated().unwrap() < 1 << 20);
    clone.write_at(0, b"C").unwrap();
    file.write_at(1 << 30, b"FAR").unwrap();
    let mut buffer = [0; 7];
    file.read_at(0, &mut buffer).unwrap();
    assert_eq!(&buffer, b"content");
    clone.read_at(0, &mut buffer).unwrap();
    assert_eq!(&buffer, b"Content");
    clone.read_at(1 << 30, &mut buffer[..3]).unwrap();
    assert_eq!(&buffer[..3], b"far");
    assert_eq!(kind(dir.clone_file("a", "b")), io::ErrorKind::AlreadyExists);
    assert_eq!(kind(dir.clone_file("x", "c")), io::ErrorKind::NotFound);
    assert_eq!(names(dir), ["a", "b"]);
}

fn links_are_read_and_never_followed(dir: &dyn Dir) {
    put(dir, "a", b"content");
    dir.symlink("a", "link").unwrap();
    dir.sync().unwrap();
    assert_eq!(dir.read_link("link").unwrap().as_deref(), Some("a"));
    assert_eq!(dir.read_link("a").unwrap(), None);
    assert_eq!(kind(dir.read_link("x")), io::ErrorKind::NotFound);
    let taken = dir.symlink("b", "link");
    assert_eq!(kind(taken), io::ErrorKind::AlreadyExists);
    dir.open("link", Mode::Read).unwrap_err();
    dir.open("link", Mode::Write).unwrap_err();
    dir.dir("link").unwrap_err();
    dir.symlink("../somewhere/b", "new").unwrap();
    dir.rename("new", "link").unwrap();
    let target = dir.read_link("link").unwrap();
    assert_eq!(target.as_deref(), Some("../somewhere/b"));
    assert!(dir.remove("link").unwrap());
    assert_eq!(content(dir, "a"), b"content");
}

fn listing_is_sorted_and_complete(dir: &dyn Dir) {
    assert_eq!(dir.list().unwrap(), []);
    put(dir, "b", b"12345");
    put(dir, "a", b"");
    put(&*dir.dir("c").unwrap(), "inner", b"x");
    put(&*dir.dir("c").unwrap(), "other", b"x");
    dir.symlink("b", "l").unwrap();
    let entry = |name: &str, is_dir, len| Entry {
        name: name.to_owned(),
        is_dir,
        len,
    };
    let expected = [
        entry("a", false, 0),
        entry("b", false, 5),
        entry("c", true, 0),
        entry("l", false, 1),
    ];
    assert_eq!(dir.list().unwrap(), expected);
    assert_eq!(names(&*dir.dir("c").unwrap()), ["inner", "other"]);
}
