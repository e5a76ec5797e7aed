//! A small S3 server on a local port: objects in memory, every request remembered, and answers
//! that go wrong where a test says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::Range,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use longshore_source::{Auth, Backoff, Source, SourceConfig};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::support::small;

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) etag: String,
}

/// How one answer goes wrong. Counts are bytes of the body.
#[derive(Debug, Clone, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    /// A status, with a header and a document.
    Status(u16, &'static str, &'static str),
    /// The connection is cut after so many bytes.
    CutAfter(usize),
    /// Nothing more comes after so many bytes.
    StallAfter(usize),
    /// The head of the answer never comes.
    Silence,
    /// The range and so many bytes more, rightly counted.
    Extra(usize),
    /// The bytes of the range that begins so much later, called what they are.
    Shifted(u64),
    /// 200 and the whole object.
    IgnoreRange,
    /// The answer ends so many bytes early, and says so.
    Short(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The key, or nothing for a listing.
    pub(crate) key: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) range: Option<Range<u64>>,
}

impl Request {
    pub(crate) fn is_get(&self) -> bool {
        self.method == "GET" && !self.key.is_empty()
    }

    pub(crate) fn is_list(&self) -> bool {
        self.key.is_empty()
    }
}

type Script = Box<dyn FnMut(&Request, &mut BTreeMap<String, Object>) -> Fault + Send>;

pub(crate) struct State {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) requests: Vec<Request>,
    /// Bytes of object bodies that were sent.
    pub(crate) sent: u64,
    pub(crate) heeds_if_match: bool,
    pub(crate) page: usize,
    script: Script,
}

