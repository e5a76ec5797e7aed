//! Blocks of names of a directory: a chain of entries that fills the block, and its checksum at
//! the end.
//!
//! Source: Documentation/filesystems/ext4/directory.rst, "Linear (Classic) Directories".
//!
//! Room that no entry uses is zeros. An entry goes where the first gap is that has room for it:
//! an unused entry, or the slack behind a used one.

use super::{
    bytes::{BLOCK_SIZE, Block, get16, get32, put16, put32, zeroed},
    checksum::Seed,
};
use crate::node::Kind;

/// Bytes of an entry before its name.
const HEAD: usize = 8;
/// Bytes that entries fill; the rest of the block looks like an entry without a name to those
/// that know no checksums.
const ENTRIES_END: usize = BLOCK_SIZE - TAIL_LEN;
const TAIL_LEN: usize = 12;
const TAIL_TYPE: u8 = 0xde;
const TAIL_CHECKSUM: usize = BLOCK_SIZE - 4;
/// The most that one half of a block that is split takes.
const HALF: usize = BLOCK_SIZE / 2;

/// A block of a directory.
#[derive(Debug, Clone)]
pub(crate) struct DirBlock(Block);

/// An entry in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The number of the inode, not 0.
    pub(crate) inode: u32,
    /// The name, as it is stored.
    pub(crate) name: &'a [u8],
    /// The type of what it names, see [`kind_code`].
    pub(crate) kind: u8,
}

/// A block cut in two by the hashes of its names.
#[derive(Debug)]
pub(crate) struct Halves {
    pub(crate) lower: DirBlock,
    pub(crate) upper: DirBlock,
    /// The lowest hash in the upper one.
    pub(crate) hash: u32,
    /// Whether the lower one has names of that hash too.
    pub(crate) shared: bool,
}

/// Where an entry is, and what it takes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    at: usize,
    len: usize,
    /// Bytes in use; 0 for an unused entry.
    used: usize,
}

impl Slot {
    const fn gap(self) -> usize {
        self.len - self.used
    }
}

impl DirBlock {
    /// A block without entries.
    pub(crate) fn empty() -> Self {
        let mut block = zeroed();
        put16(&mut block, 4, rec_len(ENTRIES_END));
        put16(&mut block, ENTRIES_END + 4, rec_len(TAIL_LEN));
        block[ENTRIES_END + 7] = TAIL_TYPE;
        Self(block)
    }

    /// The first block of a directory: `.` and `..`.
    pub(crate) fn first(own: u32, parent: u32) -> Self {
        let mut block = Self::empty();
        let second = entry_len(1);
        block.put(0, second, own, b".", DIRECTORY_CODE);
        block.put(second, ENTRIES_END - second, parent, b"..", DIRECTORY_CODE);
        block
    }

    /// The block of these entries, which fit, in their order.
    pub(crate) fn packed<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Self {
        let mut block = Self::empty();
        let mut at = 0;
        let mut entries = entries.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let len = match entries.peek() {
                Some(_) => entry_len(entry.name.len()),
                None => ENTRIES_END - at,
            };
            block.put(at, len, entry.inode, entry.name, entry.kind);
            at += len;
        }
        block
    }

    /// What `.` and `..` are in a directory's first block.
    pub(super) fn own_and_parent(&self) -> (u32, u32) {
        (get32(&self.0, 0), get32(&self.0, entry_len(1)))
    }

    /// Cuts the block in two by the hashes of its names, as the kernel does (`do_split`): the
    /// upper half takes half a block of them, or half of them where they take less than that.
    /// `None` if there are not two.
    pub(crate) fn split(&self, hash: impl Fn(&[u8]) -> u32) -> Option<Halves> {
        let mut entries: Vec<(u32, Entry<'_>)> = self
            .children()
            .map(|entry| (hash(entry.name), entry))
            .collect();
        entries.sort_by_key(|(hash, _)| *hash);
        let mut size = 0;
        let stays = entries.iter().rposition(|(_, entry)| {
            let len = entry_len(entry.name.len());
            let over = size + len / 2 > HALF;
            size += len;
            over
        });
        let cut = stays.map_or(entries.len() / 2, |last| last + 1);
        let (lower, upper) = entries.split_at(cut);
        let hash = upper.first()?.0;
        Some(Halves {
            lower: Self::packed(lower.iter().map(|(_, entry)| *entry)),
            upper: Self::packed(upper.iter().map(|(_, entry)| *entry)),
            hash,
            shared: lower.last()?.0 == hash,
        })
    }

    /// The block, if its checksum is right and its entries are a chain that fills it.
    pub(crate) fn parse(block: &Block, seed: Seed) -> Result<Self, &'static str> {
        let parsed = Self(*block);
        let tail = &block[ENTRIES_END..];
        if get32(tail, 0) != 0 || get16(tail, 4) != rec_len(TAIL_LEN) || tail[7] != TAIL_TYPE {
            return Err("it has no checksum");
        }
        if get32(block, TAIL_CHECKSUM) != seed.of(&block[..ENTRIES_END]) {
            return Err("its checksum does not match");
        }
        let mut at = 0;
        while at < ENTRIES_END {
            let len = usize::from(get16(block, at + 4));
            let used = HEAD + usize::from(block[at + 6]);
            if len < HEAD + 4 || !len.is_multiple_of(4) || len > ENTRIES_END - at || used > len {
                return Err("its entries do not fill it");
            }
            at += len;
        }
        Ok(parsed)
    }

    /// The block to store, with its checksum.
    pub(crate) fn sealed(mut self, seed: Seed) -> Block {
        let checksum = seed.of(&self.0[..ENTRIES_END]);
        put32(&mut self.0, TAIL_CHECKSUM, checksum);
        self.0
    }

    /// The entries in use, in their order, `.` and `..` among them.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.slots()
            .filter(|slot| slot.used > 0)
            .map(|slot| self.entry(slot))
    }

    /// The entries in use but `.` and `..`.
    pub(crate) fn children(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries()
            .filter(|entry| entry.name != b"." && entry.name != b"..")
    }

    /// The child of that name, which is neither `.` nor `..`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        if matches!(name, b"." | b"..") {
            return None;
        }
        // Names of one directory often begin alike, and differ in the end.
        let last = name.last();
        self.entries()
            .find(|entry| entry.name.last() == last && entry.name == name)
    }

    /// Adds an entry in the first gap that has room; `false` if none has.
    pub(crate) fn insert(&mut self, inode: u32, name: &[u8], kind: u8) -> bool {
        let need = entry_len(name.len());
        let Some(slot) = self.slots().find(|slot| slot.gap() >= need) else {
            return false;
        };
        if slot.used > 0 {
            put16(&mut self.0, slot.at + 4, rec_len(slot.used));
        }
        self.put(slot.at + slot.used, slot.gap(), inode, name, kind);
        true
    }

    /// Removes the entry of that name; its room goes to the one before it. `false` if there is
    /// none.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        let mut before: Option<Slot> = None;
        let Some(slot) = self.slots().find(|slot| {
            let found = slot.used > 0 && self.entry(*slot).name == name;
            if !found {
                before = Some(*slot);
            }
            found
        }) else {
            return false;
        };
        self.0[slot.at..slot.at + slot.len].fill(0);
        match before {
            Some(before) => put16(&mut self.0, before.at + 4, rec_len(before.len + slot.len)),
            None => put16(&mut self.0, slot.at + 4, rec_len(slot.len)),
        }
        true
    }

    fn put(&mut self, at: usize, len: usize, inode: u32, name: &[u8], kind: u8) {
        put32(&mut self.0, at, inode);
        put16(&mut self.0, at + 4, rec_len(len));
        self.0[at + 6] = u8::try_from(name.len()).expect("a name has at most 255 bytes");
        self.0[at + 7] = kind;
        self.0[at + HEAD..at + HEAD + name.len()].copy_from_slice(name);
    }

    fn entry(&self, slot: Slot) -> Entry<'_> {
        let name = slot.at + HEAD;
        Entry {
            inode: get32(&self.0, slot.at),
            name: &self.0[name..name + usize::from(self.0[slot.at + 6])],
            kind: self.0[slot.at + 7],
        }
    }

    /// The chain; that it ends was seen when the block was parsed.
    fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at >= ENTRIES_END {
                return None;
            }
            let slot = Slot {
                at,
                len: usize::from(get16(&self.0, at + 4)),
                used: if get32(&self.0, at) == 0 {
                    0
                } else {
                    entry_len(usize::from(self.0[at + 6]))
                },
            };
            at += slot.len;
            Some(slot)
        })
    }
}

