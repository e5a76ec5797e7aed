//! The judges judged: the server over real connections, the oracle against other extractors.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod architecture;
mod families;
mod http;
mod s3_clients;
mod s3_faults;
mod s3_objects;
