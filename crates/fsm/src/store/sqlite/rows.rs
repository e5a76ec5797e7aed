//! The engine's rows: the SQL that appends and that reads.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::clock::Timestamp;
use crate::ids::{RunId, Seq, WorkflowKey};
use crate::sabotage::{self, Fault};
use crate::store::{
    CommitError, Committed, EncodedEvent, Guard, NewRun, Prune, RawEvent, RawRun, RunFilter,
    StoreError, Target,
};

/// Whether the batch may be stored, and for which run. Changes nothing, but for making a new run.
pub(super) fn admit(conn: &Connection, target: &Target) -> Result<Admitted, CommitError> {
    match target {
        Target::Domain => Ok(Admitted::Domain),
        Target::NewRun(new) => {
            if let Some(key) = &new.idempotency_key
                && let Some(run) = run_of_key(conn, &new.workflow.name, key)?
            {
                return Ok(Admitted::No(Committed::KeyUsed(run)));
            }
            if let Some(active) = active_run(conn, &new.workflow.name, &new.id)? {
                return Ok(Admitted::No(Committed::AlreadyActive(active)));
            }
            Ok(Admitted::New(insert_run(conn, new)?))
        }
        Target::Run { run, guard, .. } => {
            let holds = guard_holds(conn, *run, *guard)?;
            holds
                .then_some(Admitted::Run(*run))
                .ok_or(CommitError::Fenced)
        }
    }
}

/// What [`admit`] found.
pub(super) enum Admitted {
    /// Nothing is to be stored; this is the answer.
    No(Committed),
    /// No run is concerned.
    Domain,
    /// This run, made just now.
    New(RunId),
    /// This run.
    Run(RunId),
}

/// Appends events to a run, and marks it ended where they end it.
pub(super) fn append(
    conn: &Connection,
    run: RunId,
    events: &[EncodedEvent],
    ends: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO fsm_event (run, seq, at, fence, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = conn.prepare_cached(sql)?;
    for event in events {
        let fence = event.fence.map(|fence| integer(fence.get()));
        let at = integer(event.at.as_millis());
        insert.execute((
            run_number(run),
            integer(event.seq.get()),
            at,
            fence,
            &event.body,
        ))?;
    }
    if let Some(last) = events.last().filter(|_| ends) {
        let sql = "UPDATE fsm_run SET active = 0, ended = ?2 WHERE run = ?1";
        let mut update = conn.prepare_cached(sql)?;
        update.execute([run_number(run), integer(last.at.as_millis())])?;
    }
    Ok(())
}

/// Forgets runs that ended, in the order in which they did.
pub(super) fn prune(conn: &Connection, prune: &Prune) -> Result<u32, StoreError> {
    const FREE: &str = "SELECT run FROM fsm_run WHERE active = 0 AND {which} AND NOT EXISTS (
        SELECT 1 FROM fsm_run other WHERE other.active = 1 AND other.follows = fsm_run.run
    ) AND NOT EXISTS (
        SELECT 1 FROM fsm_run other WHERE other.active = 1 AND other.parent = fsm_run.run
    ) ORDER BY ended, run LIMIT ?2";
    let mut runs: Vec<i64> = Vec::new();
    let mut select = |which: &str, bound: i64| -> Result<(), StoreError> {
        let mut select = conn.prepare_cached(&FREE.replace("{which}", which))?;
        let found = select.query_map((bound, prune.limit), |row| row.get::<_, i64>(0))?;
        runs.extend(found.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    };
    if let Some(bound) = prune.ended_before {
        select("ended < ?1", integer(bound.as_millis()))?;
    }
    if let Some(keep) = prune.keep {
        // Those from the so-manieth on, counted from the one that ended last.
        let beyond = "run IN (SELECT run FROM fsm_run WHERE active = 0
            ORDER BY ended DESC, run DESC LIMIT -1 OFFSET ?1)";
        select(beyond, integer(keep))?;
    }
    runs.sort_unstable();
    runs.dedup();
    runs.truncate(usize::try_from(prune.limit).unwrap_or(usize::MAX));
    let mut events = conn.prepare_cached("DELETE FROM fsm_event WHERE run = ?1")?;
    let mut row = conn.prepare_cached("DELETE FROM fsm_run WHERE run = ?1")?;
    for run in &runs {
        events.execute([run])?;
        let forgotten = row.execute([run]);
        if !sabotage::on(Fault::F18) {
            forgotten?;
        }
    }
    Ok(u32::try_from(runs.len()).unwrap_or(u32::MAX))
}

