//! [`union`]: how many blocks some trees map between them, looked at only where they differ.

use std::{collections::HashSet, io};

use super::{damage::MetadataError, forest::Forest, node::Block};

/// How many blocks the trees with these roots map between them, each counted once, in a forest that was surveyed
/// and has every block of data at one thin block.
///
/// What lies alone in its span, in however many of the trees it is, counts as it is known; only leaves beside
/// which there is another are read again.
pub(super) fn union(
    forest: &Forest,
    roots: Vec<usize>,
    read: &mut impl FnMut(u64) -> io::Result<Block>,
) -> Result<u64, MetadataError> {
    let mut mapped = 0;
    let mut waiting = vec![roots];
    while let Some(nodes) = waiting.pop() {
        for beside in neighbours(forest, nodes) {
            let highest = beside.iter().map(|&node| forest.height(node)).max();
            mapped += match (beside.as_slice(), highest) {
                ([alone], _) => forest.mapped(*alone),
                (leaves, Some(0)) => merged(forest, leaves, read)?,
                (_, highest) => {
                    // Each round has less height before it, and so there is a last one.
                    let opened = |&node: &usize| match Some(forest.height(node)) == highest {
                        true => forest.children(node).collect(),
                        false => vec![node],
                    };
                    waiting.push(beside.iter().flat_map(opened).collect());
                    0
                }
            };
        }
    }
    Ok(mapped)
}

/// The nodes that map something, each once, together with those that their spans reach into; by their spans.
fn neighbours(forest: &Forest, mut nodes: Vec<usize>) -> Vec<Vec<usize>> {
    nodes.sort_unstable_by_key(|&node| (forest.span(node), node));
    nodes.dedup();
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut end = None;
    for node in nodes {
        let (first, last) = forest.span(node);
        match found.last_mut() {
            _ if forest.mapped(node) == 0 => continue,
            Some(beside) if end.is_some_and(|end| first <= end) => beside.push(node),
            _ => found.push(vec![node]),
        }
        end = end.max(Some(last));
    }
    found
}

/// How many blocks of data some leaves map between them.
fn merged(
    forest: &Forest,
    leaves: &[usize],
    read: &mut impl FnMut(u64) -> io::Result<Block>,
) -> Result<u64, MetadataError> {
    let (mut seen, mut mapped) = (HashSet::new(), 0);
    for &leaf in leaves {
        for (_, data) in forest.leaf(leaf, read)? {
            mapped += u64::from(seen.insert(data));
        }
    }
    Ok(mapped)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{Blocks, Tree, Written, reader},
        *,
    };

    /// How many blocks these trees map between them, and which leaves were read for it.
    fn look(trees: &[&Tree]) -> (u64, usize) {
        let (mut blocks, mut written) = (Blocks::new(), Written::new());
        let roots = trees
            .iter()
            .map(|tree| tree.write(&mut blocks, &mut written));
        let roots: Vec<_> = roots.collect();
        let mut read = reader(&blocks);
        let (mut forest, roots) = Forest::find(roots.into_iter(), &mut read).unwrap();
        forest.survey(&mut read, |_, _, _| Ok(())).unwrap();
        let mut count = 0;
        let mut read = |block| {
            count += 1;
            read(block)
        };
        (union(&forest, roots, &mut read).unwrap(), count)
    }

    fn tree(keys: impl Iterator<Item = u64>) -> Tree {
        keys.fold(Tree::new(4), |tree, key| {
            tree.with(key, Some((key + 1000) << 24))
        })
    }

    #[test]
    fn what_is_shared_counts_once_and_is_not_read_again() {
        let origin = tree(0..100);
        assert_eq!(look(&[&origin]), (100, 0));
        assert_eq!(look(&[&origin, &origin, &origin]), (100, 0));
        let written = origin.with(50, Some(7 << 24));
        // Two versions of one leaf.
        assert_eq!(look(&[&origin, &written, &origin]), (101, 2));
        let grown = origin.with(100, Some(8 << 24)).with(101, Some(9 << 24));
        assert_eq!(look(&[&origin, &grown]).0, 102);
        assert_eq!(look(&[&origin, &grown, &written]).0, 103);
    }

    #[test]
    fn trees_may_differ_in_height_lie_apart_or_be_empty() {
        let (low, high) = (tree(0..3), tree(50..90));
        assert_eq!(look(&[&low, &high]), (43, 0));
        assert_eq!(look(&[&low, &tree(2..90)]).0, 90);
        assert_eq!(look(&[&Tree::new(4), &high, &Tree::new(4)]), (40, 0));
        assert_eq!(look(&[&Tree::new(4)]), (0, 0));
        // One that begins in a hole of another.
        let holed = tree((0..20).chain(60..80));
        assert_eq!(look(&[&holed, &tree(30..40)]).0, 50);
    }
}
