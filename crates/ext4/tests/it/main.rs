//! The filesystem as others see it: e2fsck, debugfs, resize2fs, the kernel, and a model.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, also in what its tests share"
)]

mod damage;
mod determinism;
mod kernel;
mod model;
mod scale;
mod support;
mod tools;
mod trees;
