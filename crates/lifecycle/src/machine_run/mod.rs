//! The machine workflow: a disk of its own for one machine, made of an admitted image.
//!
//! ```text
//! activate
//! ```

mod activate;
mod state;

pub(crate) use activate::workflow;
pub(crate) use state::{MachineRequest, MachineResponse};
