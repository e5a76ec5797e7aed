//! [`Check`]: one thing that was looked at, what was found, and what to do about it.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A stable word for programs: `database`, `thin-tools`.
    pub name: &'static str,
    /// How it is.
    pub state: CheckState,
    /// What was found, or why it was not looked at.
    pub found: String,
    /// What to do, where something is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How something is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Good enough for now, and somebody should know.
    Warn,
    /// Work fails on it, now or soon.
    Fail,
    /// It was not looked at: it does not matter here, or what it rests on is not there.
    Skip,
}

impl CheckState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Check {
    /// Something that is as it should be.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, CheckState::Ok, found.into(), None)
    }

    /// Something that is good enough for now.
    pub fn warn(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(name, CheckState::Warn, found.into(), Some(hint.into()))
    }

    /// Something that work fails on.
    pub fn fail(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(name, CheckState::Fail, found.into(), Some(hint.into()))
    }

    /// Something that was not looked at, and why.
    pub fn skip(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, CheckState::Skip, why.into(), None)
    }

    fn new(name: &'static str, state: CheckState, found: String, hint: Option<String>) -> Self {
        Self {
            name,
            state,
            found,
            hint,
        }
    }
}
