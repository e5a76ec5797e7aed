//! Machines: a name, the image it was made of, and the disk that is its own.

use rusqlite::{Row, params};

use crate::{
    ImageId, Reader, VolumeId, Writer,
    column::{first, parsed, rows, stored_enum, unsigned},
    error::{Error, Result},
    volume::stored_id,
};

stored_enum! {
    /// How far a machine has come.
    MachineState, "a state of a machine" {
        /// Its disk's id is reserved.
        Reserved = "reserved",
        /// Its disk is there and is not to be seen under the machine's name.
        Created = "created",
        /// Its disk is to be seen under the machine's name.
        Active = "active",
        /// Its disk is going, or gone.
        Deleting = "deleting",
    }
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRow {
    /// Its name.
    pub name: String,
    /// The image it was made of.
    pub image: ImageId,
    /// The sealed volume its disk is a snapshot of.
    pub base: VolumeId,
    /// Its disk.
    pub disk: VolumeId,
    /// How far it has come.
    pub state: MachineState,
    /// Where its disk is found while it is active.
    pub path: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// Whose it is, where somebody said so.
    pub owner: Option<String>,
    /// From when on it is not needed any more, where somebody said so.
    pub expires_at: Option<i64>,
}

/// A machine that is to be added.
#[derive(Debug, Clone, Copy)]
pub struct NewMachine<'a> {
    /// Its name.
    pub name: &'a str,
    /// The image it is made of.
    pub image: ImageId,
    /// The sealed volume its disk is to be a snapshot of.
    pub base: VolumeId,
    /// Its disk, which is reserved.
    pub disk: VolumeId,
    /// Whose it is.
    pub owner: Option<&'a str>,
    /// From when on it is not needed any more.
    pub expires_at: Option<i64>,
}

const COLUMNS: &str = "SELECT name, image, base, disk, state, path, created_at, owner, \
                       expires_at FROM machines";

fn read(row: &Row<'_>) -> Result<MachineRow> {
    Ok(MachineRow {
        name: row.get("name")?,
        image: ImageId(row.get("image")?),
        base: VolumeId(unsigned(row, "base", "a volume's id")?),
        disk: VolumeId(unsigned(row, "disk", "a volume's id")?),
        state: parsed(row, "state", "a state of a machine")?,
        path: row.get("path")?,
        created_at: row.get("created_at")?,
        owner: row.get("owner")?,
        expires_at: row.get("expires_at")?,
    })
}

impl Reader<'_> {
    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Result<Option<MachineRow>> {
        let mut statement = self
            .0
            .prepare_cached(&format!("{COLUMNS} WHERE name = ?1"))?;
        first(&mut statement, [name], read)
    }

    /// All machines, by name.
    pub fn machines(&self) -> Result<Vec<MachineRow>> {
        let mut statement = self.0.prepare_cached(&format!("{COLUMNS} ORDER BY name"))?;
        rows(&mut statement, [], read)
    }

    /// The machines made of one generation of an image, by name.
    pub fn machines_of(&self, image: ImageId) -> Result<Vec<MachineRow>> {
        let mut statement = self
            .0
            .prepare_cached(&format!("{COLUMNS} WHERE image = ?1 ORDER BY name"))?;
        rows(&mut statement, [image.0], read)
    }
}

impl Writer<'_> {
    /// Adds a machine whose disk's id is reserved and not yet made.
    pub fn add_machine(&self, machine: &NewMachine<'_>, now: i64) -> Result<()> {
        let NewMachine {
            name,
            image,
            base,
            disk,
            owner,
            expires_at,
        } = machine;
        self.connection().execute(
            "INSERT INTO machines (name, image, base, disk, state, created_at, owner, expires_at)
             VALUES (?1, ?2, ?3, ?4, 'reserved', ?5, ?6, ?7)",
            params![
                name,
                image.0,
                stored_id(*base)?,
                stored_id(*disk)?,
                now,
                owner,
                expires_at
            ],
        )?;
        Ok(())
    }

    /// Gives a machine another disk, whose id is reserved and not yet made; the old one is going.
    pub fn machine_disk(&self, name: &str, disk: VolumeId) -> Result<()> {
        let old = self.machine(name)?.map(|machine| machine.disk);
        let changed = self.connection().execute(
            "UPDATE machines SET disk = ?2, state = 'reserved', path = NULL
             WHERE name = ?1 AND state <> 'deleting'",
            params![name, stored_id(disk)?],
        )?;
        known(changed, name, "known, and not being deleted")?;
        match old {
            Some(old) => self.volume_deleting(old),
            None => Ok(()),
        }
    }

    /// Records how far a machine has come, and where its disk is found.
    pub fn machine_state(&self, name: &str, state: MachineState, path: Option<&str>) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE machines SET state = ?2, path = ?3 WHERE name = ?1",
            params![name, state.as_str(), path],
        )?;
        known(changed, name, "known")
    }

    /// Forgets a machine that is being deleted and its disk's row, whatever is under the disk's id by now: nobody is to
    /// look for it there.
    pub fn forget_machine_and_disk(&self, name: &str) -> Result<()> {
        if let Some(machine) = self.machine(name)? {
            self.volume_deleting(machine.disk)?;
        }
        self.forget_machine(name)
    }

    /// Forgets a machine whose disk is gone, and the disk with it.
    pub fn forget_machine(&self, name: &str) -> Result<()> {
        let disk = self.machine(name)?.map(|machine| machine.disk);
        let changed = self.connection().execute(
            "DELETE FROM machines WHERE name = ?1 AND state = 'deleting'",
            [name],
        )?;
        known(changed, name, "being deleted")?;
        match disk {
            Some(disk) => self.forget_volume(disk),
            None => Ok(()),
        }
    }
}

fn known(rows: usize, name: &str, expected: &'static str) -> Result<()> {
    if rows == 0 {
        return Err(Error::WrongState {
            what: "machine",
            id: name.to_owned(),
            expected,
        });
    }
    Ok(())
}
