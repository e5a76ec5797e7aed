//! The engine and its stores from outside, on both stores.

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
