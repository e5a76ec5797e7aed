//! The configuration of an image, of which only the identities of its layers are taken.

use serde::Deserialize;

use super::document::{malformed, parse};
use super::list::List;
use super::{BundleError, PartName};
use crate::DiffId;

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default)]
    rootfs: Option<RootFs>,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<List<DiffId>>,
}

/// The diff ids of an image's layers, as many as it has; none where the configuration names none.
pub(super) fn diff_ids(
    part: &PartName,
    json: &[u8],
    layers: usize,
) -> Result<Vec<Option<DiffId>>, BundleError> {
    let config: Config = parse(part, json)?;
    let Some(List(diff_ids)) = config.rootfs.and_then(|rootfs| rootfs.diff_ids) else {
        return Ok(vec![None; layers]);
    };
    if diff_ids.len() != layers {
        let why = format!("it names {} layers, and there are {layers}", diff_ids.len());
        return Err(malformed(part, why));
    }
    Ok(diff_ids.into_iter().map(Some).collect())
}
