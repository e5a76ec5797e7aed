//! What must hold for any input, as functions of bytes: `make fuzz` calls them, millions of times.
//!
//! Each function takes the bytes that the engine made up, draws what it needs from them, and panics
//! where something does not hold. It is the same for the same bytes: an input that was found is the
//! whole report. What a find turns into is in CONTRIBUTING.md, "How to fuzz".
#![forbid(unsafe_code)]

mod advisories;
mod archive;
mod compressed;
mod damaged;
mod draw;
mod entries;
mod ext4;
mod fsck;
mod inventory;
mod layers;
mod model;
mod operation;
mod overlay;
mod parts;
mod scratch;
mod seeds;
mod verdict;
mod versions;
mod watched;

// What stands elsewhere and is needed here as it is: the writers out of the tests of `image` and `scan`,
// and the oracle of `harbor`, without the servers that its crate brings along.
#[path = "../../crates/image/tests/it/builder.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
mod builder;
#[path = "../../crates/scan/tests/it/inventory/counted.rs"]
#[allow(
    dead_code,
    missing_debug_implementations,
    reason = "the tests use all of it"
)]
mod counted;
#[path = "../../crates/scan/tests/it/inventory/elf_file.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod elf_file;
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
#[path = "../../crates/scan/tests/it/inventory/rpm_file.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod rpm_file;

pub use advisories::advisories;
pub use archive::archive;
pub use compressed::compressed;
pub use damaged::damaged;
pub use ext4::ext4;
pub use inventory::{apk, dpkg, elf, os_release, rpm};
pub use layers::layers;
pub use seeds::seed;
pub use versions::versions;
