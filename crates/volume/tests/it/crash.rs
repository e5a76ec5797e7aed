//! Every call of the file backend is cut off at each of its changes, and found by its successor.

use std::collections::BTreeSet;

use longshore_durable::{Dir, Mode, Plan, Simulated};
use longshore_volume::{Access, Backend, Created, Deactivated, FileBackend, Removed, VolumeError};

use crate::conformance::{MIB, head, id, name, volume};

const SEEDS: std::ops::Range<u64> = 0..40;

/// A call, whether its answer says that it changed something, and what must hold after it.
struct Case {
    call: fn(&FileBackend) -> Result<bool, VolumeError>,
    done: fn(&FileBackend) -> bool,
}

/// Volume 1 with `origin`, volume 2 with `second`, and machine `db` active on volume 2.
fn prepared() -> Simulated {
    let root = Simulated::new();
    let backend = FileBackend::open(&root).unwrap();
    volume(&backend, 1, b"origin");
    volume(&backend, 2, b"second");
    backend.activate(id(2), &name("db")).unwrap();
    root.crash(0)
}

/// No crash may leave anything but whole volumes, and what the call is not about as it was.
fn check_whole(backend: &FileBackend, context: &str) {
    let listing = backend.list().unwrap();
    assert!(listing.foreign.is_empty(), "{context}: {listing:?}");
    for id in listing.volumes {
        let usage = backend.usage(id).unwrap();
        assert_eq!(usage.virtual_bytes, MIB, "{context}: volume {id}");
        let expected: &[u8] = match id.get() {
            1 | 4 => b"origin",
            2 => b"second",
            _ => &[0; 6],
        };
        assert_eq!(head(backend, id, 6), expected, "{context}: volume {id}");
    }
}

/// Cuts the power at the first change, the second, ... until the call completes. After each the
/// backend opens, shows only whole things, and the call repeated does what is left to do, which
/// then survives the worst crash.
fn at_every_crash(case: &Case) {
    let mut changed_on_repeat = BTreeSet::new();
    for crash_at in 1.. {
        let root = prepared();
        let backend = FileBackend::open(&root).unwrap();
        root.power()
            .plan(Plan::CutAt(root.power().changes() + crash_at));
        let answer = (case.call)(&backend);
        for seed in SEEDS {
            let context = format!("{:?}, seed {seed}", root.power().struck());
            let after = root.crash(seed);
            let backend = FileBackend::open(&after).unwrap();
            check_whole(&backend, &context);
            if answer.is_ok() {
                assert!((case.done)(&backend), "{context}: done, and lost");
            }
            changed_on_repeat.insert((case.call)(&backend).unwrap());
            let backend = FileBackend::open(&after.crash(0)).unwrap();
            assert!((case.done)(&backend), "{context}: repeated, and lost");
            check_whole(&backend, &context);
        }
        if let Ok(changed) = answer {
            assert!(changed && crash_at > 2, "it must have had something to do");
            break;
        }
    }
    // Both were seen: the crash that left it undone, and the one that left it done.
    assert_eq!(changed_on_repeat, [false, true].into());
}

#[test]
fn creating() {
    at_every_crash(&Case {
        call: |backend| Ok(backend.create(id(3), MIB)? == Created::Created),
        done: |backend| backend.list().unwrap().volumes == [1, 2, 3].map(id),
    });
}

#[test]
fn snapshotting() {
    at_every_crash(&Case {
        call: |backend| Ok(backend.snapshot(id(1), id(4), None)? == Created::Created),
        done: |backend| backend.list().unwrap().volumes == [1, 2, 4].map(id),
    });
}

#[test]
fn removing() {
    at_every_crash(&Case {
        call: |backend| Ok(backend.remove(id(1))? == Removed::Removed),
        done: |backend| backend.list().unwrap().volumes == [id(2)],
    });
}

#[test]
fn activating() {
    at_every_crash(&Case {
        call: |backend| Ok(backend.activate(id(1), &name("web"))?.changed),
        done: |backend| {
            let both = [(name("db"), id(2)), (name("web"), id(1))];
            backend.active().unwrap() == both
        },
    });
}

#[test]
fn deactivating() {
    at_every_crash(&Case {
        call: |backend| Ok(backend.deactivate(&name("db"))? == Deactivated::Deactivated),
        done: |backend| backend.active().unwrap().is_empty(),
    });
}

/// The start itself is cut off, over what a cut-off call left.
#[test]
fn opening_the_backend() {
    let root = prepared();
    let backend = FileBackend::open(&root).unwrap();
    root.power().plan(Plan::CutAt(root.power().changes() + 4));
    backend.snapshot(id(1), id(4), None).unwrap_err();
    for seed in SEEDS {
        for crash_at in 1.. {
            let left = root.crash(seed);
            left.power().plan(Plan::CutAt(crash_at));
            let opened = FileBackend::open(&left);
            let after = left.crash(seed + 1);
            let again = FileBackend::open(&after).unwrap();
            check_whole(&again, &format!("crash at {crash_at}, seed {seed}"));
            if let Ok(opened) = opened {
                assert!(again.swept().is_empty(), "{:?}", opened.swept());
                break;
            }
        }
    }
}

#[test]
fn opening_an_empty_directory() {
    for crash_at in 1.. {
        let root = Simulated::new();
        root.power().plan(Plan::CutAt(crash_at));
        let opened = FileBackend::open(&root).is_ok();
        for seed in SEEDS {
            FileBackend::open(&root.crash(seed)).unwrap();
        }
        if opened {
            assert!(crash_at > 2);
            break;
        }
    }
}

#[test]
fn what_was_flushed_survives_and_what_was_not_may_be_lost() {
    let root = prepared();
    let backend = FileBackend::open(&root).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(0, b"ORIGIN").unwrap();
    disk.flush().unwrap();
    disk.write_at(512, b"more").unwrap();
    let mut seen = BTreeSet::new();
    for seed in SEEDS {
        let backend = FileBackend::open(&root.crash(seed)).unwrap();
        let head = head(&backend, id(1), 516);
        assert_eq!(&head[..6], b"ORIGIN", "seed {seed}");
        seen.insert(head[512..].to_vec());
    }
    assert_eq!(seen, [b"more".to_vec(), vec![0; 4]].into());
}

/// A program that is killed leaves names that are seen and not durable; who starts after it may
/// rely on what it sees.
#[test]
fn what_a_killed_program_left_is_durable_once_it_is_seen() {
    let root = prepared();
    let dir = |name| root.dir(name).unwrap();
    let file = dir("volumes").open("3.img", Mode::CreateNew).unwrap();
    file.set_len(MIB).unwrap();
    file.sync().unwrap();
    dir("volumes").remove("1.img").unwrap();
    dir("machines")
        .symlink("../volumes/3.img", "web.img")
        .unwrap();
    let seen = |root: &Simulated| {
        let backend = FileBackend::open(root).unwrap();
        (backend.list().unwrap(), backend.active().unwrap())
    };
    let before = seen(&root);
    assert_eq!(before.0.volumes, [2, 3].map(id));
    assert_eq!(before.1.len(), 2);
    assert_eq!(seen(&root.crash(0)), before);
}
