//! An HTTP client that turns every answer but the right one into a typed error.
//!
//! It stands under `object_store`, so that listings, HEAD and GET fail alike: with an [`Answer`]
//! somewhere in the chain of sources.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use object_store::{
    ClientOptions, Result,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    },
};

use super::answer::{Answer, DOCUMENT};

/// Gives `object_store` the client it is to use.
#[derive(Debug)]
pub(crate) struct StrictConnector {
    pub(crate) client: reqwest::Client,
    pub(crate) response: Duration,
}

impl HttpConnector for StrictConnector {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient> {
        let inner = HttpClient::new(self.client.clone());
        Ok(HttpClient::new(Strict {
            inner,
            response: self.response,
        }))
    }
}

#[derive(Debug)]
struct Strict {
    inner: HttpClient,
    /// Longest wait for the head of an answer.
    response: Duration,
}

#[async_trait]
impl HttpService for Strict {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = request
            .headers()
            .get("range")
            .and_then(|r| range_length(r.to_str().ok()?));
        tracing::trace!(method = %request.method(), uri = %request.uri(), "request");
        let head = tokio::time::timeout(self.response, self.inner.execute(request));
        let answer = match head.await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(refuse(
                    HttpErrorKind::Timeout,
                    Answer::Silent(self.response),
                ));
            }
        };
        if !answer.status().is_success() {
            return Err(refuse(HttpErrorKind::Unknown, read_status(answer).await));
        }
        match asked {
            Some(asked) => check_range(asked, answer),
            None => Ok(answer),
        }
    }
}

fn refuse(kind: HttpErrorKind, answer: Answer) -> HttpError {
    HttpError::new(kind, answer)
}

fn check_range(asked: u64, answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    if answer.status().as_u16() != 206 {
        return Err(refuse(HttpErrorKind::Unknown, Answer::RangeIgnored));
    }
    let sent = answer
        .headers()
        .get("content-length")
        .and_then(|n| n.to_str().ok()?.parse().ok());
    match sent {
        Some(sent) if sent != asked => Err(refuse(
            HttpErrorKind::Unknown,
            Answer::RangeLength { asked, sent },
        )),
        _ => Ok(answer),
    }
}

/// Bytes asked for by `bytes=FIRST-LAST`, the only form used here.
fn range_length(header: &str) -> Option<u64> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

async fn read_status(answer: HttpResponse) -> Answer {
    let (head, body) = answer.into_parts();
    let mut document = Vec::new();
    let mut pieces = body.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        let room = DOCUMENT - document.len();
        document.extend_from_slice(&piece[..piece.len().min(room)]);
        if document.len() == DOCUMENT {
            break;
        }
    }
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let (region, retry_after) = (header("x-amz-bucket-region"), header("retry-after"));
    Answer::status(head.status.as_u16(), region, retry_after, &document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_range_counts_both_ends() {
        assert_eq!(range_length("bytes=0-0"), Some(1));
        assert_eq!(range_length("bytes=8388608-16777215"), Some(8 << 20));
        for other in [
            "bytes=5-",
            "bytes=-5",
            "bytes=6-5",
            "bytes=0-18446744073709551615",
        ] {
            assert_eq!(range_length(other), None, "{other}");
        }
    }
}
