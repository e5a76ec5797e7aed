//! The product: the image and machine workflows behind one facade.
//!
//! [`Host`] works: it takes the state directory's lock, makes catalogue and disk agree, and runs
//! what it is asked for. [`View`] looks: without the lock, also while a host works. [`remote`]
//! asks an origin what it offers.
//!
//! Whatever fails, fails as a [`Failure`]: what, on what, why, and what to do.

mod backup;
mod caged;
mod check;
mod claim;
mod cleanup;
mod contents;
#[cfg(test)]
mod crash;
mod deps;
mod df;
mod doctor;
mod drive;
#[cfg(test)]
mod earlier_release;
mod event;
mod failure;
mod flights;
#[cfg(test)]
mod given_up;
mod history;
mod host;
mod image_run;
mod join;
#[cfg(test)]
mod kit;
mod machine_name;
mod machine_options;
mod machine_run;
mod machines;
#[cfg(test)]
mod made_up;
mod plan;
mod pools;
mod reconcile;
mod remote;
mod remove;
mod report;
mod reset;
mod result;
mod room;
mod run_report;
mod run_trouble;
mod runs;
mod scanned_path;
mod scanning;
mod settings;
mod site;
mod state_dir;
mod status;
mod summary;
mod trouble;
mod unpacking;
mod view;
mod view_runs;
mod watch;

pub use backup::{BackedUpPool, BackupReport, backup};
pub use caged::{CageMode, caged};
pub use check::{CheckReport, CheckedLayer, Rejection, TreeRow, Verdict, check};
pub use contents::{Contents, Exported, Listing, PathReport};
pub use df::{ImageSpace, MachineSpace, Space, SpaceReport};
pub use doctor::{Check, CheckState, Examination, agreement, examine};
pub use drive::{Drive, Monitor};
pub use event::{Event, Events, Phase};
pub use failure::{Class, Details, Failure};
pub use history::HistoryRow;
pub use host::{FetchRequest, Host};
pub use longshore_cage::Layer as CageLayer;
pub use longshore_image::{
    Counters, DeviceNumber, DevicePolicy, Limit, Limits, Listed, ListingContent, Unit,
};
pub use longshore_scan::{
    Combination, Counts, Coverage, Excuse, Excused, Finding, FixStatus, Policy, ScannerKind,
    Severity,
};
pub use longshore_source::{
    Auth, Endpoint, EndpointError, ImageName, NameError, SourceConfig, SourceUrl, SourceUrlError,
};
pub use machine_name::{MachineName, default_machine_name};
pub use machine_options::MachineOptions;
pub use pools::{
    AlarmLevel, Growing, PoolAlarm, PoolCheck, PoolExtension, PoolGroup, PoolGrowth, PoolPart,
    PoolParts, PoolPlace, PoolRecovery, PoolRecoveryRequest, PoolRepair, PoolReport, PoolRequest,
    PoolSaved, PoolSpace, PoolTrim, PoolVolume, adopt_pool, bring_pool_up, check_pool, create_pool,
    destroy_pool, extend_pool, migrate_pool, plan_pool, pool_status, recover_pool, repair_pool,
    save_volume, take_pool_down, trim_pool, watch_pool,
};
pub use remote::remote;
pub use report::{
    AllowanceReport, ImageDetail, ImageReport, ImageSummary, LayerDetail, LayerReport,
    MachineReport, MachineSummary, PinReport, RemoteImage, Removed, Timings, VolumeDetail,
    VolumeReport, WaiverReport,
};
pub use run_report::{RunReport, WaitsFor};
pub use runs::RunChanged;
pub use scanning::{
    AdvisoriesKept, AdvisoriesUpdated, Allow, DEFAULT_ADVISORIES_MAX_AGE,
    DEFAULT_ADVISORIES_REFRESH, DEFAULT_TRIVY_TIMEOUT, Imported, MaterialsForm, NewWaiver,
    PathInventory, PathScan, Publishers, ScanOutcome, ScanReport, ScanSummary, Scanning,
    TrivyNetwork, TrivySettings, import_advisories, is_a_program, kept_advisories, scan_path,
    update_advisories,
};
pub use settings::{
    BackendChoice, DEFAULT_IMAGES_AT_ONCE, DEFAULT_INFLATE_AHEAD, DEFAULT_VOLUME_SIZE, Settings,
};
pub use status::Status;
/// Tells work that runs without a host to end.
pub use tokio_util::sync::CancellationToken;
pub use view::View;
pub use view_runs::{RunDetail, RunList, RunsFilter, WORKFLOWS};
pub use watch::{Look, Watch};
