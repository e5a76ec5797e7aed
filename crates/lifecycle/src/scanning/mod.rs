//! Looking into images: what is in a volume, what is known against it, and whether a machine may be made
//! of it.
//!
//! ```text
//! volume --inventory--> record --look, with advisories--> report --judged, with waivers--> decision
//! ```
//!
//! Inventories and reports are kept by volume, so that images of equal layers share them and a rescan
//! only matches. Decisions are kept by image, and made again whenever what they rest on changes.

mod admission;
mod command;
mod import;
mod inventory;
mod judged;
mod keeping;
mod layout;
mod look;
mod materials;
mod path;
mod publisher;
mod room;
mod scanners;
mod settings;
mod store;
mod trivy_databases;
mod update;
pub(crate) mod vex;

pub(crate) use admission::{Allowed, admit, record as record_allowance};
pub use command::{NewWaiver, ScanReport};
pub use import::Imported;
pub(crate) use judged::{Judged, decision};
pub use judged::{ScanOutcome, ScanSummary};
pub use keeping::{AdvisoriesKept, import_advisories, kept_advisories, update_advisories};
pub(crate) use look::{Looking, look};
pub use materials::MaterialsForm;
pub use path::{PathInventory, PathScan, scan_path};
pub(crate) use room::clear_rooms;
pub(crate) use scanners::for_stored_images;
pub use scanners::is_a_program;
pub use settings::{
    Allow, DEFAULT_ADVISORIES_MAX_AGE, DEFAULT_ADVISORIES_REFRESH, DEFAULT_TRIVY_TIMEOUT,
    Publishers, Scanning, TrivyNetwork, TrivySettings,
};
pub(crate) use store::{AdvisoryStore, Kept as KeptStream, day};
pub(crate) use trivy_databases::kept as kept_databases;
pub use update::AdvisoriesUpdated;
pub(crate) use update::Updater;
