//! One try to fetch a document from a server, over its redirects to its last byte.

use std::{fs::File, io, time::Duration};

use futures::StreamExt;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{
        ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
    },
};

use super::{DocumentError, Fetched, Seen, address::shown, clients::Clients, sink::Sink};
use crate::{client::one_line, error::Cause};

/// Redirects that are followed for one document.
const REDIRECTS: usize = 5;

/// Bytes of a header that are kept to be sent back; a longer one is taken for none.
const HEADER: usize = 1 << 10;

/// Why a try came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// Asking again changes nothing.
    Final(DocumentError),
    /// No usable answer; `wait` is what the server asked for.
    Unanswered {
        cause: Cause,
        wait: Option<Duration>,
    },
    /// An answer that ended before its end.
    CutOff { received: u64, cause: Cause },
}

impl From<DocumentError> for Failed {
    fn from(error: DocumentError) -> Self {
        Self::Final(error)
    }
}

/// What did not come.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the server did not answer within {} ms", .0.as_millis())]
    Answer(Duration),
    #[error("the server answers {0}")]
    Status(u16),
    #[error("nothing more came for {} ms", .0.as_millis())]
    Body(Duration),
    #[error("{received} bytes came of {announced}")]
    Short { received: u64, announced: u64 },
    #[error("{0}")]
    Connection(String),
}

fn unanswered(cause: Silence, wait: Option<Duration>) -> Failed {
    Failed::Unanswered {
        cause: std::sync::Arc::new(cause),
        wait,
    }
}

/// What is asked for, of whom, and how long that may take.
#[derive(Debug)]
pub(super) struct Transfer<'a> {
    pub(super) clients: &'a Clients,
    /// The document as the caller named it, to be shown.
    pub(super) address: &'a str,
    pub(super) seen: Option<&'a Seen>,
    pub(super) into: &'a File,
    pub(super) limit: u64,
    /// The longest wait for the head of an answer, and between two pieces of its body.
    pub(super) response: Duration,
    pub(super) idle: Duration,
}

impl Transfer<'_> {
    /// Asks, and goes on to where the server leads.
    pub(super) async fn run(&self, mut url: Url) -> Result<Fetched, Failed> {
        for _ in 0..=REDIRECTS {
            let client = self.clients.of(&url).await.map_err(DocumentError::from)?;
            let answer = self.ask(&client, &url).await?;
            let status = answer.status();
            match status.as_u16() {
                200 => return self.take(answer).await,
                304 if self.is_conditional() => return Ok(Fetched::NotModified),
                301 | 302 | 303 | 307 | 308 => url = self.next(&url, answer.headers())?,
                404 | 410 => {
                    return Err(DocumentError::NotFound {
                        address: self.address.to_owned(),
                    }
                    .into());
                }
                408 | 429 | 500 | 502..=599 => {
                    let wait = header(answer.headers(), &RETRY_AFTER)
                        .and_then(|seconds| seconds.trim().parse().ok())
                        .map(Duration::from_secs);
                    return Err(unanswered(Silence::Status(status.as_u16()), wait));
                }
                _ => return Err(self.refused(status).into()),
            }
        }
        Err(self.redirected("it leads on and on").into())
    }

    fn is_conditional(&self) -> bool {
        self.seen
            .is_some_and(|seen| seen.etag.is_some() || seen.last_modified.is_some())
    }

    async fn ask(&self, client: &Client, url: &Url) -> Result<Response, Failed> {
        // As it is stored there: what is compressed is so by its own format.
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(seen) = self.seen {
            for (name, value) in [
                (IF_NONE_MATCH, &seen.etag),
                (IF_MODIFIED_SINCE, &seen.last_modified),
            ] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
        }
        match tokio::time::timeout(self.response, request.send()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(unanswered(connection(error), None)),
            Err(_) => Err(unanswered(Silence::Answer(self.response), None)),
        }
    }

    fn next(&self, from: &Url, headers: &HeaderMap) -> Result<Url, DocumentError> {
        let location = header(headers, &LOCATION);
        let Some(to) = location.and_then(|location| from.join(location).ok()) else {
            return Err(self.redirected("it leads nowhere"));
        };
        match (from.scheme(), to.scheme()) {
            (_, "https") | ("http", "http") => {
                tracing::debug!(from = shown(from), to = shown(&to), "redirected");
                Ok(to)
            }
            ("https", "http") => Err(self.redirected("it leads from https to http")),
            _ => Err(self.redirected("it leads to something other than http and https")),
        }
    }

    async fn take(&self, answer: Response) -> Result<Fetched, Failed> {
        let announced: Option<u64> =
            header(answer.headers(), &CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if announced.is_some_and(|length| length > self.limit) {
            return Err(self.too_large().into());
        }
        let kept = |name| {
            header(answer.headers(), name)
                .filter(|value| value.len() <= HEADER)
                .map(str::to_owned)
        };
        let seen = Seen {
            etag: kept(&ETAG),
            last_modified: kept(&LAST_MODIFIED),
        };
        let mut sink = Sink::begin(self.into).map_err(|error| self.unwritten(error))?;
        let cut = |received, cause| Failed::CutOff {
            received,
            cause: std::sync::Arc::new(cause),
        };
        let mut pieces = answer.bytes_stream();
        loop {
            let received = sink.size();
            let piece = match tokio::time::timeout(self.idle, pieces.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(piece))) => piece,
                // The client's own watch over the silence of a connection, which may be the first.
                Ok(Some(Err(error))) if error.is_timeout() => {
                    return Err(cut(received, Silence::Body(self.idle)));
                }
                Ok(Some(Err(error))) => return Err(cut(received, connection(error))),
                Err(_) => return Err(cut(received, Silence::Body(self.idle))),
            };
            if received.saturating_add(piece.len() as u64) > self.limit {
                return Err(self.too_large().into());
            }
            let pushed = sink.push(piece).await;
            sink = pushed.map_err(|error| self.unwritten(error))?;
        }
        let received = sink.size();
        if let Some(announced) = announced
            && announced != received
        {
            let short = Silence::Short {
                received,
                announced,
            };
            return Err(cut(received, short));
        }
        let finished = sink.finish().await;
        let (size, digest) = finished.map_err(|error| self.unwritten(error))?;
        Ok(Fetched::Changed { size, digest, seen })
    }

    fn refused(&self, status: StatusCode) -> DocumentError {
        DocumentError::Refused {
            address: self.address.to_owned(),
            status: status.as_u16(),
        }
    }

    fn redirected(&self, why: &'static str) -> DocumentError {
        DocumentError::Redirected {
            address: self.address.to_owned(),
            why,
        }
    }

    fn too_large(&self) -> DocumentError {
        DocumentError::TooLarge {
            address: self.address.to_owned(),
            limit: self.limit,
        }
    }

    fn unwritten(&self, source: io::Error) -> DocumentError {
        DocumentError::Write {
            address: self.address.to_owned(),
            source,
        }
    }
}

/// What a connection died of. The address is taken out of it, for that may hold a password.
fn connection(error: reqwest::Error) -> Silence {
    Silence::Connection(one_line(&error.without_url()))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
