//! What `check` takes.

use std::path::PathBuf;

use clap::Args;

/// Look at layers in files as one image, and say whether it would be taken
///
/// Applies the layers in order to a tree in memory, with every rule and limit that holds for an image
/// that is brought here. No catalogue is opened and no disk written. Exit code 0 if the image is
/// accepted, 6 if a layer is rejected; docs/rejections.md explains each code.
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// The layers' files, the lowest first: tar, plain or compressed with gzip or zstd
    #[arg(required = true, value_name = "LAYER")]
    pub layers: Vec<PathBuf>,

    /// Print the merged tree instead, a line a path
    ///
    /// Between tabs: type and mode, owner, time, size, digest, path, target of a symlink, first path
    /// of its hard links, extended attributes; `-` for what there is not.
    #[arg(long)]
    pub list: bool,
}
