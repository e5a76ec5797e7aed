//! A family: layers under their keys, written below a folder as a bucket holds them.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::layer::Layer;
use super::sparse::SparseFile;

/// How layers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// `N.tar`
    Plain,
    /// `N.tar.gz`
    Gzip,
}

/// Ordered layers under one prefix.
#[derive(Debug, Clone)]
pub struct Family {
    prefix: String,
    objects: Vec<(String, Layer)>,
}

/// A family under construction.
#[derive(Debug, Clone)]
pub struct FamilyBuilder(Family);

impl Family {
    /// Begins a family whose keys are `PREFIX/1.tar`, `PREFIX/2.tar` and so on.
    #[must_use]
    pub fn builder(prefix: &str) -> FamilyBuilder {
        FamilyBuilder(Self {
            prefix: prefix.to_owned(),
            objects: Vec::new(),
        })
    }

    /// The prefix, which names the image: `images/demo`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The layers' keys, in the order in which they were given.
    #[must_use]
    pub fn keys(&self, packing: Packing) -> Vec<String> {
        let key = |(stem, layer): &(String, Layer)| {
            format!("{}/{stem}{}", self.prefix, suffix(layer, packing))
        };
        self.objects.iter().map(key).collect()
    }

    /// Writes the layers below `dir`, a file a key, and returns the files in the order of the
    /// layers. What is there already is replaced.
    pub fn write(&self, dir: &Path, packing: Packing) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::with_capacity(self.objects.len());
        for (key, (_, layer)) in self.keys(packing).iter().zip(&self.objects) {
            let path = dir.join(key);
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            let file = SparseFile::new(fs::File::create(&path)?);
            let mut out = BufWriter::with_capacity(256 * 1024, file);
            if packing == Packing::Gzip && !layer.is_bomb() {
                // No name and no time in the header, so that the bytes are always the same.
                let mut gzip = GzBuilder::new().write(&mut out, Compression::fast());
                layer.write(&mut gzip)?;
                gzip.finish()?;
            } else {
                layer.write(&mut out)?;
            }
            out.flush()?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .finish()?;
            files.push(path);
        }
        Ok(files)
    }
}

impl FamilyBuilder {
    /// Adds the next layer: the first is number 1.
    #[must_use]
    pub fn layer(self, describe: impl FnOnce(Layer) -> Layer) -> Self {
        let number = self.0.objects.len() + 1;
        self.add(&number.to_string(), describe(Layer::new()))
    }

    /// Adds a layer under a name of its own (without `.tar`): `03`, `10`, `readme`.
    #[must_use]
    pub fn add(mut self, stem: &str, layer: Layer) -> Self {
        self.0.objects.push((stem.to_owned(), layer));
        self
    }

    /// The family.
    #[must_use]
    pub fn build(self) -> Family {
        self.0
    }
}

fn suffix(layer: &Layer, packing: Packing) -> &'static str {
    if layer.is_bomb() || packing == Packing::Gzip {
        ".tar.gz"
    } else {
        ".tar"
    }
}
