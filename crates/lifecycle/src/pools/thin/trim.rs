//! What is free in the pool given back to whatever its data is on.

use std::{fs, os::unix::fs::MetadataExt};

use longshore_volume::thin::Expected;

use super::{row::Known, while_down::while_down};
use crate::{Class, Events, Failure, PoolTrim, Settings, site::Site, trouble::Trouble};

/// Gives back what no volume has, for which the pool is taken down.
///
/// # Errors
/// [`Class::Usage`] where the pool keeps its room; [`Class::Busy`] while a disk is open.
pub async fn trim_pool(settings: Settings, events: Events) -> Result<PoolTrim, Failure> {
    while_down(&settings, events, |_: &Site, pool: &Known| trim(pool)).await
}

fn trim(pool: &Known) -> Result<PoolTrim, Failure> {
    if !pool.spec.can_be_trimmed() {
        let text = "the pool was made to keep its room";
        return Err(Failure::new(Class::Usage, "pool", text)
            .hint("only a sparse one, or one on devices, gives back what is free"));
    }
    let expected = Expected::At(pool.transaction);
    let is_it = pool.spec.must_be_it(&pool.name, expected);
    is_it.map_err(Trouble::failure)?;
    let taken = || {
        let found = fs::metadata(pool.spec.data.path()).ok()?;
        found.is_file().then(|| found.blocks() * 512)
    };
    let before = taken();
    let free_bytes = pool.spec.trim(&pool.name).map_err(Trouble::failure)?;
    let given_back = before
        .zip(taken())
        .map(|(before, now)| before.saturating_sub(now));
    Ok(PoolTrim {
        name: pool.name.to_string(),
        free_bytes,
        given_back_bytes: given_back,
    })
}
