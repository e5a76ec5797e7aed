//! The checksum that descriptors had before there was CRC-32C: CRC-16 (`gdt_csum`).
//!
//! Source: lib/crc16.c of the kernel: polynomial 0x8005, bits reversed.

/// The checksum over these bytes, going on from `crc`.
pub(super) fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 0 {
                crc >> 1
            } else {
                crc >> 1 ^ 0xa001
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_crc16_arc() {
        // The check value of CRC-16/ARC.
        assert_eq!(crc16(0, b"123456789"), 0xbb3d);
    }
}
