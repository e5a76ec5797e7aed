//! Volumes: ids in their order of life, and the key a sealed one is found by.

use longshore_image::ChainId;
use rusqlite::{OptionalExtension, params};

use crate::{
    Reader, Writer,
    column::{first, maybe_parsed, maybe_unsigned, parsed, rows, stored, stored_enum, unsigned},
    error::{Error, Result},
};

/// The id of a volume, given out once and never again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct VolumeId(pub u64);

impl std::fmt::Display for VolumeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

stored_enum! {
    /// What a volume is for.
    VolumeKind, "a kind of volume" {
        /// The root filesystem of a chain of layers: shared, and never written once sealed.
        Base = "base",
        /// The disk of one machine.
        Disk = "disk",
    }
}

stored_enum! {
    /// How far a volume has come.
    VolumeState, "a state of a volume" {
        /// The id is taken; there may or may not be something under it.
        Reserved = "reserved",
        /// It is there; what it holds is not to be relied on, unless it is a disk.
        Created = "created",
        /// It holds what its seal key says, durably.
        Sealed = "sealed",
        /// Its bytes are going, or gone.
        Deleting = "deleting",
    }
}

/// What a sealed volume is found by: equal keys have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SealKey {
    /// The layers, as the OCI image specification chains them.
    pub chain: ChainId,
    /// The version of the on-disk format; another version gives other bytes.
    pub format: u32,
    /// Virtual size in bytes.
    pub size: u64,
    /// The settings of unpacking that change what comes out.
    pub policy: String,
}

/// What is recorded of a volume when it is sealed.
#[derive(Debug, Clone, Copy)]
pub struct Sealing<'a> {
    /// Bytes in use in its filesystem.
    pub used: u64,
    /// What its layers add up to, as JSON.
    pub totals: &'a str,
    /// Where its bytes can be looked at, where that is a path.
    pub path: Option<&'a str>,
}

/// One volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// Its id.
    pub id: VolumeId,
    /// What it is for.
    pub kind: VolumeKind,
    /// How far it has come.
    pub state: VolumeState,
    /// The volume it is a snapshot of.
    pub parent: Option<VolumeId>,
    /// Virtual size in bytes.
    pub size: u64,
    /// The chain it holds, once sealed.
    pub chain: Option<ChainId>,
    /// Bytes in use in its filesystem when it was sealed.
    pub used: Option<u64>,
    /// What its layers add up to, as JSON, once sealed: limits of an image count from here on
    /// when it is extended.
    pub totals: Option<String>,
    /// Where its bytes can be looked at, once sealed, where that is a path.
    pub path: Option<String>,
    /// The run that reserved it.
    pub run: Option<u64>,
}

const COLUMNS: &str =
    "SELECT id, kind, state, parent, size, chain, used, totals, path, run FROM volumes";

fn read(row: &rusqlite::Row<'_>) -> Result<VolumeRow> {
    Ok(VolumeRow {
        id: VolumeId(unsigned(row, "id", "a volume's id")?),
        kind: parsed(row, "kind", "a kind of volume")?,
        state: parsed(row, "state", "a state of a volume")?,
        parent: maybe_unsigned(row, "parent", "a volume's id")?.map(VolumeId),
        size: unsigned(row, "size", "a volume's size")?,
        chain: maybe_parsed(row, "chain", "a chain id")?,
        used: maybe_unsigned(row, "used", "a volume's used bytes")?,
        totals: row.get("totals")?,
        path: row.get("path")?,
        run: maybe_unsigned(row, "run", "a run's id")?,
    })
}

pub(crate) fn stored_id(id: VolumeId) -> Result<i64> {
    stored(id.0, "a volume's id")
}

