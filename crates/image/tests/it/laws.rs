//! What holds for all layers: the merge against a model of two passes, and that nothing panics.
//!
//! The model knows paths only. It hides first and adds then, which is what the rule says; it has no
//! nodes, no record of what was touched, and cannot be read in one pass.

use std::collections::{BTreeMap, BTreeSet};

use longshore_image::{ListingContent, ListingRow};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::builder::{Head, Image, Tar, gzip};

/// A step of a layer. Paths are of a small alphabet, so that they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    File(Vec<&'static str>, u8),
    Dir(Vec<&'static str>),
    Whiteout(Vec<&'static str>),
    Opaque(Vec<&'static str>),
}

/// Path to mark: a directory (with whether an entry named it) or a file and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Parent,
    Dir,
    File(u8),
}

type Model = BTreeMap<Vec<&'static str>, Mark>;

fn path() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (path(), any::<u8>()).prop_map(|(path, mark)| Step::File(path, mark)),
        2 => path().prop_map(Step::Dir),
        2 => path().prop_map(Step::Whiteout),
        1 => path().prop_map(|path| Step::Opaque(path[1..].to_vec())),
    ]
}

fn add(tar: Tar, step: &Step) -> Tar {
    match step {
        Step::File(path, mark) => tar.file(&path.join("/"), &[*mark]),
        Step::Dir(path) => tar.dir(&path.join("/")),
        Step::Whiteout(path) => {
            let (name, parent) = path.split_last().unwrap();
            tar.file(&[parent, &[&format!(".wh.{name}")]].concat().join("/"), b"")
        }
        Step::Opaque(path) => {
            let opaque: &[&str] = &[".wh..wh..opq"];
            tar.file(&[&path[..], opaque].concat().join("/"), b"")
        }
    }
}

fn archive(steps: &[Step]) -> Vec<u8> {
    steps.iter().fold(Tar::new(), add).end()
}

fn remove(model: &mut Model, path: &[&str], itself: bool) {
    model.retain(|other, _| !(other.starts_with(path) && (itself || other.len() > path.len())));
}

/// First all that is hidden, then all that is added; `None` if an entry lies in a file of its layer.
fn expected(mut model: Model, steps: &[Step]) -> Option<Model> {
    for step in steps {
        match step {
            Step::Whiteout(path) => remove(&mut model, path, true),
            Step::Opaque(path) => remove(&mut model, path, false),
            Step::File(..) | Step::Dir(_) => {}
        }
    }
    let mut own = BTreeSet::new();
    for step in steps {
        let (path, mark) = match step {
            Step::File(path, mark) => (path, Mark::File(*mark)),
            Step::Dir(path) => (path, Mark::Dir),
            // A whiteout in a file of its own layer is no better than an entry in one.
            Step::Whiteout(path) => (path, Mark::Parent),
            Step::Opaque(path) => (path, Mark::Parent),
        };
        let whiteout = mark == Mark::Parent;
        let parents = match step {
            Step::Opaque(_) => path.len() + 1,
            _ => path.len(),
        };
        for length in 1..parents {
            let parent = path[..length].to_vec();
            match model.get(&parent) {
                Some(Mark::File(_)) if own.contains(&parent) => return None,
                Some(Mark::Parent | Mark::Dir) => {}
                _ if whiteout => break,
                _ => {
                    model.insert(parent.clone(), Mark::Parent);
                    own.insert(parent);
                }
            }
        }
        if whiteout {
            continue;
        }
        match (model.get(path), mark) {
            (Some(Mark::Parent | Mark::Dir), Mark::Dir) => {}
            _ => remove(&mut model, path, true),
        }
        own.retain(|other: &Vec<&str>| !other.starts_with(path) || model.contains_key(other));
        model.insert(path.clone(), mark);
        own.insert(path.clone());
    }
    Some(model)
}

/// The tree as the model would have it.
fn found(image: &Image) -> BTreeMap<String, (u16, Option<u8>)> {
    let listing = image.listing();
    let rows = listing
        .iter()
        .filter(|(path, _)| *path != b"/")
        .map(|(path, row)| {
            let path = String::from_utf8(path[1..].to_vec()).unwrap();
            let content = image.tree.content(&path).map(|content| content[0]);
            (path, (row.mode, content))
        });
    rows.collect()
}

