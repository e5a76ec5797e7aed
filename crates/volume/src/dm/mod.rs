//! The kernel's device-mapper, by its ioctls and nothing else: no `dmsetup`, no library.
//!
//! ```text
//! Control --- Request (header.rs, target.rs: bytes, pure) --- ioctl.rs (the one file with unsafe)
//! ```
//! A [`Control`] makes, loads, suspends, resumes, asks and removes devices; [`Nodes`] sees to it that one can be
//! opened below `/dev/mapper`, also where neither udev nor devtmpfs does. What a table's line means is its
//! target's business.
//!
//! The source is the kernel's `include/uapi/linux/dm-ioctl.h` (interface 4) and `drivers/md/dm-ioctl.c`.

mod block;
mod control;
mod device;
mod error;
mod header;
mod ioctl;
mod loops;
mod nodes;
mod records;
mod target;
mod targets;

pub(crate) use block::discard;
pub use control::{Control, Suspend, Version};
pub use device::{DeviceName, DeviceNumber, Found, Info, Uuid};
pub use error::{DmError, Errno, Operation};
pub use loops::{Loop, LoopError};
pub use nodes::Nodes;
pub use target::{Line, SECTOR};