/// The runs that pass the filter, with their events, as of one moment.
pub(super) fn load(conn: &Connection, filter: &RunFilter) -> Result<Vec<RawRun>, StoreError> {
    // A read transaction, so that a run and its events are of one moment.
    conn.prepare_cached("BEGIN")?.execute([])?;
    let loaded = load_now(conn, filter);
    conn.prepare_cached("COMMIT")?.execute([])?;
    loaded
}

fn load_now(conn: &Connection, filter: &RunFilter) -> Result<Vec<RawRun>, StoreError> {
    let mut runs = select_runs(conn, filter)?;
    let sql = "SELECT seq, at, body FROM fsm_event WHERE run = ?1 ORDER BY seq";
    let mut events = conn.prepare_cached(sql)?;
    for raw in &mut runs {
        let rows = events.query_map([run_number(raw.run)], read_event)?;
        raw.events = rows.collect::<Result<_, _>>()?;
    }
    Ok(runs)
}

fn select_runs(conn: &Connection, filter: &RunFilter) -> Result<Vec<RawRun>, StoreError> {
    let (sql, values) = selection(filter);
    let mut select = conn.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(values), read_run)?;
    Ok(rows
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?)
}

fn selection(filter: &RunFilter) -> (String, Vec<Value>) {
    let mut wanted = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(run) = filter.run {
        wanted.push("run = ?");
        values.push(run_number(run).into());
    }
    if let Some(workflow) = &filter.workflow {
        wanted.push("workflow = ?");
        values.push(workflow.clone().into());
    }
    if let Some(id) = &filter.id {
        wanted.push("id = ?");
        #[cfg(longshore_fsm_faults)]
        crate::sabotage::by_prefix(&mut wanted);
        values.push(id.clone().into());
    }
    if let Some(parent) = filter.parent {
        wanted.push("parent = ?");
        values.push(run_number(parent).into());
    }
    if let Some(older) = filter.newer_than {
        wanted.push("run > ?");
        values.push(run_number(older).into());
    }
    match filter.active {
        Some(true) if filter.parent.is_some() && sabotage::on(Fault::F15) => {}
        Some(true) => wanted.push("active = 1"),
        Some(false) => wanted.push("active = 0"),
        None => {}
    }
    let mut sql = String::from("SELECT run, workflow, version, id, active, parent FROM fsm_run");
    if filter.active == Some(true) && filter.run.is_none() && filter.parent.is_none() {
        // Else SQLite walks the whole history backwards, to be spared the sorting of a few rows.
        sql.push_str(" INDEXED BY fsm_run_active");
    }
    if !wanted.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&wanted.join(" AND "));
    }
    sql.push_str(if filter.oldest_first {
        " ORDER BY run"
    } else {
        " ORDER BY run DESC"
    });
    if let Some(limit) = filter.limit {
        sql.push_str(" LIMIT ?");
        values.push(i64::from(limit).into());
    }
    (sql, values)
}

fn read_run(row: &Row<'_>) -> Result<Option<RawRun>, rusqlite::Error> {
    let Some(run) = run_from(row.get(0)?) else {
        return Ok(None);
    };
    Ok(Some(RawRun {
        run,
        workflow: WorkflowKey {
            name: text(row, 1)?,
            // A version that never was is noticed where the run is compared with its first event.
            version: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(u32::MAX),
        },
        id: text(row, 3)?,
        active: row.get(4)?,
        parent: row.get::<_, Option<i64>>(5)?.and_then(run_from),
        events: Vec::new(),
    }))
}

