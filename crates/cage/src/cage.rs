//! [`Cage`]: how a child is to be held, and [`Cage::spawn`], which starts one.

use std::ffi::OsString;

use crate::{
    cancel::Cancel,
    error::CageError,
    layer::Layer,
    limits::Limits,
    order::Order,
    parent::{self, Caged},
};

/// The argument that makes this program a caged child.
pub(crate) const WORD: &str = "caged";

/// Which layers must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Need {
    /// All of them: the child is given nothing where one is missing.
    #[default]
    Every,
    /// Those that the kernel has; [`Caged::layers`] says which.
    WhatThereIs,
}

/// How children are to be held. Any number may be started in the same way.
#[derive(Debug, Clone, Default)]
pub struct Cage {
    limits: Limits,
    need: Need,
    without: Vec<Layer>,
    cancel: Option<Cancel>,
}

impl Cage {
    /// One with the default limits that needs every layer.
    pub fn new() -> Cage {
        Cage::default()
    }

    /// With these limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Cage {
        self.limits = limits;
        self
    }

    /// With these layers at least.
    #[must_use]
    pub fn need(mut self, need: Need) -> Cage {
        self.need = need;
        self
    }

    /// Ended by this, too.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Cage {
        self.cancel = Some(cancel.clone());
        self
    }

    /// As though the kernel lacked the layer: to see what a caller does then. With [`Need::Every`]
    /// no child is given anything.
    #[must_use]
    pub fn without(mut self, layer: Layer) -> Cage {
        self.without.push(layer);
        self
    }

    /// Starts this program again as a child in the role `role`, and waits until it is locked in.
    ///
    /// The child inherits nothing: no variable of the environment, no descriptor, not the working
    /// directory, and not the terminal's signals. It ends with the thread that calls this, which
    /// is why a [`Caged`] stays on its thread.
    ///
    /// # Errors
    /// [`CageError::Unavailable`] where [`Need::Every`] is not met; `Host` where no process can be
    /// started; `Crashed` where this program does not know the role or its main does not ask
    /// [`role`](crate::role).
    pub fn spawn(&self, role: &str) -> Result<Caged, CageError> {
        let order = Order::new(&self.limits, &self.without).to_string();
        let arguments = [WORD, role, order.as_str()].map(OsString::from);
        let mut caged = parent::start(&arguments, &self.limits, self.cancel.clone())?;
        caged.greet(self.need, self.limits.answer_bytes)?;
        Ok(caged)
    }
}
