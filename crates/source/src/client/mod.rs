//! Talking to a source: one client for buckets and directories, with one reading of what failed.
//!
//! `object_store` speaks the protocols. Its retries, redirects and credential discovery are off:
//! trying again is decided here, once, for listings and bodies alike; a redirect is refused,
//! because a bucket must not be able to point this host at another; and nothing asks for instance
//! metadata.

mod answer;
mod body;
mod connect;
mod fault;
mod source;
mod strict;

pub use connect::ConnectError;
pub use source::Source;

pub(crate) use body::Body;
pub(crate) use connect::http_client;
pub(crate) use fault::{Fault, one_line};
pub(crate) use source::{Expect, version};