fn listed(model: &Model) -> BTreeMap<String, (u16, Option<u8>)> {
    let row = |mark: &Mark| match mark {
        Mark::Parent => (0o755, None),
        Mark::Dir => (0o700, None),
        Mark::File(content) => (0o644, Some(*content)),
    };
    model
        .iter()
        .map(|(path, mark)| (path.join("/"), row(mark)))
        .collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn one_pass_gives_what_two_passes_would(
        lower in prop::collection::vec(step(), 0..8),
        middle in prop::collection::vec(step(), 0..8),
        upper in prop::collection::vec(step(), 0..8),
    ) {
        let (mut image, mut model) = (Image::new(), Model::new());
        for (number, steps) in [lower, middle, upper].iter().enumerate() {
            // Whiteouts in the first layer do nothing at all, not even to say that they are wrong.
            let steps: Vec<_> = steps.iter().filter(|step| {
                number > 0 || matches!(step, Step::File(..) | Step::Dir(_))
            }).cloned().collect();
            let result = image.layer(&archive(&steps)[..]);
            let Some(next) = expected(model, &steps) else {
                prop_assert_eq!(result.unwrap_err().code.as_str(), "parent-not-directory");
                return Ok(());
            };
            prop_assert!(result.is_ok(), "{:?}", result);
            prop_assert_eq!(found(&image), listed(&next));
            model = next;
        }
    }

    /// With links in the way too, moving a whiteout changes nothing, or one of the two is rejected.
    #[test]
    fn where_a_whiteout_stands_does_not_matter(
        lower in prop::collection::vec(linked(), 0..8),
        upper in prop::collection::vec(linked(), 1..6),
        hidden in hiding(),
        places in any::<[Index; 2]>(),
    ) {
        let mut below = Image::new();
        let lower = lower.iter().fold(Tar::new(), |tar, step| step.add(tar)).end();
        if below.layer(&lower[..]).is_err() {
            return Ok(());
        }
        let [first, second] = places.map(|place| {
            let (before, after) = upper.split_at(place.index(upper.len() + 1));
            let tar = before.iter().fold(Tar::new(), |tar, step| step.add(tar));
            let tar = add(tar, &hidden);
            let layer = after.iter().fold(tar, |tar, step| step.add(tar)).end();
            let mut image = below.clone();
            image.layer(&layer[..]).map(|_| image.listing())
        });
        if let (Ok(first), Ok(second)) = (first, second) {
            prop_assert_eq!(first, second);
        }
    }

    /// What a layer does depends on what is below it, and not on how that came about: on all layers
    /// one by one, on a tree that was kept, and on one archive of that tree it is the same.
    #[test]
    fn extending_an_image_is_building_it(
        lower in prop::collection::vec(linked(), 0..8),
        middle in prop::collection::vec(linked(), 0..8),
        upper in prop::collection::vec(linked(), 0..8),
        hidden in prop::collection::vec(hiding(), 0..3),
    ) {
        let packed = |steps: &[Linked]| steps.iter().fold(Tar::new(), |tar, step| step.add(tar));
        let upper = hidden.iter().fold(packed(&upper), add).end();
        let mut built = Image::new();
        for layer in [packed(&lower), packed(&middle)] {
            if built.layer(&layer.end()[..]).is_err() {
                return Ok(());
            }
        }
        let mut kept = built.clone();
        let mut flat = Image::of(&[&flattened(&built)]);
        prop_assert_eq!(flat.listing(), built.listing());
        let result = built.layer(&upper[..]);
        prop_assert_eq!(kept.layer(&upper[..]), result.clone());
        prop_assert_eq!(flat.layer(&upper[..]), result.clone());
        if result.is_ok() {
            prop_assert_eq!(kept.listing(), built.listing());
            prop_assert_eq!(flat.listing(), built.listing());
        }
    }

    #[test]
    fn a_whiteout_of_what_is_not_there_changes_nothing(
        lower in prop::collection::vec(step(), 0..8),
        upper in prop::collection::vec(linked(), 0..6),
        missing in path(),
        place in any::<Index>(),
    ) {
        let lower: Vec<_> = lower.into_iter().filter(|step| {
            matches!(step, Step::File(..) | Step::Dir(_))
        }).collect();
        let mut below = Image::new();
        if below.layer(&archive(&lower)[..]).is_err() {
            return Ok(());
        }
        let path = format!("/{}", missing.join("/"));
        prop_assume!(!below.listing().contains_key(path.as_bytes()));
        let (before, after) = upper.split_at(place.index(upper.len() + 1));
        let first = before.iter().fold(Tar::new(), |tar, step| step.add(tar));
        let rest = |tar: Tar| after.iter().fold(tar, |tar, step| step.add(tar)).end();
        let (without, with) = (rest(first.clone()), rest(add(first, &Step::Whiteout(missing))));
        let mut other = below.clone();
        if let (Ok(_), Ok(report)) = (below.layer(&without[..]), other.layer(&with[..])) {
            prop_assert_eq!(report.counters.whiteouts, 0);
            prop_assert_eq!(other.listing(), below.listing());
        }
    }

    /// A layer of distinct paths, none of them below a file or a symlink of it, and with links to
    /// files of its own alone.
    #[test]
    fn a_layer_applied_twice_is_a_layer_applied_once(
        lower in prop::collection::vec(step(), 0..8),
        upper in prop::collection::vec(linked(), 1..8),
        hidden in prop::collection::vec(hiding(), 0..3),
    ) {
        let upper = hidden.iter().fold(repeatable(upper), add).end();
        let mut image = Image::new();
        if image.layer(&archive(&lower)[..]).is_err() || image.layer(&upper[..]).is_err() {
            return Ok(());
        }
        let once = image.listing();
        prop_assert!(image.layer(&upper[..]).is_ok());
        prop_assert_eq!(image.listing(), once);
    }

    /// Damaged archives, their checksums made right again, are read or rejected; never a panic, and
    /// never a promise to the tree that is not kept.
    #[test]
    fn nothing_in_an_archive_makes_it_panic(
        steps in prop::collection::vec(linked(), 1..6),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..12),
        fixed in any::<bool>(),
        packed in any::<bool>(),
    ) {
        let extended: [(&str, &[u8]); 3] =
            [("GNU.sparse.map", b"0,1"), ("GNU.sparse.size", b"9"), ("mtime", b"1.5")];
        let tar = Tar::new().pax(&extended).file("s", b"x").extension(b'L', b"long\0");
        let mut bytes = steps.iter().fold(tar.file("cut", b""), |tar, step| step.add(tar)).end();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if fixed {
            for block in bytes.as_chunks_mut::<512>().0 {
                if block.iter().any(|byte| *byte != 0) {
                    *block = Head(*block).sealed();
                }
            }
        }
        let stored = if packed { gzip(&bytes) } else { bytes };
        let _ = Image::new().layer(&stored[..]);
    }
}