impl Reader<'_> {
    /// One volume.
    pub fn volume(&self, id: VolumeId) -> Result<Option<VolumeRow>> {
        let mut statement = self.0.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
        first(&mut statement, [stored_id(id)?], read)
    }

    /// All volumes, by id.
    pub fn volumes(&self) -> Result<Vec<VolumeRow>> {
        let mut statement = self.0.prepare_cached(&format!("{COLUMNS} ORDER BY id"))?;
        rows(&mut statement, [], read)
    }

    /// The last id that was ever given out.
    pub fn last_volume(&self) -> Result<Option<VolumeId>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'volumes'")?;
        first(&mut statement, [], |row| {
            Ok(VolumeId(unsigned(row, "seq", "a volume's id")?))
        })
    }

    /// The sealed volume of a key.
    pub fn sealed_volume(&self, key: &SealKey) -> Result<Option<VolumeRow>> {
        let mut statement = self.0.prepare_cached(&format!(
            "{COLUMNS} WHERE state = 'sealed' AND chain = ?1 AND format = ?2 AND size = ?3
             AND policy = ?4"
        ))?;
        first(
            &mut statement,
            params![
                key.chain.to_string(),
                key.format,
                stored(key.size, "a volume's size")?,
                key.policy
            ],
            read,
        )
    }

    /// Sealed bases that no image, machine or other volume needs, newest first, so that a child
    /// comes before its parent.
    pub fn unused_volumes(&self) -> Result<Vec<VolumeRow>> {
        let mut statement = self.0.prepare_cached(&format!(
            "WITH RECURSIVE needed (id) AS (
                 SELECT volume FROM images WHERE volume IS NOT NULL
                 UNION SELECT base FROM machines
                 UNION SELECT disk FROM machines
                 UNION SELECT parent FROM volumes JOIN needed USING (id)
                       WHERE parent IS NOT NULL
             )
             {COLUMNS} WHERE kind = 'base' AND state = 'sealed'
             AND id NOT IN (SELECT id FROM needed) ORDER BY id DESC"
        ))?;
        rows(&mut statement, [], read)
    }
}

