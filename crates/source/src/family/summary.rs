//! What a source has to offer: every family with its layers and sizes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use futures::{TryStreamExt, future::BoxFuture};
use object_store::{ObjectMeta, path::Path};

use super::{
    ListError,
    list::EVERYTHING,
    order::{Ignored, order},
};
use crate::{
    address::{Family, Key, LayerFile, layer_file},
    client::{Expect, Source, version},
    error::{SourceError, Version},
};

/// Objects looked at in one source; beyond it [`Families::truncated`] says that there are more.
/// At some 300 bytes for a layer's key and ETag this bounds memory to about 60 MB.
const MOST_OBJECTS: usize = 200_000;
/// Folders followed below one another in a directory.
const DEEPEST: usize = 16;

/// The families of a source.
#[derive(Debug, Clone)]
pub struct Families {
    /// In the order of their names.
    pub families: Vec<FamilySummary>,
    /// Objects that are no layers of any family.
    pub ignored: u64,
    /// Whether there were too many objects to look at all of them.
    pub truncated: bool,
}

/// One family of a source.
#[derive(Debug, Clone)]
pub struct FamilySummary {
    /// Its name.
    pub family: Family,
    /// How many objects in it are called like layers.
    pub layers: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What would keep it from being fetched.
    pub problem: Option<ListError>,
}

impl Source {
    /// Every family: a flat listing of the bucket, or a walk through the directory.
    pub async fn families(&self) -> Result<Families, ListError> {
        let mut found = match self.is_directory() {
            true => self.walk().await?,
            false => self.list_all().await?,
        };
        let truncated = found.len() > MOST_OBJECTS;
        found.truncate(MOST_OBJECTS);
        let mut groups: BTreeMap<Family, Vec<(Key, Version)>> = BTreeMap::new();
        let mut ignored = 0;
        for meta in found {
            match self.family_of(&meta.location) {
                Some((family, key)) => {
                    groups
                        .entry(family)
                        .or_default()
                        .push((key, version(&meta)));
                }
                None => ignored += 1,
            }
        }
        let families = groups.into_iter().map(|(family, found)| {
            let (layers, bytes) = (found.len(), found.iter().map(|(_, version)| version.size));
            let bytes = bytes.fold(0, u64::saturating_add);
            let problem = order(self.origin(), &family, found, Ignored::default()).err();
            FamilySummary {
                family,
                layers,
                bytes,
                problem,
            }
        });
        Ok(Families {
            families: families.collect(),
            ignored,
            truncated,
        })
    }

    fn family_of(&self, location: &Path) -> Option<(Family, Key)> {
        let (folder, name) = self.relative(location).rsplit_once('/')?;
        if layer_file(name) == LayerFile::Other {
            return None;
        }
        Some((folder.parse().ok()?, location.as_ref().parse().ok()?))
    }

    async fn list_all(&self) -> Result<Vec<ObjectMeta>, SourceError> {
        let prefix = self.prefix().map(Key::path);
        let request = || {
            let (objects, prefix) = (Arc::clone(self.objects()), prefix.clone());
            let list = async move {
                let mut found = Vec::new();
                let mut metas = objects.list(prefix.as_ref());
                while let Some(meta) = metas.try_next().await? {
                    found.push(meta);
                    if found.len() > MOST_OBJECTS {
                        break;
                    }
                }
                Ok(found)
            };
            Box::pin(list) as BoxFuture<'_, _>
        };
        self.ask(prefix.as_ref().map_or(EVERYTHING, Path::as_ref), request)
            .await
    }

    /// Folder by folder, so that a link out of the directory is seen before it is followed.
    async fn walk(&self) -> Result<Vec<ObjectMeta>, SourceError> {
        let mut found = Vec::new();
        let mut folders = VecDeque::from([Path::default()]);
        while let Some(folder) = folders.pop_front() {
            if found.len() > MOST_OBJECTS {
                break;
            }
            let children = match self.children(&folder).await {
                Ok(children) => children,
                Err(SourceError::Outside { .. }) => continue,
                Err(error) => return Err(error),
            };
            for meta in children.objects {
                if self
                    .guard(meta.location.as_ref(), Expect::File)
                    .await
                    .is_ok()
                {
                    found.push(meta);
                }
            }
            // The depth also ends a link that leads back up.
            if folder.parts_count() < DEEPEST {
                folders.extend(children.common_prefixes);
            }
        }
        Ok(found)
    }
}
