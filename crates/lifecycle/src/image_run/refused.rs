//! Forgetting what was fetched of an image that was refused.

use std::sync::Arc;

use longshore_catalog::{ImageId, LayerRow, Writer};
use longshore_fsm::Attempt;
use longshore_image::Digest;
use rusqlite::Connection;

use crate::{Failure, deps::Deps, trouble::Trouble};

/// Leaves nothing behind of an image that was refused: the bytes of layers that no other image
/// has, whole or in part. What cannot be removed now is found at the next start.
pub(super) async fn forget_refused(
    deps: &Arc<Deps>,
    attempt: &Attempt<Connection>,
    image: ImageId,
) {
    // What is cancelled may be whole by now, and nobody has heard of it.
    deps.blobs.idle().await;
    if let Err(failure) = forget(deps, attempt, image).await {
        tracing::warn!(%failure, "bytes of a refused image are left for the next start");
    }
}

async fn forget(deps: &Deps, attempt: &Attempt<Connection>, image: ImageId) -> Result<(), Failure> {
    let layers = deps.read(|read| read.layers(image))?;
    let is_ours = |key: &str| layers.iter().any(|layer| layer.key == key);
    let mut receipts = deps.blobs.receipts().map_err(Trouble::failure)?;
    receipts.retain(|receipt| is_ours(receipt.locator.key.as_str()));
    let recorded = layers.iter().filter_map(|layer: &LayerRow| layer.digest);
    let proven = receipts.iter().map(|receipt| receipt.digest);
    let candidates: Vec<Digest> = recorded.chain(proven).collect();
    let forgotten = attempt.record(move |connection| {
        let write = Writer::new(connection);
        let mut forgotten = Vec::new();
        for digest in candidates {
            if !write.blob_has_other_users(&digest, image)? {
                write.forget_blob(&digest)?;
                forgotten.push(digest);
            }
        }
        Ok(forgotten)
    });
    for digest in forgotten.await.map_err(Trouble::failure)? {
        deps.blobs.remove(&digest).map_err(Trouble::failure)?;
    }
    for receipt in &receipts {
        deps.blobs
            .settle(&receipt.locator)
            .map_err(Trouble::failure)?;
    }
    for partial in deps.blobs.partials().map_err(Trouble::failure)? {
        let locator = partial.locator.as_ref();
        if locator.is_some_and(|locator| is_ours(locator.key.as_str())) {
            deps.blobs
                .remove_partial(partial.id)
                .map_err(Trouble::failure)?;
        }
    }
    Ok(())
}
