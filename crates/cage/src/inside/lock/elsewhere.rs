//! Systems that have none of the layers.

use std::io;

use crate::{layer::Layer, order::Order};

/// There is nothing that another thread could escape.
pub(crate) fn alone() -> io::Result<()> {
    Ok(())
}

/// No layer holds.
pub(crate) fn lock(_layer: Layer, _order: &Order) -> Result<String, String> {
    Err(format!("there is none on {}", std::env::consts::OS))
}
