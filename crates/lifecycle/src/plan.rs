//! What is to be done for an image: pure functions over what was listed and what is here.

use longshore_catalog::{LayerRow, NewLayer, Pin, VolumeId};
use longshore_image::{ChainId, DiffId, Digest, Hasher};

/// How a listing stands to what is recorded of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Nothing is recorded.
    First,
    /// It is what is recorded.
    Same,
    /// It differs from what is recorded, of which nothing was ever proven.
    Replace,
    /// It differs, and the difference was accepted.
    NewGeneration,
    /// It differs, and nobody said that it may.
    Refused(Vec<Difference>),
}

/// One difference between a listing and what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// A key whose bytes were proven has another entity tag or size.
    Changed {
        key: String,
        pinned: (Option<String>, u64),
        listed: (Option<String>, u64),
    },
    /// A layer that the image did not have.
    Added(String),
    /// A layer that the image no longer has.
    Gone(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tag = |tag: &Option<String>| tag.clone().unwrap_or_else(|| "none".into());
        match self {
            Self::Changed {
                key,
                pinned,
                listed,
            } => write!(
                f,
                "{key}: entity tag {} ({} bytes) when it was pinned, {} ({} bytes) now",
                tag(&pinned.0),
                pinned.1,
                tag(&listed.0),
                listed.1
            ),
            Self::Added(key) => write!(f, "{key}: was not part of the image"),
            Self::Gone(key) => write!(f, "{key}: is no longer there"),
        }
    }
}

/// The UUID of the filesystem that a chain of layers comes to: RFC 9562, version 8, its own bits the chain's.
pub(crate) fn chain_uuid(chain: &ChainId) -> [u8; 16] {
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&chain.digest().as_bytes()[..16]);
    uuid[6] = (uuid[6] & 0x0f) | 0x80;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    uuid
}

/// Compares a listing with the newest generation and the pins of the listed keys.
///
/// `recorded` is the generation's layers and whether its volume was ever sealed; `pins` are those
/// of the listed keys, wherever they came from: another family may have pinned a key first.
pub(crate) fn resolve(
    listed: &[NewLayer],
    pins: &[Option<Pin>],
    recorded: Option<(&[LayerRow], bool)>,
    accept_changed: bool,
) -> Resolution {
    let mut differences: Vec<Difference> = listed
        .iter()
        .zip(pins)
        .filter_map(|(layer, pin)| {
            let pin = pin.as_ref()?;
            let same = pin.etag == layer.etag && pin.size == layer.size;
            (!same).then(|| Difference::Changed {
                key: layer.key.clone(),
                pinned: (pin.etag.clone(), pin.size),
                listed: (layer.etag.clone(), layer.size),
            })
        })
        .collect();
    let Some((layers, sealed)) = recorded else {
        return match (differences.is_empty(), accept_changed) {
            (true, _) | (false, true) => Resolution::First,
            (false, false) => Resolution::Refused(differences),
        };
    };
    let unchanged = layers.len() == listed.len()
        && layers
            .iter()
            .zip(listed)
            .all(|(old, new)| old.key == new.key && old.etag == new.etag && old.size == new.size);
    if unchanged && differences.is_empty() {
        return Resolution::Same;
    }
    if sealed {
        let had = |key: &str| layers.iter().any(|layer| layer.key == key);
        let has = |key: &str| listed.iter().any(|layer| layer.key == key);
        let added = listed.iter().filter(|layer| !had(&layer.key));
        differences.extend(added.map(|layer| Difference::Added(layer.key.clone())));
        let gone = layers.iter().filter(|layer| !has(&layer.key));
        differences.extend(gone.map(|layer| Difference::Gone(layer.key.clone())));
    }
    match (differences.is_empty(), accept_changed) {
        (true, _) => Resolution::Replace,
        (false, true) => Resolution::NewGeneration,
        (false, false) => Resolution::Refused(differences),
    }
}

/// The blobs that a chain of layers was unpacked from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChainOrigin {
    blobs: Vec<Digest>,
    is_compressed: bool,
}

impl ChainOrigin {
    /// The next layer, as it is stored and as it turned out to be.
    pub(crate) fn push(&mut self, blob: &Digest, diff_id: &DiffId) {
        self.is_compressed |= blob != diff_id.digest();
        self.blobs.push(*blob);
    }

    /// What tells it from other blobs of which somebody said that they are the same chain; `None` where
    /// nobody had to say anything: the diff id of a layer that is not compressed is that of its blob.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let mut hasher = Hasher::new();
        for blob in &self.blobs {
            hasher.update(blob.as_bytes());
        }
        self.is_compressed.then(|| hasher.finish())
    }
}

/// The chain ids of the layers from the first on, as far as their blobs and diff ids are known.
pub(crate) fn chains(
    layers: impl IntoIterator<Item = (Option<Digest>, Option<DiffId>)>,
) -> Vec<(ChainId, ChainOrigin)> {
    let mut chains: Vec<(ChainId, ChainOrigin)> = Vec::new();
    for layer in layers {
        let (Some(blob), Some(diff_id)) = layer else {
            break;
        };
        let (chain, mut origin) = match chains.last() {
            None => (ChainId::base(diff_id), ChainOrigin::default()),
            Some((below, origin)) => (below.extend(diff_id), origin.clone()),
        };
        origin.push(&blob, &diff_id);
        chains.push((chain, origin));
    }
    chains
}

