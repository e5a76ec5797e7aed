//! A loop of SQLite transactions, one for each transition: what the disk and SQLite allow to whoever
//! makes transitions durable one at a time.
//!
//! There is no engine: nothing decides, nothing is read, nobody waits for anybody. SQLite has one
//! writer, so many runs at a time are runs that take turns on one connection.

use std::env;
use std::path::Path;
use std::time::Instant;

use peers_measure::{Args, Failure, Job, Line, Measured, STEPS, Spread, Steps};
use rusqlite::Connection;

/// About what an event of a workflow takes as JSON.
const EVENT: &str = r#"{"event":"step_completed","step":"three","attempt":1,"response":null,"at":"2026-01-01T00:00:00.000000Z"}"#;

fn main() -> Result<(), Failure> {
    let args = Args::parse(env::args().skip(1))?;
    match args.job {
        Job::Throughput => throughput(&args),
        Job::Queued => cannot(&args, "memory of queued runs, MiB"),
        Job::Leave | Job::Resume => cannot(&args, "resuming runs, s"),
    }
}

fn open(dir: &Path) -> Result<Connection, Failure> {
    let conn = Connection::open(dir.join("raw.db"))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.execute_batch(
        "CREATE TABLE event (
            seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, step INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT",
    )?;
    Ok(conn)
}

fn throughput(args: &Args) -> Result<(), Failure> {
    let conn = open(&args.dir)?;
    let mut insert = conn.prepare("INSERT INTO event (run, step, body) VALUES (?1, ?2, ?3)")?;
    let steps = Steps::new(args.runs, None);
    let begun = Instant::now();
    let mut made = 0_u32;
    while made == 0 || begun.elapsed() < args.time {
        for index in 0..STEPS {
            for slot in 0..args.runs {
                steps.called(slot, index);
                conn.execute_batch("BEGIN IMMEDIATE")?;
                insert.execute((i64::try_from(slot)?, i64::try_from(index)?, EVENT))?;
                conn.execute_batch("COMMIT")?;
                made += 1;
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let spread = Spread::of(steps.between_us());
    print(
        args,
        "steps per second",
        Measured::Value(f64::from(made) / seconds),
    )?;
    for hundredths in [50, 99] {
        let value = spread.percentile(hundredths).ok_or("no step was called")?;
        let measure = format!("step p{hundredths}, ms");
        print(args, &measure, Measured::Value(value / 1e3))?;
    }
    Ok(())
}

fn cannot(args: &Args, measure: &str) -> Result<(), Failure> {
    let reason = "a loop of transactions has no runs".to_owned();
    print(args, measure, Measured::Cannot(reason))
}

fn print(args: &Args, measure: &str, measured: Measured) -> Result<(), Failure> {
    let line = Line {
        peer: "raw".to_owned(),
        measure: measure.to_owned(),
        runs: args.runs,
        measured,
    };
    Ok(line.print()?)
}
