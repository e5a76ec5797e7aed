//! Operations on a tree, drawn. Numbers are taken modulo what there is at the time.

use longshore_ext4::{Kind, Metadata, Permissions, Timestamp};

use crate::draw::Draw;

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    File {
        dir: u8,
        name: Vec<u8>,
        metadata: Metadata,
        pieces: Vec<Piece>,
        tail: usize,
    },
    /// A file of single blocks, apart from each other.
    Comb {
        dir: u8,
        name: Vec<u8>,
        teeth: usize,
    },
    /// Files without content, with names of this length.
    Many {
        dir: u8,
        count: u8,
        length: usize,
    },
    Make {
        dir: u8,
        name: Vec<u8>,
        metadata: Metadata,
        what: Make,
    },
    Link {
        dir: u8,
        name: Vec<u8>,
        node: u8,
    },
    /// Of a name that is there, where there is one.
    Unlink {
        dir: u8,
        nth: u8,
    },
    SetMetadata {
        node: u8,
        metadata: Metadata,
    },
    Commit,
    Reopen,
}

/// A node that is whole when it is made.
#[derive(Debug, Clone)]
pub(crate) enum Make {
    Directory,
    Symlink(usize),
    Special(Kind),
}

/// A part of a file: how much is skipped before it, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) skip: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Operation {
    pub(crate) fn draw(draw: &mut Draw<'_>) -> Self {
        let (what, dir) = (draw.byte(), draw.byte());
        match what % 32 {
            0..=8 => Self::File {
                dir,
                name: name(draw),
                metadata: metadata(draw),
                pieces: (0..draw.below(4)).map(|_| piece(draw)).collect(),
                tail: draw.pick(&[0, 0, 0, 1, 4095, 4096, 10_000, 1 << 33]),
            },
            9 => Self::Comb {
                dir,
                name: name(draw),
                teeth: draw.below(420),
            },
            10 => Self::Many {
                dir,
                count: draw.byte() % 80,
                length: draw.below(253) + 3,
            },
            11..=15 => Self::Make {
                dir,
                name: name(draw),
                metadata: metadata(draw),
                what: Make::Directory,
            },
            16 | 17 => Self::Make {
                dir,
                name: name(draw),
                metadata: metadata(draw),
                what: Make::Symlink(draw.pick(&[1, 5, 59, 60, 61, 200, 4094, 4095])),
            },
            18 => Self::Make {
                dir,
                name: name(draw),
                metadata: metadata(draw),
                what: Make::Special(special(draw)),
            },
            19..=21 => Self::Link {
                dir,
                name: name(draw),
                node: draw.byte(),
            },
            22..=27 => Self::Unlink {
                dir,
                nth: draw.byte(),
            },
            28 | 29 => Self::SetMetadata {
                node: dir,
                metadata: metadata(draw),
            },
            30 => Self::Commit,
            _ => Self::Reopen,
        }
    }
}

fn piece(draw: &mut Draw<'_>) -> Piece {
    let shape = draw.byte();
    let skip = match shape % 4 {
        0 | 1 => 0,
        2 => draw.below(5000),
        _ => draw.below(60) * 4096,
    };
    let length = match (shape >> 2) % 4 {
        0 => draw.below(200),
        1 => 4000 + draw.below(200),
        2 => draw.below(20_000),
        _ => draw.below(40) * 4096,
    };
    let bytes = if shape >> 6 == 3 {
        vec![0; length]
    } else {
        vec![shape | 1; length]
    };
    Piece { skip, bytes }
}

/// A name: short ones that meet, long ones, and such as cannot be one.
fn name(draw: &mut Draw<'_>) -> Vec<u8> {
    match draw.byte() {
        byte @ 0..200 => format!("n{}", byte % 20).into_bytes(),
        byte @ 200..240 => vec![b'a' + byte % 4; 255 - usize::from(byte % 5)],
        byte @ 240..252 => draw.bytes(usize::from(byte)).to_vec(),
        252 => b"..".to_vec(),
        253 => vec![b'x'; 256],
        254 => b"a/b".to_vec(),
        _ => Vec::new(),
    }
}

fn metadata(draw: &mut Draw<'_>) -> Metadata {
    let shape = draw.byte();
    let mut metadata = Metadata {
        permissions: Permissions::new(u32::from(shape) * 16 + 5).expect("at most twelve bits"),
        uid: u32::from(shape) << 24,
        gid: u32::from(shape) << 9,
        ..Metadata::default()
    };
    if shape & 3 == 3 {
        let (seconds, nanoseconds) = (draw.long(), u32::from(draw.word()) * 15_000);
        let range = Timestamp::MAX_SECS - Timestamp::MIN_SECS + 1;
        let seconds = (seconds % range.unsigned_abs()).cast_signed() + Timestamp::MIN_SECS;
        metadata.mtime = Timestamp::new(seconds, nanoseconds).expect("within the range");
    }
    if shape & 0x30 == 0x30 {
        for _ in 0..draw.below(3) {
            let name: &[u8] = draw.pick(&[b"user.a", b"user.bcd", b"security.capability"]);
            let value = draw.bytes(40).to_vec();
            metadata.xattrs.retain(|(other, _)| other != name);
            metadata.xattrs.push((name.to_vec(), value));
        }
        metadata.xattrs.sort();
    }
    metadata
}

fn special(draw: &mut Draw<'_>) -> Kind {
    let number = draw.word();
    let (major, minor) = (u32::from(number) & 0xfff, u32::from(number) << 4);
    draw.pick(&[
        Kind::Fifo,
        Kind::Socket,
        Kind::CharDevice { major, minor },
        Kind::BlockDevice { major, minor },
    ])
}