fn hiding() -> impl Strategy<Value = Step> {
    prop_oneof![
        path().prop_map(Step::Whiteout),
        path().prop_map(Step::Opaque)
    ]
}

/// The tree as one archive.
fn flattened(image: &Image) -> Vec<u8> {
    let row = |tar: Tar, (path, row): (&Vec<u8>, &ListingRow)| {
        let name = std::str::from_utf8(path).unwrap();
        let first = row.link_group.as_ref().map(ToString::to_string);
        match (&row.content, first) {
            (_, Some(first)) if first != name => tar.hard_link(name, &first),
            (ListingContent::Directory, _) => tar.put(&Head::new(b'5', path).mode(row.mode), b""),
            (ListingContent::Symlink(target), _) => tar.symlink(name, &target.to_string()),
            _ => tar.file(name, image.tree.content(&name[1..]).unwrap()),
        }
    };
    image.listing().iter().fold(Tar::new(), row).end()
}

/// What of the steps makes a layer that may be applied again.
fn repeatable(steps: Vec<Linked>) -> Tar {
    let mut taken: Vec<(Vec<&'static str>, bool)> = Vec::new();
    let mut files: BTreeSet<Vec<&'static str>> = BTreeSet::new();
    let mut tar = Tar::new();
    for step in steps {
        let (path, directory) = match &step {
            Linked::Plain(Step::Dir(path)) => (path, true),
            Linked::Plain(Step::File(path, _)) | Linked::Symlink(path, _) => (path, false),
            Linked::HardLink(path, target) if files.contains(target) => (path, false),
            Linked::HardLink(..) | Linked::Plain(_) => continue,
        };
        let clashes = taken.iter().any(|(other, other_directory)| {
            path == other
                || (path.starts_with(other) && !other_directory)
                || (other.starts_with(path) && !directory)
        });
        if clashes {
            continue;
        }
        taken.push((path.clone(), directory));
        if let Linked::Plain(Step::File(path, _)) = &step {
            files.insert(path.clone());
        }
        tar = step.add(tar);
    }
    tar
}

/// A step with links in it.
#[derive(Debug, Clone)]
enum Linked {
    Plain(Step),
    Symlink(Vec<&'static str>, String),
    HardLink(Vec<&'static str>, Vec<&'static str>),
}

impl Linked {
    fn add(&self, tar: Tar) -> Tar {
        match self {
            Self::Plain(step) => add(tar, step),
            Self::Symlink(path, target) => tar.symlink(&path.join("/"), target),
            Self::HardLink(path, target) => tar.hard_link(&path.join("/"), &target.join("/")),
        }
    }
}

fn linked() -> impl Strategy<Value = Linked> {
    let target = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "..", "."]), 1..4);
    let target = (any::<bool>(), target).prop_map(|(absolute, parts)| {
        if absolute { "/" } else { "" }.to_owned() + &parts.join("/")
    });
    prop_oneof![
        4 => (path(), any::<u8>()).prop_map(|(path, mark)| Linked::Plain(Step::File(path, mark))),
        2 => path().prop_map(|path| Linked::Plain(Step::Dir(path))),
        3 => (path(), target).prop_map(|(path, target)| Linked::Symlink(path, target)),
        1 => (path(), path()).prop_map(|(path, target)| Linked::HardLink(path, target)),
    ]
}
