//! The thin pool that volumes are in, how far a change of it has come, and which backend has the volumes.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    Reader, VolumeId, Writer,
    column::{first, parsed, stored, stored_enum, unsigned},
    error::{Error, Result},
    volume::stored_id,
};

stored_enum! {
    /// How far a pool has come.
    PoolPhase, "a phase of a pool" {
        /// It is being made: what is there of it is to be gone on with.
        Making = "making",
        /// It is in use.
        Ready = "ready",
        /// It was taken down, and is brought up by nobody unasked.
        Down = "down",
        /// It is going, or gone.
        Destroying = "destroying",
    }
}

stored_enum! {
    /// What the volumes of a catalogue are made of.
    StoredBackend, "a backend" {
        /// Files.
        File = "file",
        /// Thin devices of the pool.
        Thin = "thin",
    }
}

/// The pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    /// The name of its device.
    pub name: String,
    /// How far it has come.
    pub phase: PoolPhase,
    /// What it is made of, as JSON.
    pub spec: String,
    /// The transaction id that it has after the last change that was written down.
    pub transaction: u64,
    /// That change, in words.
    pub change: Option<String>,
    /// When it was made.
    pub created_at: i64,
}

fn read(row: &Row<'_>) -> Result<PoolRow> {
    Ok(PoolRow {
        name: row.get("name")?,
        phase: parsed(row, "phase", "a phase of a pool")?,
        spec: row.get("spec")?,
        transaction: unsigned(row, "txid", "a transaction id")?,
        change: row.get("change")?,
        created_at: row.get("created_at")?,
    })
}

impl Reader<'_> {
    /// The pool, if there is one.
    pub fn pool(&self) -> Result<Option<PoolRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT name, phase, spec, txid, change, created_at FROM pools ORDER BY created_at",
        )?;
        first(&mut statement, [], read)
    }

    /// What the volumes are made of; nothing while it has never been decided.
    pub fn backend(&self) -> Result<Option<StoredBackend>> {
        let mut statement = self.0.prepare_cached("SELECT backend FROM storage")?;
        first(&mut statement, [], |row| {
            parsed(row, "backend", "a backend")
        })
    }

    /// Whether there is any volume, in whatever state.
    pub fn has_volumes(&self) -> Result<bool> {
        let found: Option<i64> = self
            .0
            .prepare_cached("SELECT 1 FROM volumes LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }
}

impl Writer<'_> {
    /// Adds a pool before anything is made of it. There is one at a time.
    pub fn add_pool(&self, name: &str, spec: &str, now: i64) -> Result<()> {
        if let Some(other) = self.pool()? {
            return Err(Error::InUse {
                what: "the place of the pool",
                id: name.to_owned(),
                by: format!("pool {}", other.name),
            });
        }
        self.connection().execute(
            "INSERT INTO pools (name, phase, spec, txid, created_at) VALUES (?1, 'making', ?2, 0, ?3)",
            params![name, spec, now],
        )?;
        Ok(())
    }

    /// Records how far a pool has come.
    pub fn pool_phase(&self, name: &str, phase: PoolPhase) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE pools SET phase = ?2 WHERE name = ?1",
            params![name, phase.as_str()],
        )?;
        known(changed, name)
    }

    /// Records what a pool is made of from now on.
    pub fn pool_spec(&self, name: &str, spec: &str) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE pools SET spec = ?2 WHERE name = ?1",
            params![name, spec],
        )?;
        known(changed, name)
    }

    /// Records what a pool is about to be asked, and its transaction id after it.
    pub fn pool_will(&self, name: &str, transaction: u64, change: Option<&str>) -> Result<()> {
        let changed = self
            .connection()
            .prepare_cached("UPDATE pools SET txid = ?2, change = ?3 WHERE name = ?1")?
            .execute(params![
                name,
                stored(transaction, "a transaction id")?,
                change
            ])?;
        known(changed, name)
    }

    /// Forgets a pool that is gone.
    pub fn forget_pool(&self, name: &str) -> Result<()> {
        let changed = self.connection().execute(
            "DELETE FROM pools WHERE name = ?1 AND phase IN ('making', 'destroying')",
            [name],
        )?;
        known(changed, name)
    }

    /// Gives out no id up to this one any more: somebody else has them.
    pub fn skip_volumes(&self, up_to: VolumeId) -> Result<()> {
        let up_to = stored_id(up_to)?;
        let changed = self.connection().execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'volumes'",
            [up_to],
        )?;
        if changed == 0 {
            self.connection().execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('volumes', ?1)",
                [up_to],
            )?;
        }
        Ok(())
    }

    /// Records what volumes are made of from now on. Refused while there are some that are made of
    /// something else.
    pub fn use_backend(&self, backend: StoredBackend) -> Result<()> {
        match self.backend()? {
            Some(now) if now == backend => return Ok(()),
            Some(now) if self.has_volumes()? => {
                return Err(Error::InUse {
                    what: "backend",
                    id: now.to_string(),
                    by: "volumes".to_owned(),
                });
            }
            _ => {}
        }
        self.connection().execute(
            "INSERT INTO storage (id, backend) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET backend = excluded.backend",
            [backend.as_str()],
        )?;
        Ok(())
    }
}

fn known(rows: usize, name: &str) -> Result<()> {
    match rows {
        0 => Err(Error::WrongState {
            what: "pool",
            id: name.to_owned(),
            expected: "known, and as far as that",
        }),
        _ => Ok(()),
    }
}
