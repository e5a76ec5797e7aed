//! Pools as Linux has them.

mod adopt;
mod choice;
mod create;
mod down;
mod ledger;
mod open;
mod reading;
mod row;
mod status;
mod told;
mod trouble;
mod up;
mod wanted;

pub use adopt::adopt_pool;
pub use create::{create_pool, plan_pool};
pub use down::{destroy_pool, take_pool_down};
pub(crate) use open::backend;
pub(crate) use reading::held_volume;
pub use status::pool_status;
pub use up::bring_pool_up;
