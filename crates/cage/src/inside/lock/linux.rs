//! The layers of Linux, each by its name.

use std::{fs, io};

use rustix::{
    process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal},
    thread::{no_new_privs, set_no_new_privs},
};

use super::{capabilities, descriptors, landlock, limits};
use crate::{layer::Layer, order::Order};

/// Fails where this process has another thread: it would stay outside.
///
/// Without /proc nobody can tell; then the descriptors are not closed either, and
/// [`Layer::Descriptors`] says so.
pub(crate) fn alone() -> io::Result<()> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(0 | 1) | Err(_) => Ok(()),
        Ok(threads) => Err(io::Error::other(format!(
            "a caged child must be alone before it is locked in, and has {threads} threads"
        ))),
    }
}

/// Locks one layer; says how well, or why not.
pub(crate) fn lock(layer: Layer, order: &Order) -> Result<String, String> {
    match layer {
        Layer::ParentDeath => {
            // A parent that died before this has closed the channel, and sent nothing.
            let kill = Some(Signal::KILL);
            said(set_parent_process_death_signal(kill))
        }
        Layer::NoNewPrivileges => {
            said(set_no_new_privs(true))?;
            match no_new_privs() {
                Ok(true) => Ok(String::new()),
                _ => Err("the kernel does not keep it".to_owned()),
            }
        }
        Layer::NotDumpable => said(set_dumpable_behavior(DumpableBehavior::NotDumpable)),
        Layer::Descriptors => descriptors::close(),
        Layer::Capabilities => said(capabilities::drop_all()),
        Layer::Landlock => landlock::restrict(),
        Layer::Limits => said(limits::set(order)),
        Layer::SystemCalls => system_calls(),
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn system_calls() -> Result<String, String> {
    super::calls::restrict()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn system_calls() -> Result<String, String> {
    let here = std::env::consts::ARCH;
    Err(format!("there is no list of system calls for {here}"))
}

fn said(result: rustix::io::Result<()>) -> Result<String, String> {
    match result {
        Ok(()) => Ok(String::new()),
        Err(error) => Err(std::io::Error::from(error).to_string()),
    }
}
