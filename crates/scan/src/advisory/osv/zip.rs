//! The archive of an ecosystem: `<ecosystem>/all.zip` of OSV's public export, a JSON file for each record.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::import::{MAX_RECORD_BYTES, take};
use crate::advisory::collect::{Collector, ImportError, Imported};
use crate::advisory::source::AdvisorySource;

/// The most that an archive may decompress to: eight times that of Ubuntu, the largest.
const MAX_TOTAL_BYTES: u64 = 16 << 30;

/// Makes shards of an archive of OSV records. Files that are no JSON are passed over.
///
/// # Errors
/// It is no such archive or damaged, nothing is in it, too many of its records are bad, or there is more in it
/// than is read.
pub fn import_osv_zip(
    archive: impl Read + Seek,
    source: &AdvisorySource,
) -> Result<Imported, ImportError> {
    let mut collector = Collector::new(source);
    let mut archive = ZipArchive::new(archive).map_err(|error| collector.unreadable(error))?;
    let mut json = Vec::new();
    let mut total = 0;
    for nth in 0..archive.len() {
        let file = archive
            .by_index(nth)
            .map_err(|error| collector.unreadable(error))?;
        let name = file
            .name()
            .map_err(|error| collector.unreadable(error))?
            .into_owned();
        if !file.is_file() || !name.ends_with(".json") {
            continue;
        }
        json.clear();
        // One byte more than a record may have, so that a longer one is seen to be.
        let limit = MAX_RECORD_BYTES as u64 + 1;
        file.take(limit)
            .read_to_end(&mut json)
            .map_err(|error| collector.unreadable(format!("{name}: {error}")))?;
        total += json.len() as u64;
        if total > MAX_TOTAL_BYTES {
            return Err(collector.too_much(format!("more than {MAX_TOTAL_BYTES} bytes")));
        }
        take(&mut collector, &name, &json)?;
    }
    collector.finish()
}
