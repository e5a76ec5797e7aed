//! What is only true of the file backend: paths, links, leftovers, things that are not ours.

use std::fs;

use longshore_durable::Host;
use longshore_volume::{Access, Backend, FileBackend};

use crate::conformance::{MIB, id, name, volume};

#[test]
fn a_machines_path_leads_to_the_bytes_of_its_volume_and_is_relative() {
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileBackend::open(&Host::open(scratch.path()).unwrap()).unwrap();
    let volume = volume(&backend, 7, b"content");
    let path = backend
        .activate(volume, &name("web"))
        .unwrap()
        .path
        .unwrap();
    assert_eq!(path, scratch.path().join("machines/web.img"));
    assert_eq!(&fs::read(&path).unwrap()[..7], b"content");
    assert_eq!(
        fs::read_link(&path).unwrap().to_str(),
        Some("../volumes/7.img")
    );
    let own = backend.path(volume).unwrap();
    assert_eq!(
        fs::canonicalize(&path).unwrap(),
        fs::canonicalize(own).unwrap()
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    fs::rename(scratch.path(), &moved).unwrap();
    assert_eq!(
        &fs::read(moved.join("machines/web.img")).unwrap()[..7],
        b"content"
    );
}

#[test]
fn nobody_else_can_read_what_is_on_a_volume() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileBackend::open(&Host::open(scratch.path()).unwrap()).unwrap();
    volume(&backend, 7, b"content");
    backend.snapshot(id(7), id(8), None).unwrap();
    for name in ["volumes/7.img", "volumes/8.img"] {
        let mode = fs::metadata(scratch.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name} has {mode:o}");
    }
}

#[test]
fn leftovers_are_swept_at_the_start_and_volumes_are_found_again() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Host::open(scratch.path()).unwrap();
    let backend = FileBackend::open(&root).unwrap();
    assert!(backend.swept().is_empty());
    volume(&backend, 7, b"content");
    backend.activate(id(7), &name("web")).unwrap();
    drop(backend);
    fs::write(scratch.path().join("volumes/8.part"), b"half").unwrap();
    let backend = FileBackend::open(&root).unwrap();
    assert_eq!(backend.swept(), ["volumes/8.part"]);
    assert!(!scratch.path().join("volumes/8.part").exists());
    assert_eq!(backend.list().unwrap().volumes, [id(7)]);
    assert_eq!(backend.active().unwrap(), [(name("web"), id(7))]);
}

#[test]
fn what_is_not_ours_is_reported_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Host::open(scratch.path()).unwrap();
    drop(FileBackend::open(&root).unwrap());
    let at = |name: &str| scratch.path().join(name);
    let files = [
        "volumes/notes.txt",
        "volumes/07.img",
        "machines/web.img",
        "machines/.x.img",
    ];
    for file in files {
        fs::write(at(file), b"mine").unwrap();
    }
    fs::create_dir(at("volumes/9.img")).unwrap();
    fs::create_dir(at("volumes/9.part")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at("volumes/10.img")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at("machines/out.img")).unwrap();
    let backend = FileBackend::open(&root).unwrap();
    let listing = backend.list().unwrap();
    assert_eq!(listing.volumes, []);
    let expected = [
        "machines/.x.img",
        "machines/out.img",
        "machines/web.img",
        "volumes/07.img",
        "volumes/10.img",
        "volumes/9.img",
        "volumes/9.part",
        "volumes/notes.txt",
    ];
    assert_eq!(listing.foreign, expected);
    assert_eq!(backend.active().unwrap(), []);
    backend.open(id(10), Access::Read).unwrap_err();
    backend.create(id(10), MIB).unwrap_err();
    backend.create(id(1), MIB).unwrap();
    let taken = backend.activate(id(1), &name("out")).unwrap_err();
    assert_eq!(taken.to_string(), "activating machine out failed");
    backend.deactivate(&name("out")).unwrap();
    assert_eq!(backend.list().unwrap().foreign, expected);
}

#[test]
fn a_volume_that_vanished_is_seen_by_its_machine() {
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileBackend::open(&Host::open(scratch.path()).unwrap()).unwrap();
    volume(&backend, 7, b"content");
    backend.activate(id(7), &name("web")).unwrap();
    fs::remove_file(scratch.path().join("volumes/7.img")).unwrap();
    assert_eq!(backend.list().unwrap().volumes, []);
    assert_eq!(backend.active().unwrap(), [(name("web"), id(7))]);
}

#[test]
fn only_files_that_are_used_take_up_space() {
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileBackend::open(&Host::open(scratch.path()).unwrap()).unwrap();
    backend.create(id(1), 32 << 30).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(1 << 30, &vec![7; 1 << 20]).unwrap();
    disk.flush().unwrap();
    drop(disk);
    backend.snapshot(id(1), id(2), None).unwrap();
    for id in [id(1), id(2)] {
        let allocated = backend.usage(id).unwrap().allocated_bytes;
        assert!((MIB..2 * MIB).contains(&allocated), "{id}: {allocated}");
    }
    assert!(backend.available().unwrap().unwrap() > 0);
}
