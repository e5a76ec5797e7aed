//! Every ioctl of this crate, and all of its `unsafe`.
#![allow(
    unsafe_code,
    reason = "an ioctl hands the kernel memory; each is held here to what its driver reads and writes"
)]

use std::{
    ffi::c_void,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use rustix::{
    io::Result,
    ioctl::{self, Ioctl, IoctlOutput, Opcode},
};

use super::header::HEADER_BYTES;

/// The group of device-mapper's ioctls (`DM_IOCTL`).
const DM: u8 = 0xfd;

/// The size that device-mapper's opcodes carry is that of its header, whatever the buffer has.
type Header = [u8; HEADER_BYTES];

/// `struct loop_config` and `struct loop_info64` of `linux/loop.h`.
pub(super) const LOOP_CONFIG_BYTES: usize = 304;
pub(super) const LOOP_INFO_BYTES: usize = 232;

const LOOP_CLR_FD: Opcode = 0x4c01;
const LOOP_SET_STATUS64: Opcode = 0x4c04;
const LOOP_GET_STATUS64: Opcode = 0x4c05;
const LOOP_SET_CAPACITY: Opcode = 0x4c07;
const LOOP_CONFIGURE: Opcode = 0x4c0a;
const LOOP_CTL_GET_FREE: Opcode = 0x4c82;

/// `BLKDISCARD` of `linux/fs.h`.
const BLKDISCARD: Opcode = 0x1277;

/// An ioctl whose argument is memory that the kernel may read and write.
struct InMemory<'a> {
    opcode: Opcode,
    memory: &'a mut [u8],
}

// SAFETY: the pointer is that of memory borrowed for as long as the call takes, and the output is a number. How
// much of it the kernel touches is promised where one is made.
unsafe impl Ioctl for InMemory<'_> {
    type Output = IoctlOutput;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.memory.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut c_void) -> Result<IoctlOutput> {
        Ok(output)
    }
}

/// An ioctl without an argument, or whose argument is a number.
struct Number(Opcode);

// SAFETY: there is no memory: the null pointer is the number 0.
unsafe impl Ioctl for Number {
    type Output = IoctlOutput;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        self.0
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut c_void) -> Result<IoctlOutput> {
        Ok(output)
    }
}

/// Device-mapper's ioctl with this number, on a buffer that begins with a header. Says in the header how long
/// the buffer is.
///
/// # Panics
/// Where the buffer is shorter than a header or longer than 4 GiB, which is a mistake of this crate.
pub(super) fn dm(control: BorrowedFd<'_>, number: u8, buffer: &mut [u8]) -> Result<()> {
    assert!(buffer.len() >= HEADER_BYTES, "a buffer without a header");
    let length = u32::try_from(buffer.len()).expect("a buffer of at most 4 GiB");
    buffer[12..16].copy_from_slice(&length.to_ne_bytes());
    let call = InMemory {
        opcode: ioctl::opcode::read_write::<Header>(DM, number),
        memory: buffer,
    };
    // SAFETY: dm-ioctl.c reads and writes `data_size` bytes at the pointer and no more (copy_params, and the
    // copy_to_user at the end of ctl_ioctl); that field has just been set to the buffer's length.
    unsafe { ioctl::ioctl(control, call) }.map(drop)
}

/// The number of a loop device that is free, or was just made.
pub(super) fn loop_free(control: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: LOOP_CTL_GET_FREE takes no argument (loop.c, loop_control_get_free).
    let number = unsafe { ioctl::ioctl(control, Number(LOOP_CTL_GET_FREE)) }?;
    Ok(number.unsigned_abs())
}

/// Attaches a file to a loop device, as a `struct loop_config` says whose first field is set here.
pub(super) fn loop_configure(
    device: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    config: &mut [u8; LOOP_CONFIG_BYTES],
) -> Result<()> {
    let raw = file.as_fd().as_raw_fd().unsigned_abs();
    config[..4].copy_from_slice(&raw.to_ne_bytes());
    let call = InMemory {
        opcode: LOOP_CONFIGURE,
        memory: config,
    };
    // SAFETY: the kernel copies sizeof(struct loop_config) bytes from the pointer (loop.c, lo_ioctl), which is
    // the array's length, and takes a reference of its own to the file.
    unsafe { ioctl::ioctl(device, call) }.map(drop)
}

/// What a loop device has: a `struct loop_info64`. ENXIO where it has nothing.
pub(super) fn loop_status(device: BorrowedFd<'_>) -> Result<[u8; LOOP_INFO_BYTES]> {
    let mut info = [0; LOOP_INFO_BYTES];
    let call = InMemory {
        opcode: LOOP_GET_STATUS64,
        memory: &mut info,
    };
    // SAFETY: the kernel copies sizeof(struct loop_info64) bytes to the pointer (loop_get_status64), which is
    // the array's length.
    unsafe { ioctl::ioctl(device, call) }?;
    Ok(info)
}

/// Gives a loop device the flags of a `struct loop_info64` that it has given, of which `LO_FLAGS_AUTOCLEAR` can be changed.
pub(super) fn loop_set_status(
    device: BorrowedFd<'_>,
    info: &mut [u8; LOOP_INFO_BYTES],
) -> Result<()> {
    let call = InMemory {
        opcode: LOOP_SET_STATUS64,
        memory: info,
    };
    // SAFETY: the kernel copies sizeof(struct loop_info64) bytes from the pointer (loop_set_status64), which is the
    // array's length.
    unsafe { ioctl::ioctl(device, call) }.map(drop)
}

/// Detaches a loop device from its file, now or when its last user closes it.
pub(super) fn loop_clear(device: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: LOOP_CLR_FD takes no argument.
    unsafe { ioctl::ioctl(device, Number(LOOP_CLR_FD)) }.map(drop)
}

/// Has a loop device look again how long its file is.
pub(super) fn loop_set_capacity(device: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: LOOP_SET_CAPACITY takes no argument.
    unsafe { ioctl::ioctl(device, Number(LOOP_SET_CAPACITY)) }.map(drop)
}

/// Discards a range of a block device, in bytes.
pub(super) fn discard(device: BorrowedFd<'_>, offset: u64, len: u64) -> Result<()> {
    let mut range = [0; 16];
    range[..8].copy_from_slice(&offset.to_ne_bytes());
    range[8..].copy_from_slice(&len.to_ne_bytes());
    let call = InMemory {
        opcode: BLKDISCARD,
        memory: &mut range,
    };
    // SAFETY: the kernel copies two numbers of 64 bits from the pointer (block/ioctl.c, blk_ioctl_discard), which
    // is the array's length.
    unsafe { ioctl::ioctl(device, call) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_are_those_of_the_headers() {
        // DM_VERSION and DM_TABLE_STATUS as the C preprocessor has them.
        assert_eq!(ioctl::opcode::read_write::<Header>(DM, 0), 0xc138_fd00);
        assert_eq!(ioctl::opcode::read_write::<Header>(DM, 12), 0xc138_fd0c);
    }
}
