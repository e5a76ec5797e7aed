//! The judges judged: the server over real connections, the oracle against other extractors.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(clippy::print_stdout, reason = "a test says what it passes over")]

mod architecture;
mod families;
mod http;
mod judges;
mod program;
mod s3_clients;
mod s3_faults;
mod s3_objects;
