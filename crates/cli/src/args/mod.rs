//! What can be typed: the verbs, their flags, and what every command understands.
//!
//! Nothing is decided here. A word that has a shape (an image's name, a size, a time) is parsed into
//! its type while the arguments are read, so that a wrong one is a usage error that names it.

mod check;
mod command;
mod day;
mod disks;
mod duration;
mod global;
mod pool;
mod runs;
mod scan;
mod verb;

pub use check::Check;
pub use command::{Cli, command};
pub use day::{Day, DayError};
pub use disks::{Cat, Disk, Export, Ls, MonitorName};
pub use duration::{DurationError, duration};
pub use global::{BackendName, ColorWhen, Format, Global};
pub use pool::{Pool, PoolCreate, PoolExtend, PoolMigrate, PoolRecover, PoolVerb};
pub use runs::{Runs, RunsList, RunsVerb};
pub use scan::{Advisories, AdvisoriesVerb, AllowFlags, Sbom, Scan, Waive};
pub use verb::{
    Activate, Backup, Cleanup, Completions, Config, ConfigVerb, Deactivate, Demo, FetchAndCreate,
    List, MachineFlags, Remove, Reset, Show, Verb,
};
