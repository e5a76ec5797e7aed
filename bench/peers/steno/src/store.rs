//! Where sagas are kept: one thread writes to one SQLite database, and answers after the commit.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use async_trait::async_trait;
use peers_measure::Failure;
use rusqlite::Connection;
use steno::{SagaCachedState, SagaCreateParams, SagaId, SagaNodeEvent, SecStore};
use tokio::sync::oneshot;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS saga (id TEXT PRIMARY KEY, dag TEXT NOT NULL, state TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS event (
        seq INTEGER PRIMARY KEY, saga TEXT NOT NULL REFERENCES saga, body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS event_of_saga ON event (saga);
    CREATE INDEX IF NOT EXISTS saga_not_done ON saga (id) WHERE state <> 'done';
";

/// Makes the calls of steno durable.
#[derive(Debug)]
pub(crate) struct SqliteSecStore {
    writes: mpsc::Sender<(Write, oneshot::Sender<()>)>,
}

/// A saga that is not done, as it was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: SagaId,
    pub(crate) dag: serde_json::Value,
    pub(crate) events: Vec<SagaNodeEvent>,
}

#[derive(Debug)]
enum Write {
    Saga(String, String, SagaCachedState),
    Event(String, String),
    State(String, SagaCachedState),
}

impl SqliteSecStore {
    /// Opens it, with the sagas that are not done. Of the writes that wait, at most `group` share a
    /// transaction.
    pub(crate) fn open(dir: &Path, group: usize) -> Result<(Self, Vec<Stored>), Failure> {
        let conn = Connection::open(dir.join("steno.db"))?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.execute_batch(SCHEMA)?;
        let left = load(&conn)?;
        let (writes, waiting) = mpsc::channel();
        // It ends with the last sender. A write that fails ends the program: steno has no way for a
        // store to say so.
        thread::spawn(move || write_all(&conn, &waiting, group).expect("the store must not fail"));
        Ok((Self { writes }, left))
    }

    async fn write(&self, write: Write) {
        let (answer, answered) = oneshot::channel();
        let sent = self.writes.send((write, answer));
        sent.expect("the writer lives as long as the store");
        answered.await.expect("the writer answers everything");
    }
}

#[async_trait]
impl SecStore for SqliteSecStore {
    async fn saga_create(&self, new: SagaCreateParams) -> Result<(), anyhow::Error> {
        let dag = serde_json::to_string(&new.dag)?;
        self.write(Write::Saga(new.id.to_string(), dag, new.state))
            .await;
        Ok(())
    }

    async fn record_event(&self, event: SagaNodeEvent) {
        let body = serde_json::to_string(&event).expect("an event can be written as JSON");
        self.write(Write::Event(event.saga_id.to_string(), body))
            .await;
    }

    async fn saga_update(&self, id: SagaId, update: SagaCachedState) {
        self.write(Write::State(id.to_string(), update)).await;
    }
}

fn write_all(
    conn: &Connection,
    waiting: &mpsc::Receiver<(Write, oneshot::Sender<()>)>,
    group: usize,
) -> rusqlite::Result<()> {
    while let Ok(first) = waiting.recv() {
        let others = waiting.try_iter().take(group - 1);
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut answers = Vec::new();
        for (write, answer) in std::iter::once(first).chain(others) {
            apply(conn, write)?;
            answers.push(answer);
        }
        conn.execute_batch("COMMIT")?;
        for answer in answers {
            // Whoever asked may be gone.
            let _ = answer.send(());
        }
    }
    Ok(())
}

fn apply(conn: &Connection, write: Write) -> rusqlite::Result<usize> {
    match write {
        Write::Saga(id, dag, state) => conn
            .prepare_cached("INSERT INTO saga VALUES (?1, ?2, ?3)")?
            .execute((id, dag, state.to_string())),
        Write::Event(saga, body) => conn
            .prepare_cached("INSERT INTO event (saga, body) VALUES (?1, ?2)")?
            .execute((saga, body)),
        Write::State(id, state) => conn
            .prepare_cached("UPDATE saga SET state = ?2 WHERE id = ?1")?
            .execute((id, state.to_string())),
    }
}

fn load(conn: &Connection) -> Result<Vec<Stored>, Failure> {
    let mut sagas = conn.prepare("SELECT id, dag FROM saga WHERE state <> 'done'")?;
    let mut events = conn.prepare("SELECT body FROM event WHERE saga = ?1 ORDER BY seq")?;
    let sagas = sagas.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
    sagas
        .map(|saga| {
            let (id, dag) = saga?;
            let bodies = events.query_map([&id], |r| r.get::<_, String>(0))?;
            let events = bodies.map(|body| Ok(serde_json::from_str(&body?)?));
            Ok(Stored {
                events: events.collect::<Result<_, Failure>>()?,
                id: serde_json::from_value(id.into())?,
                dag: serde_json::from_str(&dag)?,
            })
        })
        .collect()
}
