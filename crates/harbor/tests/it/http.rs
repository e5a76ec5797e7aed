//! The plainest HTTP client: one request a connection, everything that came, and how it ended.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore_harbor::s3::S3Server;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How reading ended, if not with an orderly close.
    pub(crate) error: Option<io::ErrorKind>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn etag(&self) -> &str {
        self.header("etag").expect("an ETag")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends the head of a request and returns the connection.
pub(crate) fn send(
    server: &S3Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut head = format!(
        "{method} /{}{target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        server.bucket(),
        server.address()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream
}

/// Reads until the server ends the connection.
pub(crate) fn receive(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let error = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) => break Some(error.kind()),
        }
    };
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: bytes[end + 4..].to_vec(),
        error,
    }
}

pub(crate) fn get(server: &S3Server, key: &str, headers: &[(&str, &str)]) -> Answer {
    receive(send(server, "GET", &format!("/{key}"), headers))
}

pub(crate) fn head(server: &S3Server, key: &str, headers: &[(&str, &str)]) -> Answer {
    receive(send(server, "HEAD", &format!("/{key}"), headers))
}

pub(crate) fn list(server: &S3Server, query: &str) -> Answer {
    receive(send(server, "GET", &format!("?list-type=2&{query}"), &[]))
}
