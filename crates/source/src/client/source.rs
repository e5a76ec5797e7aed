//! A source that can be listed and read, with the one place where a failed try is repeated.

use std::{ops::Range, path::PathBuf, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, path::Path};

use super::{Body, Fault, body::body};
use crate::{
    address::{ETag, Key, KeyError, Locator, Origin},
    backoff::{Backoff, entropy},
    config::{SourceConfig, Transfer},
    error::{SourceError, Version},
};

/// A bucket or a directory, asked with one set of credentials.
#[derive(Debug)]
pub struct Source {
    objects: Arc<dyn ObjectStore>,
    origin: Origin,
    prefix: Option<Key>,
    /// The directory, symbolic links resolved; `None` for a bucket.
    root: Option<PathBuf>,
    max_retries: u32,
    backoff: Backoff,
    transfer: Transfer,
}

impl Source {
    pub(super) fn new(
        objects: Arc<dyn ObjectStore>,
        origin: Origin,
        prefix: Option<Key>,
        root: Option<PathBuf>,
        config: &SourceConfig,
    ) -> Self {
        let SourceConfig {
            max_retries,
            backoff,
            transfer,
            ..
        } = *config;
        Self {
            objects,
            origin,
            prefix,
            root,
            max_retries,
            backoff,
            transfer,
        }
    }

