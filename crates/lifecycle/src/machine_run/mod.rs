//! The machine workflow: a disk of its own for one machine, made of an admitted image.
//!
//! ```text
//! version 2    reserve -> activate      reserve is undone: what only this run knew of goes
//! version 1    activate                 of an earlier release; a run that it left is carried out
//! ```

mod activate;
mod reserve;
mod state;
mod undo;
mod version_1;
mod workflow;

pub(crate) use reserve::{check_base, disk_size, other_size};
pub(crate) use state::{MachineRequest, MachineResponse};
pub(crate) use workflow::{WORKFLOW, version_1, workflow};
