//! The limits that the kernel keeps.

use rustix::{
    io::Result,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use crate::order::Order;

/// Sets them, for good: without capabilities nobody raises what was lowered.
pub(crate) fn set(order: &Order) -> Result<()> {
    // The signal at the first says what was used up, and is deadly if it is not ignored; the
    // second kills.
    let cpu = (order.cpu_seconds, order.cpu_seconds.saturating_add(1));
    let both = |limit| (limit, limit);
    for (resource, (soft, hard)) in [
        (Resource::As, both(order.memory_bytes)),
        (Resource::Cpu, cpu),
        (Resource::Nofile, both(order.descriptors.saturating_add(3))),
        (Resource::Fsize, both(order.file_bytes)),
        (Resource::Core, both(0)),
        (Resource::Memlock, both(0)),
        (Resource::Msgqueue, both(0)),
    ] {
        // What the parent has itself cannot be exceeded.
        let highest = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(soft.min(highest)),
            maximum: Some(hard.min(highest)),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}
