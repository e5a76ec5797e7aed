//! How much of an image was looked into, and why that is not all.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Stream;

/// How much of an image was looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "coverage", content = "reasons", rename_all = "kebab-case")]
pub enum Coverage {
    /// All of it, against advisories that are there and fresh.
    Complete,
    /// Something was matched, and something was not.
    Partial(Vec<Reason>),
    /// Nothing could be matched.
    None(Vec<Reason>),
}

impl Coverage {
    /// From the reasons for less, and whether anything was matched at all.
    #[must_use]
    pub fn of(reasons: Vec<Reason>, matched_any: bool) -> Self {
        match (reasons.is_empty(), matched_any) {
            (true, true) => Self::Complete,
            (true, false) => Self::None(vec![Reason::NothingToMatch]),
            (false, true) => Self::Partial(reasons),
            (false, false) => Self::None(reasons),
        }
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Why it is not complete; nothing where it is.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Complete => &[],
            Self::Partial(reasons) | Self::None(reasons) => reasons,
        }
    }

    /// The word that is printed.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial(_) => "partial",
            Self::None(_) => "none",
        }
    }
}

/// A reason why something in an image may be vulnerable without anybody knowing. Those of the first
/// group are found when an inventory is read and kept with it; the others when it is matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing says what operating system this is, and there are executables that nothing explains.
    OsUnknown,
    /// It is an operating system without advisories that are understood here.
    OsUnsupported {
        /// As it names itself.
        os: String,
    },
    /// The operating system keeps a database of its packages, and there is none.
    NoPackageDatabase {
        /// `dpkg`, `apk` or `rpm`.
        manager: String,
    },
    /// There was a database, as what is left says, and a layer has taken it away or made it smaller.
    PackageDatabaseDeleted {
        /// `dpkg`, `apk` or `rpm`.
        manager: String,
        /// What says so.
        trace: String,
    },
    /// Something that should be read cannot be.
    Unreadable {
        /// Its path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is more than is looked at.
    LimitHit {
        /// Where.
        path: String,
        /// What there is too much of, and how much is looked at.
        limit: String,
    },
    /// Executables of which nothing says what they are made of.
    UnidentifiedExecutables {
        /// How many.
        count: u64,
        /// Some of their paths.
        examples: Vec<String>,
    },
    /// There is nothing that anything could be known about.
    NothingToMatch,
    /// The operating system gets no advisories any more.
    OsEndOfLife {
        /// The release.
        stream: Stream,
        /// The last day of its advisories, `YYYY-MM-DD`; empty where a scanner says only that it is over.
        ended: String,
    },
    /// There are no advisories for what is in the image.
    AdvisoriesMissing {
        /// Which.
        stream: Stream,
        /// How many packages were matched against nothing.
        packages: u64,
    },
    /// There are some, and they are older than is allowed.
    AdvisoriesOld {
        /// Which.
        stream: Stream,
        /// When they were published, `YYYY-MM-DD`.
        dated: String,
        /// How many days ago that is.
        days: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// It was looked into wholly, and what it was held against has become too old since.
    LookedTooLongAgo {
        /// The first day on which it was, `YYYY-MM-DD`.
        since: String,
    },
    /// Versions that cannot be ordered, so that nobody knows on which side of a fix they are.
    VersionsInDoubt {
        /// How many packages.
        count: u64,
        /// Some of them.
        examples: Vec<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OsUnknown => f.write_str("nothing says what operating system this is"),
            Self::OsUnsupported { os } => {
                write!(
                    f,
                    "there are no advisories that are understood here for {os}"
                )
            }
            Self::NoPackageDatabase { manager } => {
                write!(f, "there is no package database of {manager}")
            }
            Self::PackageDatabaseDeleted { manager, trace } => write!(
                f,
                "a layer has deleted packages from the database of {manager}: {trace}"
            ),
            Self::Unreadable { path, problem } => write!(f, "{path} cannot be read: {problem}"),
            Self::LimitHit { path, limit } => write!(f, "{path}: {limit}"),
            Self::UnidentifiedExecutables { count, examples } => write!(
                f,
                "nothing says what {count} executables are made of: {}",
                list(examples, *count)
            ),
            Self::NothingToMatch => {
                f.write_str("there is nothing in it that advisories could be about")
            }
            Self::OsEndOfLife { stream, ended } if ended.is_empty() => {
                write!(f, "{stream} gets no advisories any more")
            }
            Self::OsEndOfLife { stream, ended } => {
                write!(f, "{stream} has had no advisories since {ended}")
            }
            Self::AdvisoriesMissing { stream, packages } => write!(
                f,
                "the advisories of {stream} are not here, for {packages} packages"
            ),
            Self::AdvisoriesOld {
                stream,
                dated,
                days,
                allowed,
            } => write!(
                f,
                "the advisories of {stream} are of {dated}, {days} days ago ({allowed} are allowed)"
            ),
            Self::LookedTooLongAgo { since } => write!(
                f,
                "what it was held against is out of date since {since}: it has to be looked into again"
            ),
            Self::VersionsInDoubt { count, examples } => write!(
                f,
                "the versions of {count} packages cannot be compared: {}",
                list(examples, *count)
            ),
        }
    }
}

fn list(examples: &[String], count: u64) -> String {
    let more = count.saturating_sub(examples.len() as u64);
    let shown = examples.join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_is_never_complete() {
        assert_eq!(
            Coverage::of(vec![], false),
            Coverage::None(vec![Reason::NothingToMatch])
        );
        assert!(Coverage::of(vec![], true).is_complete());
        let reasons = vec![Reason::OsUnknown];
        assert!(!Coverage::of(reasons.clone(), true).is_complete());
        assert_eq!(
            Coverage::of(reasons.clone(), false),
            Coverage::None(reasons)
        );
    }

    #[test]
    fn a_long_list_says_how_many_it_leaves_out() {
        let reason = Reason::UnidentifiedExecutables {
            count: 3,
            examples: vec!["/a".to_owned(), "/b".to_owned()],
        };
        assert!(reason.to_string().ends_with("/a, /b and 1 more"));
    }
}
