//! [`Share`]: what a group of volumes takes in its pool, and what of that it takes alone.
//!
//! What must be known of a block of data is which groups have *all* volumes that map it: it is exclusive to
//! those. The roots of volumes begin with the groups that they are in; what is below several nodes has what these
//! have in common, and so has a block of data that several leaves map. Each node and each mapping is looked at
//! once, whatever the number of snapshots.

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use super::{
    damage::MetadataError,
    forest::Forest,
    metadata::mappings,
    node::Block,
    owners::{Owner, Owners},
    union::union,
};
use crate::{backend::Share, id::VolumeId};

/// The data of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataBlocks {
    pub(super) total: u64,
    /// Bytes of one.
    pub(super) bytes: u64,
}

/// What each of the groups has, by the superblock in block `superblock`. A group may have volumes that others have
/// too, or that the pool has not. `read` gives a block.
pub(super) fn shares(
    superblock: u64,
    groups: &[Vec<VolumeId>],
    data: DataBlocks,
    mut read: impl FnMut(u64) -> io::Result<Block>,
) -> Result<Vec<Share>, MetadataError> {
    let volumes = mappings(superblock, &mut read)?;
    let begin = volumes.iter().map(|(_, root)| *root);
    let (mut forest, roots) = Forest::find(begin, &mut read)?;
    let ids = volumes.iter().map(|(id, _)| *id);
    let roots: BTreeMap<u64, usize> = ids.zip(roots).collect();

    let mut owners = Owners::default();
    let of = owners_of(&forest, &roots, groups, &mut owners);
    let mut cells = Cells::new(data.total);
    forest.survey(&mut read, |leaf, thin, block| {
        let owner = of[leaf].unwrap_or(Owner::NOBODY);
        cells.take(block, thin, owner, &mut owners)
    })?;
    let exclusive = cells.exclusive(&owners, groups.len());

    let mut shares = Vec::with_capacity(groups.len());
    for (group, exclusive) in groups.iter().zip(exclusive) {
        let roots = group.iter().filter_map(|id| roots.get(&id.get()).copied());
        let mapped = union(&forest, roots.collect(), &mut read)?;
        shares.push(Share {
            mapped: mapped.saturating_mul(data.bytes),
            exclusive: exclusive.saturating_mul(data.bytes),
        });
    }
    Ok(shares)
}

/// For each node, the groups that have all volumes in whose trees it is.
fn owners_of(
    forest: &Forest,
    roots: &BTreeMap<u64, usize>,
    groups: &[Vec<VolumeId>],
    owners: &mut Owners,
) -> Vec<Option<Owner>> {
    let mut groups_of: HashMap<u64, Vec<usize>> = HashMap::new();
    for (number, group) in groups.iter().enumerate() {
        for id in group {
            groups_of.entry(id.get()).or_default().push(number);
        }
    }
    let mut of = vec![None; forest.len()];
    for (id, &root) in roots {
        let owner = owners.of(groups_of.remove(id).unwrap_or_default());
        of[root] = Some(owners.meet(of[root], owner));
    }
    // From above: nothing is above the last.
    for node in (0..forest.len()).rev() {
        let owner = of[node].unwrap_or(Owner::NOBODY);
        for child in forest.children(node) {
            of[child] = Some(owners.meet(of[child], owner));
        }
    }
    of
}

/// What was seen of a block of data: the groups that have all volumes that map it, and the lower half of the thin
/// block at which they do, which is all of it in a volume of less than 256 TiB.
type Cell = Option<(Owner, u32)>;

/// Every block of data, as far as the last that is mapped.
#[derive(Debug)]
struct Cells {
    cells: Vec<Cell>,
    total: u64,
}

impl Cells {
    fn new(total: u64) -> Self {
        let cells = Vec::new();
        Self { cells, total }
    }