/// Bytes that an entry with a name of that length takes: 12 to 264.
pub(crate) const fn entry_len(name_len: usize) -> usize {
    (HEAD + name_len).next_multiple_of(4)
}

/// The type of a directory (`EXT4_FT_DIR`).
pub(super) const DIRECTORY_CODE: u8 = kind_code(Kind::Directory);

/// The type that an entry tells of its inode (`EXT4_FT_*`).
pub(crate) const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::File => 1,
        Kind::Directory => 2,
        Kind::CharDevice { .. } => 3,
        Kind::BlockDevice { .. } => 4,
        Kind::Fifo => 5,
        Kind::Socket => 6,
        Kind::Symlink => 7,
    }
}

fn rec_len(len: usize) -> u16 {
    u16::try_from(len).expect("an entry is within its block")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed::new(9);

    fn names(block: &DirBlock) -> Vec<Vec<u8>> {
        block.entries().map(|entry| entry.name.to_vec()).collect()
    }

    #[test]
    fn a_block_fills_up_and_its_gaps_are_used_again() {
        let mut block = DirBlock::first(12, 2);
        let mut count = 0u32;
        while block.insert(100 + count, format!("name{count:03}").as_bytes(), 1) {
            count += 1;
        }
        // 4084 bytes less `.` and `..`, 16 an entry of 7 bytes.
        assert_eq!(count, (4084 - 24) / 16);
        assert!(block.remove(b"name007"));
        assert!(!block.remove(b"name007"));
        assert!(block.insert(7, b"other", 1));
        assert_eq!(names(&block)[9], b"other");
        assert_eq!(block.find(b"other").unwrap().inode, 7);
        let stored = block.sealed(SEED);
        assert_eq!(names(&DirBlock::parse(&stored, SEED).unwrap()).len(), 255);
    }

    #[test]
    fn what_was_removed_leaves_zeros() {
        let mut block = DirBlock::empty();
        assert!(block.insert(20, b"first", 1) && block.insert(21, b"second", 1));
        assert!(block.remove(b"first") && block.remove(b"second"));
        let mut empty = DirBlock::empty();
        // The first entry stays, unused, as long as it was; the second was merged into it.
        assert_eq!(block.0, empty.0);
        assert!(empty.insert(22, &[b'x'; 255], 1));
    }

    #[test]
    fn broken_chains_are_refused() {
        let good = DirBlock::first(12, 2).sealed(SEED);
        assert!(DirBlock::parse(&good, SEED).is_ok());
        for (at, value) in [(4, 0), (4, 11), (4, 4092), (6, 200), (16, 8), (16, 13)] {
            let mut bad = DirBlock(good);
            put16(&mut bad.0, at, value);
            assert!(
                DirBlock::parse(&bad.sealed(SEED), SEED).is_err(),
                "{at} {value}"
            );
        }
    }
}
