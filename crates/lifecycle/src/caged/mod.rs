//! Filesystems that hostile images filled are read in a cage: a child of this program that can reach
//! nothing but the disk that it is given.
//!
//! ```text
//! parent: spawn, locked in --- a disk's descriptor ---> child: ext4, databases of packages
//!         bounded, parsed again <--- an inventory ---
//! ```
//! What comes back is believed as much as an image is: it may be wrong about what is in it, and harms
//! nothing else. A child that dies, breaks off or goes past a limit is never an empty inventory, but one
//! that says why it is empty.

mod answer;
mod cages;
mod gap;
mod inside;
mod look;
mod mode;

pub(crate) use cages::{Cages, Seen, no_cage};
pub use inside::caged;
pub(crate) use look::look;
pub use mode::CageMode;
