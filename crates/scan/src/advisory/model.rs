//! What one record says of one package.

use crate::{FixStatus, Severity};

/// The longest title that is kept: one line on a terminal.
pub const MAX_TITLE_CHARS: usize = 100;

/// What one record of a publisher says of one package in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// The package that it names: of source or binary packages, as its ecosystem has it.
    pub package: String,
    /// The record's own id: `ALSA-2022:5267`, `GO-2024-3228`, `CVE-2022-0456`.
    pub id: String,
    /// The CVEs that it is about, the record's own id among them if it is one. Empty where there are none.
    pub cves: Vec<String>,
    /// What else it is called.
    pub aliases: Vec<String>,
    /// The versions that are vulnerable, as spans.
    pub ranges: Vec<Range>,
    /// The versions that are vulnerable beside those, one by one.
    pub versions: Vec<String>,
    /// What becomes of it where a version has no fix.
    pub status: FixStatus,
    /// How bad it is for this package.
    pub severity: Severity,
    /// Who says so.
    pub severity_from: String,
    /// One line of what it is about, of at most [`MAX_TITLE_CHARS`].
    pub title: String,
    /// The streams of modules that it is about, `nodejs:18`, with a blank between several; `?` where it is
    /// about modules and does not say which; nothing for what is in no module.
    pub module: Option<String>,
}

/// A span of vulnerable versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range<S = String> {
    /// The first one, or nothing if there is no first.
    pub introduced: Option<S>,
    /// Where it ends.
    pub end: End<S>,
}

/// Where a span of vulnerable versions ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End<S = String> {
    /// Nowhere.
    Open,
    /// Before this version, which has the fix.
    Fixed(S),
    /// After this version.
    LastAffected(S),
}

impl Advisory {
    /// A record about a package that says nothing of its versions yet. It is about a CVE if its id is one.
    #[must_use]
    pub fn new(package: &str, id: &str) -> Self {
        Self {
            package: package.to_owned(),
            id: id.to_owned(),
            cves: id
                .starts_with("CVE-")
                .then(|| id.to_owned())
                .into_iter()
                .collect(),
            aliases: Vec::new(),
            ranges: Vec::new(),
            versions: Vec::new(),
            status: FixStatus::Affected,
            severity: Severity::Unknown,
            severity_from: String::new(),
            title: String::new(),
            module: None,
        }
    }
}

impl Range {
    /// All versions before one that has the fix.
    #[must_use]
    pub fn before(fixed: &str) -> Self {
        Self {
            introduced: None,
            end: End::Fixed(fixed.to_owned()),
        }
    }

    /// All versions.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            introduced: None,
            end: End::Open,
        }
    }
}

impl Range {
    /// The same span, of borrowed versions.
    pub(crate) fn as_deref(&self) -> Range<&str> {
        Range {
            introduced: self.introduced.as_deref(),
            end: match &self.end {
                End::Open => End::Open,
                End::Fixed(version) => End::Fixed(version),
                End::LastAffected(version) => End::LastAffected(version),
            },
        }
    }
}

impl<S> Range<S> {
    /// The versions that it is made of.
    pub fn bounds(&self) -> impl Iterator<Item = &S> {
        let end = match &self.end {
            End::Open => None,
            End::Fixed(version) | End::LastAffected(version) => Some(version),
        };
        self.introduced.iter().chain(end)
    }
}

/// The first line of a text, as long as a title may be, without what would disturb a terminal.
pub(super) fn title(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let shown = line.unwrap_or_default().trim();
    let mut title: String = shown
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TITLE_CHARS + 1)
        .collect();
    if title.chars().count() > MAX_TITLE_CHARS {
        let cut = title.rfind(' ').unwrap_or(title.len());
        title.truncate(cut);
        // Where there was no blank, or the cut is still too near the end, for the ellipsis.
        while title.chars().count() >= MAX_TITLE_CHARS {
            title.pop();
        }
        title.push('…');
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_that_fits() {
        assert_eq!(title("\n  One line. \nAnother"), "One line.");
        assert_eq!(title("a\tb\u{1b}[31m"), "a b [31m");
        let long = title(&"word ".repeat(50));
        assert!(
            long.ends_with("word…") && long.chars().count() <= MAX_TITLE_CHARS,
            "{long}"
        );
        let unbroken = title(&"é".repeat(300));
        assert_eq!(unbroken.chars().count(), MAX_TITLE_CHARS);
        assert_eq!(title(""), "");
    }
}
