//! The engine against the least that durability costs on this disk, in one run.
//!
//! * raw: a loop of rusqlite transactions, each with one row of an event's size, on the same disk
//!   with the same pragmas: what one run's steps could at best be;
//! * ours: runs of five steps that do nothing, started, waited for and ended, so that six
//!   transactions make five steps and twelve events. Rates are told in steps, in transitions (what is
//!   durable at once and moves a run: its start, a step and the next one's beginning, its end), each of
//!   which has waited for a sync as a transaction of the raw loop has, and in events, each of which is
//!   a row as those of the raw loop are.
//!
//! `cargo bench -p longshore-fsm --bench engine`; `LONGSHORE_BENCH_DIR` names a directory on the disk
//! to be measured (the default is below `target`). Peers are measured in `bench/peers`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use longshore_fsm::store::SqliteStore;
use longshore_fsm::{Engine, Resume, Start, StartOptions, Workflow, WorkflowRef};
use rusqlite::Connection;
use tempfile::TempDir;

const STEPS: [&str; 5] = ["resolve", "load", "scan", "admit", "activate"];
/// Started, then an attempt and a completion for each step, then ended: each is a durable row.
const EVENTS_PER_STEP: f64 = 12.0 / 5.0;
/// The start with the first attempt, four times a completion with the next attempt, then the last
/// completion with the end.
const TRANSITIONS_PER_STEP: f64 = 6.0 / 5.0;
const ROUNDS: usize = 5;
const QUEUED: u64 = 100_000;
const RESUMED: usize = 10_000;
const HISTORY_EVENTS: usize = 1_000_000;

fn place() -> TempDir {
    let named = std::env::var_os("LONGSHORE_BENCH_DIR").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let dir = named.unwrap_or(default);
    std::fs::create_dir_all(&dir).unwrap();
    tempfile::tempdir_in(dir).unwrap()
}