    /// Takes in that a block of data is mapped at this thin block by volumes that are all in `owner`.
    fn take(
        &mut self,
        block: u64,
        thin: u64,
        owner: Owner,
        owners: &mut Owners,
    ) -> Result<(), &'static str> {
        let index = usize::try_from(block).ok();
        let index = index.filter(|_| block < self.total);
        let index = index.ok_or("it maps a block that the pool's data does not have")?;
        if self.cells.len() <= index {
            self.cells.resize(index + 1, None);
        }
        let thin = u32::try_from(thin & u64::from(u32::MAX)).unwrap_or_default();
        let cell = &mut self.cells[index];
        // Snapshots alone share blocks, and they have them where their origin has.
        if cell.is_some_and(|(_, at)| at != thin) {
            return Err("it maps a block of data that is also mapped somewhere else");
        }
        let so_far = cell.map(|(owner, _)| owner);
        *cell = Some((owners.meet(so_far, owner), thin));
        Ok(())
    }

    /// How many blocks are exclusive to each group.
    fn exclusive(&self, owners: &Owners, groups: usize) -> Vec<u64> {
        let mut counts = vec![0; owners.sets().len()];
        for (owner, _) in self.cells.iter().flatten() {
            counts[owner.index()] += 1;
        }
        let mut exclusive = vec![0; groups];
        for (set, count) in owners.sets().iter().zip(counts) {
            for &group in set {
                exclusive[group] += count;
            }
        }
        exclusive
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{prelude::*, sample::Index};

    use super::{
        super::{
            node::{HEADER, LEAF, NODE_SUM, Node},
            testing::{Blocks, Tree, metadata, node, reader, seal, superblock},
        },
        *,
    };

    const DATA: DataBlocks = DataBlocks {
        total: 1000,
        bytes: 10,
    };

    fn ids(numbers: &[u64]) -> Vec<VolumeId> {
        let ids = numbers.iter().map(|number| VolumeId::new(*number).unwrap());
        ids.collect()
    }

    fn share(mapped: u64, exclusive: u64) -> Share {
        Share { mapped, exclusive }
    }

    fn look(blocks: &Blocks, groups: &[Vec<VolumeId>]) -> Result<Vec<Share>, MetadataError> {
        shares(5, groups, DATA, reader(blocks))
    }

    #[test]
    fn a_cell_is_small() {
        assert_eq!(size_of::<Cell>(), 8);
    }

    #[test]
    fn what_is_exclusive_is_what_the_others_have_not() {
        let origin = (0..10).fold(Tree::new(4), |tree, thin| {
            tree.with(thin, Some(thin << 24 | 1))
        });
        let one = origin.with(3, Some(100 << 24)).with(20, Some(101 << 24));
        let two = one.with(3, Some(102 << 24));
        let volumes = BTreeMap::from([(1, origin.clone()), (2, one), (3, two), (4, Tree::new(4))]);
        let mut blocks = metadata(&volumes, 4);
        let groups = [
            ids(&[1]),
            ids(&[2]),
            ids(&[3]),
            ids(&[4]),
            // In several groups, twice in one, and not there.
            ids(&[2, 3, 2, 77]),
            ids(&[1, 2, 3]),
            ids(&[]),
            ids(&[77]),
        ];
        let expected = [
            share(100, 10),
            share(110, 10),
            share(110, 10),
            share(0, 0),
            share(120, 30),
            share(130, 130),
            share(0, 0),
            share(0, 0),
        ];
        assert_eq!(look(&blocks, &groups).unwrap(), expected);
        // Of a snapshot that was not written to nothing is exclusive, in its origin neither.
        let volumes = BTreeMap::from([(1, origin.clone()), (2, origin)]);
        blocks = metadata(&volumes, 4);
        let groups = [ids(&[1]), ids(&[2]), ids(&[2, 1])];
        let expected = [share(100, 0), share(100, 0), share(100, 100)];
        assert_eq!(look(&blocks, &groups).unwrap(), expected);
    }

    #[test]
    fn ten_thousand_snapshots_cost_what_one_does() {
        const SNAPSHOTS: u64 = 10_000;
        const BLOCKS: u64 = 16_384;
        let origin = (0..BLOCKS).fold(Tree::new(252), |tree, thin| {
            tree.with(thin, Some(thin << 24))
        });
        let written = origin.with(5, Some(BLOCKS << 24));
        let mut volumes: BTreeMap<_, _> = (1..=SNAPSHOTS).map(|id| (id, origin.clone())).collect();
        volumes.insert(0, written);
        let blocks = metadata(&volumes, 252);
        let mut groups: Vec<_> = (0..=SNAPSHOTS).map(|id| ids(&[id])).collect();
        groups.push(volumes.keys().flat_map(|id| ids(&[*id])).collect());
        groups.push((1..=SNAPSHOTS).flat_map(|id| ids(&[id])).collect());
        let mut reads = 0;
        let mut read = reader(&blocks);
        let data = DataBlocks {
            total: BLOCKS + 1,
            bytes: 65_536,
        };
        let shares = shares(5, &groups, data, |block| {
            reads += 1;
            read(block)
        });
        let shares = shares.unwrap();
        let bytes = BLOCKS * 65_536;
        assert_eq!(shares[0], share(bytes, 65_536));
        assert!(
            shares[1..groups.len() - 2]
                .iter()
                .all(|&each| each == share(bytes, 0))
        );
        let last = &shares[groups.len() - 2..];
        let all = share(bytes + 65_536, bytes + 65_536);
        assert_eq!(last, [all, share(bytes, 65_536)]);
        // Once, but for the first leaf of either tree and those in which the two differ.
        assert_eq!(reads, blocks.len() + 2 + 2);
    }

    #[test]
    fn what_is_damaged_is_named_and_ends() {
        let with = |leaf: &[(u64, u64)], top: &[(u64, u64)]| {
            let blocks = Blocks::from([
                (5, superblock(5, 10, 0)),
                (10, node(10, LEAF, 8, top)),
                (11, node(11, LEAF, 8, &[(1, 7 << 24)])),
                (12, node(12, LEAF, 8, leaf)),
            ]);
            look(&blocks, &[ids(&[1])]).map_err(|error| error.to_string())
        };
        let both = [(1, 11), (2, 12)];
        assert_eq!(with(&[(1, 999 << 24)], &both).unwrap(), [share(10, 10)]);
        let said = with(&[(1, 1000 << 24)], &both).unwrap_err();
        assert!(said.contains("block 12 of the pool's metadata is damaged: it maps a block that"));
        let said = with(&[(1, u64::MAX)], &both).unwrap_err();
        assert!(said.contains("does not have"));
        // By one volume twice, and by two at different places.
        let said = with(&[(1, 8 << 24), (2, 8 << 24)], &both).unwrap_err();
        assert!(said.contains("also mapped somewhere else"));
        let said = with(&[(2, 7 << 24)], &both).unwrap_err();
        assert!(said.contains("also mapped somewhere else"));
        assert!(
            with(&[], &[(1, 13)])
                .unwrap_err()
                .contains("cannot be read")
        );
    }

    /// What is done to a pool.
    #[derive(Debug, Clone)]
    enum Act {
        Snapshot(usize, u64),
        Write(usize, u64),
        Discard(usize, u64),
        Delete(usize),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let volume = 0_usize..8;
        let act = prop_oneof![
            2 => (volume.clone(), 0_u64..40).prop_map(|(origin, id)| Act::Snapshot(origin, id)),
            8 => (volume.clone(), 0_u64..60).prop_map(|(volume, thin)| Act::Write(volume, thin)),
            2 => (volume.clone(), 0_u64..60).prop_map(|(volume, thin)| Act::Discard(volume, thin)),
            1 => volume.prop_map(Act::Delete),
        ];
        prop::collection::vec(act, 0..150)
    }

    /// A volume as a tree, and plainly.
    #[derive(Debug, Clone)]
    struct Both {
        tree: Tree,
        plain: BTreeMap<u64, u64>,
    }

    /// A pool with one empty volume, after these acts.
    fn history(acts: &[Act]) -> BTreeMap<u64, Both> {
        let empty = Both {
            tree: Tree::new(4),
            plain: BTreeMap::new(),
        };
        let mut volumes = BTreeMap::from([(0, empty)]);
        for act in acts {
            let used: BTreeSet<u64> = volumes
                .values()
                .flat_map(|each| each.plain.values().copied())
                .collect();
            let (Act::Snapshot(at, _) | Act::Write(at, _) | Act::Discard(at, _) | Act::Delete(at)) =
                act;
            let Some(id) = volumes.keys().copied().cycle().nth(*at) else {
                break;
            };
            let volume = volumes[&id].clone();
            let changed = |thin: u64, data: Option<u64>| {
                let Both { tree, mut plain } = volume.clone();
                plain.remove(&thin);
                plain.extend(data.map(|data| (thin, data)));
                let tree = tree.with(thin, data.map(|data| data << 24 | thin));
                Both { tree, plain }
            };
            match *act {
                Act::Snapshot(_, new) => drop(volumes.entry(new).or_insert(volume)),
                Act::Write(_, thin) => {
                    let data = (0..DATA.total).find(|data| !used.contains(data));
                    volumes.insert(id, changed(thin, data));
                }
                Act::Discard(_, thin) => drop(volumes.insert(id, changed(thin, None))),
                Act::Delete(_) => drop(volumes.remove(&id)),
            }
        }
        volumes
    }

    fn blocks_of(volumes: &BTreeMap<u64, Both>) -> Blocks {
        let trees = volumes.iter().map(|(id, each)| (*id, each.tree.clone()));
        metadata(&trees.collect(), 4)
    }

    /// The blocks of data of each volume.
    type Plain = BTreeMap<u64, BTreeSet<u64>>;

    fn naive(volumes: &Plain, group: &[VolumeId]) -> Share {
        let data = |inside: bool| {
            let is_in = |id: u64| group.iter().any(|member| member.get() == id);
            let chosen = volumes.iter().filter(|(id, _)| is_in(**id) == inside);
            let data = chosen.flat_map(|(_, data)| data.iter().copied());
            data.collect::<BTreeSet<u64>>()
        };
        let (mapped, others) = (data(true), data(false));
        let bytes = |count: usize| u64::try_from(count).unwrap() * DATA.bytes;
        share(
            bytes(mapped.len()),
            bytes(mapped.difference(&others).count()),
        )
    }

    /// The blocks of data below a node, each time that it is come to.
    fn below(blocks: &Blocks, block: u64) -> Vec<u64> {
        let node = Node::read(block, 8, &mut reader(blocks)).unwrap();
        let values = node.entries().map(|(_, value)| value);
        match node.is_leaf() {
            true => values.map(|value| value >> 24).collect(),
            false => values.flat_map(|child| below(blocks, child)).collect(),
        }
    }

    fn some_groups() -> impl Strategy<Value = Vec<Vec<VolumeId>>> {
        let group = prop::collection::vec(0_u64..40, 0..8);
        let groups = prop::collection::vec(group, 0..6);
        groups.prop_map(|groups| groups.iter().map(|group| ids(group)).collect())
    }

    /// What is changed in a node, whose checksum is made right again.
    #[derive(Debug, Clone)]
    enum Damage {
        Head(usize, u8),
        Key(usize, u64),
        Child(usize, Index),
        Data(usize, u64),
    }

    /// Where nodes have their values that have room for 252.
    const VALUES: usize = HEADER + 252 * 8;

    fn damage() -> impl Strategy<Value = (Index, Damage)> {
        let data = prop_oneof![any::<u64>(), (0_u64..1100).prop_map(|data| data << 24)];
        let damage = prop_oneof![
            (4_usize..HEADER, any::<u8>()).prop_map(|(at, byte)| Damage::Head(at, byte)),
            (0_usize..4, 0_u64..80).prop_map(|(at, key)| Damage::Key(at, key)),
            (0_usize..4, any::<Index>()).prop_map(|(at, which)| Damage::Child(at, which)),
            (0_usize..4, data).prop_map(|(at, data)| Damage::Data(at, data)),
        ];
        (any::<Index>(), damage)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn shares_are_what_a_plain_count_says(acts in acts(), some in some_groups()) {
            let volumes = history(&acts);
            let mut groups: Vec<_> = volumes.keys().map(|id| ids(&[*id])).collect();
            groups.extend(some);
            groups.push(volumes.keys().flat_map(|id| ids(&[*id])).collect());
            let found = look(&blocks_of(&volumes), &groups).unwrap();
            let plain = volumes.into_iter();
            let plain = plain.map(|(id, each)| (id, each.plain.into_values().collect())).collect();
            let expected: Vec<_> = groups.iter().map(|group| naive(&plain, group)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn damage_has_an_end(
            acts in acts(),
            some in some_groups(),
            damage in prop::collection::vec(damage(), 1..6),
        ) {
            let mut blocks = blocks_of(&history(&acts));
            let numbers: Vec<u64> = blocks.keys().copied().filter(|block| *block != 5).collect();
            for (which, damage) in damage {
                let there = blocks.get_mut(which.get(&numbers)).unwrap();
                let entry = |from: usize, entry: usize| from + entry * 8..from + entry * 8 + 8;
                let (at, number) = match damage {
                    Damage::Head(at, byte) => (at..at + 1, u64::from(byte)),
                    Damage::Key(at, key) => (entry(HEADER, at), key),
                    Damage::Child(at, which) => (entry(VALUES, at), *which.get(&numbers)),
                    Damage::Data(at, value) => (entry(VALUES, at), value),
                };
                let length = at.len();
                there[at].copy_from_slice(&number.to_le_bytes()[..length]);
                seal(there, NODE_SUM);
            }
            let mut reads = 0;
            let mut read = reader(&blocks);
            let found = shares(5, &some, DATA, |block| {
                reads += 1;
                read(block)
            });
            prop_assert!(reads <= blocks.len() * (2 + some.len()), "{reads}");
            // What is still taken for metadata means what it says.
            let Ok(found) = found else {
                return Ok(());
            };
            let volumes = mappings(5, &mut reader(&blocks)).unwrap().into_iter();
            let data = |root| below(&blocks, root).into_iter().collect();
            let plain = volumes.map(|(id, root)| (id, data(root))).collect();
            let expected: Vec<_> = some.iter().map(|group| naive(&plain, group)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
