//! Texts that are kept once and named by number: a release's advisories repeat a few versions, ids and
//! names many thousand times.

use std::collections::BTreeMap;

/// The number of a text.
pub(super) type Id = u32;

/// The texts, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Strings {
    text: String,
    /// Where each ends in [`Strings::text`].
    ends: Vec<u32>,
}

impl Strings {
    /// The text of a number; empty for a number that none has.
    pub(super) fn get(&self, id: Id) -> &str {
        let Ok(at) = usize::try_from(id) else {
            return "";
        };
        let from = at
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied());
        let (Some(from), Some(&end)) = (from, self.ends.get(at)) else {
            return "";
        };
        self.text
            .get(from as usize..end as usize)
            .unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// Of texts and where each of them ends; nothing where they do not fit together.
    pub(super) fn of_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let sorted = ends.is_sorted();
        let whole = ends.last().map_or(0, |end| *end as usize) == text.len();
        let apart = ends.iter().all(|end| text.is_char_boundary(*end as usize));
        (sorted && whole && apart).then_some(Self { text, ends })
    }
}

/// The numbers that texts get, in their order.
#[derive(Debug)]
pub(super) struct Numbered<'a>(BTreeMap<&'a str, Id>);

impl<'a> Numbered<'a> {
    pub(super) fn of(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut numbered: BTreeMap<&str, Id> = texts.map(|text| (text, 0)).collect();
        for (number, id) in (0..).zip(numbered.values_mut()) {
            *id = number;
        }
        Self(numbered)
    }

    /// # Panics
    /// The text is none of those that were numbered.
    pub(super) fn id(&self, text: &str) -> Id {
        self.0[text]
    }

    pub(super) fn strings(&self) -> Option<Strings> {
        let mut strings = Strings::default();
        for text in self.0.keys() {
            strings.text.push_str(text);
            strings.ends.push(u32::try_from(strings.text.len()).ok()?);
        }
        Some(strings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_the_number_of_their_place() {
        let numbered = Numbered::of(["b", "", "a", "b"].into_iter());
        let strings = numbered.strings().unwrap();
        assert_eq!(strings.iter().collect::<Vec<_>>(), ["", "a", "b"]);
        assert_eq!(strings.get(numbered.id("b")), "b");
        assert_eq!(strings.get(7), "");
    }

    #[test]
    fn parts_that_do_not_fit_together_are_no_texts() {
        assert!(Strings::of_parts("ab".to_owned(), vec![1, 2]).is_some());
        assert!(Strings::of_parts("ab".to_owned(), vec![2, 1]).is_none());
        assert!(Strings::of_parts("ab".to_owned(), vec![1]).is_none());
        assert!(Strings::of_parts("ab".to_owned(), vec![1, 3]).is_none());
        assert!(Strings::of_parts("é".to_owned(), vec![1, 2]).is_none());
    }
}
