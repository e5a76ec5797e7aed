//! How far a run is, on standard error: bars on a terminal, a line for each change of phase elsewhere.
//!
//! Events are lossy and may arrive late; nothing here is more than a picture. Fetching and unpacking
//! one layer overlap, so a layer's [`Stage`](stage::Stage) only ever goes forward.

mod bars;
mod lines;
mod stage;
mod task;

pub(crate) use task::Progress;
