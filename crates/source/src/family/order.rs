//! Which objects of a family are its layers, and in which order. A pure function of a listing.

use std::collections::{BTreeMap, btree_map::Entry};

use super::ListError;
use crate::{
    address::{Family, Key, LayerFile, Locator, Origin, layer_file},
    error::Version,
};

/// The layers of an image, base first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its layers; at least one.
    pub layers: Vec<Locator>,
    /// What stands beside them.
    pub ignored: Ignored,
}

/// Objects under a family that are none of its layers: folder markers, READMEs, subfolders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignored {
    /// How many.
    pub count: u64,
    /// The names of the first few, for a message.
    pub names: Vec<String>,
}

impl Ignored {
    const NAMED: usize = 5;

    pub(super) fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < Self::NAMED {
            self.names.push(name.to_owned());
        }
    }
}

/// Orders what was found directly under a family. `ignored` is what is known to be no layer.
pub(super) fn order(
    origin: &Origin,
    family: &Family,
    found: Vec<(Key, Version)>,
    mut ignored: Ignored,
) -> Result<Listing, ListError> {
    let mut layers: BTreeMap<u32, Locator> = BTreeMap::new();
    for (key, Version { etag, size }) in found {
        let number = match layer_file(key.file_name()) {
            LayerFile::Numbered(number) => number,
            LayerFile::TooLarge => {
                return Err(ListError::NumberTooLarge {
                    origin: origin.clone(),
                    key,
                });
            }
            LayerFile::Other => {
                ignored.add(key.as_str());
                continue;
            }
        };
        match layers.entry(number) {
            Entry::Vacant(entry) => {
                entry.insert(Locator {
                    origin: origin.clone(),
                    key,
                    etag,
                    size,
                    number,
                });
            }
            Entry::Occupied(entry) => {
                let other = entry.get().key.clone();
                let (first, second) = if other < key {
                    (other, key)
                } else {
                    (key, other)
                };
                let (origin, family) = (origin.clone(), family.clone());
                return Err(ListError::DuplicateNumber {
                    origin,
                    family,
                    number,
                    first,
                    second,
                });
            }
        }
    }
    let Some(&lowest) = layers.keys().next() else {
        let (origin, family) = (origin.clone(), family.clone());
        return Err(ListError::EmptyFamily {
            origin,
            family,
            ignored: ignored.count,
        });
    };
    // Counting begins at 0 or at 1; what begins higher has lost its base.
    let gap = layers
        .keys()
        .zip(lowest.min(1)..)
        .find(|(number, expected)| *number != expected);
    if let Some((_, missing)) = gap {
        return Err(ListError::Gap {
            origin: origin.clone(),
            family: family.clone(),
            missing,
            present: layers.into_keys().collect(),
        });
    }
    Ok(Listing {
        layers: layers.into_values().collect(),
        ignored,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&str]) -> Result<Listing, ListError> {
        let version = Version {
            etag: None,
            size: 1,
        };
        let found = names
            .iter()
            .map(|name| {
                (
                    format!("images/go/{name}").parse().unwrap(),
                    version.clone(),
                )
            })
            .collect();
        let (origin, family) = ("s3://b".parse().unwrap(), "images/go".parse().unwrap());
        order(&origin, &family, found, Ignored::default())
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing
            .layers
            .iter()
            .map(|layer| layer.key.file_name())
            .collect()
    }

    #[test]
    fn layers_are_ordered_by_number_and_not_by_name() {
        let shuffled = [
            "10.tar",
            "2.tar.gz",
            "01.tar",
            "9.tar.zst",
            "3.tar",
            "4.tar",
            "5.tar",
            "6.tar",
            "7.tar",
            "8.tar",
            "README.md",
            "x.tar",
            "1.tar.bz2",
        ];
        let listing = ordered(&shuffled).unwrap();
        let numbers: Vec<u32> = listing.layers.iter().map(|layer| layer.number).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
        assert_eq!(names(&listing)[0], "01.tar");
        assert_eq!(names(&listing)[9], "10.tar");
        assert_eq!(listing.ignored.count, 3);
        assert_eq!(listing.ignored.names[0], "images/go/README.md");
    }

    #[test]
    fn counting_begins_at_zero_or_one() {
        assert_eq!(
            names(&ordered(&["1.tar", "0.tar"]).unwrap()),
            ["0.tar", "1.tar"]
        );
        assert_eq!(names(&ordered(&["1.tar"]).unwrap()), ["1.tar"]);
        let Err(ListError::Gap {
            missing: 1,
            present,
            ..
        }) = ordered(&["2.tar", "3.tar"])
        else {
            panic!("the base is missing")
        };
        assert_eq!(present, [2, 3]);
    }

    #[test]
    fn a_gap_names_the_missing_number() {
        let error = ordered(&["1.tar", "2.tar", "4.tar", "7.tar"]).unwrap_err();
        assert!(
            matches!(error, ListError::Gap { missing: 3, .. }),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            "family images/go in s3://b has no layer 3, only 1, 2, 4, 7"
        );
        assert!(matches!(
            ordered(&["0.tar", "2.tar"]),
            Err(ListError::Gap { missing: 1, .. })
        ));
        assert!(matches!(
            ordered(&["1.tar", "4294967295.tar"]),
            Err(ListError::Gap { missing: 2, .. })
        ));
    }

    #[test]
    fn two_objects_for_one_number_are_both_named() {
        let error = ordered(&["1.tar", "2.tar.gz", "02.tar"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "family images/go in s3://b has two layers 2: images/go/02.tar and images/go/2.tar.gz"
        );
        assert!(matches!(
            error,
            ListError::DuplicateNumber { number: 2, .. }
        ));
    }

    #[test]
    fn nothing_and_nothing_but_other_objects_are_told_apart() {
        let none = ordered(&[]).unwrap_err().to_string();
        assert_eq!(none, "there is no family images/go in s3://b");
        let others = ordered(&["a", "b"]).unwrap_err();
        assert!(matches!(others, ListError::EmptyFamily { ignored: 2, .. }));
    }

    #[test]
    fn a_number_beyond_counting_is_not_overlooked() {
        let error = ordered(&["1.tar", "99999999999.tar"]).unwrap_err();
        assert!(matches!(error, ListError::NumberTooLarge { .. }));
    }
}
