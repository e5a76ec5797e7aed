//! What a source needs to know before it is asked anything.

use std::{path::PathBuf, time::Duration};

use crate::{
    address::{Endpoint, SourceUrl},
    backoff::Backoff,
    credentials::Auth,
};

/// Everything that can be set about a source.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Where it is.
    pub url: SourceUrl,
    /// Region of the bucket; requests are signed for it.
    pub region: String,
    /// Service other than Amazon's. One that begins with `http://` is spoken to in clear text.
    pub endpoint: Option<Endpoint>,
    /// Whether the bucket stands in the path of an address (`https://host/bucket`) or in its host
    /// name. `None`: in the path where an endpoint is given, or where the bucket's name has a dot
    /// (no wildcard certificate covers that), else in the host name.
    pub path_style: Option<bool>,
    /// As whom to ask.
    pub auth: Auth,
    /// PEM file with certificate authorities to trust beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// How often a request is tried again in a row without having brought anything.
    pub max_retries: u32,
    /// How long to wait between tries.
    pub backoff: Backoff,
    /// When to give up waiting.
    pub timeouts: Timeouts,
    /// How the bytes of one object are asked for.
    pub transfer: Transfer,
}

/// When a request counts as failed (and is tried again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the head of the answer is there.
    pub response: Duration,
    /// Between two pieces of a body. There is no limit on the whole: slow is not broken.
    pub idle: Duration,
}

/// How the bytes of one object are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Bytes in one request; at least 1.
    pub range: u64,
    /// Most requests for one object at a time; at least 1.
    pub concurrency: usize,
    /// A checkpoint makes what was written durable after this many new bytes,
    pub checkpoint_bytes: u64,
    /// or after this long, whichever is first.
    pub checkpoint_interval: Duration,
}

impl SourceConfig {
    /// The defaults for a source: us-east-1, `auth=auto`, 5 retries.
    pub fn new(url: SourceUrl) -> Self {
        Self {
            url,
            region: "us-east-1".to_owned(),
            endpoint: None,
            path_style: None,
            auth: Auth::Auto,
            ca_bundle: None,
            max_retries: 5,
            backoff: Backoff::default(),
            timeouts: Timeouts::default(),
            transfer: Transfer::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}

impl Default for Transfer {
    /// 8 MiB ranges, as Amazon's guide for byte-range fetches advises (8 to 16 MiB), four at a
    /// time: with what is being written, well under 32 MiB of memory.
    fn default() -> Self {
        Self {
            range: 8 << 20,
            concurrency: 4,
            checkpoint_bytes: 32 << 20,
            checkpoint_interval: Duration::from_secs(1),
        }
    }
}
