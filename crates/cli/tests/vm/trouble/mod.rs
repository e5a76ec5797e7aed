//! Pools that get into trouble, made for real, and out of it by the steps that the documentation has. What survives
//! is what it was, byte for byte.
//! The gate has time for one of them, a soak for all.

mod all;
mod damaged;
mod doctor;
mod failing;
mod files;
mod full;
mod lost;
mod moved;
mod scene;

pub(crate) use all::SCENARIOS;
pub(crate) use scene::{
    BITMAPS_AT, DISK, IMAGE, META, alarms, assert_survived, digest, finish, move_database,
    on_files, site_with_machine, spoil, status, superblock, write,
};