    /// The identity of this source.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    pub(crate) fn prefix(&self) -> Option<&Key> {
        self.prefix.as_ref()
    }

    /// Whether this is a directory of the host.
    pub(crate) fn is_directory(&self) -> bool {
        self.root.is_some()
    }

    /// How long to wait after the `failures`-th failure in a row; `None` after the last try.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        (failures <= self.max_retries).then(|| self.backoff.wait(failures, asked, entropy()))
    }

    /// Asks until there is an answer, the failure is final, or the tries are used up.
    pub(crate) async fn ask<'a, T>(
        &self,
        key: &str,
        request: impl Fn() -> BoxFuture<'a, object_store::Result<T>>,
    ) -> Result<T, SourceError> {
        let mut failures = 0;
        loop {
            let fault = match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => Fault::of(error),
            };
            failures += 1;
            let asked = match &fault {
                Fault::Transient { wait, .. } => *wait,
                _ => return Err(self.error(key, fault, failures)),
            };
            match self.wait(failures, asked) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(self.error(key, fault, failures)),
            }
        }
    }

    /// The metadata of one object.
    pub(crate) async fn head(&self, key: &Key) -> Result<ObjectMeta, SourceError> {
        self.guard(key.as_str(), Expect::File).await?;
        let path = key.path();
        let request = || {
            let (objects, path) = (Arc::clone(&self.objects), path.clone());
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            let head = async move {
                objects
                    .get_opts(&path, options)
                    .await
                    .map(|found| found.meta)
            };
            Box::pin(head) as BoxFuture<'_, _>
        };
        self.ask(key.as_str(), request).await
    }

    /// One try to open a range of an object (or the whole) in the version of `locator`.
    pub(crate) async fn open(
        &self,
        locator: &Locator,
        range: Option<Range<u64>>,
    ) -> Result<Body, Fault> {
        self.guard(locator.key.as_str(), Expect::File)
            .await
            .map_err(Fault::Final)?;
        let options = GetOptions {
            if_match: locator.etag.as_ref().map(|etag| etag.as_str().to_owned()),
            range: range.clone().map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let answer = self.objects.get_opts(&locator.key.path(), options).await;
        let answer = answer.map_err(Fault::of)?;
        // Not every server heeds If-Match, so the answer has to say that it is the right one.
        let found = version(&answer.meta);
        if !same(locator, &found) {
            return Err(Fault::Final(self.changed(locator, Some(found))));
        }
        if answer.range != range.unwrap_or(0..locator.size) {
            return Err(Fault::RangeIgnored);
        }
        Ok(body(answer))
    }

    /// The error for an object that changed, with the version that is there now.
    pub(crate) async fn look_again(&self, locator: &Locator) -> SourceError {
        match self.head(&locator.key).await {
            Ok(meta) => self.changed(locator, Some(version(&meta))),
            Err(error @ SourceError::NotFound { .. }) => error,
            Err(_) => self.changed(locator, None),
        }
    }

    /// Fails where the object is no longer the one of `locator`. Only a directory needs to be
    /// asked: a file can be written to while it is read, an object of a bucket is replaced whole.
    pub(crate) async fn confirm(&self, locator: &Locator) -> Result<(), SourceError> {
        if !self.is_directory() {
            return Ok(());
        }
        let found = version(&self.head(&locator.key).await?);
        if same(locator, &found) {
            Ok(())
        } else {
            Err(self.changed(locator, Some(found)))
        }
    }

    /// The error for a fault after which there is no other try.
    pub(crate) fn error(&self, key: &str, fault: Fault, tries: u32) -> SourceError {
        let (origin, key) = (self.origin.clone(), key.to_owned());
        match fault {
            Fault::Transient { cause, .. } => SourceError::Unavailable {
                origin,
                key,
                tries,
                source: cause,
            },
            Fault::RangeIgnored => {
                let source = Arc::new(super::answer::Answer::RangeIgnored);
                SourceError::Unavailable {
                    origin,
                    key,
                    tries,
                    source,
                }
            }
            Fault::NotFound => SourceError::NotFound { origin, key },
            Fault::NoSuchBucket => SourceError::NoSuchOrigin { origin },
            Fault::Denied(source) => SourceError::Denied {
                origin,
                key,
                source,
            },
            Fault::BadKey(source) => SourceError::BadKey { origin, source },
            Fault::Refused(source) | Fault::Changed(source) => SourceError::Refused {
                origin,
                key,
                source,
            },
            Fault::Final(error) => error,
        }
    }

    fn changed(&self, locator: &Locator, found: Option<Version>) -> SourceError {
        SourceError::Changed {
            origin: self.origin.clone(),
            key: locator.key.clone(),
            expected: Version {
                etag: locator.etag.clone(),
                size: locator.size,
            },
            found,
        }
    }

    /// In a directory: refuses a name that leads out of it, or to what is not expected there. The
    /// directory is the user's own; this guards against mistakes in it, not against a race with
    /// somebody who may write to it.
    pub(crate) async fn guard(&self, key: &str, expect: Expect) -> Result<(), SourceError> {
        let Some(root) = self.root.clone() else {
            return Ok(());
        };
        let path = root.join(key);
        let look = tokio::task::spawn_blocking(move || {
            let real = path.canonicalize()?;
            let is_file = real.metadata()?.is_file();
            Ok::<_, std::io::Error>((real.starts_with(&root), is_file))
        });
        let what = match look.await {
            Ok(Ok((false, _))) => "a link that leads out of it",
            Ok(Ok((true, false))) if expect == Expect::File => "not a plain file",
            // What cannot be looked at gives its own error when it is opened.
            Ok(_) | Err(_) => return Ok(()),
        };
        Err(SourceError::Outside {
            origin: self.origin.clone(),
            key: key.to_owned(),
            what,
        })
    }

    /// The whole key of a path that is relative to the source's prefix.
    pub(crate) fn absolute(&self, relative: &Key) -> Result<Key, SourceError> {
        match &self.prefix {
            None => Ok(relative.clone()),
            Some(prefix) => format!("{prefix}/{relative}")
                .parse()
                .map_err(|error: KeyError| SourceError::BadKey {
                    origin: self.origin.clone(),
                    source: Arc::new(error),
                }),
        }
    }

    /// What a key is called below the source's prefix.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a str {
        let whole = path.as_ref();
        match &self.prefix {
            None => whole,
            Some(prefix) => whole
                .strip_prefix(prefix.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(whole),
        }
    }
}

/// What a name in a directory has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    File,
    Anything,
}

/// The version that some metadata speaks of.
pub(crate) fn version(meta: &ObjectMeta) -> Version {
    Version {
        etag: meta.e_tag.as_deref().and_then(ETag::strong),
        size: meta.size,
    }
}

fn same(locator: &Locator, found: &Version) -> bool {
    found.size == locator.size && (locator.etag.is_none() || found.etag == locator.etag)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::address::{ImageName, SourceUrl};

    #[tokio::test]
    async fn a_file_that_was_written_to_is_not_confirmed() {
        let directory = tempfile::tempdir().unwrap();
        let layer = directory.path().join("1.tar");
        fs::write(&layer, b"one").unwrap();
        let config = SourceConfig::new(SourceUrl::directory(directory.path()));
        let source = Source::connect(&config).unwrap();
        let name: ImageName = "1.tar".parse().unwrap();
        let locator = source.list(&name).await.unwrap().layers.remove(0);
        source.confirm(&locator).await.unwrap();
        // In place: the same file, longer by a byte.
        fs::write(&layer, b"four").unwrap();
        let error = source.confirm(&locator).await.unwrap_err();
        assert!(
            matches!(error, SourceError::Changed { found: Some(_), .. }),
            "{error:?}"
        );
    }
}
