//! Names of things outside, parsed once: where a source is, what an image is called, which object
//! a layer is.
//!
//! Nothing here ever becomes a path on the host: a [`Key`] is opaque, and what is stored locally
//! is named by digests only.

mod endpoint;
mod etag;
mod image;
mod key;
mod locator;
mod origin;
mod url;

pub use endpoint::{Endpoint, EndpointError};
pub use etag::ETag;
pub use image::{Family, ImageName, NameError};
pub use key::{Key, KeyError};
pub use locator::Locator;
pub use origin::{Origin, OriginError};
pub use url::{SourceUrl, SourceUrlError};

pub(crate) use image::{LayerFile, layer_file};
