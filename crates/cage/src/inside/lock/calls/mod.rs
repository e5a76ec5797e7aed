//! The system calls that a caged child may make.

mod allowed;
mod deadly;
mod filter;

pub(crate) use filter::restrict;
