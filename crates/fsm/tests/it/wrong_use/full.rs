//! A disk without room: what cannot be stored is told, and goes on once there is room.

use std::path::Path;
use std::process::Command;

use longshore_fsm::store::{CommitError, SqliteStore, StoreError};
use longshore_fsm::{Engine, Halt, Resume, RunId, Start, StartError, WaitError, WorkflowRef};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::{DOMAIN, Trail, get_number, once, one_step, put_number};

struct Shop {
    store: SqliteStore,
    engine: Engine<SqliteStore>,
    work: WorkflowRef<String, Trail>,
    let_go: watch::Sender<bool>,
}

impl Shop {
    async fn open(path: &Path) -> Self {
        let (let_go, gate) = watch::channel(false);
        let workflow = one_step(once(), move |ctx| {
            let id = ctx.id().to_owned();
            ctx.on_completion(move |conn: &Connection| put_number(conn, &id, 1));
            let mut gate = gate.clone();
            Box::pin(async move {
                gate.wait_for(|is_open| *is_open).await?;
                Ok(())
            })
        });
        let (store, work) = (
            SqliteStore::open(path, &[DOMAIN]).unwrap(),
            workflow.handle(),
        );
        let engine = Engine::builder(store.clone()).register(workflow);
        Self {
            store,
            engine: engine.open().await.unwrap(),
            work,
            let_go,
        }
    }

    async fn start(&self, id: &str, request: String) -> Result<RunId, StartError> {
        let started = self
            .engine
            .start(&self.work, id, request, Default::default());
        started.await.map(|started| match started {
            Start::Started(run) => run,
            other => panic!("not started: {other:?}"),
        })
    }

    /// With no room left; `make_room` makes some.
    async fn meets_a_full_disk(self, first: RunId, make_room: impl AsyncFnOnce()) {
        let refused = self.start("second", "long ".repeat(20_000)).await;
        assert!(
            matches!(refused, Err(StartError::Store(StoreError::Full(_)))),
            "{refused:?}"
        );
        self.let_go.send(true).unwrap();
        match self.engine.wait(first).await {
            Err(WaitError::Halted {
                halt: Halt::Store(StoreError::Full(_)),
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
        make_room().await;
        let report = self.engine.resume(Resume::All).await.unwrap();
        assert_eq!(report.resumed, [first]);
        assert!(self.engine.wait(first).await.unwrap().is_completed());
        let second = self.start("second", "long ".repeat(20_000)).await.unwrap();
        assert_eq!(second.get(), first.get() + 1, "nothing of it was there");
        assert!(self.engine.wait(second).await.unwrap().is_completed());
        for id in ["first", "second"] {
            let done = self.store.read(move |conn| get_number(conn, id)).await;
            assert_eq!(done.unwrap().unwrap(), Some(1));
        }
        let whole = "PRAGMA integrity_check";
        let whole = self
            .store
            .read(move |conn| conn.query_row(whole, [], |row| row.get::<_, String>(0)));
        assert_eq!(whole.await.unwrap().unwrap(), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_may_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(&dir.path().join("state.db")).await;
    let first = shop.start("first", "long ".repeat(20_000)).await.unwrap();
    // Fills what is left of the last pages, then lets the file have no more.
    let limit = |pages: i64| {
        move |conn: &Connection| {
            put_number(conn, &"x".repeat(5_000), 1)?;
            Ok(conn.pragma_update(None, "max_page_count", pages)?)
        }
    };
    shop.store.write(limit(1)).await.unwrap();
    let store = shop.store.clone();
    // A completion needs less than what a page may have left.
    let filled = store.write(|conn: &Connection| {
        for n in 0.. {
            put_number(conn, &format!("{n} {}", "x".repeat(200)), 1)?;
        }
        Ok(())
    });
    let filled = filled.await;
    assert!(
        matches!(filled, Err(CommitError::Store(StoreError::Full(_)))),
        "{filled:?}"
    );
    fill(&store).await;
    let room = async || store.write(limit(1_000_000)).await.unwrap();
    shop.meets_a_full_disk(first, room).await;
}

/// Writes ever smaller rows until not one fits.
async fn fill(store: &SqliteStore) {
    let mut number = 0_u32;
    for size in [4_000, 400, 40, 0] {
        loop {
            number += 1;
            let name = format!("{number} {}", "x".repeat(size));
            let filled = store.write(move |conn: &Connection| put_number(conn, &name, 1));
            match filled.await {
                Ok(()) => {}
                Err(CommitError::Store(StoreError::Full(_))) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// A file system in memory of this size, which takes root.
struct Small(TempDir);

impl Small {
    fn mount() -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"]);
        let mounted = mount.arg(dir.path()).output();
        let mounted = mounted.map_err(|error| error.to_string())?;
        if !mounted.status.success() {
            return Err(String::from_utf8_lossy(&mounted.stderr).into_owned());
        }
        Ok(Self(dir))
    }

    fn fill(&self) {
        let ballast = self.0.path().join("ballast");
        // As much as there is room for.
        let _ = std::fs::write(&ballast, vec![1; 1 << 20]);
        for n in 0..64 {
            let _ = std::fs::write(self.0.path().join(format!("ballast-{n}")), [1; 4096]);
        }
    }

    fn empty(&self) {
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("ballast")
            {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_system_that_is_full() {
    let small = match Small::mount() {
        Ok(small) => small,
        Err(why) => return println!("skipped: no small file system can be mounted: {why}"),
    };
    let shop = Shop::open(&small.0.path().join("state.db")).await;
    let first = shop.start("first", String::from("short")).await.unwrap();
    small.fill();
    shop.meets_a_full_disk(first, async || small.empty()).await;
}
