//! What failed, as a person needs it and as a run stores it.
//!
//! Every part has its own errors; here they become one shape that can be stored with a run, read
//! back by another process next week, printed, and turned into an exit code. The text says what
//! failed and on what; the causes say why; the hint says what to do.

use serde::{Deserialize, Serialize};

/// What a caller would do about a failure; the command line's exit codes are made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// None of the others.
    Failed,
    /// The request itself is wrong.
    Usage,
    /// Some of several requests failed.
    Partial,
    /// The origin wants credentials, or other ones.
    NotAuthorised,
    /// What was named does not exist.
    NotFound,
    /// A policy, a limit, a rule for archives, a changed object or a wrong digest.
    Refused,
    /// Somebody else is at it.
    Busy,
    /// The disk or the pool is full.
    Full,
    /// Stopped by the user; it can be resumed.
    Interrupted,
}

/// A failure, told once and whole. It is one pointer wide, for nearly every call may return it;
/// its [`Details`] are read and written through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure(Box<Details>);

/// What there is to tell of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What a caller would do about it.
    pub class: Class,
    /// A stable word for programs (`not-found`, `dot-dot-in-name`).
    pub code: String,
    /// What failed, on what.
    pub message: String,
    /// Why, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The image it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The key of the layer it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// The archive entry it concerns, escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The run it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// Whether the same request may succeed later without anything being changed.
    #[serde(default)]
    pub retryable: bool,
}

impl Failure {
    /// A failure of this class, with its word and its text.
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            class,
            code: code.into(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            image: None,
            layer: None,
            entry: None,
            run: None,
            retryable: false,
        }))
    }

    /// With the chain of causes of an error, the error itself first.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.causes = causes(error);
        self
    }

    /// With the causes of an error whose own text is the message.
    #[must_use]
    #[cfg(target_os = "linux")]
    pub(crate) fn causes_of(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.causes = error.source().map(causes).unwrap_or_default();
        self
    }

    /// With what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the layer it concerns.
    #[must_use]
    pub fn layer(mut self, key: impl Into<String>) -> Self {
        self.layer = Some(key.into());
        self
    }

    /// With where the disk is full, if that is what failed.
    #[must_use]
    pub(crate) fn on_disk(mut self, state_dir: &std::path::Path) -> Self {
        if self.code == "disk-full" {
            self.message = format!("no space is left for {}", state_dir.display());
        }
        self
    }

    /// With the image it concerns, unless one is named already.
    #[must_use]
    pub fn image(mut self, name: impl Into<String>) -> Self {
        self.image.get_or_insert_with(|| name.into());
        self
    }

    /// As one that may pass by itself.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

impl std::ops::Deref for Failure {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::ops::DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The texts of an error and its sources, without a text that only repeats the one before it.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts
}
