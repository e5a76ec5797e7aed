//! What is in a root filesystem: its operating system, its packages, and what could not be read. Kept
//! as a record, so that a rescan only matches.

mod apk;
mod database;
mod dpkg;
mod executable;
mod gathered;
mod identify;
mod limits;
mod manager;
mod os;
mod os_release;
mod package;
mod problem;
mod read;
mod record;
mod rpm;
mod stanza;
mod value;

pub use limits::InventoryLimits;
use manager::Manager;
pub use os::Os;
pub use package::{Package, PackageKind, Source};
pub use read::read_inventory;
pub use record::{INVENTORY_FORMAT, Inventory};
