//! When the newest row was written: a clock that says less than that has gone back.

use crate::{Reader, error::Result};

impl Reader<'_> {
    /// The latest time that is in any row, in milliseconds since 1970; nothing where there are no rows.
    ///
    /// Times that lie ahead on purpose (until when a machine or a waiver is good) are not among them.
    pub fn newest(&self) -> Result<Option<i64>> {
        let newest = self.0.query_row(
            "SELECT max(at) FROM (
                SELECT max(stored_at) AS at FROM blobs
                UNION ALL SELECT max(pinned_at) FROM pins
                UNION ALL SELECT max(created_at) FROM volumes
                UNION ALL SELECT max(created_at) FROM images
                UNION ALL SELECT max(decided_at) FROM decisions
                UNION ALL SELECT max(created_at) FROM machines
                UNION ALL SELECT max(scanned_at) FROM reports
            )",
            [],
            |row| row.get(0),
        )?;
        Ok(newest)
    }
}