#[derive(Clone)]
pub(crate) struct S3 {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let state = State {
            objects: BTreeMap::new(),
            requests: Vec::new(),
            sent: 0,
            heeds_if_match: true,
            page: 1000,
            script: Box::new(|_, _| Fault::None),
        };
        let address = listener.local_addr().unwrap();
        let server = Self {
            address,
            state: Arc::new(Mutex::new(state)),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                // A client that goes away ends its connection with an error, as it should.
                tokio::spawn(async move { drop(server.serve(stream).await) });
            }
        });
        server
    }

    pub(crate) fn with<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap())
    }

    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>, etag: &str) {
        let object = Object {
            bytes: bytes.into(),
            etag: etag.to_owned(),
        };
        self.with(|state| state.objects.insert(key.to_owned(), object));
    }

    /// Decides of every request how its answer goes wrong; may change the objects before it.
    pub(crate) fn script(
        &self,
        script: impl FnMut(&Request, &mut BTreeMap<String, Object>) -> Fault + Send + 'static,
    ) {
        self.with(|state| state.script = Box::new(script));
    }

    /// The first `times` requests that `which` picks go wrong like this.
    pub(crate) fn fail(&self, times: usize, which: fn(&Request) -> bool, fault: Fault) {
        let mut left = times;
        self.script(move |request, _| {
            if left == 0 || !which(request) {
                return Fault::None;
            }
            left -= 1;
            fault.clone()
        });
    }

    pub(crate) fn requests(&self, which: fn(&Request) -> bool) -> usize {
        self.with(|state| {
            state
                .requests
                .iter()
                .filter(|request| which(request))
                .count()
        })
    }

    /// Forgets what was asked and sent so far.
    pub(crate) fn forget(&self) {
        self.with(|state| {
            state.requests.clear();
            state.sent = 0;
        });
    }

    pub(crate) fn sent(&self) -> u64 {
        self.with(|state| state.sent)
    }

    /// A configuration for the bucket `b` that loses no time over failures.
    pub(crate) fn config(&self, url: &str) -> SourceConfig {
        let mut config = SourceConfig::new(url.parse().unwrap());
        config.endpoint = Some(format!("http://{}", self.address).parse().unwrap());
        config.auth = Auth::Anonymous;
        config.backoff = Backoff {
            first: std::time::Duration::from_millis(1),
            cap: std::time::Duration::from_millis(2),
        };
        config.transfer.range = 64 << 10;
        config
    }

    pub(crate) fn source(&self) -> Arc<Source> {
        Source::connect(&self.config("s3://b")).unwrap()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream).await? {
            let (fault, object) = self.with(|state| {
                state.requests.push(request.clone());
                let fault = (state.script)(&request, &mut state.objects);
                (fault, state.objects.get(&request.key).cloned())
            });
            let go_on = match (fault, object) {
                (Fault::Silence, _) => {
                    wait_for_the_end(&mut stream).await?;
                    false
                }
                (Fault::Status(status, header, document), _) => {
                    let length = document.len();
                    let head =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{header}\r\n");
                    stream.write_all(head.as_bytes()).await?;
                    if request.method != "HEAD" {
                        stream.write_all(document.as_bytes()).await?;
                    }
                    true
                }
                (_, _) if request.is_list() => {
                    let document = self.with(|state| listing(state, &request));
                    let length = document.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    stream
                        .write_all(format!("{head}{document}").as_bytes())
                        .await?;
                    true
                }
                (_, None) => {
                    stream
                        .write_all(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
                        .await?;
                    true
                }
                (fault, Some(object)) => self.answer(&mut stream, &request, &object, fault).await?,
            };
            stream.flush().await?;
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    /// Sends an object or a range of it; says whether the connection can be used again.
    async fn answer(
        &self,
        stream: &mut BufReader<TcpStream>,
        request: &Request,
        object: &Object,
        fault: Fault,
    ) -> std::io::Result<bool> {
        let wanted = request.headers.get("if-match");
        if self.with(|state| state.heeds_if_match)
            && wanted.is_some_and(|wanted| *wanted != object.etag)
        {
            stream
                .write_all(b"HTTP/1.1 412 X\r\ncontent-length: 0\r\n\r\n")
                .await?;
            return Ok(true);
        }
        let size = object.bytes.len();
        let mut range = match (&fault, &request.range) {
            (Fault::IgnoreRange, _) | (_, None) => None,
            (_, Some(range)) if range.start >= object.bytes.len() as u64 => {
                stream
                    .write_all(b"HTTP/1.1 416 X\r\ncontent-length: 0\r\n\r\n")
                    .await?;
                return Ok(true);
            }
            (_, Some(range)) => Some(small(range.start)..size.min(small(range.end))),
        };
        match (&fault, &mut range) {
            (Fault::Shifted(by), Some(range)) => range.start += small(*by),
            (Fault::Short(by), Some(range)) => range.end -= small(*by),
            _ => {}
        }
        let mut body = object
            .bytes
            .slice(range.clone().unwrap_or(0..size))
            .to_vec();
        if let Fault::Extra(more) = fault {
            body.extend(vec![0xee; more]);
        }
        let mut head = match &range {
            None => "HTTP/1.1 200 OK\r\n".to_owned(),
            Some(Range { start, end }) => format!(
                "HTTP/1.1 206 X\r\ncontent-range: bytes {start}-{}/{size}\r\n",
                end - 1
            ),
        };
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
        if !object.etag.is_empty() {
            write!(head, "etag: {}\r\n", object.etag).unwrap();
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await?;
        if request.method == "HEAD" {
            return Ok(true);
        }
        let until = match fault {
            Fault::CutAfter(bytes) | Fault::StallAfter(bytes) => bytes.min(body.len()),
            _ => body.len(),
        };
        self.with(|state| state.sent += until as u64);
        stream.write_all(&body[..until]).await?;
        stream.flush().await?;
        if let Fault::StallAfter(_) = fault {
            wait_for_the_end(stream).await?;
        }
        Ok(!matches!(fault, Fault::CutAfter(_) | Fault::StallAfter(_)))
    }
}

/// Until the client closes the connection.
async fn wait_for_the_end(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map(|_| ())
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let range = headers.get("range").map(|range| {
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        first.parse().unwrap()..last.parse::<u64>().unwrap() + 1
    });
    let key = path
        .strip_prefix("/b")
        .unwrap_or(path)
        .trim_start_matches('/');
    Ok(Some(Request {
        method,
        key: decode(key),
        query: pairs
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect(),
        headers,
        range,
    }))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// ListObjectsV2, with prefix, delimiter and pages.
fn listing(state: &State, request: &Request) -> String {
    let query = |name: &str| request.query.get(name).map_or("", String::as_str);
    let (prefix, delimiter) = (query("prefix"), query("delimiter"));
    let after = query("continuation-token");
    let mut folders = BTreeSet::new();
    let mut document = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    let under = state
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(prefix));
    let mut keys = under.filter(|(key, _)| key.as_str() > after).peekable();
    let mut listed = 0;
    let mut last = String::new();
    while let Some((key, object)) = keys.next_if(|_| listed < state.page) {
        listed += 1;
        last.clone_from(key);
        let rest = &key[prefix.len()..];
        if let Some(at) = rest.find('/').filter(|_| !delimiter.is_empty()) {
            folders.insert(&key[..prefix.len() + at + 1]);
            continue;
        }
        let etag = object.etag.replace('"', "&quot;");
        let etag = if etag.is_empty() {
            etag
        } else {
            format!("<ETag>{etag}</ETag>")
        };
        let size = object.bytes.len();
        write!(
            document,
            "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
             {etag}<Size>{size}</Size></Contents>"
        )
        .unwrap();
    }
    for folder in folders {
        write!(
            document,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        )
        .unwrap();
    }
    if keys.peek().is_some() {
        write!(
            document,
            "<NextContinuationToken>{last}</NextContinuationToken>"
        )
        .unwrap();
    }
    document + "</ListBucketResult>"
}
