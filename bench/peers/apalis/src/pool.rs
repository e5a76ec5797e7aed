//! The connection: set up by apalis, and then as durable as everybody's.

use std::path::Path;

use apalis_sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use futures::channel::mpsc::{self, UnboundedReceiver};
use peers_measure::Failure;
use sqlx::sqlite::SqliteOperation;

/// Opens the database, with what tells of every task that is inserted.
///
/// It is one connection. SQLite has one writer, so more of them wait for each other in SQLite's busy
/// handler, which sleeps; and a task's insert, which is told of before it is committed, would be looked
/// for too early through another connection.
pub(crate) async fn open(dir: &Path) -> Result<(SqlitePool, UnboundedReceiver<()>), Failure> {
    let (inserted, inserts) = mpsc::unbounded();
    let options = SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |conn, _| {
            let inserted = inserted.clone();
            Box::pin(async move {
                conn.lock_handle().await?.set_update_hook(move |change| {
                    if change.operation == SqliteOperation::Insert && change.table == "Jobs" {
                        // Without a worker nobody listens.
                        let _ = inserted.unbounded_send(());
                    }
                });
                Ok(())
            })
        });
    let file = SqliteConnectOptions::new()
        .filename(dir.join("apalis.db"))
        .create_if_missing(true);
    let pool = options.connect_with(file).await?;
    SqliteStorage::setup(&pool).await?;
    // The setup turns syncing off: after a power cut nothing would be there of what was answered.
    sqlx::query("PRAGMA synchronous = FULL")
        .execute(&pool)
        .await?;
    // An analysis looks at so many rows of each index, however many there are.
    sqlx::query("PRAGMA analysis_limit = 1000")
        .execute(&pool)
        .await?;
    let mode: String = pragma(&pool, "journal_mode").await?;
    let synchronous: i64 = pragma(&pool, "synchronous").await?;
    if (mode.as_str(), synchronous) == ("wal", 2) {
        Ok((pool, inserts))
    } else {
        Err(format!("not as durable as the others: {mode}, synchronous={synchronous}").into())
    }
}

async fn pragma<T>(pool: &SqlitePool, name: &'static str) -> Result<T, Failure>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    let query = sqlx::AssertSqlSafe(format!("PRAGMA {name}"));
    Ok(sqlx::query_scalar(query).fetch_one(pool).await?)
}
