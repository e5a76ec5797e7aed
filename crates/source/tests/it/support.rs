//! What the tests have in common.

use std::{io::Read, sync::Arc};

use longshore_durable::{Dir, Simulated};
use longshore_image::Digest;
use longshore_source::{Blob, BlobStore, Fetch, FetchError, Follower, ImageName, Locator, Source};
use tokio_util::sync::CancellationToken;

use crate::s3::S3;

/// Bytes that differ from place to place, the same for the same seed.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(next());
    }
    bytes.truncate(length);
    bytes
}

/// A position or a length within what a test holds in memory.
pub(crate) fn small(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap()
}

pub(crate) fn store() -> BlobStore {
    BlobStore::open(&Simulated::new()).unwrap()
}

pub(crate) fn store_in(dir: &dyn Dir) -> BlobStore {
    BlobStore::open(dir).unwrap()
}

/// A layer on a server, as a listing finds it.
pub(crate) struct Layer {
    pub(crate) server: S3,
    pub(crate) source: Arc<Source>,
    pub(crate) locator: Locator,
    pub(crate) bytes: Vec<u8>,
}

impl Layer {
    pub(crate) async fn of(length: usize) -> Self {
        Self::with_etag(length, "\"v1\"").await
    }

    pub(crate) async fn with_etag(length: usize, etag: &str) -> Self {
        let server = S3::start().await;
        let bytes = bytes(length, 7);
        server.put("images/go/1.tar", bytes.clone(), etag);
        let source = server.source();
        let locator = locate(&source, "images/go/1.tar").await;
        server.forget();
        Self {
            server,
            source,
            locator,
            bytes,
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    pub(crate) fn fetch(&self, store: &BlobStore) -> Fetch {
        store.fetch(&self.source, &self.locator, None, &CancellationToken::new())
    }

    pub(crate) async fn fetched(&self, store: &BlobStore) -> Result<Blob, FetchError> {
        self.fetch(store).proven().await
    }

    /// Fetches, and checks that what is in the store then is the object.
    pub(crate) async fn arrives(&self, store: &BlobStore) -> Blob {
        let blob = self
            .fetched(store)
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(blob.digest, self.digest());
        assert_eq!(blob.size, self.bytes.len() as u64);
        assert!(content(store, &blob.digest) == self.bytes);
        assert_eq!(store.partials().unwrap(), []);
        blob
    }
}

pub(crate) async fn locate(source: &Source, name: &str) -> Locator {
    let name: ImageName = name.parse().unwrap();
    source.list(&name).await.unwrap().layers.remove(0)
}

pub(crate) fn content(store: &BlobStore, digest: &Digest) -> Vec<u8> {
    let file = store.blob(digest).unwrap().expect("the blob is there");
    let mut bytes = vec![0; small(file.len().unwrap())];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// Reads all that a follower gives, on a thread as its users do.
pub(crate) async fn read_all(mut follower: Follower) -> std::io::Result<Vec<u8>> {
    let read = move || {
        let mut bytes = Vec::new();
        follower.read_to_end(&mut bytes).map(|_| bytes)
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// Waits until a fetch has at least so many bytes.
pub(crate) async fn until(fetch: &Fetch, done: u64) {
    let mut progress = fetch.watch();
    progress
        .wait_for(|progress| progress.done >= done)
        .await
        .unwrap();
}
