//! Where the kernel is not Linux's there are no pools: volumes are files.

use std::{path::Path, path::PathBuf, sync::Arc};

use longshore_catalog::VolumeId;
use longshore_durable::Dir;
use longshore_volume::{Backend, FileBackend, SimulatedBackend};

use longshore_fsm::store::{Readers, SqliteStore};
use tokio_util::sync::CancellationToken;

use super::{
    PoolCheck, PoolExtension, PoolPlace, PoolRecovery, PoolRecoveryRequest, PoolRepair, PoolReport,
    PoolRequest, PoolSaved, PoolTrim, report::Stranger,
};
use crate::{
    BackendChoice, Class, Events, Failure, MachineName, Settings, View, contents::Held, deps::Deps,
    site::Site, trouble::Trouble,
};

fn not_here() -> Failure {
    Failure::new(
        Class::Failed,
        "no-device-mapper",
        "thin pools are Linux's, and not supported here",
    )
    .hint("use --backend file")
}

/// What the settings say, of what there is here.
pub(crate) fn backend(
    settings: &Settings,
    _: &Site,
    root: &dyn Dir,
    _: &Events,
) -> Result<Arc<dyn Backend>, Failure> {
    match settings.backend {
        BackendChoice::Thin => Err(not_here()),
        BackendChoice::Simulated => Ok(Arc::new(SimulatedBackend::new())),
        BackendChoice::Auto | BackendChoice::File => {
            Ok(Arc::new(FileBackend::open(root).map_err(Trouble::failure)?))
        }
    }
}

pub(crate) fn held_volume(_: &View, _: VolumeId) -> Result<(PathBuf, Box<dyn Held>), Failure> {
    Err(not_here())
}

pub(crate) fn must_show(_: &View, _: &Path, _: VolumeId) -> Result<(), Failure> {
    Err(not_here())
}

/// No pool is on anything.
pub(crate) fn is_on_lvm(_: &str) -> bool {
    false
}

/// Nobody tends what is not there.
#[derive(Debug)]
pub(crate) struct Tender;

/// There is nothing to tend.
pub(crate) fn tend(
    _: &SqliteStore,
    _: &Readers,
    _: &Events,
    _: &CancellationToken,
) -> Option<Tender> {
    None
}

/// There are none here.
///
/// # Errors
/// Always.
pub fn plan_pool(_: &Settings, _: &PoolRequest) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub fn pool_status(_: &Path) -> Result<PoolReport, Failure> {
    Err(Failure::new(
        Class::NotFound,
        "no-pool",
        "there is no pool here",
    ))
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn create_pool(_: Settings, _: PoolRequest) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn bring_pool_up(_: Settings, _: Events) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn take_pool_down(_: Settings) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn destroy_pool(_: Settings, _: bool) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn adopt_pool(_: Settings, _: MachineName) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn extend_pool(_: Settings, _: PoolExtension) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn check_pool(_: Settings, _: bool, _: Events) -> Result<PoolCheck, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn repair_pool(
    _: Settings,
    _: Option<PathBuf>,
    _: bool,
    _: Events,
) -> Result<PoolRepair, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn trim_pool(_: Settings, _: Events) -> Result<PoolTrim, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn migrate_pool(_: Settings, _: PoolPlace, _: Events) -> Result<PoolReport, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn watch_pool(
    _: Settings,
    _: std::time::Duration,
    _: CancellationToken,
    _: impl FnMut(PoolReport) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn recover_pool(_: Settings, _: PoolRecoveryRequest) -> Result<PoolRecovery, Failure> {
    Err(not_here())
}

/// There are none here.
///
/// # Errors
/// Always.
pub async fn save_volume(
    _: Settings,
    _: u64,
    _: PathBuf,
    _: Option<u64>,
    _: CancellationToken,
) -> Result<PoolSaved, Failure> {
    Err(not_here())
}

pub(crate) fn stranger(_: &Deps, _: VolumeId) -> Result<Stranger, Failure> {
    Err(not_here())
}
