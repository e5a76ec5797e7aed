//! A layer that is inflated ahead comes to what it comes to otherwise: tree, report, rejection.

use std::io::{self, Read};

use longshore_image::{
    Ahead, ApplyError, Budget, Code, Digest, LayerReport, Limits, Listing, MemoryTree, Proof,
    StoredLayer, Totals, apply, apply_ahead,
};

use crate::builder::{Tar, gzip};
use crate::cases::zstd::frame;

type Outcome = Result<(LayerReport, Listing), String>;

fn outcome(
    tree: &MemoryTree,
    applied: Result<LayerReport, ApplyError<impl std::error::Error>>,
) -> Outcome {
    match applied {
        Ok(report) => Ok((report, tree.listing())),
        Err(ApplyError::Rejected(rejected)) => Err(rejected.to_string()),
        Err(other) => Err(format!("{other:?}")),
    }
}

/// Stored bytes that nobody else hashes.
fn unproven<R: Read>(bytes: R) -> io::Result<StoredLayer<R>> {
    Ok(StoredLayer { bytes, proof: None })
}

/// Both ways, one layer on the other; the last of them may be rejected.
fn both(layers: &[Vec<u8>], limits: &Limits, budget: &Budget) -> (Vec<Outcome>, Vec<Outcome>) {
    let (mut here, mut beside) = (MemoryTree::new(), MemoryTree::new());
    let (mut totals, mut their_totals) = (Totals::default(), Totals::default());
    // All of them are begun before the first is applied.
    let begun: Vec<_> = (layers.iter())
        .map(|layer| {
            let reader = io::Cursor::new(layer.clone());
            Ahead::start(|| unproven(reader), limits, budget).unwrap()
        })
        .collect();
    let now = (layers.iter())
        .map(|layer| {
            let applied = apply(&mut here, &layer[..], limits, &mut totals);
            outcome(&here, applied)
        })
        .collect();
    let ahead = (begun.into_iter())
        .map(|layer| {
            let applied = apply_ahead(&mut beside, layer, limits, &mut their_totals);
            outcome(&beside, applied)
        })
        .collect();
    assert_eq!(totals, their_totals);
    (now, ahead)
}

fn content(seed: u8, count: usize) -> Vec<u8> {
    (0..=250)
        .cycle()
        .take(count)
        .map(|byte: u8| byte ^ seed)
        .collect()
}

#[test]
fn it_is_the_same_image() {
    let large = Tar::new().file("a", &content(1, 3 << 20)).end();
    let small = Tar::new().file("b", b"b").file(".wh.a", b"").end();
    let middle = Tar::new()
        .file("c", &content(9, 1 << 20))
        .hard_link("d", "c")
        .end();
    let layers = [gzip(&large), small, frame(&middle), large];
    // Also where there is room for nothing but what each layer has by itself.
    for budget in [0, 64 << 20] {
        let (now, ahead) = both(&layers, &Limits::default(), &Budget::new(budget));
        assert!(now.iter().all(Result::is_ok), "{now:?}");
        assert_eq!(now, ahead);
    }
}

#[test]
fn it_is_rejected_for_the_same() {
    let good = Tar::new().file("a", &content(1, 1 << 20)).end();
    let packed = gzip(&good);
    let cut = packed[..packed.len() - 9].to_vec();
    let behind = [&packed[..], b"x"].concat();
    let above = Tar::new().file("a/../b", b"").end();
    let limits = Limits {
        stream_bytes: 1 << 20,
        ..Limits::default()
    };
    let budget = Budget::new(1 << 20);
    for (layer, limits, code) in [
        (cut, &Limits::default(), Code::GzipTruncated),
        (behind, &Limits::default(), Code::GzipTrailingData),
        (above, &Limits::default(), Code::NameParent),
        (good, &limits, Code::LimitStream),
        (Vec::new(), &Limits::default(), Code::Empty),
    ] {
        let (now, ahead) = both(&[layer], limits, &budget);
        assert_eq!(now, ahead);
        let rejected = ahead[0].as_ref().unwrap_err();
        assert!(rejected.starts_with(code.as_str()), "{rejected}");
    }
}

/// A reader that has nothing more to give, and does not say so.
struct Pulled;

impl Read for Pulled {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the cable was pulled"))
    }
}

#[test]
fn a_reader_that_fails_is_told() {
    let budget = Budget::new(0);
    let limits = Limits::default();
    let begun = io::Cursor::new(Tar::new().dir("d").bytes);
    let pulled = Ahead::start(|| unproven(begun.chain(Pulled)), &limits, &budget).unwrap();
    let missing = || Err::<StoredLayer<Pulled>, _>(io::Error::other("not there"));
    let missing = Ahead::start(missing, &limits, &budget).unwrap();
    for (layer, why) in [(pulled, "the cable was pulled"), (missing, "not there")] {
        let applied = apply_ahead(
            &mut MemoryTree::new(),
            layer,
            &limits,
            &mut Totals::default(),
        );
        let Err(ApplyError::Read(error)) = applied else {
            panic!("{applied:?}");
        };
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn one_that_is_dropped_gives_its_room_back() {
    let limits = Limits::default();
    let budget = Budget::new(1 << 20);
    let layer = Tar::new().file("a", &content(1, 8 << 20)).end();
    for _ in 0..50 {
        let reader = io::Cursor::new(layer.clone());
        drop(Ahead::start(|| unproven(reader), &limits, &budget).unwrap());
    }
    let (now, ahead) = both(&[layer], &limits, &budget);
    assert_eq!(now, ahead);
}

#[test]
fn a_plain_layer_that_somebody_else_hashes_is_not_hashed_again() {
    let plain = Tar::new().file("a", b"a").end();
    let (limits, budget) = (Limits::default(), Budget::new(0));
    let diff_id = |stored: &[u8], proof: Option<Digest>| {
        let bytes = io::Cursor::new(stored.to_vec());
        let proof = Some(Proof::new(move || proof));
        let open = || Ok(StoredLayer { bytes, proof });
        let layer = Ahead::start(open, &limits, &budget).unwrap();
        let applied = apply_ahead(
            &mut MemoryTree::new(),
            layer,
            &limits,
            &mut Totals::default(),
        );
        applied.map(|report| *report.diff_id.digest())
    };
    // What is told is believed: whoever tells it has read the same bytes.
    let told = Digest::of(b"told");
    assert_eq!(diff_id(&plain, Some(told)).unwrap(), told);
    // Of a compressed layer it says nothing.
    assert_eq!(
        diff_id(&gzip(&plain), Some(told)).unwrap(),
        Digest::of(&plain)
    );
    assert!(matches!(diff_id(&plain, None), Err(ApplyError::Read(_))));
}
