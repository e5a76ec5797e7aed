//! The double tells a right protocol from wrong ones: a file is replaced, at every crash point.

use std::io;

use longshore_durable::{Dir, Mode, Plan, Simulated};

const OLD: [u8; 3000] = [1; 3000];
const NEW: [u8; 5000] = [2; 5000];

/// Which syncs a protocol does.
#[derive(Clone, Copy)]
struct Syncs {
    file: bool,
    dir: bool,
}

/// Replaces `a` by way of a temporary name.
fn replace(dir: &dyn Dir, syncs: Syncs) -> io::Result<()> {
    dir.remove("a.tmp")?;
    let file = dir.open("a.tmp", Mode::CreateNew)?;
    file.write_at(0, &NEW[..2000])?;
    file.write_at(2000, &NEW[2000..])?;
    if syncs.file {
        file.sync()?;
    }
    dir.rename("a.tmp", "a")?;
    if syncs.dir {
        dir.sync()?;
    }
    Ok(())
}

/// Replaces `a` in place.
fn overwrite(dir: &dyn Dir, _: Syncs) -> io::Result<()> {
    let file = dir.open("a", Mode::Write)?;
    file.write_at(0, &NEW)?;
    file.sync()
}

fn before() -> Simulated {
    let fs = Simulated::new();
    let file = fs.open("a", Mode::CreateNew).unwrap();
    file.write_at(0, &OLD).unwrap();
    file.sync().unwrap();
    fs.sync().unwrap();
    fs.crash(0)
}

/// Runs the protocol with a crash at each change, and once after it; the first state that is
/// neither whole old nor whole new, or is old after the protocol said it was done.
fn first_fault(protocol: fn(&dyn Dir, Syncs) -> io::Result<()>, syncs: Syncs) -> Option<String> {
    for crash_at in 1.. {
        let fs = before();
        fs.power().plan(Plan::CutAt(crash_at));
        let done = protocol(&fs, syncs).is_ok();
        for seed in 0..100 {
            let found = content(&fs.crash(seed));
            let right = found == NEW || (!done && found == OLD);
            if !right {
                let at = fs.power().struck();
                return Some(format!("crash at {at:?}, seed {seed}, done: {done}"));
            }
        }
        if done {
            assert!(crash_at > 3, "the protocol has more changes than that");
            return None;
        }
    }
    None
}

fn content(fs: &Simulated) -> Vec<u8> {
    let file = fs.open("a", Mode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn write_sync_rename_sync_survives_every_crash() {
    let right = Syncs {
        file: true,
        dir: true,
    };
    assert_eq!(first_fault(replace, right), None);
}

#[test]
fn a_missing_sync_of_the_file_is_caught() {
    let syncs = Syncs {
        file: false,
        dir: true,
    };
    assert!(first_fault(replace, syncs).is_some());
}

#[test]
fn a_missing_sync_of_the_directory_is_caught() {
    let syncs = Syncs {
        file: true,
        dir: false,
    };
    assert!(first_fault(replace, syncs).is_some());
}

#[test]
fn overwriting_in_place_is_caught() {
    let syncs = Syncs {
        file: true,
        dir: true,
    };
    assert!(first_fault(overwrite, syncs).is_some());
}
