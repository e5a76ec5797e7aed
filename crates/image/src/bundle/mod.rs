//! An image as one archive or directory: what `docker save`, `skopeo` and their like write, down to its
//! layers in order.
//!
//! Two forms: an OCI image layout (`oci-layout`, `index.json`, `blobs/`) and a docker-archive
//! (`manifest.json`). Both may stand in one archive; they must agree then. Everything in a bundle is hostile. Its
//! parts are asked for by name from [`Parts`]: a name is looked up, and where the parts are files of
//! the host only fixed names and digests are looked up at all. Sources: the OCI image specification 1.1,
//! `image-layout.md`, `image-index.md`, `manifest.md` and `config.md`; Docker's image specification 1.2, "Combined Image
//! JSON + Filesystem Changeset Format".

mod archive;
mod config;
mod docker;
mod document;
mod error;
mod layer;
mod list;
mod oci;
mod open;
mod parts;
mod platform;

pub use archive::ArchiveParts;
pub use docker::is_docker_manifest;
pub use error::BundleError;
pub use layer::{BundleLayer, LayerBytes, WrongBytes};
pub use open::{Bundle, BundleForm};
pub use parts::{ArchiveBytes, Part, PartError, PartName, Parts};
pub use platform::Platform;