/// Transactions a second.
fn raw(dir: &Path, count: u32) -> f64 {
    let conn = Connection::open(dir.join("raw.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch(
        "CREATE TABLE event (run INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
         body TEXT NOT NULL, PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID",
    )
    .unwrap();
    let body = r#"{"event":"step_completed","step":"resolve","attempt":1,"response":null}"#;
    let run = |sql: &str| {
        conn.prepare_cached(sql)
            .unwrap()
            .execute([])
            .map(|_| ())
            .unwrap()
    };
    let began = Instant::now();
    for seq in 0..count {
        run("BEGIN IMMEDIATE");
        let mut insert = conn
            .prepare_cached("INSERT INTO event VALUES (1, ?1, 0, ?2)")
            .unwrap();
        insert.execute((seq, body)).unwrap();
        drop(insert);
        run("COMMIT");
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

type Job = WorkflowRef<u32, ()>;

fn workflow(last_waits: bool) -> Workflow<u32, (), Connection> {
    let mut builder = Workflow::builder("work", 1);
    for (index, step) in STEPS.iter().enumerate() {
        builder = builder.to(step, move |ctx| {
            let waits = last_waits && index == 1;
            Box::pin(async move {
                if waits {
                    ctx.token().cancelled().await;
                }
                Ok(())
            })
        });
    }
    builder.end().unwrap()
}

async fn open(path: &Path, last_waits: bool) -> (Engine<SqliteStore>, Job) {
    let store = SqliteStore::open(path, &[]).unwrap();
    let workflow = workflow(last_waits);
    let job = workflow.handle();
    let engine = Engine::builder(store).queue("held", 1).register(workflow);
    (engine.open().await.unwrap(), job)
}

async fn start(engine: &Engine<SqliteStore>, job: &Job, id: &str, options: StartOptions) -> u64 {
    match engine.start(job, id, 1, options).await.unwrap() {
        Start::Started(run) => run.get(),
        other => panic!("{other:?}"),
    }
}

/// Steps a second, and how long a run takes divided by its steps: the median and the 99th of a
/// hundred.
async fn steps(path: &Path, concurrent: usize, runs: usize) -> (f64, Duration, Duration) {
    let (engine, job) = open(path, false).await;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..concurrent {
        let (engine, job) = (engine.clone(), job.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            for n in 0..runs / concurrent {
                let began = Instant::now();
                let asked = engine
                    .start(&job, &format!("{lane}/{n}"), 1, StartOptions::default())
                    .await;
                let Start::Started(run) = asked.unwrap() else {
                    panic!("not started")
                };
                engine.wait(run).await.unwrap();
                took.push(began.elapsed() / 5);
            }
            took
        });
    }
    let mut took = Vec::new();
    while let Some(lane) = tasks.join_next().await {
        took.extend(lane.unwrap());
    }
    let rate = (took.len() * STEPS.len()) as f64 / began.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    engine.shutdown(Duration::from_secs(10)).await;
    (rate, at(50), at(99))
}

/// What this process has in memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

async fn queued(path: &Path) {
    let (engine, job) = open(path, true).await;
    let mut tasks = tokio::task::JoinSet::new();
    start(
        &engine,
        &job,
        "holder",
        StartOptions::default().queue("held"),
    )
    .await;
    let before = resident();
    let began = Instant::now();
    for lane in 0..100 {
        let (engine, job) = (engine.clone(), job.clone());
        tasks.spawn(async move {
            for n in 0..QUEUED / 100 {
                let options = StartOptions::default().queue("held");
                start(&engine, &job, &format!("{lane}/{n}"), options).await;
            }
        });
    }
    while let Some(lane) = tasks.join_next().await {
        lane.unwrap();
    }
    let took = began.elapsed();
    let grown = resident().saturating_sub(before);
    println!(
        "queued: {QUEUED} runs in {took:.2?}; {grown} KiB more in memory, {} bytes a run",
        grown * 1024 / QUEUED
    );
    engine.shutdown(Duration::from_secs(10)).await;
}

async fn resumed(path: &Path) {
    let (engine, job) = open(path, true).await;
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..100 {
        let (engine, job) = (engine.clone(), job.clone());
        tasks.spawn(async move {
            for n in 0..RESUMED / 100 {
                start(
                    &engine,
                    &job,
                    &format!("{lane}/{n}"),
                    StartOptions::default(),
                )
                .await;
            }
        });
    }
    while let Some(lane) = tasks.join_next().await {
        lane.unwrap();
    }
    // Each stands in its second step, as if its process had been cut off there.
    let copy = path.with_file_name("cut-off.db");
    let snapshot = copy.to_string_lossy().into_owned();
    let source = Connection::open(path).unwrap();
    source.execute("VACUUM INTO ?1", [snapshot]).unwrap();
    drop(source);
    engine.shutdown(Duration::from_secs(60)).await;
    let began = Instant::now();
    let (engine, _) = open(&copy, true).await;
    let report = engine.resume(Resume::All).await.unwrap();
    let returned = began.elapsed();
    assert_eq!(report.resumed.len(), RESUMED);
    // Every one has its next attempt on disk when as many attempts are under way.
    let under_way = || {
        engine.store().read(|conn| {
            let sql = "SELECT count(*) FROM fsm_event WHERE json_extract(body, '$.attempt') = 2";
            conn.query_row(sql, [], |row| row.get::<_, i64>(0))
        })
    };
    while under_way().await.unwrap().unwrap() < i64::try_from(RESUMED).unwrap() {}
    println!(
        "resumed: {RESUMED} active runs; all known after {returned:.2?}, all at work again after \
         {:.2?}",
        began.elapsed()
    );
    engine.shutdown(Duration::from_secs(60)).await;
}

/// The rate of one run on an empty store and on one with a long history.
async fn history(dir: &Path) {
    let path = dir.join("history.db");
    let (fresh, ..) = steps(&path, 1, 2_000).await;
    // Twelve events for each run: started, five attempts, five completions, ended.
    let runs = HISTORY_EVENTS / 12;
    let (filling, ..) = steps(&path, 1_000, runs).await;
    let (after, ..) = steps(&path, 1, 2_000).await;
    println!(
        "history: one run at {fresh:.0} steps/s on an empty store, {after:.0} behind {HISTORY_EVENTS} \
         events: {:.2} (filled at {filling:.0} steps/s)",
        after / fresh
    );
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let place = place();
    let mut rates: [Vec<f64>; 4] = Default::default();
    let mut latencies = [(Duration::MAX, Duration::MAX); 3];
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir_in(place.path()).unwrap();
        rates[0].push(raw(dir.path(), 20_000));
        for (n, (concurrent, runs)) in [(1, 4_000), (10, 10_000), (1_000, 40_000)]
            .iter()
            .enumerate()
        {
            let path = dir.path().join(format!("{concurrent}.db"));
            let (rate, p50, p99) = runtime.block_on(steps(&path, *concurrent, *runs));
            rates[n + 1].push(rate);
            latencies[n] = latencies[n].min((p50, p99));
        }
    }
    let [raw, one, ten, thousand] = rates.map(median);
    println!("medians of {ROUNDS} rounds; latencies are those of the best round");
    println!("raw loop: {raw:.0} transactions/s");
    for (name, rate, (p50, p99)) in [
        ("1 run", one, latencies[0]),
        ("10 runs", ten, latencies[1]),
        ("1,000 runs", thousand, latencies[2]),
    ] {
        println!(
            "{name}: {rate:.0} steps/s ({:.2} of the raw loop), {:.0} transitions/s ({:.2}), {:.0} \
             events/s ({:.2}), {:.2} of one run's; a step {p50:.1?} (p50), {p99:.1?} (p99)",
            rate / raw,
            rate * TRANSITIONS_PER_STEP,
            rate * TRANSITIONS_PER_STEP / raw,
            rate * EVENTS_PER_STEP,
            rate * EVENTS_PER_STEP / raw,
            rate / one
        );
    }
    runtime.block_on(queued(&place.path().join("queued.db")));
    runtime.block_on(resumed(&place.path().join("resumed.db")));
    runtime.block_on(history(place.path()));
}
