//! How bad something is, from the words and the vectors of those who publish it.

use std::str::FromStr;

use cvss::Cvss;

use crate::Severity;

/// What a publisher's word stands for.
pub(super) fn of_word(word: &str) -> Option<Severity> {
    // Debian marks with asterisks what it has from the NVD.
    let word = word.trim().trim_end_matches('*').to_ascii_lowercase();
    match word.as_str() {
        "critical" => Some(Severity::Critical),
        "important" | "high" => Some(Severity::High),
        "moderate" | "medium" => Some(Severity::Medium),
        "low" | "minor" | "negligible" | "unimportant" => Some(Severity::Low),
        _ => None,
    }
}

/// What the score of a CVSS vector stands for; nothing where it has none.
pub(super) fn of_vector(vector: &str) -> Option<Severity> {
    /// Longer than a vector with every metric there is.
    const MAX_VECTOR_BYTES: usize = 512;
    if vector.len() > MAX_VECTOR_BYTES {
        return None;
    }
    let score = Cvss::from_str(vector).ok()?.score();
    (score > 0.0).then(|| Severity::of_score(score))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_distributions_are_understood() {
        assert_eq!(of_word("Important"), Some(Severity::High));
        assert_eq!(of_word("high**"), Some(Severity::High));
        assert_eq!(of_word("unimportant"), Some(Severity::Low));
        assert_eq!(of_word("not yet assigned"), None);
    }

    #[test]
    fn vectors_of_every_version_have_scores() {
        for (vector, expected) in [
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                Some(Severity::Critical),
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
                Some(Severity::High),
            ),
            (
                "CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:L",
                Some(Severity::Medium),
            ),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some(Severity::High)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", None),
            ("CVSS:3.1/AV:N", None),
            ("7.5", None),
        ] {
            assert_eq!(of_vector(vector), expected, "{vector}");
        }
    }
}
