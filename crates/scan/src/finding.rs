//! Something that is known against a package.

use serde::{Deserialize, Serialize};

use crate::Severity;

/// Something that is known against one installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The CVE where there is one, else what the source of the advisory calls it.
    pub id: String,
    /// What else it is called, the advisory's own id among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so: `AlmaLinux`, `Debian`, `NVD`; empty where nobody does.
    pub severity_from: String,
    /// The installed package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What it was built from, if that has another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The package URL of the installed package, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The file that says that it is installed.
    pub found_in: String,
    /// Whether there is a fix, and what becomes of it if not.
    pub status: FixStatus,
    /// The version that has the fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
    /// One line of what it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Why it is not certain, where it is not: a version that cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Whether it is counted apart: headers of a kernel that does not run from this disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
}

/// Whether there is a fix for something, and what becomes of it if not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixStatus {
    /// There is one.
    Fixed,
    /// There is none yet.
    Affected,
    /// It is known and not yet looked at.
    UnderInvestigation,
    /// The distribution has no advisory for it, for it is too small a matter (Debian's no-dsa, ignored).
    WillNotFix,
    /// It is left for a later update (Debian's postponed, Ubuntu's deferred).
    FixDeferred,
    /// The package gets no fixes any more.
    EndOfLife,
}

impl FixStatus {
    /// The word that is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under-investigation",
            Self::WillNotFix => "will-not-fix",
            Self::FixDeferred => "fix-deferred",
            Self::EndOfLife => "end-of-life",
        }
    }
}

/// Whether a package has headers of a kernel, which is not the one that runs above this disk.
pub(crate) fn is_of_another_kernel(package: &str) -> bool {
    [
        "linux-libc-dev",
        "linux-headers",
        "kernel-headers",
        "kernel-devel",
    ]
    .iter()
    .any(|prefix| package.starts_with(prefix))
}

/// How long a title may be, in characters: a line of a table.
const TITLE: usize = 200;

/// The first of a text as a title: one line, with nothing in it that a terminal obeys.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|one: char| one.is_whitespace() || one.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).take(TITLE).collect();
    words.join(" ").chars().take(TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(one_line(" a\n\tb\x1b[1m  c "), "a b [1m c");
        assert_eq!(one_line(&"word ".repeat(1000)).chars().count(), TITLE);
    }
}
