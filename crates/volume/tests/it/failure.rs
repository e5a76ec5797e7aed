//! Failing changes: each call of the file backend fails with a typed error, leaves nothing
//! half-made, and what it then says can be relied on.

use longshore_durable::{Dir, Entry, Failure, PAGE_BYTES, Plan, Power, Simulated, Space};
use longshore_volume::{Access, Backend, DiskError, FileBackend, VolumeError};

use crate::conformance::{MIB, head, id, name, volume};

type Call = fn(&FileBackend) -> Result<(), VolumeError>;

const CALLS: [(&str, Call); 5] = [
    ("create", |backend| backend.create(id(3), MIB).map(drop)),
    ("snapshot", |backend| {
        backend.snapshot(id(1), id(4), None).map(drop)
    }),
    ("remove", |backend| backend.remove(id(2)).map(drop)),
    ("activate", |backend| {
        backend.activate(id(1), &name("web")).map(drop)
    }),
    ("deactivate", |backend| {
        backend.deactivate(&name("db")).map(drop)
    }),
];

fn prepared() -> (Simulated, FileBackend) {
    let root = Simulated::new();
    let backend = FileBackend::open(&root).unwrap();
    for number in [1, 2, 5] {
        volume(&backend, number, b"content");
    }
    backend.activate(id(5), &name("db")).unwrap();
    (root, backend)
}

fn state(root: &Simulated) -> String {
    let backend = FileBackend::open(root).unwrap();
    format!(
        "{:?} {:?}",
        backend.list().unwrap(),
        backend.active().unwrap()
    )
}

/// After one failure the same call is repeated: it is done then, durably, or it is refused until
/// the next start and done after it.
#[test]
fn a_call_that_failed_once_can_be_repeated_or_says_that_it_cannot() {
    for (what, call) in CALLS {
        let (root, backend) = prepared();
        call(&backend).unwrap();
        let expected = state(&root.crash(0));
        for failure in [Failure::Io, Failure::NoSpace] {
            for fail_at in 1.. {
                let (root, backend) = prepared();
                let number = root.power().changes() + fail_at;
                root.power().plan(Plan::FailOnce(number, failure));
                let answer = call(&backend);
                if answer.is_ok() && root.power().struck().is_none() {
                    assert!(fail_at > 2, "{what} has changes to fail");
                    break;
                }
                let context = format!("{what}, {failure:?}, {:?}", root.power().struck());
                let error = answer.expect_err(&context);
                let is_full = matches!(error, VolumeError::NoSpace { .. });
                assert_eq!(is_full, failure == Failure::NoSpace, "{context}: {error:?}");
                let files = root.dir("volumes").unwrap().list().unwrap();
                let is_whole = |file: &Entry| file.name.ends_with(".img");
                assert!(files.iter().all(is_whole), "{context}: {files:?}");
                let repeated = match call(&backend) {
                    Err(VolumeError::Unsettled) => {
                        call(&FileBackend::open(&root.crash(0)).unwrap())
                    }
                    Ok(()) => {
                        assert_eq!(state(&root.crash(0)), expected, "{context}");
                        Ok(())
                    }
                    other => other,
                };
                repeated.expect(&context);
            }
        }
    }
}

#[test]
fn a_call_that_always_fails_leaves_what_was_there() {
    for (what, call) in CALLS {
        for fail_at in 1..5 {
            let (root, backend) = prepared();
            let number = root.power().changes() + fail_at;
            root.power().plan(Plan::FailFrom(number, Failure::Io));
            let Err(_) = call(&backend) else { continue };
            call(&backend).expect_err(what);
            for seed in 0..20 {
                let backend = FileBackend::open(&root.crash(seed)).unwrap();
                for id in backend.list().unwrap().volumes {
                    assert_eq!(backend.usage(id).unwrap().virtual_bytes, MIB, "{what}");
                }
            }
        }
    }
}

#[test]
fn after_a_failed_sync_of_the_directory_nothing_is_changed_until_the_next_start() {
    let (root, backend) = prepared();
    // Of the four changes before it a removal, a creation, a length and a sync; then the rename.
    let sync = root.power().changes() + 6;
    root.power().plan(Plan::FailOnce(sync, Failure::Io));
    let error = backend.create(id(3), MIB).unwrap_err();
    assert_eq!(error.to_string(), "creating volume 3 failed");
    for call in [
        |backend: &FileBackend| backend.create(id(3), MIB).map(drop),
        |backend: &FileBackend| backend.create(id(6), MIB).map(drop),
        |backend: &FileBackend| backend.snapshot(id(1), id(6), None).map(drop),
        |backend: &FileBackend| backend.remove(id(2)).map(drop),
    ] {
        let error = call(&backend).unwrap_err();
        assert!(matches!(error, VolumeError::Unsettled), "{error:?}");
    }
    assert_eq!(head(&backend, id(1), 7), b"content");
    backend.activate(id(1), &name("web")).unwrap();
    let backend = FileBackend::open(&root.crash(0)).unwrap();
    assert_eq!(backend.list().unwrap().volumes, [1, 2, 5].map(id));
    backend.create(id(3), MIB).unwrap();
}

#[test]
fn a_disk_whose_flush_failed_is_good_for_nothing_but_removal() {
    let (root, backend) = prepared();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(0, b"CONTENT").unwrap();
    let flush = root.power().changes() + 1;
    root.power().plan(Plan::FailOnce(flush, Failure::Io));
    assert!(matches!(disk.flush().unwrap_err(), DiskError::Io { .. }));
    let changes = root.power().changes();
    let broken = |result| matches!(result, Err(DiskError::Broken { .. }));
    assert!(broken(disk.flush()));
    assert!(broken(disk.write_at(0, b"x")));
    assert!(broken(disk.discard(0, 1)));
    assert!(broken(disk.read_at(0, &mut [0])));
    drop(disk);
    let refused = [
        backend.open(id(1), Access::Read).map(drop),
        backend.open(id(1), Access::Write).map(drop),
        backend.snapshot(id(1), id(4), None).map(drop),
        backend.create(id(1), MIB).map(drop),
        backend.activate(id(1), &name("web")).map(drop),
    ];
    for answer in refused {
        assert!(
            matches!(answer, Err(VolumeError::Broken { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(root.power().changes(), changes, "nothing reached the files");
    backend.remove(id(1)).unwrap();
    backend.create(id(1), MIB).unwrap();
    assert_eq!(head(&backend, id(1), 7), [0; 7]);
}

#[test]
fn a_full_filesystem_is_no_space_and_leaves_nothing() {
    let space = Space::unlimited();
    let root = Simulated::with(Power::new(), space.clone(), false);
    let backend = FileBackend::open(&root).unwrap();
    volume(&backend, 1, &[7; 5 * 4096]);
    space.set_capacity(8 * PAGE_BYTES);
    assert_eq!(backend.available().unwrap(), Some(3 * PAGE_BYTES));
    let error = backend.snapshot(id(1), id(2), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no space is left for making snapshot 2 of volume 1"
    );
    assert_eq!(backend.list().unwrap().volumes, [id(1)]);
    assert_eq!(backend.available().unwrap(), Some(3 * PAGE_BYTES));
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    let error = disk.write_at(MIB / 2, &[7; 4 * 4096]).unwrap_err();
    assert!(matches!(error, DiskError::NoSpace { .. }));
    disk.discard(0, MIB).unwrap();
    disk.flush().unwrap();
    disk.write_at(MIB / 2, &[7; 4 * 4096]).unwrap();
}
