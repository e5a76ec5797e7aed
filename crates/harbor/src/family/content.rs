//! What a file holds: bytes, or a rule that makes them as they are written.

use std::io::{self, Write};

/// Bytes of noise or zeros made at once.
const PIECE: usize = 64 * 1024;

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// That many bytes that do not compress, the same for the same seed.
    Noise {
        /// Chooses the bytes.
        seed: u64,
        /// How many bytes.
        length: u64,
    },
    /// That many zero bytes.
    Zeros(u64),
}

impl Content {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).expect("a length in memory"),
            Self::Noise { length, .. } | Self::Zeros(length) => *length,
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::Zeros(length) => in_pieces(*length, |piece| out.write_all(&[0; PIECE][..piece])),
            Self::Noise { seed, length } => {
                let mut state = *seed;
                let mut noise = Vec::with_capacity(PIECE);
                in_pieces(*length, |piece| {
                    noise.clear();
                    while noise.len() < piece {
                        noise.extend_from_slice(&next(&mut state).to_le_bytes());
                    }
                    out.write_all(&noise[..piece])
                })
            }
        }
    }
}

fn in_pieces(length: u64, mut write: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let piece = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        write(piece)?;
        left -= u64::try_from(piece).expect("at most PIECE");
    }
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}
