//! Layers unpacked into a volume: in this process, or in a child in a cage that has the volume, the layers'
//! bytes, and nothing else.
//!
//! ```text
//! parent: names, network, catalogue, sealing                 child: gzip, zstd, tar, merge, ext4
//!   begin  --- the volume, limits, totals ---------------->  make or open the filesystem
//!   layer  --- a pipe -----------------------------------> inflate ahead
//!            --- its digest, once it is proven ------------>  (of a plain layer it is the diff id)
//!   apply  ---------------------------------------------->  apply, commit
//!   flush  <--- what the layer turned out to be -----------
//!   seal   ---------------------------------------------->  the UUID, the last block
//!   flush  <--- what is used -------------------------------
//! ```
//! The bytes that come out are the same either way: the same code is at work, [`Unpack`].
//!
//! A child serves one volume. What it says is believed of that volume alone, and of the blobs it was given:
//! see [`Deps::seal_key`](crate::deps::Deps::seal_key).

mod budget;
mod caged;
mod child;
mod ending;
mod feed;
mod plausible;
mod stall;
mod trouble;
mod unapplied;
mod unpack;
mod unpacker;
mod wire;

pub(crate) use budget::budget;
pub(crate) use caged::CagedVolume;
pub(crate) use child::{UNPACK, unpack};
pub(crate) use ending::{failure as ended, garbled};
pub(crate) use trouble::TreeTrouble;
pub(crate) use unapplied::Unapplied;
pub(crate) use unpack::{Finished, Grow};
pub(crate) use unpacker::{Started, Unpacker};
pub(crate) use wire::shown;
