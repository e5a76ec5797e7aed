//! The thin pool of a state directory: made, brought up, taken down, destroyed, adopted, and chosen as what
//! volumes are made of; watched and given more room; checked, repaired, trimmed, moved.
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

pub(crate) use here::{Tender, backend, held_volume, is_on_lvm, must_show, stranger, tend};
pub use here::{
    adopt_pool, bring_pool_up, check_pool, create_pool, destroy_pool, extend_pool, migrate_pool,
    plan_pool, pool_status, recover_pool, repair_pool, save_volume, take_pool_down, trim_pool,
    watch_pool,
};
pub(crate) use report::Stranger;
pub use report::{
    AlarmLevel, PoolAlarm, PoolCheck, PoolGroup, PoolGrowth, PoolPart, PoolRecovery, PoolRepair,
    PoolReport, PoolSaved, PoolSpace, PoolTrim, PoolVolume,
};
pub use request::{Growing, PoolExtension, PoolParts, PoolPlace, PoolRecoveryRequest, PoolRequest};
