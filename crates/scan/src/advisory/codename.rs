//! The names of Debian's releases.

/// Names and numbers, from the first to the next.
const RELEASES: [(&str, &str); 20] = [
    ("buzz", "1.1"),
    ("rex", "1.2"),
    ("bo", "1.3"),
    ("hamm", "2.0"),
    ("slink", "2.1"),
    ("potato", "2.2"),
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4"),
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];

/// The number of a release, as its VERSION_ID has it.
pub(super) fn release(codename: &str) -> Option<&'static str> {
    let found = RELEASES.iter().find(|(name, _)| *name == codename);
    found.map(|(_, release)| *release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_a_number_and_sid_has_none() {
        assert_eq!(release("bookworm"), Some("12"));
        assert_eq!(release("sid"), None);
        assert_eq!(release("12"), None);
    }
}
