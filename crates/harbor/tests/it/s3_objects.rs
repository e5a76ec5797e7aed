//! Objects, ranges, conditions and listings, as a client sees them on the wire.

use longshore_harbor::s3::{Operation, Options, S3Server};
use tempfile::TempDir;

use crate::http::{get, head, list};

/// MD5 of "0123456789", from `printf 0123456789 | md5sum`.
const ETAG: &str = "\"781e5e245d69b566979b86e28d23f2c7\"";

fn bucket() -> (TempDir, S3Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::start(Options::new(dir.path())).unwrap();
    server.put("images/a/1.tar", b"0123456789").unwrap();
    server.put("images/b/1.tar", b"0123456789").unwrap();
    server.put("images/b/2.tar", b"other").unwrap();
    (dir, server)
}

#[test]
fn a_range_is_206_with_its_place_in_the_object() {
    let (_dir, server) = bucket();
    let answer = get(&server, "images/a/1.tar", &[("Range", "bytes=2-5")]);
    assert_eq!((answer.status, answer.text().as_str()), (206, "2345"));
    assert_eq!(answer.header("content-range"), Some("bytes 2-5/10"));
    assert_eq!(answer.header("content-length"), Some("4"));
    assert_eq!(answer.etag(), ETAG);
    let answer = get(&server, "images/a/1.tar", &[("Range", "bytes=-3")]);
    assert_eq!((answer.status, answer.text().as_str()), (206, "789"));
    assert_eq!(
        get(&server, "images/a/1.tar", &[("Range", "bytes=10-")]).status,
        416
    );
    let answer = get(&server, "images/a/1.tar", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
}

#[test]
fn one_content_has_one_etag_in_get_head_and_list() {
    let (_dir, server) = bucket();
    let listing = list(&server, "prefix=images/").text();
    assert_eq!(listing.matches(ETAG).count(), 2, "{listing}");
    assert_eq!(head(&server, "images/a/1.tar", &[]).etag(), ETAG);
    assert_eq!(get(&server, "images/b/1.tar", &[]).etag(), ETAG);
    assert_ne!(get(&server, "images/b/2.tar", &[]).etag(), ETAG);
}

#[test]
fn an_object_that_is_replaced_gets_another_etag() {
    let (_dir, server) = bucket();
    assert_eq!(get(&server, "images/a/1.tar", &[]).etag(), ETAG);
    server.put("images/a/1.tar", b"9876543210").unwrap();
    let answer = get(&server, "images/a/1.tar", &[("If-Match", ETAG)]);
    assert_eq!(answer.status, 412);
    assert!(
        answer.text().contains("PreconditionFailed"),
        "{}",
        answer.text()
    );
    let answer = get(&server, "images/a/1.tar", &[]);
    assert_ne!(answer.etag(), ETAG);
    assert_eq!(answer.text(), "9876543210");
}

#[test]
fn conditions_are_honoured_on_get_and_head() {
    let (_dir, server) = bucket();
    let key = "images/a/1.tar";
    assert_eq!(
        get(&server, key, &[("If-Match", ETAG), ("Range", "bytes=0-0")]).status,
        206
    );
    assert_eq!(get(&server, key, &[("If-Match", "\"0\"")]).status, 412);
    assert_eq!(head(&server, key, &[("If-Match", "\"0\"")]).status, 412);
    assert_eq!(get(&server, key, &[("If-None-Match", ETAG)]).status, 304);
    assert_eq!(get(&server, key, &[("If-None-Match", "\"0\"")]).status, 200);
}

#[test]
fn what_is_not_there_is_404_and_nothing_outside_is_there() {
    let (dir, server) = bucket();
    let secret = dir.path().join(".secret");
    std::fs::write(secret, b"hidden").unwrap();
    for key in [
        "images/c/1.tar",
        "images/a",
        "images/a/",
        "..%2f..%2fetc/passwd",
        ".secret",
    ] {
        let answer = get(&server, key, &[]);
        assert!(
            matches!(answer.status, 400 | 404),
            "{key}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let answer = get(&server, "images/c/1.tar", &[]);
    assert!(answer.text().contains("NoSuchKey"), "{}", answer.text());
}

#[test]
fn listings_page_and_fold() {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::start(Options::new(dir.path()).list_page(2)).unwrap();
    for n in 1..=3 {
        server.put(&format!("images/a/{n}.tar"), b"x").unwrap();
    }
    std::fs::create_dir(dir.path().join(".work")).unwrap();
    std::fs::write(dir.path().join(".work/x"), b"x").unwrap();
    let first = list(&server, "prefix=images/a/").text();
    assert!(first.contains("<IsTruncated>true</IsTruncated>"), "{first}");
    let token = first
        .split("<NextContinuationToken>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let second = list(
        &server,
        &format!("prefix=images/a/&continuation-token={token}"),
    )
    .text();
    assert!(
        second.contains("<IsTruncated>false</IsTruncated>"),
        "{second}"
    );
    let keys = |text: &str| text.matches("<Key>").count();
    assert_eq!((keys(&first), keys(&second)), (2, 1));
    let folded = list(&server, "delimiter=/").text();
    assert!(folded.contains("<Prefix>images/</Prefix>"), "{folded}");
    assert_eq!((keys(&folded), folded.contains(".work")), (0, false));
}

#[test]
fn every_request_is_recorded_with_what_it_got() {
    let (_dir, server) = bucket();
    list(&server, "prefix=images/a/");
    head(&server, "images/a/1.tar", &[]);
    get(
        &server,
        "images/a/1.tar",
        &[("Range", "bytes=2-5"), ("If-Match", ETAG)],
    );
    get(&server, "images/a/2.tar", &[]);
    let requests = server.requests();
    let got: Vec<_> = requests
        .iter()
        .map(|r| (r.operation, r.key.as_str(), r.status))
        .collect();
    assert_eq!(
        got,
        [
            (Operation::List, "images/a/", Some(200)),
            (Operation::Head, "images/a/1.tar", Some(200)),
            (Operation::Get, "images/a/1.tar", Some(206)),
            (Operation::Get, "images/a/2.tar", Some(404)),
        ]
    );
    assert_eq!(requests[2].range.as_deref(), Some("bytes=2-5"));
    assert_eq!(requests[2].if_match.as_deref(), Some(ETAG));
    assert!(
        requests.iter().all(|r| r.complete && !r.signed),
        "{requests:?}"
    );
    assert_eq!(server.bytes_of("images/a/1.tar"), 4);
    assert_eq!(
        (server.count(Operation::List), server.count(Operation::Get)),
        (1, 2)
    );
    server.forget_requests();
    assert!(server.requests().is_empty());
}

#[test]
fn a_large_object_comes_whole_and_in_parts() {
    let (_dir, server) = bucket();
    let content: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    server.put("images/c/1.tar", &content).unwrap();
    server.warm("images/c/").unwrap();
    assert!(get(&server, "images/c/1.tar", &[]).body == content);
    let range = [("Range", "bytes=1234567-2345678")];
    assert!(get(&server, "images/c/1.tar", &range).body == content[1_234_567..=2_345_678]);
    let range = [("Range", "bytes=3999990-9999999")];
    let answer = get(&server, "images/c/1.tar", &range);
    assert_eq!(
        answer.header("content-range"),
        Some("bytes 3999990-3999999/4000000")
    );
    assert_eq!(answer.body, content[3_999_990..]);
}

#[test]
fn a_dropped_server_is_gone() {
    let (_dir, server) = bucket();
    let address = server.address();
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
}
