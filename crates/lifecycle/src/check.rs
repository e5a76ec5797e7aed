//! Looking at layers without bringing them anywhere: no catalogue, no disk.
//!
//! The same rules and limits as when an image is brought here, on a tree in memory that keeps names,
//! metadata and digests, and no content.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use longshore_image::{
    ApplyError, LayerReport, Limits, ListingRow, MemoryTree, Name, Rejected, Summary, Totals, apply,
};
use serde::Serialize;

use crate::{Class, Failure};

/// What came of looking at layers.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// Whether an image of them is taken.
    pub verdict: Verdict,
    /// What stands against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// The layers that were applied, in order.
    pub layers: Vec<CheckedLayer>,
    /// What all of them add up to, the rejected one as far as it was read.
    pub totals: Totals,
    /// The merged tree by path, where it was asked for and the image is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<Vec<TreeRow>>,
}

/// Whether an image is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It breaks no rule and is within the limits.
    Accepted,
    /// One of its layers breaks a rule or goes over a limit.
    Rejected,
}

/// Why a layer was rejected.
#[derive(Debug, Clone, Serialize)]
pub struct Rejection {
    /// The layer's file.
    pub layer: String,
    /// Its place among the layers, from 1.
    pub position: usize,
    /// The rule, the entry where one is known, and what was found.
    #[serde(flatten)]
    pub rejected: Rejected,
}

/// A layer that was applied.
#[derive(Debug, Clone, Serialize)]
pub struct CheckedLayer {
    /// Its file.
    pub layer: String,
    /// What it turned out to be.
    #[serde(flatten)]
    pub report: LayerReport,
}

/// What stands at one path of the merged tree.
#[derive(Debug, Clone, Serialize)]
pub struct TreeRow {
    /// The path from the image's root.
    pub path: Name,
    /// What is there.
    #[serde(flatten)]
    pub row: ListingRow,
}

/// Applies the files in `layers`, in order, as one image, and keeps nothing. With `with_tree` the
/// report has the merged tree.
///
/// # Errors
/// A file that is not there, or cannot be read. A layer that breaks a rule is no error: the report says
/// so.
pub fn check(layers: &[PathBuf], limits: &Limits, with_tree: bool) -> Result<CheckReport, Failure> {
    let mut tree = MemoryTree::<Summary>::default();
    let mut report = CheckReport {
        verdict: Verdict::Accepted,
        rejection: None,
        layers: Vec::new(),
        totals: Totals::default(),
        tree: None,
    };
    for (position, path) in (1..).zip(layers) {
        let layer = path.display().to_string();
        let file = open(path, &layer)?;
        match apply(&mut tree, file, limits, &mut report.totals) {
            Ok(applied) => report.layers.push(CheckedLayer {
                layer,
                report: applied,
            }),
            Err(ApplyError::Rejected(rejected)) => {
                report.verdict = Verdict::Rejected;
                report.rejection = Some(Rejection {
                    layer,
                    position,
                    rejected,
                });
                return Ok(report);
            }
            Err(ApplyError::Read(error)) => return Err(unreadable(&layer, &error)),
            Err(ApplyError::Tree(error)) => {
                return Err(Failure::broken("a tree in memory failed").caused_by(&error));
            }
        }
    }
    report.tree = with_tree.then(|| {
        let rows = tree.listing().into_iter();
        rows.map(|(path, row)| TreeRow {
            path: path.into(),
            row,
        })
        .collect()
    });
    Ok(report)
}

/// A file, or a pipe that somebody feeds: a device may have no end.
fn open(path: &Path, layer: &str) -> Result<File, Failure> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.file_type(), file)));
    let (kind, file) = opened.map_err(|error| unreadable(layer, &error))?;
    if kind.is_block_device() || kind.is_char_device() {
        return Err(not_a_file(layer, "a device"));
    }
    Ok(file)
}

fn not_a_file(layer: &str, what: &str) -> Failure {
    let text = format!("a layer is a file, and this is {what}");
    Failure::new(Class::Usage, "not-a-file", text)
        .layer(layer)
        .hint("name the layers of an image one by one, the lowest first")
}

fn unreadable(layer: &str, error: &std::io::Error) -> Failure {
    let failure = match error.kind() {
        ErrorKind::NotFound => {
            Failure::new(Class::NotFound, "no-such-file", "there is no such layer")
        }
        ErrorKind::IsADirectory => return not_a_file(layer, "a directory"),
        _ => Failure::new(Class::Failed, "layer", "the layer could not be read").caused_by(error),
    };
    failure.layer(layer)
}
