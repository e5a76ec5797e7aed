//! Why something of an image was not read to its end: the image's own state, or the host's failure. The
//! first is written down as a [`Reason`], the second ends the reading.

use crate::{Reason, RootfsError};

/// Why something was not read to its end.
#[derive(Debug)]
pub(super) enum Problem {
    /// It could not be had from the root filesystem.
    Rootfs(RootfsError),
    /// It is not what it should be: what is wrong.
    Wrong(String),
    /// There is more than is read: of what, and how much is read.
    Limit(String),
}

impl Problem {
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }

    /// What is written down for it.
    ///
    /// # Errors
    /// Where the host failed, which says nothing about the image.
    pub(super) fn into_reason(self, path: &[u8]) -> Result<Reason, RootfsError> {
        let path = shown(path);
        match self {
            Self::Rootfs(host @ RootfsError::Host(_)) => Err(host),
            Self::Rootfs(error @ (RootfsError::TooLarge { .. } | RootfsError::TooMany { .. })) => {
                let limit = error.to_string();
                Ok(Reason::LimitHit { path, limit })
            }
            Self::Rootfs(error) => {
                let problem = error.to_string();
                Ok(Reason::Unreadable { path, problem })
            }
            Self::Wrong(problem) => Ok(Reason::Unreadable { path, problem }),
            Self::Limit(limit) => Ok(Reason::LimitHit { path, limit }),
        }
    }
}

impl From<RootfsError> for Problem {
    fn from(error: RootfsError) -> Self {
        Self::Rootfs(error)
    }
}

/// A path as it is printed: with the slash of the root, and nothing that a terminal would act upon.
pub(super) fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let clean = text.trim_start_matches('/').chars();
    let clean = clean.map(|c| if c.is_control() { '\u{fffd}' } else { c });
    std::iter::once('/').chain(clean).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn only_the_hosts_failure_is_an_error() {
        let host = Problem::from(RootfsError::Host(io::Error::other("no disk")));
        assert!(host.into_reason(b"x").is_err());
        let too_large = Problem::from(RootfsError::TooLarge { size: 2, limit: 1 });
        let reason = too_large.into_reason(b"x");
        assert!(matches!(reason, Ok(Reason::LimitHit { .. })), "{reason:?}");
        let damaged = Problem::from(RootfsError::Damaged("a block".to_owned()));
        let reason = damaged.into_reason(b"x");
        assert!(
            matches!(reason, Ok(Reason::Unreadable { .. })),
            "{reason:?}"
        );
    }

    #[test]
    fn a_path_does_nothing_to_a_terminal() {
        assert_eq!(shown(b"a/\x1b[2J\xff"), "/a/\u{fffd}[2J\u{fffd}");
        assert_eq!(shown(b"/bin/x"), "/bin/x");
    }
}
