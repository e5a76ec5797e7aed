//! Data that is not in the repository and is read where it is.

use std::path::{Path, PathBuf};

/// A folder of `../shared/scan` beside the workspace, where that is there.
#[expect(clippy::print_stdout, reason = "a test says what it skips")]
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/scan");
    if all.is_dir() {
        return Some(all.join(folder));
    }
    println!("skipped: no ../shared/scan beside the workspace");
    None
}
