//! One request from its head to the answer: recorded, spoilt where a rule says so, served.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue};
use hyper::header::{CONTENT_TYPE, HeaderMap, IF_MATCH, RANGE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use s3s::HttpError;
use s3s::service::S3Service;

use super::body::{Outgoing, Plan};
use super::bucket::Instead;
use super::fault::{Fault, Rules};
use super::record::{Head, Journal, Operation};
use super::socket::Line;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) service: S3Service,
    pub(super) journal: Journal,
    pub(super) rules: Rules,
}

impl Front {
    pub(super) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        line: Arc<Line>,
    ) -> Result<Response<Outgoing>, HttpError> {
        let head = head_of(&request);
        let faults = self.rules.apply(&head);
        let is_head = request.method() == Method::HEAD;
        let entry = self.journal.open(head);
        let response = match faults.iter().find_map(status) {
            Some(status) => refusal(status, is_head),
            None => {
                request.extensions_mut().insert(instead(&faults));
                self.service.call(request.map(s3s::Body::from)).await?
            }
        };
        let (mut parts, body) = response.into_parts();
        entry.answered(parts.status.as_u16());
        let served = parts.status.is_success();
        let applied: &[Fault] = if served { &faults } else { &[] };
        let plan = Plan::new(applied, first_byte(&parts.headers));
        spoil_headers(&mut parts.headers, applied, plan.extra());
        if is_head {
            entry.completed();
        }
        let length = number(&parts.headers, &CONTENT_LENGTH);
        let body = Outgoing::new(body, length, plan, entry, line);
        Ok(Response::from_parts(parts, body))
    }
}

fn status(fault: &Fault) -> Option<u16> {
    match fault {
        Fault::Status(status) => Some(*status),
        _ => None,
    }
}

fn instead(faults: &[Fault]) -> Instead {
    let mut instead = Instead::default();
    for fault in faults {
        match fault {
            Fault::ServeKey(key) => instead.key = Some(key.clone()),
            Fault::IgnoreRange => instead.whole_object = true,
            _ => {}
        }
    }
    instead
}

/// The record of a request. Path style only: `/bucket/key`.
fn head_of<B>(request: &Request<B>) -> Head {
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
    };
    let path = request.uri().path().trim_start_matches('/');
    let (_, key) = path.split_once('/').unwrap_or((path, ""));
    let operation = match *request.method() {
        Method::GET if key.is_empty() && !is_subresource(request.uri()) => Operation::List,
        Method::GET if !key.is_empty() => Operation::Get,
        Method::HEAD if !key.is_empty() => Operation::Head,
        _ => Operation::Other,
    };
    let key = match operation {
        Operation::List => query(request.uri(), "prefix").unwrap_or_default(),
        _ => decode(key, false),
    };
    Head {
        method: request.method().to_string(),
        operation,
        key,
        range: text(RANGE).map(|value| value.into_owned()),
        if_match: text(IF_MATCH).map(|value| value.into_owned()),
        signed: request.headers().contains_key(AUTHORIZATION)
            || query(request.uri(), "X-Amz-Signature").is_some(),
    }
}

/// GET on a bucket is a listing unless the query names something else of it (`?location`).
fn is_subresource(uri: &Uri) -> bool {
    ["location", "uploads", "versions", "policy", "acl"]
        .iter()
        .any(|name| query(uri, name).is_some())
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key, true) == name).then(|| decode(value, true))
    })
}

/// Percent-decodes; in a query `+` is a space. A `%` that begins no code stands for itself.
fn decode(text: &str, in_query: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(if in_query && byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// The first and last byte and the size that a `Content-Range: bytes F-L/S` states.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64, u64)> {
    let value = headers
        .get(CONTENT_RANGE)?
        .to_str()
        .ok()?
        .strip_prefix("bytes ")?;
    let (range, size) = value.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
}

fn first_byte(headers: &HeaderMap) -> u64 {
    content_range(headers).map_or(0, |(first, _, _)| first)
}

fn spoil_headers(headers: &mut HeaderMap, faults: &[Fault], extra: u64) {
    if extra > 0
        && let Some(length) = number(headers, &CONTENT_LENGTH)
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length + extra));
    }
    for fault in faults {
        match fault {
            Fault::WrongContentRange => {
                if let Some((first, last, size)) = content_range(headers) {
                    let moved = format!("bytes {}-{}/{size}", first + 1, last + 1);
                    set(headers, CONTENT_RANGE, &moved);
                }
            }
            Fault::Header(name, Some(value)) => set(headers, HeaderName::from_static(name), value),
            Fault::Header(name, None) => {
                headers.remove(*name);
            }
            _ => {}
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("a test states headers that HTTP can carry");
    headers.insert(name, value);
}

/// The answer of S3 to a request that it refuses with this status.
fn refusal(status: u16, is_head: bool) -> Response<s3s::Body> {
    let code = match status {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        412 => "PreconditionFailed",
        500 => "InternalError",
        503 => "SlowDown",
        _ => "Refused",
    };
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>Injected: {code}</Message><RequestId>harbor</RequestId></Error>"
    );
    let length = HeaderValue::from(document.len());
    let body = if is_head {
        Bytes::new()
    } else {
        Bytes::from(document)
    };
    let mut response = Response::new(s3s::Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a test states a valid status");
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if !is_head {
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, uri: &str) -> (Operation, String) {
        let head = head_of(&Request::builder().method(method).uri(uri).body(()).unwrap());
        (head.operation, head.key)
    }

    #[test]
    fn requests_are_told_apart() {
        let is = |method, uri, operation, key: &str| {
            assert_eq!(
                head(method, uri),
                (operation, key.to_owned()),
                "{method} {uri}"
            );
        };
        is(
            "GET",
            "/b?list-type=2&prefix=images%2Fa+b%2F",
            Operation::List,
            "images/a b/",
        );
        is("GET", "/b/", Operation::List, "");
        is(
            "GET",
            "/b/images/a+b/1%2B.tar",
            Operation::Get,
            "images/a+b/1+.tar",
        );
        is("HEAD", "/b/k", Operation::Head, "k");
        is("GET", "/b?location", Operation::Other, "");
        is("PUT", "/b/k", Operation::Other, "k");
        is("GET", "/b/100%", Operation::Get, "100%");
    }
}
