//! What each verb does: asks the facade, and hands its answer to be printed.

mod advisories;
mod backup;
mod check;
mod completions;
mod config;
mod demo;
mod disks;
mod dispatch;
mod doctor;
mod fetch;
mod images;
mod machines;
mod pool;
mod remove;
mod runs;
mod scan;
mod waive;
mod watch;

pub(crate) use dispatch::dispatch;
