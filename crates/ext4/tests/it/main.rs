//! The filesystem as others see it: e2fsck, debugfs, resize2fs, the kernel, and a model.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what tests share panics like a test, and says what it skips"
)]

mod arcbox;
mod attributes;
mod damage;
mod determinism;
mod device;
mod foreign;
mod foreign_damage;
mod hashed;
mod kernel;
mod limits;
mod listing;
mod model;
mod mount;
mod population;
mod resize;
mod scale;
mod support;
mod tools;
mod trees;
