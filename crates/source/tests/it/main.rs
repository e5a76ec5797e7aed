//! What the crate promises, over real directories, a small S3 server that can be told to
//! misbehave, and a disk that loses what was not synced.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod crash;
mod directory;
mod documents;
mod faults;
mod fetching;
mod listing;
mod resuming;
mod s3;
mod support;
