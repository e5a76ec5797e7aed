//! [OpenVEX](https://github.com/openvex/spec) 0.2.0: what an operator says of vulnerabilities in the images
//! that run here.
//!
//! A document comes from the operator, never out of an image. It may take findings away, so it is read
//! strictly: what is not understood is an error, and not a statement less.

mod document;
mod matching;

pub use document::{NotOpenVex, OpenVex, VexStatement, VexStatus};
