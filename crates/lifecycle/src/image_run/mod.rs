//! The image workflow: from a name in a bucket to a sealed volume with a decision.
//!
//! ```text
//! resolve -> load -> scan -> admit
//! ```
//!
//! `load` is one step: fetching and unpacking overlap, and neither is a state of the engine. What
//! survives a crash is blobs and sealed volumes; a step that runs again finds them.

mod admit;
mod ahead;
mod build;
mod load;
mod obtain;
mod refused;
mod resolve;
mod sealed;
mod state;
mod watched;
mod workflow;

pub(crate) use state::{ImageRequest, ImageResponse, LoadedLayer};
pub(crate) use workflow::{WORKFLOW, workflow};
