//! A cage: a child process of this same program in which hostile bytes are read, such that a fault
//! of a parser gains nothing.
//!
//! [`Cage::spawn`] starts this program again as `PROGRAM caged ROLE ...`. The child's main asks
//! [`role`] before anything else and gives itself up with [`Role::enter`]: it locks itself in and
//! says which [`Layer`]s hold. Only then does the parent send it a frame of bytes, with the
//! descriptors that it may use, and only then is there anything hostile in it. From then on it can
//! compute, start threads, read and write what is open, answer, and end; it opens, connects,
//! executes and signals nothing.
//!
//! ```no_run
//! use std::{io, process::ExitCode};
//!
//! use longshore_cage::{Cage, CageError, Inside};
//!
//! fn main() -> ExitCode {
//!     if let Some(role) = longshore_cage::role() {
//!         return role.enter(|role, inside| match role {
//!             "count" => count(inside),
//!             _ => Err(io::Error::other("there is no such role")),
//!         });
//!     }
//!     match Cage::new().spawn("count").and_then(|caged| caged.ask(b"hostile", &[])) {
//!         Ok(_answer) => ExitCode::SUCCESS,
//!         Err(CageError::Forbidden { .. }) => ExitCode::from(2),
//!         Err(_) => ExitCode::FAILURE,
//!     }
//! }
//!
//! fn count(inside: &Inside) -> io::Result<()> {
//!     let Some(job) = inside.receive()? else { return Ok(()) };
//!     inside.send(&job.bytes.len().to_le_bytes())
//! }
//! ```
//!
//! **The child is not believed.** Its frames are bounded, its last words are made harmless to
//! print, descriptors that it sends are dropped. It ends with its job, with its limits, with the
//! parent, or with a cancel; it is always reaped.
//!
//! **Where a layer is missing** the parent refuses ([`Need::Every`]) or goes on and can say what
//! is missing ([`Need::WhatThereIs`]). On other systems than Linux every layer is missing but the
//! process itself, with its address space and its end, and its wall clock.
#![deny(missing_docs)]

mod cage;
mod cancel;
mod error;
mod frame;
mod inside;
mod layer;
mod limits;
mod order;
mod parent;

pub use cage::{Cage, Need};
pub use cancel::Cancel;
pub use error::{Breach, CageError, End};
pub use frame::{LONGEST_JOB, MOST_DESCRIPTORS};
pub use inside::{Inside, Message, Role, role};
pub use layer::{Layer, Layers, State};
pub use limits::{Limit, Limits};
pub use parent::{Caged, Sender, harmless};
