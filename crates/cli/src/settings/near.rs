//! Which known names a misspelt one may have meant.

/// The known names that are near a misspelt one, nearest first: at most a third of its letters
/// away, and never more than three of them.
pub(super) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    found.sort_unstable();
    found
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// How many letters are inserted, removed or replaced to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.chars().enumerate() {
        let mut diagonal = row;
        above[0] = row + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = above[column + 1];
            above[column + 1] = replaced.min(diagonal + 1).min(above[column] + 1);
        }
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("region", "region", 0),
            ("regoin", "region", 2),
            ("bucket", "buckets", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_named_and_the_nearest_first() {
        let known = ["max_file_size", "max_total_size", "bucket", "backend"];
        assert_eq!(near("buckets", known), ["bucket"]);
        assert_eq!(near("max_filesize", known), ["max_file_size"]);
        assert_eq!(near("colour", known), Vec::<String>::new());
        assert_eq!(near("ab", ["abc", "b", "xyz"]), ["abc", "b"]);
    }
}
