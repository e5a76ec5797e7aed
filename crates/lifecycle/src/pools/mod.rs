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

#[cfg(target_os = "linux")]
mod adopt;
#[cfg(target_os = "linux")]
mod choice;
#[cfg(target_os = "linux")]
mod create;
#[cfg(target_os = "linux")]
mod down;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod ledger;
#[cfg(target_os = "linux")]
mod open;
#[cfg(target_os = "linux")]
mod reading;
mod report;
mod request;
#[cfg(target_os = "linux")]
mod row;
#[cfg(target_os = "linux")]
mod status;
#[cfg(target_os = "linux")]
mod told;
#[cfg(target_os = "linux")]
mod trouble;
#[cfg(target_os = "linux")]
mod up;
#[cfg(target_os = "linux")]
mod wanted;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    adopt_pool, bring_pool_up, create_pool, destroy_pool, plan_pool, pool_status, take_pool_down,
};
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{backend, held_volume};
pub use report::{PoolPart, PoolReport, PoolSpace};
pub use request::{PoolPlace, PoolRequest};
#[cfg(target_os = "linux")]
pub use {
    adopt::adopt_pool,
    create::{create_pool, plan_pool},
    down::{destroy_pool, take_pool_down},
    status::pool_status,
    up::bring_pool_up,
};
#[cfg(target_os = "linux")]
pub(crate) use {open::backend, reading::held_volume};
