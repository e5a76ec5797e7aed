//! Maps without extents: twelve blocks, and three trees of one to three levels.
//!
//! Source: Documentation/filesystems/ext4/ifork.rst, "Direct/Indirect Block Addressing". There are
//! no checksums in them, and no way to make them deeper.

use super::{
    inode::{Inode, MAP_LEN},
    map::Run,
    open::Reader,
    read_at::ReadAt,
};
use crate::{
    error::{Error, Place, Result},
    layout::{get32, to_index},
};

/// Blocks that the inode names itself.
const DIRECT: u64 = 12;
/// Blocks that a file can have.
const MAX_BLOCKS: u64 = 1 << 32;
/// Bytes of a block's number.
const NUMBER: usize = 4;

impl<D: ReadAt> Reader<D> {
    /// The run around a block, by a map without extents.
    pub(super) fn mapped_at(&self, inode: &Inode, block: u64) -> Result<Run> {
        if block < DIRECT {
            let numbers = &inode.map()[..to_index(DIRECT) * NUMBER];
            return self.run_in(inode, numbers, block, block);
        }
        let place = Place::BlockMap(inode.number);
        let too_large = Error::Corrupt {
            what: "it is larger than a file can be",
            place,
        };
        if block >= MAX_BLOCKS {
            return Err(too_large);
        }
        let per_block = self.block_size() / NUMBER as u64;
        // The tree that the block is in, and how many blocks each of its entries is for.
        let mut within = block - DIRECT;
        let mut slot = to_index(DIRECT);
        let mut covers = 1;
        while within >= covers * per_block {
            within -= covers * per_block;
            covers *= per_block;
            slot += 1;
            if slot * NUMBER >= MAP_LEN {
                return Err(too_large);
            }
        }
        let mut number = get32(inode.map(), slot * NUMBER);
        let mut left = covers * per_block - within;
        loop {
            if number == 0 {
                return Ok(Run {
                    start: block,
                    len: left,
                    place: None,
                });
            }
            let numbers = self.block(number.into(), place)?;
            let nth = within / covers;
            if covers == 1 {
                return self.run_in(inode, &numbers, nth, block);
            }
            within %= covers;
            left = covers - within;
            number = get32(&numbers, to_index(nth) * NUMBER);
            covers /= per_block;
        }
    }

    /// The run that begins with the `nth` of some blocks that follow each other in a file, which is
    /// `block` within the file.
    fn run_in(&self, inode: &Inode, numbers: &[u8], nth: u64, block: u64) -> Result<Run> {
        let mut following = numbers
            .chunks_exact(NUMBER)
            .skip(to_index(nth))
            .map(|number| u64::from(get32(number, 0)));
        let first = following.next().unwrap_or(0);
        let step = u64::from(first != 0);
        let more = (1..)
            .zip(following)
            .take_while(|(ahead, number)| *number == first + ahead * step)
            .count();
        let len = 1 + more as u64;
        if first != 0 && !self.superblock().can_hold(first, len) {
            return Err(Error::Corrupt {
                what: "a block of it is outside of the filesystem",
                place: Place::BlockMap(inode.number),
            });
        }
        Ok(Run {
            start: block,
            len,
            place: (first != 0).then_some(first),
        })
    }
}
