//! Documents, from a server that answers by a script and from files.

use std::{
    fs::{self, File},
    io::{Read, Seek},
    sync::{Arc, Mutex},
    time::Duration,
};

use longshore_image::Digest;
use longshore_source::{Backoff, DocumentError, Documents, Fetched, Seen, SourceConfig, SourceUrl};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

const LIMIT: u64 = 1 << 20;

/// What a server does with one request.
#[derive(Debug, Clone)]
enum Answer {
    /// Says this and closes the connection.
    Says(Vec<u8>),
    /// Says this, and then nothing more.
    Stalls(Vec<u8>),
}

fn says(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Says(text.into())
}

fn ok(headers: &str, body: &str) -> Answer {
    let length = body.len();
    says(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    ))
}

fn status(status: u16, headers: &str) -> Answer {
    says(format!(
        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{headers}\r\n"
    ))
}

/// A server that gives its answers in order, the last one for ever.
struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            let mut answers = answers.into_iter().peekable();
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answers.next().unwrap();
                if answers.peek().is_none() {
                    answers = vec![answer.clone()].into_iter().peekable();
                }
                tokio::spawn(serve(stream, answer, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    fn url(&self) -> String {
        format!("http://{}/dir/document", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, answer: Answer, heads: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    heads.lock().unwrap().push(head.to_lowercase());
    let (bytes, stalls) = match answer {
        Answer::Says(bytes) => (bytes, false),
        Answer::Stalls(bytes) => (bytes, true),
    };
    let _ = stream.write_all(&bytes).await;
    if stalls {
        // Until the client goes away.
        let _ = stream.read_line(&mut head).await;
    }
}

fn config() -> SourceConfig {
    let mut config = SourceConfig::new(SourceUrl::directory("/"));
    config.backoff = Backoff {
        first: Duration::ZERO,
        cap: Duration::ZERO,
    };
    config.max_retries = 2;
    config
}

async fn fetch_with(
    config: &SourceConfig,
    url: &str,
    seen: Option<&Seen>,
    into: &mut File,
) -> Result<Fetched, DocumentError> {
    let cancel = CancellationToken::new();
    let documents = Documents::new(config);
    documents.fetch(url, seen, into, LIMIT, &cancel).await
}

async fn fetch(url: &str, seen: Option<&Seen>) -> (Result<Fetched, DocumentError>, String) {
    let mut into = tempfile::tempfile().unwrap();
    let fetched = fetch_with(&config(), url, seen, &mut into).await;
    (fetched, content(&mut into))
}

fn content(file: &mut File) -> String {
    let mut content = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut content).unwrap();
    content
}

#[track_caller]
fn is_changed(fetched: &Result<Fetched, DocumentError>, content: &str) -> Seen {
    match fetched {
        Ok(Fetched::Changed { size, digest, seen }) => {
            assert_eq!(*size, content.len() as u64);
            assert_eq!(*digest, Digest::of(content.as_bytes()));
            seen.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_comes_once_and_is_then_asked_after() {
    let tags = "ETag: W/\"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let server = Server::start(vec![ok(tags, "hello"), status(304, "")]).await;
    let (fetched, text) = fetch(&server.url(), None).await;
    assert_eq!(text, "hello");
    let seen = is_changed(&fetched, "hello");
    let (fetched, text) = fetch(&server.url(), Some(&seen)).await;
    assert_eq!(
        (fetched.unwrap(), text.as_str()),
        (Fetched::NotModified, "")
    );
    let heads = server.heads();
    assert!(heads[0].contains("accept-encoding: identity"), "{heads:?}");
    assert!(!heads[0].contains("if-"), "{heads:?}");
    assert!(heads[1].contains("if-none-match: w/\"a\""), "{heads:?}");
    let since = "if-modified-since: sun, 06 nov 1994 08:49:37 gmt";
    assert!(heads[1].contains(since), "{heads:?}");
}

#[tokio::test]
async fn what_was_there_is_replaced() {
    let server = Server::start(vec![ok("", "short")]).await;
    let mut into = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut into, b"what was there before").unwrap();
    let fetched = fetch_with(&config(), &server.url(), None, &mut into).await;
    assert_eq!(is_changed(&fetched, "short"), Seen::default());
    assert_eq!(content(&mut into), "short");
}

#[tokio::test]
async fn bytes_are_taken_as_they_are() {
    let server = Server::start(vec![ok("Content-Encoding: gzip\r\n", "no gzip at all")]).await;
    let (fetched, text) = fetch(&server.url(), None).await;
    is_changed(&fetched, "no gzip at all");
    assert_eq!(text, "no gzip at all");
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let cut = says("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhell");
    let unfinished = says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n");
    for trouble in [
        status(500, ""),
        status(503, "Retry-After: 0\r\n"),
        status(429, ""),
        says(""),
        cut,
        unfinished,
    ] {
        let server = Server::start(vec![trouble.clone(), ok("", "hello")]).await;
        let (fetched, text) = fetch(&server.url(), None).await;
        is_changed(&fetched, "hello");
        assert_eq!(text, "hello", "{trouble:?}");
        assert_eq!(server.heads().len(), 2);
    }
}

#[tokio::test]
async fn trouble_that_stays_is_told() {
    let server = Server::start(vec![status(502, "")]).await;
    let error = fetch(&server.url(), None).await.0.unwrap_err();
    let DocumentError::Unreachable {
        tries: 3, source, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(source.to_string(), "the server answers 502");
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!(
        "http://user:hunter2@{}/a?hunter2",
        listener.local_addr().unwrap()
    );
    drop(listener);
    let error = fetch(&gone, None).await.0.unwrap_err();
    assert!(
        matches!(error, DocumentError::Unreachable { tries: 3, .. }),
        "{error:?}"
    );
    assert!(
        !format!("{error} {error:?}").contains("hunter2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_document_that_breaks_off_twice_is_given_up() {
    let cut = says("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhell");
    let server = Server::start(vec![cut]).await;
    let error = fetch(&server.url(), None).await.0.unwrap_err();
    assert!(
        matches!(error, DocumentError::CutOff { received: 4, .. }),
        "{error:?}"
    );
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn silence_is_not_waited_out() {
    let mut config = config();
    config.timeouts.idle = Duration::from_millis(100);
    config.timeouts.response = Duration::from_millis(100);
    let mut into = tempfile::tempfile().unwrap();
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhell";
    let server = Server::start(vec![Answer::Stalls(begun.into())]).await;
    let error = fetch_with(&config, &server.url(), None, &mut into).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, DocumentError::CutOff { received: 4, .. }),
        "{error:?}"
    );
    let server = Server::start(vec![Answer::Stalls(Vec::new())]).await;
    let error = fetch_with(&config, &server.url(), None, &mut into).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, DocumentError::Unreachable { tries: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_final_is_said_at_once() {
    for (code, not_found) in [
        (404, true),
        (410, true),
        (401, false),
        (403, false),
        (304, false),
        (204, false),
        (206, false),
        (501, false),
    ] {
        let server = Server::start(vec![status(code, "")]).await;
        let error = fetch(&server.url(), None).await.0.unwrap_err();
        match &error {
            DocumentError::NotFound { .. } => assert!(not_found, "{code}"),
            DocumentError::Refused { status, .. } => {
                assert!(!not_found && *status == code, "{code}: {error:?}");
            }
            _ => panic!("{code}: {error:?}"),
        }
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn redirects_are_followed_a_few() {
    let there = Server::start(vec![ok("", "hello")]).await;
    let further = format!("Location: {}\r\n", there.url());
    let here = Server::start(vec![
        status(302, "Location: ../other?x\r\n"),
        status(308, &further),
    ])
    .await;
    let (fetched, text) = fetch(&here.url(), None).await;
    is_changed(&fetched, "hello");
    assert_eq!(text, "hello");
    assert!(
        here.heads()[1].starts_with("get /other?x "),
        "{:?}",
        here.heads()
    );
    for (location, asked) in [
        ("Location: document\r\n", 6),
        ("Location: file:///etc/passwd\r\n", 1),
        ("Location: http://\r\n", 1),
        ("", 1),
    ] {
        let server = Server::start(vec![status(301, location)]).await;
        let error = fetch(&server.url(), None).await.0.unwrap_err();
        assert!(
            matches!(error, DocumentError::Redirected { .. }),
            "{error:?}"
        );
        assert_eq!(server.heads().len(), asked, "{location}");
    }
}

#[tokio::test]
async fn no_more_is_taken_than_was_allowed() {
    let announced = says(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    ));
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(endless.len() + 2 * (1 << 20), b'x');
    for answer in [announced, says(endless)] {
        let server = Server::start(vec![answer]).await;
        let error = fetch(&server.url(), None).await.0.unwrap_err();
        assert!(
            matches!(error, DocumentError::TooLarge { limit: LIMIT, .. }),
            "{error:?}"
        );
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn who_does_not_want_it_any_more_does_not_wait_for_it() {
    let server = Server::start(vec![Answer::Stalls(Vec::new())]).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let mut into = tempfile::tempfile().unwrap();
    let documents = Documents::new(&config());
    let url = server.url();
    let fetched = documents.fetch(&url, None, &mut into, LIMIT, &cancel);
    let error = fetched.await.unwrap_err();
    assert!(
        matches!(error, DocumentError::Cancelled { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_is_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a document");
    fs::write(&path, "hello").unwrap();
    let plain = path.to_str().unwrap().to_owned();
    let url = format!("file://{}", plain.replace(' ', "%20"));
    for address in [&plain, &url] {
        let (fetched, text) = fetch(address, None).await;
        let seen = is_changed(&fetched, "hello");
        assert_eq!(text, "hello");
        let again = fetch(address, Some(&seen)).await.0.unwrap();
        assert_eq!(again, Fetched::NotModified);
        // Of another length: two writes within a tick of the clock have the same time.
        fs::write(&path, "another").unwrap();
        let (fetched, _) = fetch(address, Some(&seen)).await;
        is_changed(&fetched, "another");
        fs::write(&path, "hello").unwrap();
    }
}

#[tokio::test]
async fn what_is_no_file_is_no_document() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let missing = fetch(&path("missing"), None).await.0.unwrap_err();
    assert!(
        matches!(missing, DocumentError::NotFound { .. }),
        "{missing:?}"
    );
    let pipe = std::process::Command::new("mkfifo")
        .arg(path("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    for name in ["", "pipe"] {
        let error = fetch(&path(name), None).await.0.unwrap_err();
        assert!(matches!(error, DocumentError::File { .. }), "{error:?}");
    }
    let file = File::create(path("large")).unwrap();
    file.set_len(LIMIT + 1).unwrap();
    let error = fetch(&path("large"), None).await.0.unwrap_err();
    assert!(matches!(error, DocumentError::TooLarge { .. }), "{error:?}");
}
