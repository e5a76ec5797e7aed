//! Answers of a server that are not what was asked for.

use std::time::Duration;

/// An HTTP answer that carries no usable body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Answer {
    /// A status other than success.
    #[error("the server answers {status}{}{}", tail(code), tail(hint))]
    Status {
        status: u16,
        /// The `Code` of an S3 error document; empty where there is none.
        code: String,
        /// The region of the bucket, or its `Message`; may be empty.
        hint: String,
        retry_after: Option<Duration>,
    },
    /// The whole object although a range of it was asked for.
    #[error("the server ignores the range that was asked for")]
    RangeIgnored,
    /// A body of another length than the range has.
    #[error("the server sends {sent} bytes for a range of {asked}")]
    RangeLength { asked: u64, sent: u64 },
    /// Silence instead of the head of an answer.
    #[error("the server did not answer within {} ms", .0.as_millis())]
    Silent(Duration),
}

fn tail(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(", {text}")
    }
}

/// How much of an error document is read, in bytes.
pub(crate) const DOCUMENT: usize = 16 << 10;
/// How much of its message is repeated to an operator, in characters.
const MESSAGE: usize = 300;

impl Answer {
    /// Reads an S3 error document (Amazon S3 API reference, "REST error responses"). It is text
    /// from outside: cut to size, and without control characters.
    pub(crate) fn status(
        status: u16,
        region: Option<&str>,
        retry_after: Option<&str>,
        document: &[u8],
    ) -> Self {
        let document = String::from_utf8_lossy(document);
        let message = clean(element(&document, "Message"));
        let hint = match region {
            Some(region) if (300..=400).contains(&status) => {
                format!("the bucket is in region {}", clean(region))
            }
            _ => message,
        };
        Self::Status {
            status,
            code: clean(element(&document, "Code")),
            hint,
            retry_after: retry_after
                .and_then(|s| s.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }
}

fn element<'a>(document: &'a str, name: &str) -> &'a str {
    let open = format!("<{name}>");
    let close = format!("</{name}>");
    let inside = document
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close));
    inside.map_or("", |(text, _)| text)
}

fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_document_is_told_in_one_line() {
        let document = b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code>\
            <Message>Reduce your\n request rate.</Message></Error>";
        let answer = Answer::status(503, None, Some("7"), document);
        assert_eq!(
            answer.to_string(),
            "the server answers 503, SlowDown, Reduce your request rate."
        );
        let Answer::Status { retry_after, .. } = answer else {
            panic!("a status")
        };
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_wrong_region_is_named() {
        let answer = Answer::status(301, Some("eu-west-1"), None, b"");
        assert_eq!(
            answer.to_string(),
            "the server answers 301, the bucket is in region eu-west-1"
        );
    }

    #[test]
    fn hostile_documents_are_cut_and_cleaned() {
        let long = format!("<Message>\u{1b}[2J{}</Message>", "x".repeat(5000));
        let text = Answer::status(403, None, Some("never"), long.as_bytes()).to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}'), "{text}");
        assert_eq!(
            Answer::status(500, None, None, b"\xff<Code>").to_string(),
            "the server answers 500"
        );
    }
}