impl Writer<'_> {
    /// Takes a new id, before anything is made under it.
    pub fn reserve_volume(
        &self,
        kind: VolumeKind,
        parent: Option<VolumeId>,
        size: u64,
        run: u64,
        now: i64,
    ) -> Result<VolumeId> {
        let id: i64 = self.connection().query_row(
            "INSERT INTO volumes (kind, state, parent, size, run, created_at)
             VALUES (?1, 'reserved', ?2, ?3, ?4, ?5) RETURNING id",
            params![
                kind.as_str(),
                parent.map(stored_id).transpose()?,
                stored(size, "a volume's size")?,
                stored(run, "a run's id")?,
                now
            ],
            |row| row.get(0),
        )?;
        Ok(VolumeId(u64::try_from(id).map_err(|_| {
            Error::Malformed {
                what: "a volume's id",
                value: id.to_string(),
            }
        })?))
    }

    /// Takes a disk that is there already, made of `parent` by somebody else.
    pub fn claim_volume(&self, id: VolumeId, parent: VolumeId, size: u64, now: i64) -> Result<()> {
        self.connection().execute(
            "INSERT INTO volumes (id, kind, state, parent, size, created_at)
             VALUES (?1, 'disk', 'created', ?2, ?3, ?4)",
            params![
                stored_id(id)?,
                stored_id(parent)?,
                stored(size, "a volume's size")?,
                now
            ],
        )?;
        Ok(())
    }

    /// Records that a reserved volume is there. Recording it again changes nothing.
    pub fn volume_created(&self, id: VolumeId) -> Result<()> {
        self.step(
            id,
            "state = 'created'",
            "state IN ('reserved', 'created')",
            "reserved",
        )
    }

    /// Seals a created base. Answers the volume that has the key: this one, or the one that was
    /// sealed before it, in which case this one is to be dropped.
    pub fn seal_volume(
        &self,
        id: VolumeId,
        key: &SealKey,
        contents: &Sealing<'_>,
    ) -> Result<VolumeId> {
        if let Some(other) = self.sealed_volume(key)? {
            return Ok(other.id);
        }
        let changed = self
            .connection()
            .prepare_cached(
                "UPDATE volumes SET state = 'sealed', chain = ?2, format = ?3, policy = ?4,
                 used = ?5, totals = ?7, path = ?8
                 WHERE id = ?1 AND kind = 'base' AND state = 'created' AND size = ?6",
            )?
            .execute(params![
                stored_id(id)?,
                key.chain.to_string(),
                key.format,
                key.policy,
                stored(contents.used, "a volume's used bytes")?,
                stored(key.size, "a volume's size")?,
                contents.totals,
                contents.path
            ])?;
        self.changed(changed, id, "a created base of that size")?;
        Ok(id)
    }

    /// Records that a volume's bytes are about to go. Refused while something needs it.
    pub fn volume_deleting(&self, id: VolumeId) -> Result<()> {
        let user: Option<String> = self
            .connection()
            .prepare_cached(
                "SELECT 'machine ' || name FROM machines
                     WHERE base = ?1 OR (disk = ?1 AND state <> 'deleting')
                 UNION ALL SELECT 'image ' || name FROM images WHERE volume = ?1
                 UNION ALL SELECT 'volume ' || id FROM volumes
                     WHERE parent = ?1 AND kind = 'base' AND state <> 'deleting'
                 LIMIT 1",
            )?
            .query_row([stored_id(id)?], |row| row.get(0))
            .optional()?;
        if let Some(by) = user {
            return Err(Error::InUse {
                what: "volume",
                id: id.to_string(),
                by,
            });
        }
        self.step(id, "state = 'deleting'", "TRUE", "known")
    }

    /// Records that what nothing needs any more is about to go: from here on it is removed by whoever comes to it.
    pub fn let_unused_volumes_go(&self) -> Result<()> {
        for volume in self.unused_volumes()? {
            self.volume_deleting(volume.id)?;
        }
        Ok(())
    }

    /// Forgets a volume whose bytes are gone. What was a snapshot of it stands alone from now on.
    pub fn forget_volume(&self, id: VolumeId) -> Result<()> {
        let stored = stored_id(id)?;
        self.connection().execute(
            "UPDATE volumes SET parent = NULL WHERE parent = ?1",
            [stored],
        )?;
        let changed = self.connection().execute(
            "DELETE FROM volumes WHERE id = ?1 AND state = 'deleting'",
            [stored],
        )?;
        self.changed(changed, id, "being deleted")
    }

    /// Says that a sealed volume is not there any more, so that it is built again. What was a
    /// snapshot of it stands alone from now on. The row of one that machines were made of goes
    /// when they do.
    pub fn volume_lost(&self, id: VolumeId) -> Result<()> {
        let stored = stored_id(id)?;
        for statement in [
            "UPDATE images SET volume = NULL, chain = NULL WHERE volume = ?1",
            "UPDATE volumes SET parent = NULL WHERE parent = ?1",
            "UPDATE volumes SET state = 'deleting' WHERE id = ?1",
            "DELETE FROM volumes WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM machines WHERE base = ?1)",
        ] {
            self.connection().execute(statement, [stored])?;
        }
        Ok(())
    }

    fn step(&self, id: VolumeId, set: &str, from: &str, expected: &'static str) -> Result<()> {
        let changed = self
            .connection()
            .prepare_cached(&format!(
                "UPDATE volumes SET {set} WHERE id = ?1 AND {from}"
            ))?
            .execute([stored_id(id)?])?;
        self.changed(changed, id, expected)
    }

    fn changed(&self, rows: usize, id: VolumeId, expected: &'static str) -> Result<()> {
        if rows == 0 {
            return Err(Error::WrongState {
                what: "volume",
                id: id.to_string(),
                expected,
            });
        }
        Ok(())
    }
}
