//! Files for programs and readers that want some: in `TMPDIR`, used again by the next input.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The file of this name, which may be there already.
///
/// It is not removed: the engine ends its process without a word. Whoever starts it removes `TMPDIR`.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("longshore-fuzz-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("the temporary directory can be written");
        dir
    });
    dir.join(name)
}
