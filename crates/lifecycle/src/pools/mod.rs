//! The thin pool of a state directory: made, brought up, taken down, destroyed, adopted, and chosen as what
//! volumes are made of.
//!
//! ```text
//! catalogue: name, phase, what it is made of, last change that was written down
//!      |
//!   PoolSpec (longshore-volume) --- loop devices, device-mapper
//! ```
//! A pool is in the catalogue before anything is made of it, and until nothing is left. One that is ready is brought
//! up by whoever needs it; one that was taken down stays so until somebody brings it up.

mod adopt;
mod choice;
mod create;
mod down;
mod ledger;
mod open;
mod reading;
mod report;
mod request;
mod row;
mod status;
mod trouble;
mod up;

pub use adopt::adopt_pool;
pub use create::{create_pool, plan_pool};
pub use down::{destroy_pool, take_pool_down};
pub(crate) use open::backend;
pub(crate) use reading::held_volume;
pub use report::{PoolPart, PoolReport, PoolSpace};
pub use request::{PoolPlace, PoolRequest};
pub use status::pool_status;
pub use up::bring_pool_up;
