//! A store as a script of SQL, and back.

use std::path::{Path, PathBuf};

use longshore_fsm::store::Readers;
use longshore_fsm::{RunId, RunState, RunSummary};
use rusqlite::Connection;

/// The fixture of this schema version.
pub(super) fn fixture(version: i64) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(format!("store-v{version}.sql"))
}

/// Makes a store at `path` of the fixture of this version.
pub(super) fn load(version: i64, path: &Path) {
    let script = std::fs::read_to_string(fixture(version)).unwrap();
    let conn = Connection::open(path).unwrap();
    // As every build has left it.
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.execute_batch(&script).unwrap();
}

/// The store as a script, which brings its own transaction.
pub(super) fn dump(conn: &Connection) -> String {
    let mut lines = vec![String::from("BEGIN TRANSACTION;")];
    // Tables come before their indexes, and in the order in which they were made.
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL
               AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for (kind, name, sql) in texts::<3>(conn, sql).into_iter().map(|[a, b, c]| (a, b, c)) {
        lines.push(format!("{sql};"));
        if kind == "table" {
            lines.extend(inserts(conn, &name));
        }
    }
    lines.push(String::from("DELETE FROM \"sqlite_sequence\";"));
    lines.extend(inserts(conn, "sqlite_sequence"));
    lines.push(String::from("COMMIT;"));
    lines.join("\n")
}

fn inserts(conn: &Connection, table: &str) -> Vec<String> {
    let columns = texts::<1>(
        conn,
        &format!("SELECT name FROM pragma_table_info('{table}')"),
    );
    let quoted = columns.iter().map(|[name]| format!("quote(\"{name}\")"));
    let values = quoted.collect::<Vec<_>>().join(" || ',' || ");
    let rows = texts::<1>(
        conn,
        &format!("SELECT {values} FROM \"{table}\" ORDER BY 1"),
    );
    // The rows of a table are in the order of its key, which a text of numbers is not.
    let mut rows: Vec<String> = rows.into_iter().map(|[row]| row).collect();
    rows.sort_by_key(|row| {
        let numbers = row.split(',').take(2);
        numbers
            .map(|number| number.parse().unwrap_or(0))
            .collect::<Vec<u64>>()
    });
    let insert = |row| format!("INSERT INTO \"{table}\" VALUES({row});");
    rows.into_iter().map(insert).collect()
}

fn texts<const N: usize>(conn: &Connection, sql: &str) -> Vec<[String; N]> {
    let mut select = conn.prepare(sql).unwrap();
    let rows = select.query_map([], |row| {
        let texts: Result<Vec<String>, _> = (0..N).map(|column| row.get(column)).collect();
        Ok(texts?.try_into().unwrap())
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The schema version that the engine's tables have.
pub(super) fn version(path: &Path) -> i64 {
    let sql = "SELECT version FROM fsm_schema WHERE owner = 'fsm'";
    let conn = Connection::open(path).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Every event is read, and would be stored the same again.
pub(super) fn assert_read_in_full(path: &Path, readers: &Readers, runs: u64) {
    let conn = Connection::open(path).unwrap();
    for number in 1..=runs {
        let history = readers.history(run(number)).unwrap();
        let again: Vec<String> = (history.iter())
            .map(|record| serde_json::to_string(&record.event).unwrap())
            .collect();
        let sql = format!("SELECT body FROM fsm_event WHERE run = {number} ORDER BY seq");
        let stored: Vec<String> = texts::<1>(&conn, &sql).into_iter().flatten().collect();
        assert_eq!(again, stored, "run {number}");
        assert!(!stored.is_empty(), "run {number}");
    }
}

pub(super) fn run(number: u64) -> RunId {
    RunId::new(number).unwrap()
}

pub(super) fn runs(numbers: &[u64]) -> Vec<RunId> {
    numbers.iter().copied().map(run).collect()
}

/// A state in a word.
pub(super) fn word(summary: &RunSummary) -> String {
    let step = summary
        .step
        .as_ref()
        .map_or("nothing", |step| step.as_str());
    let way = if summary.undoing.is_some() {
        "undo of "
    } else {
        ""
    };
    match &summary.state {
        RunState::Ended(ended) => format!("ended: {}", serde_json::to_value(ended).unwrap()["as"]),
        RunState::Pending(wait) => format!("pending: {wait:?}"),
        RunState::Parked(reason) => format!("parked: {reason}"),
        RunState::Paused(cause) => format!("paused: {cause}"),
        RunState::Quarantined(reason) => format!("quarantined: {reason}"),
        RunState::Stuck(after) => format!("stuck after {after:?} in {way}{step}"),
        RunState::Ready => format!("ready for {way}{step}"),
        RunState::Running => format!("running {way}{step}"),
        RunState::Waiting { .. } => format!("waiting for {way}{step}"),
    }
}
