//! Looking into one volume: what is in it, held against what is known.

use std::sync::Arc;

use longshore_catalog::{InventoryRow, ReportRow, VolumeId, Writer};
use longshore_fsm::store::WriteError;
use longshore_scan::{
    Advisories, Inventory, REPORT_FORMAT, Report, Scanned, ScannerKind, Target, match_inventory,
};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use super::{
    AdvisoryStore,
    inventory::{ReadInventory, inventory_of},
    layout::lay_out,
    room::Room,
    scanners::{Scanners, for_stored_images, is_a_program},
    update::freshen,
};
use crate::{Failure, deps::Deps};

/// The name of our own scanner.
pub(crate) const EMBEDDED: &str = "embedded";

/// What was seen in a volume, to be recorded.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) volume: VolumeId,
    inventory: Option<InventoryRow>,
    /// What each scanner said, and what they said together.
    reports: Vec<ReportRow>,
}

/// Who looks, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Looking {
    pub(crate) scanners: Vec<ScannerKind>,
    /// Cancelled when nobody waits for the answer any more.
    pub(crate) cancel: CancellationToken,
}

/// Looks into a volume. Advisories that are stale are brought up to date first, unless nothing may be
/// asked for; that they cannot be is told, and what is here is used.
pub(crate) async fn look(
    deps: &Arc<Deps>,
    volume: VolumeId,
    looking: Looking,
) -> Result<Looked, Failure> {
    let (inventory, row) = blocking(deps, move |deps| inventory_of(deps, volume)).await?;
    freshen(deps, &inventory.streams()).await;
    blocking(deps, move |deps| {
        looked(deps, volume, &inventory, row, &looking)
    })
    .await
}

/// The same of a volume that was read, with the advisories that are here.
pub(crate) fn look_again(
    deps: &Deps,
    volume: VolumeId,
    (inventory, row): ReadInventory,
    looking: &Looking,
) -> Result<Looked, Failure> {
    looked(deps, volume, &inventory, row, looking)
}

fn looked(
    deps: &Deps,
    volume: VolumeId,
    inventory: &Inventory,
    row: Option<InventoryRow>,
    looking: &Looking,
) -> Result<Looked, Failure> {
    for_stored_images(&looking.scanners)?;
    let room = is_a_program(&looking.scanners)
        .then(|| Room::make(&deps.state_dir))
        .transpose()?;
    let layout = match &room {
        Some(room) if looking.scanners.contains(&ScannerKind::TrivyImage) => {
            let layout = room.at("image");
            lay_out(deps, volume, &layout)?;
            Some(layout)
        }
        _ => None,
    };
    let (name, digest) = subject(deps, volume)?;
    let scanners = Scanners {
        kinds: &looking.scanners,
        scanning: &deps.scanning,
        advisories: &deps.advisories,
        state_dir: &deps.state_dir,
        room: room.as_ref().map_or(&deps.state_dir, Room::path),
    };
    let seen = scanners.scan(&Target {
        name: &name,
        digest: digest.as_deref(),
        inventory,
        image: layout.as_deref(),
        root: None,
        now_ms: deps.now(),
        cancelled: &|| looking.cancel.is_cancelled(),
    })?;
    let reports = seen.each.into_iter().map(report_row);
    Ok(Looked {
        volume,
        inventory: row,
        reports: reports.collect::<Result<_, _>>()?,
    })
}

/// What a volume is called where it has to be called something: as one of its images, with what it was built
/// of.
fn subject(deps: &Deps, volume: VolumeId) -> Result<(String, Option<String>), Failure> {
    let images = deps.read(|read| read.images())?;
    let image = images
        .into_iter()
        .find(|image| image.volume == Some(volume));
    Ok(match image {
        Some(image) => (image.name, image.chain.map(|chain| chain.to_string())),
        None => (format!("volume {volume}"), None),
    })
}

impl Looked {
    /// The write that records it.
    pub(crate) fn record(
        self,
    ) -> impl FnOnce(&Connection) -> Result<(), WriteError> + Send + 'static {
        move |connection| {
            let write = Writer::new(connection);
            if let Some(inventory) = &self.inventory {
                write.record_inventory(self.volume, inventory)?;
            }
            for report in &self.reports {
                write.record_report(self.volume, report)?;
            }
            Ok(())
        }
    }
}

/// What our own scanner finds.
pub(crate) fn embedded(
    store: &AdvisoryStore,
    inventory: &Inventory,
    now: i64,
    max_age: u64,
) -> Report {
    let shards = inventory
        .streams()
        .into_iter()
        .filter_map(|stream| store.get(&stream));
    let advisories: Advisories = shards.collect();
    let matched = match_inventory(inventory, &advisories, now, max_age);
    Report {
        format: REPORT_FORMAT,
        scanner: EMBEDDED.to_owned(),
        scanner_version: env!("CARGO_PKG_VERSION").to_owned(),
        scanned_at: now,
        advisories: matched.used,
        coverage: matched.coverage,
        covered_until: matched.covered_until,
        packages: u64::try_from(inventory.packages.len()).unwrap_or(u64::MAX),
        findings: matched.findings,
    }
}

fn report_row(scanned: Scanned) -> Result<ReportRow, Failure> {
    let Scanned { report, raw } = scanned;
    let text = serde_json::to_string(&report)
        .map_err(|error| Failure::broken("a report cannot be written").caused_by(&error))?;
    Ok(ReportRow {
        scanner: report.scanner,
        report: text,
        raw,
        scanned_at: report.scanned_at,
    })
}

/// Work that waits for disks and processors, on a thread where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    deps: &Arc<Deps>,
    work: impl FnOnce(&Deps) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let deps = Arc::clone(deps);
    tokio::task::spawn_blocking(move || work(&deps))
        .await
        .map_err(|error| Failure::broken("a scan was cut off").caused_by(&error))?
}
