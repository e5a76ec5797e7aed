//! The steps of the image workflow in their order, and how often each is tried.

use std::sync::Arc;

use longshore_fsm::{BuildErrors, Workflow};
use rusqlite::Connection;

use super::{ImageRequest, ImageResponse, admit, load::load, resolve::resolve};
use crate::deps::Deps;

/// The workflow's name.
pub(crate) const WORKFLOW: &str = "image";

/// Changes with the steps and with what they store.
const VERSION: u32 = 1;

pub(crate) fn workflow(
    deps: &Arc<Deps>,
) -> Result<Workflow<ImageRequest, ImageResponse, Connection>, BuildErrors> {
    let [a, b, c, d] = std::array::from_fn(|_| Arc::clone(deps));
    let policy = || deps.step_policy();
    Workflow::builder(WORKFLOW, VERSION)
        .start_with("resolve", policy(), move |ctx| {
            Box::pin(resolve(Arc::clone(&a), ctx))
        })
        .to_with("load", policy(), move |ctx| {
            Box::pin(load(Arc::clone(&b), ctx))
        })
        .to_with("scan", policy(), move |ctx| {
            Box::pin(admit::scan(Arc::clone(&c), ctx))
        })
        .to_with("admit", policy(), move |ctx| {
            Box::pin(admit::admit(Arc::clone(&d), ctx))
        })
        .end()
}