/// Text as far as it is text: damage must not keep the other rows from being read.
fn text(row: &Row<'_>, column: usize) -> Result<String, rusqlite::Error> {
    let bytes = row.get_ref(column)?.as_bytes().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn read_event(row: &Row<'_>) -> Result<RawEvent, rusqlite::Error> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
    Ok(RawEvent {
        seq: Seq::new(number(0)?),
        at: Timestamp::from_millis(number(1)?),
        body: row.get_ref(2)?.as_bytes().unwrap_or_default().to_vec(),
    })
}

fn active_run(conn: &Connection, workflow: &str, id: &str) -> Result<Option<RunId>, StoreError> {
    let sql = "SELECT run FROM fsm_run WHERE workflow = ?1 AND id = ?2 AND active = 1";
    let mut select = conn.prepare_cached(sql)?;
    let run = select
        .query_row((workflow, id), |row| row.get(0))
        .optional()?;
    Ok(run.and_then(run_from))
}

fn run_of_key(conn: &Connection, workflow: &str, key: &str) -> Result<Option<RunId>, StoreError> {
    let sql = "SELECT run FROM fsm_run WHERE workflow = ?1 AND idempotency_key = ?2";
    let mut select = conn.prepare_cached(sql)?;
    let run = select
        .query_row((workflow, key), |row| row.get(0))
        .optional()?;
    Ok(run.and_then(run_from))
}

fn insert_run(conn: &Connection, new: &NewRun) -> Result<RunId, StoreError> {
    let sql = "INSERT INTO fsm_run
        (workflow, version, id, active, idempotency_key, parent, follows)
        VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)";
    let values = (
        &new.workflow.name,
        new.workflow.version,
        &new.id,
        &new.idempotency_key,
        new.parent.map(run_number),
        new.follows.map(run_number),
    );
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(run_from(conn.last_insert_rowid()).expect("an AUTOINCREMENT key begins at 1"))
}

fn guard_holds(conn: &Connection, run: RunId, guard: Guard) -> Result<bool, StoreError> {
    let sql = "SELECT seq, fence FROM fsm_event JOIN fsm_run USING (run)
               WHERE run = ?1 AND active = 1 ORDER BY seq DESC LIMIT 1";
    let mut select = conn.prepare_cached(sql)?;
    let last = select.query_row([run_number(run)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
    });
    Ok(match (last.optional()?, guard) {
        (Some((seq, _)), Guard::LastEvent(wanted)) => seq == integer(wanted.get()),
        (Some((_, fence)), Guard::Fence(wanted)) => fence == Some(integer(wanted.get())),
        (None, _) => false,
    })
}

fn run_number(run: RunId) -> i64 {
    integer(run.get())
}

fn run_from(number: i64) -> Option<RunId> {
    u64::try_from(number).ok().and_then(RunId::new)
}

/// SQLite's integers are signed. Run ids fit by their type; sequence numbers and milliseconds by the
/// age of the universe.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::open::open_in_memory;

    fn plan(conn: &Connection, sql: &str, values: Vec<Value>) -> String {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        rows.join("; ")
    }

    #[test]
    fn what_is_active_is_found_without_walking_the_history() {
        let conn = open_in_memory(&[]).unwrap();
        let named = |name: &str| Some(name.to_owned());
        let filters = [
            (RunFilter::active(), "fsm_run_active"),
            (
                RunFilter {
                    workflow: named("image"),
                    id: named("a"),
                    ..RunFilter::active()
                },
                "SEARCH fsm_run USING INDEX fsm_run_active (workflow=? AND id=?)",
            ),
            (
                RunFilter::one(RunId::new(7).unwrap()),
                "SEARCH fsm_run USING INTEGER PRIMARY KEY (rowid=?)",
            ),
            (
                RunFilter {
                    workflow: named("image"),
                    id: named("a"),
                    ..RunFilter::default()
                },
                "SEARCH fsm_run USING INDEX fsm_run_of (workflow=? AND id=?)",
            ),
        ];
        for (filter, expected) in filters {
            let (sql, values) = selection(&filter);
            let plan = plan(&conn, &sql, values);
            assert!(plan.contains(expected), "{sql}: {plan}");
        }
    }
}
