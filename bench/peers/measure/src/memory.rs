//! How much memory this process has, as its kernel says.

use std::fs;

use crate::peer::Failure;

/// `VmRSS` of this process in KiB: what it has in memory, its files' mapped pages among it.
pub(crate) fn resident_kib() -> Result<u32, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let text = line.and_then(|l| l.split_whitespace().next());
    Ok(text.ok_or("no VmRSS in /proc/self/status")?.parse()?)
}
