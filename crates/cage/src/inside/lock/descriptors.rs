//! Closing what was left open to this process.

use std::{fs, os::fd::RawFd};

/// Closes everything but the standard three.
///
/// The parent closes its own on exec. What is closed here came from whoever started the parent.
pub(crate) fn close() -> Result<String, String> {
    for descriptor in open()? {
        // One of them was open for the listing itself, and is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
    match open()?.len() {
        // The listing's own.
        0 | 1 => Ok(String::new()),
        more => Err(format!("{} descriptors would not close", more - 1)),
    }
}

fn open() -> Result<Vec<RawFd>, String> {
    let listing =
        fs::read_dir("/proc/self/fd").map_err(|error| format!("/proc/self/fd: {error}"))?;
    let mut open = Vec::new();
    for entry in listing {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<RawFd>().ok());
        open.extend(number.filter(|&number| number > 2));
    }
    Ok(open)
}
