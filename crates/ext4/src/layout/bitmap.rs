//! Bitmaps of a group: a set bit is a block or an inode in use.
//!
//! Source: Documentation/filesystems/ext4/bitmaps.rst. Bits past the end of the group are set.

use std::ops::Range;

use super::bytes::{BLOCK_SIZE, Block};

/// The bitmap in which all but these bits are set.
pub(crate) fn bitmap_with_free(free: impl Iterator<Item = Range<usize>>) -> Block {
    let mut bitmap = [0xff; BLOCK_SIZE];
    for range in free {
        let mut bit = range.start;
        while bit < range.end {
            if bit.is_multiple_of(8) && range.end - bit >= 8 {
                let whole = (range.end - bit) / 8;
                bitmap[bit / 8..bit / 8 + whole].fill(0);
                bit += whole * 8;
            } else {
                bitmap[bit / 8] &= !(1 << (bit % 8));
                bit += 1;
            }
        }
    }
    bitmap
}

/// The runs of clear bits among the first `bits`, ascending.
pub(crate) fn bitmap_runs(bitmap: &Block, bits: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    let mut bit = 0;
    while bit < bits {
        let byte = bitmap[bit / 8];
        if bit.is_multiple_of(8) && bits - bit >= 8 && (byte == 0 || byte == 0xff) {
            step(&mut runs, &mut start, bit, byte == 0);
            bit += 8;
        } else {
            step(&mut runs, &mut start, bit, byte >> (bit % 8) & 1 == 0);
            bit += 1;
        }
    }
    step(&mut runs, &mut start, bits, false);
    runs
}

fn step(runs: &mut Vec<Range<usize>>, start: &mut Option<usize>, bit: usize, free: bool) {
    match (*start, free) {
        (None, true) => *start = Some(bit),
        (Some(first), false) => {
            runs.push(first..bit);
            *start = None;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_come_back() {
        let all = [3..4, 6..9, 16..17, 23..41, 4000..32768];
        let bitmap = bitmap_with_free(all.iter().cloned());
        assert_eq!(bitmap_runs(&bitmap, 32768), all);
        assert_eq!(
            bitmap_runs(&bitmap, 4001),
            [3..4, 6..9, 16..17, 23..41, 4000..4001]
        );
        assert_eq!(bitmap_runs(&bitmap, 30), [3..4, 6..9, 16..17, 23..30]);
    }
}
