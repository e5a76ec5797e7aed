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

#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod report;
mod request;
#[cfg(target_os = "linux")]
mod thin;

#[cfg(not(target_os = "linux"))]
use elsewhere as here;
#[cfg(target_os = "linux")]
use thin as here;

pub use here::{
    adopt_pool, bring_pool_up, create_pool, destroy_pool, plan_pool, pool_status, take_pool_down,
};
pub(crate) use here::{backend, held_volume};
pub use report::{PoolPart, PoolReport, PoolSpace};
pub use request::{PoolPlace, PoolRequest};
