//! Stored bytes inflated: plain, gzip or zstd, told by their first bytes.
//!
//! One level only: what is inside is not looked at again. All members of a gzip file and all frames of
//! a zstd file belong to it (RFC 1952, 2.2; RFC 8878, 3.1), anything else after them is rejected, and
//! so is more output for the input than the ratio allows, while it comes out.

mod gzip;
mod source;
mod stream;
mod zstd;

pub(crate) use stream::Inflate;
pub use stream::is_compressed;
