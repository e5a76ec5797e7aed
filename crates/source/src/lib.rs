//! Bytes from outside: buckets, directories, the resumable fetch and the blob store.
//!
//! * [`Source`] is a bucket or a directory of the same shape. It lists the layers of an image
//!   ([`Source::list`]) and what else there is ([`Source::families`]).
//! * [`BlobStore`] keeps blobs under the SHA-256 of their bytes, and what has arrived so far of
//!   others.
//! * [`Fetch`] is one object on its way from the one to the other: it can be read while it
//!   arrives ([`Fetch::follow`]) and is proven at its end ([`Fetch::proven`]).
//! * [`Documents`] fetches single documents by their address: advisories.
//!
//! Nothing of an object is looked into, and no key ever becomes a path of the store.

mod address;
mod backoff;
mod blob;
mod client;
mod config;
mod credentials;
mod document;
mod error;
mod family;
mod fetch;

pub use address::{
    ETag, Endpoint, EndpointError, Family, ImageName, Key, KeyError, Locator, NameError, Origin,
    OriginError, SourceUrl, SourceUrlError,
};
pub use backoff::Backoff;
pub use blob::{
    Blob, BlobEntry, BlobList, BlobStore, DiskError, Partial, PartialError, PartialId,
    PartialLocator, Receipt,
};
pub use client::{ConnectError, Source};
pub use config::{SourceConfig, Timeouts, Transfer};
pub use credentials::{Auth, Credentials, HalfCredentials, Secret};
pub use document::{DocumentError, Documents, Fetched, Seen};
pub use error::{Cause, SourceError, Version};
pub use family::{Families, FamilySummary, Ignored, ListError, Listing};
pub use fetch::{Fetch, FetchError, Follower, Progress};
