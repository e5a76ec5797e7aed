//! What scanners found in a volume, what its operator lives with, and what was let through all the same.

use rusqlite::{Row, params};

use crate::{
    ImageId, Reader, Verdict, VolumeId, Writer,
    column::{first, parsed, rows},
    error::Result,
    volume::stored_id,
};

/// What is in a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// The version of the record.
    pub format: u32,
    /// The record, as JSON.
    pub record: String,
    /// When it was read.
    pub read_at: i64,
}

/// What a scanner found in a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Which scanner.
    pub scanner: String,
    /// The report, as JSON.
    pub report: String,
    /// What the scanner itself wrote, where it is not ours.
    pub raw: Option<Vec<u8>>,
    /// When it looked.
    pub scanned_at: i64,
}

/// A vulnerability that an operator lives with in an image, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverRow {
    /// The image's name; all of its generations.
    pub image: String,
    /// What the vulnerability is called.
    pub advisory: String,
    /// From when on it is worth nothing.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: i64,
}

/// A machine that was made although something stood against its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowanceRow {
    /// The image.
    pub image: ImageId,
    /// The machine.
    pub machine: String,
    /// What the image was then.
    pub verdict: Verdict,
    /// Who let it through.
    pub by: String,
    /// When.
    pub at: i64,
}

fn report(row: &Row<'_>) -> Result<ReportRow> {
    Ok(ReportRow {
        scanner: row.get("scanner")?,
        report: row.get("report")?,
        raw: row.get("raw")?,
        scanned_at: row.get("scanned_at")?,
    })
}

fn waiver(row: &Row<'_>) -> Result<WaiverRow> {
    Ok(WaiverRow {
        image: row.get("image")?,
        advisory: row.get("advisory")?,
        until: row.get("until")?,
        reason: row.get("reason")?,
        by: row.get("given_by")?,
        at: row.get("given_at")?,
    })
}

fn allowance(row: &Row<'_>) -> Result<AllowanceRow> {
    Ok(AllowanceRow {
        image: ImageId(row.get("image")?),
        machine: row.get("machine")?,
        verdict: parsed(row, "verdict", "a verdict")?,
        by: row.get("given_by")?,
        at: row.get("given_at")?,
    })
}

impl Reader<'_> {
    /// What is in a volume, if it was looked into.
    pub fn inventory(&self, volume: VolumeId) -> Result<Option<InventoryRow>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT format, record, read_at FROM inventories WHERE volume = ?1")?;
        first(&mut statement, [stored_id(volume)?], |row| {
            Ok(InventoryRow {
                format: row.get("format")?,
                record: row.get("record")?,
                read_at: row.get("read_at")?,
            })
        })
    }

    /// What the scanners found in a volume, the last one first. Of several that looked together, what they
    /// found together comes before what each did: its name is made of theirs, and longer.
    pub fn reports(&self, volume: VolumeId) -> Result<Vec<ReportRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT scanner, report, raw, scanned_at FROM reports WHERE volume = ?1
             ORDER BY scanned_at DESC, length(scanner) DESC, scanner",
        )?;
        rows(&mut statement, [stored_id(volume)?], report)
    }

    /// The first of them, as JSON, without what a scanner wrote itself: that may be large.
    pub fn last_report(&self, volume: VolumeId) -> Result<Option<String>> {
        let mut statement = self.0.prepare_cached(
            "SELECT report FROM reports WHERE volume = ?1
             ORDER BY scanned_at DESC, length(scanner) DESC, scanner LIMIT 1",
        )?;
        first(&mut statement, [stored_id(volume)?], |row| {
            Ok(row.get("report")?)
        })
    }

    /// What is waived in an image, also what has ended, by name.
    pub fn waivers(&self, image: &str) -> Result<Vec<WaiverRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT image, advisory, until, reason, given_by, given_at FROM waivers
             WHERE image = ?1 ORDER BY advisory",
        )?;
        rows(&mut statement, [image], waiver)
    }

    /// What was let through of a generation, oldest first.
    pub fn allowances(&self, image: ImageId) -> Result<Vec<AllowanceRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT image, machine, verdict, given_by, given_at FROM allowances
             WHERE image = ?1 ORDER BY id",
        )?;
        rows(&mut statement, [image.0], allowance)
    }
}

impl Writer<'_> {
    /// Records what is in a volume, in place of an earlier record.
    pub fn record_inventory(&self, volume: VolumeId, inventory: &InventoryRow) -> Result<()> {
        self.connection().execute(
            "INSERT INTO inventories (volume, format, record, read_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (volume) DO UPDATE SET format = excluded.format,
                 record = excluded.record, read_at = excluded.read_at",
            params![
                stored_id(volume)?,
                inventory.format,
                inventory.record,
                inventory.read_at
            ],
        )?;
        Ok(())
    }

    /// Records what a scanner found in a volume, in place of what it found before.
    pub fn record_report(&self, volume: VolumeId, report: &ReportRow) -> Result<()> {
        self.connection().execute(
            "INSERT INTO reports (volume, scanner, report, raw, scanned_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (volume, scanner) DO UPDATE SET report = excluded.report,
                 raw = excluded.raw, scanned_at = excluded.scanned_at",
            params![
                stored_id(volume)?,
                report.scanner,
                report.report,
                report.raw,
                report.scanned_at
            ],
        )?;
        Ok(())
    }

    /// Records a waiver, in place of an earlier one of the same name.
    pub fn waive(&self, waiver: &WaiverRow) -> Result<()> {
        self.connection().execute(
            "INSERT INTO waivers (image, advisory, until, reason, given_by, given_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (image, advisory) DO UPDATE SET until = excluded.until,
                 reason = excluded.reason, given_by = excluded.given_by,
                 given_at = excluded.given_at",
            params![
                waiver.image,
                waiver.advisory,
                waiver.until,
                waiver.reason,
                waiver.by,
                waiver.at
            ],
        )?;
        Ok(())
    }

    /// Takes a waiver back. Says whether there was one.
    pub fn unwaive(&self, image: &str, advisory: &str) -> Result<bool> {
        let changed = self.connection().execute(
            "DELETE FROM waivers WHERE image = ?1 AND advisory = ?2",
            [image, advisory],
        )?;
        Ok(changed > 0)
    }

    /// Records that a machine was let through.
    pub fn allow(&self, allowance: &AllowanceRow) -> Result<()> {
        self.connection().execute(
            "INSERT INTO allowances (image, machine, verdict, given_by, given_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                allowance.image.0,
                allowance.machine,
                allowance.verdict.as_str(),
                allowance.by,
                allowance.at
            ],
        )?;
        Ok(())
    }
}
