//! What is said of a layer, and what must hold of it however its bytes arrive.

use std::io::{self, Read};
use std::num::NonZeroU64;

use longshore_image::{
    ApplyError, Code, DevicePolicy, LayerReport, Limits, Rejected, Totals, apply,
};

use crate::watched::Watched;

/// Limits that a short input reaches.
pub(crate) fn limits() -> Limits {
    Limits {
        file_bytes: 16 << 10,
        image_bytes: 64 << 10,
        stream_bytes: 256 << 10,
        ratio: NonZeroU64::new(100).expect("it is not zero"),
        ratio_from_bytes: 64 << 10,
        zstd_window_log: 17,
        entries: 48,
        layers: 3,
        path_bytes: 320,
        component_bytes: 255,
        depth: 12,
        symlink_bytes: 200,
        hops: 6,
        steps: 60,
        links: 5,
        xattrs: 4,
        xattr_bytes: 200,
        extension_bytes: 2 << 10,
        sparse_map_bytes: 1 << 10,
        duplicates: 4,
        listed: 3,
        devices: DevicePolicy::Keep,
    }
}

/// A reader that gives little at a time.
#[derive(Debug)]
struct Pieces<'a> {
    left: &'a [u8],
    most: usize,
}

impl<'a> Pieces<'a> {
    /// For one input in eight single bytes, which cost more than all the rest; for others pieces that
    /// are apart from the blocks of an archive.
    fn of(bytes: &'a [u8]) -> Self {
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let most = if sum.is_multiple_of(8) {
            1
        } else {
            usize::from(sum) * 5 + 2
        };
        Self { left: bytes, most }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        let count = self.left.read(&mut buffer[..most])?;
        Ok(count)
    }
}

/// Applies a layer; a failure other than a rejection is a promise of the tree's that was broken.
pub(crate) fn verdict(
    tree: &mut Watched,
    stored: impl Read,
    totals: &mut Totals,
) -> Result<LayerReport, Rejected> {
    match apply(tree, stored, &limits(), totals) {
        Ok(report) => Ok(report),
        Err(ApplyError::Rejected(rejected)) => Err(rejected),
        Err(other) => panic!("neither accepted nor rejected: {other:?}"),
    }
}

/// The verdict on the first layer of an image, the same in one piece and in many. The tree is that
/// of the layer where it is accepted.
pub(crate) fn same_in_pieces(stored: &[u8]) -> (Watched, Result<LayerReport, Rejected>) {
    let (mut tree, mut totals) = (Watched::default(), Totals::default());
    let whole = verdict(&mut tree, stored, &mut totals);
    let (mut tree_2, mut totals_2) = (Watched::default(), Totals::default());
    let pieces = verdict(&mut tree_2, Pieces::of(stored), &mut totals_2);
    match (&whole, &pieces) {
        (Ok(report), Ok(report_2)) => {
            assert_eq!(report, report_2);
            assert_eq!(totals, totals_2);
            assert_eq!(tree.listing(), tree_2.listing());
            assert_within(report, totals, stored.len());
        }
        (Err(one), Err(other)) if reads_ahead(one.code) || reads_ahead(other.code) => {}
        (Err(one), Err(other)) => assert_eq!(one, other),
        // The ratio is looked at after each piece, so just where it is reached the pieces matter.
        (Err(one), Ok(_)) | (Ok(_), Err(one)) if one.code == Code::LimitRatio => {}
        _ => panic!("in one piece {whole:?}, in many {pieces:?}"),
    }
    (tree, whole)
}

/// What may be seen before what stands earlier in the layer, since the bytes are read ahead.
fn reads_ahead(code: Code) -> bool {
    matches!(
        code,
        Code::LimitStream
            | Code::LimitRatio
            | Code::GzipCorrupt
            | Code::GzipTruncated
            | Code::GzipTrailingData
            | Code::ZstdCorrupt
            | Code::ZstdTruncated
            | Code::ZstdTrailingData
            | Code::ZstdWindow
    )
}

/// An accepted layer is within its limits.
fn assert_within(report: &LayerReport, totals: Totals, stored: usize) {
    let limits = limits();
    assert_eq!(usize::try_from(report.stored_bytes), Ok(stored));
    assert!(report.stream_bytes <= limits.stream_bytes);
    assert!(report.content_bytes <= limits.image_bytes);
    assert!(report.entries <= limits.entries);
    assert!(totals.inodes <= limits.entries);
    assert!(report.devices.names.len() <= limits.listed);
}
