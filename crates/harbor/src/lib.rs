//! Development only: an S3 server, families of layers, and judges that share no code with the product.
//!
//! What is built by longshore is judged here by something else:
//! * [`s3`] serves a directory as a bucket, records every request and breaks answers to order;
//! * [`family`] writes families of layers, honest and hostile, always the same bytes;
//! * [`real`] makes (once) a small family of real Debian packages;
//! * [`oracle`] applies layers on its own and says what the root filesystem must hold, as a
//!   [`manifest`];
//! * [`forgetting`] takes out of a state directory what the product would never forget;
//! * [`readback`] says what a disk image does hold, through the kernel or debugfs.
//!
//! This crate depends on no other part of the workspace, so that a mistake there cannot be repeated
//! by its judge, and it is never shipped.

#![forbid(unsafe_code)]

pub mod family;
pub mod forgetting;
pub mod manifest;
pub mod oracle;
pub mod readback;
pub mod real;
pub mod s3;
