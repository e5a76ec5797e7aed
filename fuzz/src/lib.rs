//! What must hold for any input, as functions of bytes: `make fuzz` calls them, millions of times.
//!
//! Each function takes the bytes that the engine made up, draws what it needs from them, and panics
//! where something does not hold. It is the same for the same bytes: an input that was found is the
//! whole report. What a find turns into is in CONTRIBUTING.md, "How to fuzz".
#![forbid(unsafe_code)]

mod archive;
mod compressed;
mod damaged;
mod draw;
mod entries;
mod ext4;
mod fsck;
mod layers;
mod model;
mod operation;
mod overlay;
mod parts;
mod scratch;
mod seeds;
mod verdict;
mod watched;

// Two that stand elsewhere and are needed here as they are: the writer of archives out of the tests of
// `image`, and the oracle of `harbor`, without the servers that its crate brings along.
#[path = "../../crates/image/tests/it/builder.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
mod builder;
#[path = "../../crates/harbor/src/manifest.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "harbor uses all of it"
)]
mod manifest;
#[path = "../../crates/harbor/src/oracle/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "harbor uses all of it"
)]
mod oracle;

pub use archive::archive;
pub use compressed::compressed;
pub use damaged::damaged;
pub use ext4::ext4;
pub use layers::layers;
pub use seeds::seed;
