//! A store that may not be written to. Root may write to anything: it becomes somebody else first.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_fsm::store::{OpenError, Readers, SqliteStore, Store, StoreError};

use crate::support::DOMAIN;

/// The directory for one who is not root.
const DIR: &str = "LONGSHORE_FSM_READ_ONLY_DIR";

/// Nobody, by custom.
const NOBODY: u32 = 65_534;

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn state(dir: &Path, kind: &str) -> PathBuf {
    dir.join(kind).join("state.db")
}

#[tokio::test]
async fn it_is_told_and_left_as_it_was() {
    if let Some(dir) = std::env::var_os(DIR) {
        return meet(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    for kind in ["file", "directory"] {
        std::fs::create_dir(dir.path().join(kind)).unwrap();
        let store = SqliteStore::open(state(dir.path(), kind), &[DOMAIN]).unwrap();
        store.close().await;
    }
    allow(&state(dir.path(), "file"), 0o444);
    allow(&state(dir.path(), "directory"), 0o666);
    allow(&dir.path().join("file"), 0o777);
    allow(&dir.path().join("directory"), 0o555);
    allow(dir.path(), 0o755);
    if std::fs::write(dir.path().join("directory/probe"), "").is_err() {
        return meet(dir.path());
    }
    std::fs::remove_file(dir.path().join("directory/probe")).unwrap();
    let name = "wrong_use::read_only::it_is_told_and_left_as_it_was";
    let mut other = Command::new(std::env::current_exe().unwrap());
    other.args(["--exact", name]).env(DIR, dir.path());
    match other.uid(NOBODY).gid(NOBODY).output() {
        Ok(met) => {
            let told = String::from_utf8_lossy(&met.stdout).into_owned();
            assert!(met.status.success() && told.contains("1 passed"), "{told}");
        }
        Err(why) => println!("skipped: the tests cannot be run as another user: {why}"),
    }
}

fn meet(dir: &Path) {
    for kind in ["file", "directory"] {
        let path = state(dir, kind);
        let before = std::fs::read(&path).unwrap();
        let opened = SqliteStore::open(&path, &[DOMAIN]);
        let is_told = matches!(
            &opened,
            Err(OpenError::Store {
                source: StoreError::ReadOnly(_) | StoreError::Io(_),
                ..
            })
        );
        assert!(is_told, "{kind}: {opened:?}");
        match Readers::open(&path, &[DOMAIN]) {
            Ok(readers) => assert_eq!(readers.list_active().unwrap(), [], "{kind}"),
            Err(OpenError::Store { source, .. }) => {
                assert!(
                    matches!(source, StoreError::ReadOnly(_) | StoreError::Io(_)),
                    "{kind}: {source:?}"
                );
            }
            Err(error) => panic!("{kind}: {error:?}"),
        }
        assert_eq!(std::fs::read(&path).unwrap(), before, "{kind}");
    }
}