/// Where building begins: the longest chain that is sealed already, and how many layers it has.
pub(crate) fn start(sealed: &[Option<VolumeId>]) -> (usize, Option<VolumeId>) {
    sealed
        .iter()
        .enumerate()
        .rev()
        .find_map(|(position, volume)| volume.map(|volume| (position + 1, Some(volume))))
        .unwrap_or((0, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(key: &str, etag: &str) -> NewLayer {
        NewLayer {
            key: key.into(),
            etag: Some(etag.into()),
            size: 1,
        }
    }

    fn recorded(key: &str, etag: &str) -> LayerRow {
        LayerRow {
            position: 0,
            key: key.into(),
            etag: Some(etag.into()),
            size: 1,
            digest: None,
            diff_id: None,
            report: None,
        }
    }

    fn pin(key: &str, etag: &str) -> Option<Pin> {
        Some(Pin {
            key: key.into(),
            etag: Some(etag.into()),
            size: 1,
            digest: Digest::of(etag.as_bytes()),
            pinned_at: 0,
        })
    }

    #[test]
    fn what_was_never_seen_is_first_and_what_is_as_it_was_is_the_same() {
        assert_eq!(
            resolve(&[listed("1", "a")], &[None], None, false),
            Resolution::First
        );
        let old = [recorded("1", "a")];
        for sealed in [false, true] {
            let same = resolve(&[listed("1", "a")], &[None], Some((&old, sealed)), false);
            assert_eq!(same, Resolution::Same);
        }
    }

    #[test]
    fn a_pinned_key_that_changed_is_refused_until_it_is_accepted() {
        let old = [recorded("1", "a")];
        let new = [listed("1", "b")];
        let refused = resolve(&new, &[pin("1", "a")], Some((&old, false)), false);
        let Resolution::Refused(differences) = refused else {
            panic!("{refused:?}")
        };
        let text = differences[0].to_string();
        assert!(
            text.contains("tag a") && text.contains(", b"),
            "both are shown: {text}"
        );
        let accepted = resolve(&new, &[pin("1", "a")], Some((&old, true)), true);
        assert_eq!(accepted, Resolution::NewGeneration);
    }

    #[test]
    fn a_key_that_another_image_pinned_counts() {
        let refused = resolve(&[listed("1", "b")], &[pin("1", "a")], None, false);
        assert!(matches!(refused, Resolution::Refused(_)));
        let accepted = resolve(&[listed("1", "b")], &[pin("1", "a")], None, true);
        assert_eq!(accepted, Resolution::First);
    }

    #[test]
    fn what_was_never_proven_may_change() {
        let old = [recorded("1", "a")];
        let new = [listed("1", "b")];
        assert_eq!(
            resolve(&new, &[None], Some((&old, false)), false),
            Resolution::Replace
        );
    }

    #[test]
    fn a_sealed_image_may_not_gain_or_lose_a_layer_unasked() {
        let old = [recorded("1", "a")];
        let new = [listed("1", "a"), listed("2", "b")];
        let pins = [pin("1", "a"), None];
        let refused = resolve(&new, &pins, Some((&old, true)), false);
        assert_eq!(
            refused,
            Resolution::Refused(vec![Difference::Added("2".into())])
        );
        let lost = resolve(&[], &[], Some((&old, true)), false);
        assert_eq!(
            lost,
            Resolution::Refused(vec![Difference::Gone("1".into())])
        );
        let grown = resolve(&new, &pins, Some((&old, false)), false);
        assert_eq!(grown, Resolution::Replace, "an unfinished upload may go on");
    }

    #[test]
    fn chains_stop_at_the_first_layer_that_was_never_unpacked() {
        let layer = |text: &str| {
            let blob = Digest::of(text.as_bytes());
            (Some(blob), Some(DiffId::new(blob)))
        };
        let known = chains([layer("a"), layer("b"), (None, None), layer("d")]);
        let known: Vec<_> = known.into_iter().map(|(chain, _)| chain).collect();
        let diff = |text: &str| DiffId::new(Digest::of(text.as_bytes()));
        assert_eq!(
            known,
            [
                ChainId::base(diff("a")),
                ChainId::base(diff("a")).extend(diff("b"))
            ]
        );
    }

    #[test]
    fn what_was_said_of_one_blob_is_not_believed_of_another() {
        let blob = |text: &str| Digest::of(text.as_bytes());
        let diff = |text: &str| DiffId::new(blob(text));
        let of = |layers: &[(&str, &str)]| {
            let layers = layers.iter();
            let known =
                chains(layers.map(|(stored, plain)| (Some(blob(stored)), Some(diff(plain)))));
            let (chain, origin) = known.last().unwrap();
            (*chain, origin.digest())
        };
        let honest = of(&[("a", "a"), ("b.gz", "b")]);
        let liar = of(&[("a", "a"), ("evil.gz", "b")]);
        assert_eq!(honest.0, liar.0);
        assert_ne!(honest.1, liar.1);
        assert_eq!(honest, of(&[("a", "a"), ("b.gz", "b")]));
        // Of the layer below it too.
        assert_ne!(
            of(&[("evil.gz", "a"), ("b", "b")]).1,
            of(&[("a.gz", "a"), ("b", "b")]).1
        );
        assert_eq!(of(&[("a", "a"), ("b", "b")]).1, None);
    }

    #[test]
    fn building_begins_at_the_longest_sealed_chain() {
        let volume = |id| Some(VolumeId(id));
        assert_eq!(start(&[]), (0, None));
        assert_eq!(start(&[None, None]), (0, None));
        assert_eq!(start(&[volume(3), None, volume(9), None]), (3, volume(9)));
    }
}
