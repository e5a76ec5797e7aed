//! Stores as builds of each schema version wrote them, and what this build makes of them.
//!
//! `tests/fixtures/store-vN.sql` is a store of schema version N, and is never changed once a build
//! that writes that version is out.

mod make;
mod script;
mod v1;
mod v2;
