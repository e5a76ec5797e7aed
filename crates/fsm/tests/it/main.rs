//! The engine and its stores from outside, on both stores.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the lint's exception knows no helpers of tests"
)]

mod attempts;
mod cancel;
mod crash;
mod flight;
mod legality;
mod looking;
mod record;
mod resume;
mod shutdown;
mod sqlite;
mod stores;
mod support;
