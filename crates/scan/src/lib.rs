//! What is in a root filesystem, what is known against it, and whether that is all there is to know.
//!
//! ```text
//! Rootfs --read_inventory--> Inventory --match, with Advisories--> Report --judge, with Policy--> Judgement
//! ```
//!
//! Two verdicts are kept apart. [`Coverage`] says how much was looked into, findings what was found there:
//! an answer without findings is worth as much as its coverage. Nothing here touches a network, and time
//! is an argument.
#![deny(missing_docs)]

mod advisory;
mod bounded;
mod combine;
mod coverage;
mod day;
mod ecosystem;
mod finding;
mod inventory;
mod matching;
mod openvex;
mod policy;
mod process;
mod program;
mod purl;
mod report;
mod rootfs;
mod sbom;
mod scanner;
mod severity;
mod trivy;
mod version;

pub use advisory::{
    Advisories, Advisory, AdvisorySource, End, Entry, ImportError, ImportReport, Imported,
    MAX_SHARD_BYTES, MAX_TITLE_CHARS, Range, SHARD_FORMAT, Shard, ShardError, Skipped,
    baseline_shards, end_of_life, import_osv, import_osv_zip, import_secdb, import_tracker,
};
pub use combine::{Combination, UnknownCombination, combine};
pub use coverage::{Coverage, Reason};
pub use ecosystem::{Ecosystem, Scheme, Stream, UnknownEcosystem};
pub use finding::{Finding, FixStatus};
pub use inventory::{
    INVENTORY_FORMAT, Inventory, InventoryLimits, Os, Package, PackageKind, Source, read_inventory,
};
pub use matching::{Hit, Matched, match_inventory, match_package};
pub use openvex::{NotOpenVex, OpenVex, VexStatement, VexStatus};
pub use policy::{Excuse, Excused, Judgement, Judging, Policy, Verdict, Waiver, judge};
pub use program::{NoVersion, program_version};
pub use purl::package_url;
pub use report::{AdvisoriesUsed, Counts, REPORT_FORMAT, Report};
pub use rootfs::{
    DirRootfs, Enough, FileKind, Rootfs, RootfsEntry, RootfsError, RootfsFile, Visited, read_file,
    read_some,
};
#[cfg(any(test, feature = "testing"))]
pub use rootfs::{MemoryRootfs, SAMPLE, Sample, rootfs_conforms};
pub use sbom::{SbomSubject, cyclonedx, spdx};
pub use scanner::{Scanned, Scanner, ScannerError, ScannerKind, Target, UnknownScanner};
pub use severity::{Severity, UnknownSeverity};
pub use trivy::{
    NotAReport, Trivy, TrivyDatabase, TrivyFindings, TrivyVersion, TrivyWay,
    UnreadableTrivyVersion, VersionReport, normalise,
};
pub use version::{
    MAX_VERSION_BYTES, UnreadableVersion, check as check_version, compare as compare_versions,
};
