//! [`Simulated::crash`]: the filesystem that is found when the power is back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::{
    content::{Content, Unsynced},
    dir::Simulated,
    file::SECTOR,
    names::{Names, Node},
};
use crate::{
    power::{Power, lock},
    sparse::{PAGE, Page, Space, Sparse},
};

impl Simulated {
    /// The root of a new filesystem with what a crash at this instant leaves, as the module's
    /// page says; equal seeds give equal filesystems. It has a new [`Power`], at 0 and without a
    /// plan, and its own space of the same capacity; everything on it is durable. This one is
    /// not changed.
    pub fn crash(&self, seed: u64) -> Simulated {
        self.crash_onto(seed, Power::new())
    }

    /// [`Simulated::crash`], with the power that the rest of the restarted program shares.
    pub fn crash_onto(&self, seed: u64, power: Power) -> Simulated {
        let before = lock(&self.world.names);
        let mut crash = Crash {
            fate: Fate::of(seed),
            draw: Draw(seed),
            space: Space::unlimited(),
            files: HashMap::new(),
        };
        let mut after = crash.names(&before);
        after.replace_nodes(|node| match node {
            Node::File(content) => Node::File(crash.file(content)),
            other => other.clone(),
        });
        if let Some(capacity) = self.world.space.capacity() {
            crash.space.set_capacity(capacity);
        }
        Simulated::over(power, crash.space, self.world.shares, after)
    }
}

/// What the seed says of names and of bytes: all survive, none, or (`None`) each by itself.
#[derive(Debug, Clone, Copy)]
struct Fate {
    names: Option<bool>,
    bytes: Option<bool>,
}

impl Fate {
    fn of(seed: u64) -> Fate {
        let (names, bytes) = match seed {
            0 => (Some(false), Some(false)),
            1 => (Some(true), Some(true)),
            2 => (Some(true), Some(false)),
            3 => (Some(false), Some(true)),
            _ => (None, None),
        };
        Fate { names, bytes }
    }
}

struct Crash {
    fate: Fate,
    draw: Draw,
    space: Space,
    /// The new file for each old one, by its address: two names may have survived of one.
    files: HashMap<*const Mutex<Content>, Arc<Mutex<Content>>>,
}

impl Crash {
    fn names(&mut self, before: &Names) -> Names {
        let mut after = before.only_durable();
        for change in &before.unsynced {
            if self.fate.names.unwrap_or_else(|| self.draw.below(2) == 1) {
                change
                    .rebinds
                    .iter()
                    .for_each(|rebind| after.settle(rebind));
            }
        }
        after
    }

    fn file(&mut self, before: &Arc<Mutex<Content>>) -> Arc<Mutex<Content>> {
        let address = Arc::as_ptr(before);
        if let Some(known) = self.files.get(&address) {
            return Arc::clone(known);
        }
        let after = self.content(&lock(before));
        let after = Arc::new(Mutex::new(after));
        self.files.insert(address, Arc::clone(&after));
        after
    }

    fn content(&mut self, before: &Content) -> Content {
        let mut bytes = Sparse::new(&self.space);
        let mut all = before.durable.present_in(0, u64::MAX);
        let unsynced = [&before.doubtful, &before.dirty];
        all.extend(unsynced.iter().flat_map(|unsynced| unsynced.pages.keys()));
        all.sort_unstable();
        all.dedup();
        for number in all {
            let mut versions = vec![before.durable.page(number).map(Arc::as_ref)];
            let newer = |unsynced: &&Unsynced| unsynced.pages.get(&number).cloned();
            let newer: Vec<_> = unsynced.iter().filter_map(newer).flatten().collect();
            versions.extend(newer.iter().map(|version| version.as_deref()));
            bytes.put(number, self.page(&versions));
        }
        let mut lens = vec![before.durable_len];
        lens.extend(unsynced.iter().flat_map(|unsynced| &unsynced.lens));
        let len = lens[self.survivor(lens.len())];
        bytes.punch(len, u64::MAX).expect("space has no limit yet");
        Content::durable(bytes, len)
    }

    /// A page of sectors of these versions, of which the first is the durable one.
    fn page(&mut self, versions: &[Option<&Page>]) -> Option<Arc<Page>> {
        // Mostly whole pages, as the page cache writes them; half of them torn.
        let torn = self.fate.bytes.is_none() && self.draw.below(2) == 1;
        let whole = self.survivor(versions.len());
        let mut after = [0; PAGE];
        let mut is_there = versions[whole].is_some();
        for (index, sector) in after.chunks_exact_mut(SECTOR).enumerate() {
            let drawn = match torn {
                true => self.survivor(versions.len()),
                false => whole,
            };
            if let Some(page) = versions[drawn] {
                sector.copy_from_slice(&page.bytes[index * SECTOR..][..SECTOR]);
                is_there = true;
            }
        }
        let new = || Page::new(after, &self.space).expect("space has no limit yet");
        is_there.then(new)
    }

    /// Which of `count` versions survives, the first being the durable one, the last the live.
    fn survivor(&mut self, count: usize) -> usize {
        match self.fate.bytes {
            Some(true) => count - 1,
            Some(false) => 0,
            None => self.draw.below(count),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
struct Draw(u64);

impl Draw {
    /// A number from 0 to `count` - 1; 0 without a choice.
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % count).expect("less than a usize")
    }
}
