//! The hash of a name, under which it stands in the index of its directory.
//!
//! Source: Documentation/filesystems/ext4/directory.rst, "Hash Tree Directories", and for the
//! function fs/ext4/hash.c (`ext4fs_dirhash`, `DX_HASH_HALF_MD4`): half of the rounds of MD4 over
//! pieces of 32 bytes, whose bytes count as signed numbers, from a seed of the filesystem.

/// Bytes of a name that go into one round.
const PIECE: usize = 32;
const WORDS: usize = PIECE / 4;

/// What a seed of zeros stands for: MD4's own beginning.
const NO_SEED: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The constants of MD4's second and third round.
const K2: u32 = 0x5a82_7999;
const K3: u32 = 0x6ed9_eba1;

/// The largest hash, which marks the end of a directory, and the one below it.
const END: u32 = 0xffff_fffe;
const BEFORE_END: u32 = 0xffff_fffc;

/// The hash of a name: an even number. Odd ones mark where names of one hash go on.
pub(crate) fn name_hash(seed: [u32; 4], name: &[u8]) -> u32 {
    let mut state = if seed == [0; 4] { NO_SEED } else { seed };
    for nth in 0..name.len().div_ceil(PIECE) {
        half_md4(&mut state, words(&name[nth * PIECE..]));
    }
    match state[1] & !1 {
        END => BEFORE_END,
        hash => hash,
    }
}

/// The next piece as words: bytes from high to low, what is missing filled up with the length
/// that is left (`str2hashbuf_signed`).
fn words(rest: &[u8]) -> [u32; WORDS] {
    let [len, ..] = rest.len().to_le_bytes();
    let pad = u32::from_le_bytes([len; 4]);
    let mut words = [pad; WORDS];
    for (word, bytes) in words
        .iter_mut()
        .zip(rest[..rest.len().min(PIECE)].chunks(4))
    {
        for byte in bytes {
            let signed = i32::from(byte.cast_signed()).cast_unsigned();
            *word = signed.wrapping_add(*word << 8);
        }
    }
    words
}

fn half_md4(state: &mut [u32; 4], x: [u32; WORDS]) {
    const ROUND1: [(usize, u32); WORDS] = [
        (0, 3),
        (1, 7),
        (2, 11),
        (3, 19),
        (4, 3),
        (5, 7),
        (6, 11),
        (7, 19),
    ];
    const ROUND2: [(usize, u32); WORDS] = [
        (1, 3),
        (3, 5),
        (5, 9),
        (7, 13),
        (0, 3),
        (2, 5),
        (4, 9),
        (6, 13),
    ];
    const ROUND3: [(usize, u32); WORDS] = [
        (3, 3),
        (7, 9),
        (2, 11),
        (6, 15),
        (1, 3),
        (5, 9),
        (0, 11),
        (4, 15),
    ];
    let [mut a, mut b, mut c, mut d] = *state;
    let mut step = |mixed: fn(u32, u32, u32) -> u32, word: u32, by: u32| {
        let new = a
            .wrapping_add(mixed(b, c, d))
            .wrapping_add(word)
            .rotate_left(by);
        (a, b, c, d) = (d, new, b, c);
    };
    for (nth, by) in ROUND1 {
        step(|x, y, z| z ^ (x & (y ^ z)), x[nth], by);
    }
    for (nth, by) in ROUND2 {
        let sum = |x: u32, y: u32, z: u32| (x & y).wrapping_add((x ^ y) & z);
        step(sum, x[nth].wrapping_add(K2), by);
    }
    for (nth, by) in ROUND3 {
        step(|x, y, z| x ^ y ^ z, x[nth].wrapping_add(K3), by);
    }
    for (value, more) in state.iter_mut().zip([a, b, c, d]) {
        *value = value.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `debugfs -R 'dx_hash -h half_md4 -s 6c6f6e67-7368-6f72-652d-667301000000 NAME'`
    #[test]
    fn hashes_are_those_of_debugfs() {
        let seed = *b"longshore-fs\x01\0\0\0";
        let seed = std::array::from_fn(|nth| u32::from_le_bytes(seed.as_chunks().0[nth]));
        for (name, hash) in [
            (&b"name"[..], 0xc410_9a14),
            (b"a", 0xa726_667e),
            (&[b'x'; 255], 0xc5f9_62d2),
            (b"abcdefghijklmnopqrstuvwxyz0123456", 0xc5a0_41a2),
            (b"abcdefghijklmnopqrstuvwxyz012345", 0x309c_c32c),
            (b"\xc3\xa4\xff", 0x476f_8b78),
        ] {
            assert_eq!(name_hash(seed, name), hash, "{}", name.escape_ascii());
        }
        assert_eq!(name_hash([0; 4], b"name"), 0x0812_4552);
    }
}
