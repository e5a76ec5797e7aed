//! What an error of the client means: try again, ask otherwise, or give up.

use std::{error::Error, io, sync::Arc, time::Duration};

use object_store::client::HttpError;

use super::answer::Answer;
use crate::error::{Cause, SourceError};

/// One failed try, before it is known whether there will be another.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// May pass. `wait` is what the server asked for.
    Transient {
        cause: Cause,
        wait: Option<Duration>,
    },
    /// The server sends whole objects only.
    RangeIgnored,
    /// The object is not the version that was asked for.
    Changed(Cause),
    /// No such object.
    NotFound,
    /// No such bucket.
    NoSuchBucket,
    /// Not allowed, or not there.
    Denied(Cause),
    /// A key that cannot be addressed.
    BadKey(Cause),
    /// An answer that no repetition changes.
    Refused(Cause),
    /// Anything else that no repetition changes.
    Final(SourceError),
}

/// What a connection died of, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Transport(String);

/// S3 says some passing things with a status that is final elsewhere ("Error responses", List of
/// error codes).
const PASSING: [&str; 4] = [
    "RequestTimeout",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
];

impl Fault {
    pub(crate) fn transient(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Transient {
            cause: Arc::new(cause),
            wait: None,
        }
    }

    /// Reads an error of `object_store`.
    pub(crate) fn of(error: object_store::Error) -> Self {
        if let Some(answer) = find::<Answer>(&error) {
            return Self::of_answer(answer);
        }
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            object_store::Error::Precondition { .. } => Self::Changed(Arc::new(error)),
            object_store::Error::InvalidPath { source } => Self::BadKey(Arc::new(source)),
            error => Self::of_failure(error),
        }
    }

    fn of_answer(answer: &Answer) -> Self {
        let cause: Cause = Arc::new(answer.clone());
        match answer {
            Answer::RangeIgnored => Self::RangeIgnored,
            Answer::RangeLength { .. } | Answer::Silent(_) => Self::Transient { cause, wait: None },
            Answer::Status {
                status,
                code,
                retry_after,
                ..
            } => match status {
                _ if PASSING.contains(&code.as_str()) => Self::Transient {
                    cause,
                    wait: *retry_after,
                },
                408 | 429 | 500 | 502..=599 => Self::Transient {
                    cause,
                    wait: *retry_after,
                },
                404 if code == "NoSuchBucket" => Self::NoSuchBucket,
                404 => Self::NotFound,
                401 | 403 => Self::Denied(cause),
                412 | 416 => Self::Changed(cause),
                _ => Self::Refused(cause),
            },
        }
    }

    fn of_failure(error: object_store::Error) -> Self {
        if let Some(http) = find::<HttpError>(&error) {
            let root = http.source().map_or_else(|| http.to_string(), one_line);
            return Self::transient(Transport(root));
        }
        match find::<io::Error>(&error).map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => Self::NotFound,
            Some(io::ErrorKind::PermissionDenied) => Self::Denied(Arc::new(error)),
            _ => Self::transient(error),
        }
    }
}

/// The texts of an error and what is below it, which libraries repeat in one another, once each.
pub(crate) fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use object_store::client::HttpErrorKind;

    use super::*;

    fn wrapped(status: u16, code: &str) -> Fault {
        let answer = Answer::Status {
            status,
            code: code.into(),
            hint: String::new(),
            retry_after: None,
        };
        let http = HttpError::new(HttpErrorKind::Unknown, answer);
        Fault::of(object_store::Error::Generic {
            store: "S3",
            source: Box::new(http),
        })
    }

    #[test]
    fn statuses_are_told_apart_by_what_to_do() {
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert!(
                matches!(wrapped(status, ""), Fault::Transient { .. }),
                "{status}"
            );
        }
        for status in [301, 307, 400, 405, 410, 501] {
            assert!(matches!(wrapped(status, ""), Fault::Refused(_)), "{status}");
        }
        assert!(matches!(
            wrapped(400, "RequestTimeout"),
            Fault::Transient { .. }
        ));
        assert!(matches!(wrapped(403, "AccessDenied"), Fault::Denied(_)));
        assert!(matches!(wrapped(401, ""), Fault::Denied(_)));
        assert!(matches!(wrapped(404, "NoSuchKey"), Fault::NotFound));
        assert!(matches!(wrapped(404, "NoSuchBucket"), Fault::NoSuchBucket));
        assert!(matches!(wrapped(412, ""), Fault::Changed(_)));
        assert!(matches!(wrapped(416, "InvalidRange"), Fault::Changed(_)));
    }

    #[test]
    fn a_dead_connection_is_told_once_and_to_the_root() {
        let root = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let http = HttpError::new(HttpErrorKind::Connect, root);
        let error = object_store::Error::Generic {
            store: "S3",
            source: Box::new(http),
        };
        let Fault::Transient { cause, wait: None } = Fault::of(error) else {
            panic!("transient")
        };
        assert_eq!(cause.to_string(), "refused");
    }
}
