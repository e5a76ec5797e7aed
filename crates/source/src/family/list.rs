//! Asks a source for the layers of one image.

use std::sync::Arc;

use futures::future::BoxFuture;
use object_store::path::Path;

use super::{
    ListError, Listing,
    order::{Ignored, order},
};
use crate::{
    address::{Family, ImageName, Key, Locator},
    client::{Expect, Source, version},
    error::{SourceError, Version},
};

/// What an error calls a listing without a prefix.
pub(super) const EVERYTHING: &str = "the list of objects";

impl Source {
    /// The layers of an image in order: one LIST request for a family (more only where the answer
    /// has several pages), one HEAD for a single layer.
    pub async fn list(&self, name: &ImageName) -> Result<Listing, ListError> {
        match name {
            ImageName::Family(family) => self.list_family(family).await,
            ImageName::Layer { path, number } => {
                let key = self.absolute(path)?;
                let Version { etag, size } = version(&self.head(&key).await?);
                let layer = Locator {
                    origin: self.origin().clone(),
                    key,
                    etag,
                    size,
                    number: *number,
                };
                Ok(Listing {
                    layers: vec![layer],
                    ignored: Ignored::default(),
                })
            }
        }
    }

    async fn list_family(&self, family: &Family) -> Result<Listing, ListError> {
        let directory = self.absolute(family.key())?.path();
        let children = self.children(&directory).await?;
        let mut ignored = Ignored::default();
        for folder in &children.common_prefixes {
            ignored.add(folder.as_ref());
        }
        let mut found = Vec::new();
        for meta in children.objects {
            match direct_child(&directory, &meta.location) {
                Some(key) => found.push((key, version(&meta))),
                // The marker that some tools leave for a folder: its own name with a slash.
                None => ignored.add(meta.location.as_ref()),
            }
        }
        let listing = order(self.origin(), family, found, ignored)?;
        for layer in &listing.layers {
            self.guard(layer.key.as_str(), Expect::File).await?;
        }
        Ok(listing)
    }

    /// What stands directly under a prefix.
    pub(super) async fn children(
        &self,
        prefix: &Path,
    ) -> Result<object_store::ListResult, SourceError> {
        self.guard(prefix.as_ref(), Expect::Anything).await?;
        let request = || {
            let (objects, prefix) = (Arc::clone(self.objects()), prefix.clone());
            let list = async move { objects.list_with_delimiter(Some(&prefix)).await };
            Box::pin(list) as BoxFuture<'_, _>
        };
        let asked = if prefix.is_root() {
            EVERYTHING
        } else {
            prefix.as_ref()
        };
        self.ask(asked, request).await
    }
}

/// The key of an object directly in a folder; `None` where it is the folder itself.
fn direct_child(folder: &Path, location: &Path) -> Option<Key> {
    let name = match folder.as_ref() {
        "" => location.as_ref(),
        folder => location.as_ref().strip_prefix(folder)?.strip_prefix('/')?,
    };
    if name.is_empty() || name.contains('/') {
        return None;
    }
    location.as_ref().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_directly_in_the_folder_is_its_child() {
        let child = |folder: &str, location: &str| {
            direct_child(
                &Path::parse(folder).unwrap(),
                &Path::parse(location).unwrap(),
            )
            .map(|key| key.as_str().to_owned())
        };
        assert_eq!(child("a/b", "a/b/1.tar").as_deref(), Some("a/b/1.tar"));
        assert_eq!(child("", "1.tar").as_deref(), Some("1.tar"));
        assert_eq!(child("a/b", "a/b"), None);
        assert_eq!(child("a/b", "a/bc/1.tar"), None);
        assert_eq!(child("a/b", "a/b/c/1.tar"), None);
    }
}
