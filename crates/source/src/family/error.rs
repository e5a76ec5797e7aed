//! What can be wrong with a family.

use crate::{
    address::{Family, Key, Origin},
    error::SourceError,
};

/// Why there is no list of layers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ListError {
    /// The source did not give it.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// Nothing under that name is a layer.
    #[error("there is no family {family} in {origin}{}", ignored_note(*ignored))]
    EmptyFamily {
        /// Where it was looked for.
        origin: Origin,
        /// What was asked for.
        family: Family,
        /// Objects under that name that are no layers.
        ignored: u64,
    },

    /// A number between the first and the last layer has no object (or none is 0 or 1).
    #[error(
        "family {family} in {origin} has no layer {missing}, only {}",
        numbers(present)
    )]
    Gap {
        /// Where the family is.
        origin: Origin,
        /// The family.
        family: Family,
        /// The first number that is missing.
        missing: u32,
        /// The numbers that are there, in order.
        present: Vec<u32>,
    },

    /// Two objects claim one number.
    #[error("family {family} in {origin} has two layers {number}: {first} and {second}")]
    DuplicateNumber {
        /// Where the family is.
        origin: Origin,
        /// The family.
        family: Family,
        /// The number.
        number: u32,
        /// One object.
        first: Key,
        /// The other.
        second: Key,
    },

    /// An object is called like a layer, with a number that cannot be one.
    #[error("the layer number of {key} in {origin} is larger than {}", u32::MAX)]
    NumberTooLarge {
        /// Where it is.
        origin: Origin,
        /// The object.
        key: Key,
    },
}

fn ignored_note(ignored: u64) -> String {
    match ignored {
        0 => String::new(),
        1 => " (1 other object has that prefix, and is no layer)".to_owned(),
        n => format!(" ({n} other objects have that prefix, and none is a layer)"),
    }
}

/// The first few numbers, as prose.
fn numbers(present: &[u32]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> = present.iter().take(SHOWN).map(u32::to_string).collect();
    if present.len() > SHOWN {
        text.push(format!("and {} more", present.len() - SHOWN));
    }
    text.join(", ")
}
