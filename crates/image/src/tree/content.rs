//! What a tree in memory keeps of a file: every byte, or its size and digest.

use super::memory::length;
use crate::{Digest, Hasher};

/// A file's content, as far as it is kept. Writes ascend; what they skip are zeros.
pub trait Content: Sized {
    /// A file of so many bytes, all of them zeros until they are written; `None` if there is no room.
    fn hole(size: u64) -> Option<Self>;

    /// Takes bytes that belong at this offset; false if they do not fit the size.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> bool;

    /// Nothing more is written.
    fn close(&mut self);

    /// Bytes, holes included.
    fn size(&self) -> u64;

    /// The digest of all of them, once it is closed.
    fn digest(&self) -> Digest;
}

impl Content for Vec<u8> {
    fn hole(size: u64) -> Option<Self> {
        Some(vec![0; usize::try_from(size).ok()?])
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> bool {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let place = self.get_mut(start..start.saturating_add(bytes.len()));
        place.map(|place| place.copy_from_slice(bytes)).is_some()
    }

    fn close(&mut self) {}

    fn size(&self) -> u64 {
        length(self)
    }

    fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

/// A file of which only size and digest are kept, whatever its size.
#[derive(Debug, Clone)]
pub struct Summary {
    size: u64,
    /// How far it is hashed.
    hashed: u64,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Open(Box<Hasher>),
    Closed(Digest),
}

impl Summary {
    /// Hashes zeros up to this offset.
    fn skip_to(&mut self, offset: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        if let State::Open(hasher) = &mut self.state {
            while self.hashed < offset {
                let count = (offset - self.hashed).min(length(&ZEROS));
                hasher.update(&ZEROS[..usize::try_from(count).unwrap_or(ZEROS.len())]);
                self.hashed += count;
            }
        }
    }
}

impl Content for Summary {
    fn hole(size: u64) -> Option<Self> {
        Some(Self {
            size,
            hashed: 0,
            state: State::Open(Box::default()),
        })
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> bool {
        let end = offset.checked_add(length(bytes));
        let Some(end) = end.filter(|end| *end <= self.size && offset >= self.hashed) else {
            return false;
        };
        self.skip_to(offset);
        if let State::Open(hasher) = &mut self.state {
            hasher.update(bytes);
        }
        self.hashed = end;
        true
    }

    fn close(&mut self) {
        self.skip_to(self.size);
        if let State::Open(hasher) =
            std::mem::replace(&mut self.state, State::Closed(Digest::of(b"")))
        {
            self.state = State::Closed(hasher.finish());
        }
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Digest {
        match &self.state {
            State::Open(_) => Digest::of(b""),
            State::Closed(digest) => *digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_of_a_file_what_its_bytes_do() {
        for size in [0, 9, 4_096, 10_000] {
            let (mut bytes, mut summary) = (Vec::hole(size).unwrap(), Summary::hole(size).unwrap());
            for (offset, part) in [(1, &b"ab"[..]), (3, b"c"), (5_000, b"def"), (9_999, b"!")] {
                assert_eq!(bytes.write(offset, part), summary.write(offset, part));
            }
            bytes.close();
            summary.close();
            assert_eq!((summary.size(), summary.digest()), (size, bytes.digest()));
        }
    }
}
