//! The engine and its stores from outside, on both stores.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the lint's exception knows no helpers of tests"
)]

mod attempts;
mod between;
mod cancel;
mod copying;
mod crash;
mod ending;
mod fault;
mod flight;
mod kill;
mod kit;
mod legality;
mod looking;
mod old_data;
mod pausing;
mod record;
mod resume;
mod shutdown;
mod simulation;
#[path = "../../../../tests/soak.rs"]
mod soak;
mod sqlite;
mod stores;
mod support;
mod turns;
mod wrong_use;
