//! A frame on the channel: a header of eight bytes, then as many bytes as it says.
//!
//! ```text
//! 0..4  bytes that follow, little endian
//! 4..8  descriptors that came with the header (SCM_RIGHTS), little endian; 0 from the child
//! ```
//! Descriptors are counted in the header because the kernel drops those it has no room for without
//! an error.

/// Bytes in one frame to the child. What is longer is given as a descriptor.
pub const LONGEST_JOB: u32 = 64 << 20;

/// Descriptors with one frame.
pub const MOST_DESCRIPTORS: usize = 8;

/// Bytes in the child's first frame, whatever its answers may have.
pub(crate) const LONGEST_GREETING: u32 = 4096;

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) bytes: u32,
    pub(crate) descriptors: u32,
}

impl Header {
    /// The header of a frame with this content, if it is within `longest` bytes and
    /// [`MOST_DESCRIPTORS`].
    pub(crate) fn of(content: usize, descriptors: usize, longest: u32) -> Option<Header> {
        let bytes = u32::try_from(content).ok().filter(|&n| n <= longest)?;
        let few = descriptors <= MOST_DESCRIPTORS;
        let descriptors = u32::try_from(descriptors).ok().filter(|_| few)?;
        Some(Header { bytes, descriptors })
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[4..].copy_from_slice(&self.descriptors.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Header {
        let [a, b, c, d, e, f, g, h] = bytes;
        Header {
            bytes: u32::from_le_bytes([a, b, c, d]),
            descriptors: u32::from_le_bytes([e, f, g, h]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_as_it_was() {
        let header = Header::of(0x0102_0304, 8, u32::MAX).unwrap();
        assert_eq!(header.to_bytes(), [4, 3, 2, 1, 8, 0, 0, 0]);
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
    }

    #[test]
    fn what_is_too_much_has_no_header() {
        assert!(Header::of(10, 0, 10).is_some());
        assert_eq!(Header::of(11, 0, 10), None);
        assert_eq!(Header::of(0, MOST_DESCRIPTORS + 1, 10), None);
        assert_eq!(Header::of(1 << 32, 0, u32::MAX), None);
    }
}
