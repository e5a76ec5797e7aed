//! Archives, plain: whatever the bytes, they are accepted or rejected, and always in the same way.

use longshore_image::{Code, Digest, Totals};

use crate::builder::Head;
use crate::draw::Draw;
use crate::entries::odd_archive;
use crate::verdict::{same_in_pieces, verdict};

const BLOCK: usize = 512;

/// Reads an archive: the bytes themselves, or with the checksums of its headers made right, or one that
/// is drawn from them entry by entry.
///
/// # Panics
/// Where something does not hold: the verdict depends on the pieces that the bytes come in, the digest
/// is another, or the archive over its own result gives another result.
pub fn archive(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let bytes = match way % 4 {
        0 => rest.to_vec(),
        1 => sealed(rest),
        _ => odd_archive(&mut Draw::new(rest)),
    };
    if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5]) {
        return; // another target's
    }
    let (mut tree, result) = same_in_pieces(&bytes);
    let Ok(report) = result else {
        return;
    };
    if report.stored_bytes == report.stream_bytes {
        assert_eq!(*report.diff_id.digest(), Digest::of(&bytes));
    }
    // The same once more, as a layer over itself. A symlink that is in the way the second time and was
    // not the first leads elsewhere; without one, nothing changes.
    let listing = tree.listing();
    let mut totals = Totals {
        layers: 1,
        ..Totals::default()
    };
    let again = verdict(&mut tree, &bytes[..], &mut totals);
    if tree.followed {
        return;
    }
    match again {
        Ok(again) => {
            assert_eq!(again.diff_id, report.diff_id);
            assert_eq!(tree.listing(), listing);
        }
        // The whiteouts of a first layer do nothing, not even to say that they are in a file or lead
        // through a symlink of their layer.
        Err(rejected)
            if matches!(
                rejected.code,
                Code::ParentNotDirectory | Code::WhiteoutAmbiguous
            ) && report.counters.whiteouts_first_layer > 0 => {}
        Err(rejected) => panic!("accepted once, and over itself {rejected:?}"),
    }
}

/// The bytes with a right checksum wherever a header would be read.
pub(crate) fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(block) = bytes
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut::<BLOCK>())
    {
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = block[124..136]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0usize, |sum, digit| {
                (sum << 3 | usize::from(digit & 7)) & 0xff_ffff
            });
        *block = Head(*block).sealed();
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    bytes
}
