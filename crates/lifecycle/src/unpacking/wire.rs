//! What parent and child say to each other, a frame of JSON each. Either is this same program, so there are
//! no versions; but whoever took the child over may write its frames, so what it says is held to what can be
//! said, and is harmless to print.

use longshore_cage::harmless;
use longshore_image::{Digest, LayerReport, Limits, Rejected};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    trouble::TreeTrouble,
    unpack::{Finished, Grow},
};

/// Letters of a text of the child's that are shown: more than any of ours has.
const SHOWN: usize = 4096;

/// What the parent wants.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// The first, with the volume's descriptor; answered.
    Begin {
        grow: Grow,
        limits: Box<Limits>,
        /// Bytes of all layers that are inflated before their turn.
        ahead: u64,
    },
    /// Comes with a descriptor that gives a layer's stored bytes.
    Layer {
        number: usize,
        /// Whether their digest follows.
        is_hashed: bool,
    },
    /// What the stored bytes of a layer were proven to be.
    Digest { number: usize, digest: Digest },
    /// The rest of a layer never comes, or its digest never does.
    Lost { number: usize },
    /// To apply a layer, as soon as it is there; answered.
    Apply { number: usize },
    /// To end, with this UUID; answered.
    Finish { uuid: [u8; 16] },
}

/// What the child answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Begun,
    Applied(Box<LayerReport>),
    Finished(Finished),
    Failed(Problem),
}

/// Why it cannot be done. The filesystem is half done then.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Problem {
    /// The layer breaks a rule.
    Rejected(Rejected),
    /// Its bytes did not come.
    Read,
    /// The filesystem, with the texts of the error and its sources.
    Tree(TreeTrouble, Vec<String>),
}

pub(super) fn write(said: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(said)
}

pub(super) fn read<T: DeserializeOwned>(frame: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(frame)
}

impl Problem {
    /// With texts that can be shown.
    pub(super) fn harmless(self) -> Self {
        match self {
            Self::Rejected(rejected) => Self::Rejected(Rejected {
                detail: shown(&rejected.detail),
                ..rejected
            }),
            Self::Read => Self::Read,
            Self::Tree(trouble, texts) => {
                // An error of ours has a handful of sources.
                let texts = texts.iter().take(16).map(|text| shown(text));
                Self::Tree(trouble, texts.collect())
            }
        }
    }
}

/// As much of a text as is shown, without what a terminal obeys.
pub(crate) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN).map(|(end, _)| end);
    harmless(&text[..end.unwrap_or(text.len())])
}

#[cfg(test)]
mod tests {
    use longshore_image::Code;

    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        for order in [
            Order::Begin {
                grow: Grow::From(longshore_image::Totals::default()),
                limits: Box::default(),
                ahead: 7,
            },
            Order::Layer {
                number: 3,
                is_hashed: true,
            },
            Order::Digest {
                number: 3,
                digest: Digest::of(b"a"),
            },
            Order::Finish { uuid: [9; 16] },
        ] {
            assert_eq!(read::<Order>(&write(&order).unwrap()).unwrap(), order);
        }
        let answer = Answer::Failed(Problem::Tree(TreeTrouble::DiskFull, vec!["a".to_owned()]));
        assert_eq!(read::<Answer>(&write(&answer).unwrap()).unwrap(), answer);
        for frame in [
            "",
            "{}",
            "\"begun",
            "[]",
            "\"begun\" \"begun\"",
            "{\"applied\":{}}",
        ] {
            assert!(read::<Answer>(frame.as_bytes()).is_err(), "{frame}");
        }
    }

    #[test]
    fn no_text_of_a_childs_is_obeyed_or_endless() {
        let long = "x".repeat(5000);
        let problem = Problem::Tree(
            TreeTrouble::Filesystem,
            vec!["a\u{1b}[2J\nb\u{202e}".to_owned(), long],
        );
        let Problem::Tree(_, texts) = problem.harmless() else {
            panic!("another problem");
        };
        assert_eq!(texts[0], "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        assert_eq!(texts[1].len(), SHOWN);
        let many = Problem::Tree(TreeTrouble::Filesystem, vec![String::new(); 100]);
        assert_eq!(
            many.harmless(),
            Problem::Tree(TreeTrouble::Filesystem, vec![String::new(); 16])
        );
        let rejected = Problem::Rejected(Rejected {
            code: Code::Empty,
            entry: None,
            detail: "\r".to_owned(),
        });
        let Problem::Rejected(Rejected { detail, .. }) = rejected.harmless() else {
            panic!("another problem");
        };
        assert_eq!(detail, "\u{fffd}");
    }
}
