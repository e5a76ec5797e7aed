//! Pools as Linux has them.

mod adopt;
mod check;
mod choice;
mod create;
mod down;
mod extend;
mod ledger;
mod marks;
mod migrate;
mod open;
mod reading;
mod repair;
mod row;
mod status;
mod tending;
mod told;
mod trim;
mod trouble;
mod up;
mod wanted;
mod whole;

pub use adopt::adopt_pool;
pub use check::check_pool;
pub use create::{create_pool, plan_pool};
pub use down::{destroy_pool, take_pool_down};
pub use extend::extend_pool;
pub use migrate::migrate_pool;
pub(crate) use open::backend;
pub(crate) use reading::held_volume;
pub use repair::repair_pool;
pub use status::pool_status;
pub use tending::watch_pool;
pub(crate) use tending::{Tender, tend};
pub use trim::trim_pool;
pub use up::bring_pool_up;
