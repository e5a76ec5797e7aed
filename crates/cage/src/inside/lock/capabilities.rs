//! Giving up every capability.

use rustix::{
    io::{Errno, Result},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities,
    },
};

/// Empties every set of this thread.
pub(crate) fn drop_all() -> Result<()> {
    for bit in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // The first number that the kernel has no capability for.
            Err(Errno::INVAL) => break,
            // Who has none may not change what could be gained by executing, and executes nothing.
            Err(Errno::PERM) => break,
            Err(error) => return Err(error),
        }
    }
    match clear_ambient_capability_set() {
        // Linux before 4.3 has no such set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error),
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none)
}
