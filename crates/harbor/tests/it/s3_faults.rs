//! Each fault, on the wire.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use longshore_harbor::s3::{Fault, Gate, Operation, Options, Rule, S3Server};
use tempfile::TempDir;

use crate::http::{get, head, list, receive, send};

const KEY: &str = "images/a/1.tar";

/// 1 MiB of bytes, each of which tells its place.
fn content() -> Vec<u8> {
    (0..1u32 << 18).flat_map(u32::to_be_bytes).collect()
}

fn bucket() -> (TempDir, S3Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::start(Options::new(dir.path())).unwrap();
    server.put(KEY, &content()).unwrap();
    (dir, server)
}

#[test]
fn a_status_is_answered_to_the_requests_the_rule_names_and_no_other() {
    let (_dir, server) = bucket();
    let rule = server.inject(Rule::new(Fault::Status(503)).key(KEY).nth(2));
    assert_eq!(get(&server, KEY, &[]).status, 200);
    let answer = get(&server, KEY, &[]);
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("<Code>SlowDown</Code>"),
        "{}",
        answer.text()
    );
    assert_eq!(get(&server, KEY, &[]).status, 200);
    assert_eq!(head(&server, KEY, &[]).status, 200);
    assert_eq!(rule.hits(), 1);

    server.clear_faults();
    server.inject(
        Rule::new(Fault::Status(403))
            .operation(Operation::List)
            .key_prefix("images/"),
    );
    server.inject(
        Rule::new(Fault::Status(500))
            .operation(Operation::Head)
            .first(1),
    );
    assert_eq!(list(&server, "prefix=images/a/").status, 403);
    assert_eq!(list(&server, "prefix=other/").status, 200);
    assert_eq!(
        (
            head(&server, KEY, &[]).status,
            head(&server, KEY, &[]).status
        ),
        (500, 200)
    );
}

#[test]
fn a_truncated_body_has_exactly_the_bytes_before_the_cut() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::Truncate { after: 300_001 }));
    let answer = get(&server, KEY, &[]);
    assert_eq!(answer.error, None);
    assert_eq!(answer.header("content-length"), Some("1048576"));
    assert!(
        answer.body == content()[..300_001],
        "{} bytes came",
        answer.body.len()
    );
    let exchange = server.requests().pop().unwrap();
    assert_eq!(
        (exchange.bytes_sent, exchange.complete, exchange.ended),
        (300_001, false, true)
    );
}

#[test]
fn a_reset_is_seen_as_one() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::Reset { after: 1000 }).first(1));
    let answer = get(&server, KEY, &[]);
    assert_eq!(answer.error, Some(ErrorKind::ConnectionReset));
    assert!(answer.body.len() <= 1000);
    assert_eq!(get(&server, KEY, &[]).body.len(), 1 << 20);
}

#[test]
fn a_stalled_body_waits_at_the_gate_with_the_bytes_before_it_sent() {
    let (_dir, server) = bucket();
    let gate = Gate::new();
    server.inject(Rule::new(Fault::Stall {
        after: 5,
        gate: gate.clone(),
    }));
    let mut stream = send(
        &server,
        "GET",
        &format!("/{KEY}"),
        &[("Range", "bytes=0-9")],
    );
    assert!(gate.wait_for(1, Duration::from_secs(20)));
    assert_eq!(server.bytes_of(KEY), 5);
    let mut bytes = [0; 4096];
    let mut got = 0;
    while !bytes[..got].ends_with(&content()[..5]) {
        let count = stream.read(&mut bytes[got..]).unwrap();
        assert_ne!(count, 0);
        got += count;
    }
    gate.open();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, content()[5..10]);
}

#[test]
fn a_server_with_a_stalled_answer_can_be_dropped() {
    let (_dir, server) = bucket();
    let gate = Gate::new();
    server.inject(Rule::new(Fault::Stall {
        after: 0,
        gate: gate.clone(),
    }));
    let stream = send(&server, "GET", &format!("/{KEY}"), &[]);
    assert!(gate.wait_for(1, Duration::from_secs(20)));
    drop(server);
    assert!(receive(stream).body.is_empty());
}

#[test]
fn an_answer_that_the_client_gives_up_is_recorded_as_ended() {
    let (_dir, server) = bucket();
    let gate = Gate::new();
    server.inject(Rule::new(Fault::Stall {
        after: 0,
        gate: gate.clone(),
    }));
    let stream = send(&server, "GET", &format!("/{KEY}"), &[]);
    assert!(gate.wait_for(1, Duration::from_secs(20)));
    assert!(!server.requests()[0].ended);
    drop(stream);
    gate.open();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !server.requests()[0].ended {
        assert!(Instant::now() < deadline, "{:?}", server.requests());
        std::thread::yield_now();
    }
    assert!(!server.requests()[0].complete);
}

#[test]
fn bytes_are_added_and_counted() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::ExtraBytes(100_000)));
    let answer = get(&server, KEY, &[("Range", "bytes=0-9")]);
    assert_eq!(answer.header("content-length"), Some("100010"));
    assert_eq!(answer.header("content-range"), Some("bytes 0-9/1048576"));
    assert_eq!(answer.body.len(), 100_010);
    assert!(answer.body.starts_with(&content()[..10]) && answer.body.ends_with(&[0xEE; 100_000]));
}

#[test]
fn a_bit_is_flipped_at_its_place_in_the_object() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::FlipBit { offset: 500_000 }));
    let mut wrong = content();
    wrong[500_000] ^= 1;
    assert!(get(&server, KEY, &[]).body == wrong);
    assert_eq!(
        get(&server, KEY, &[("Range", "bytes=499999-500000")]).body,
        wrong[499_999..500_001]
    );
    assert_eq!(
        get(&server, KEY, &[("Range", "bytes=500001-500002")]).body,
        wrong[500_001..500_003]
    );
}

#[test]
fn another_object_is_served_and_judged_in_place_of_the_one_asked_for() {
    let (_dir, server) = bucket();
    server.put("images/a/2.tar", b"another content").unwrap();
    let etag = get(&server, KEY, &[]).etag().to_owned();
    server.inject(
        Rule::new(Fault::ServeKey("images/a/2.tar".to_owned()))
            .key(KEY)
            .from_nth(2),
    );
    assert_eq!(get(&server, KEY, &[]).etag(), etag);
    let answer = get(&server, KEY, &[]);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "another content")
    );
    assert_ne!(answer.etag(), etag);
    assert_eq!(get(&server, KEY, &[("If-Match", &etag)]).status, 412);
}

#[test]
fn ranges_are_ignored_or_misplaced() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::IgnoreRange).first(1));
    server.inject(Rule::new(Fault::WrongContentRange).nth(2));
    let answer = get(&server, KEY, &[("Range", "bytes=10-19")]);
    assert_eq!((answer.status, answer.body.len()), (200, 1 << 20));
    let answer = get(&server, KEY, &[("Range", "bytes=10-19")]);
    assert_eq!(answer.header("content-range"), Some("bytes 11-20/1048576"));
    assert_eq!(answer.body, content()[10..20]);
}

#[test]
fn headers_are_set_and_removed() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::Header("etag", Some("W/\"weak\"".to_owned()))).nth(1));
    server.inject(Rule::new(Fault::Header("etag", None)).nth(2));
    assert_eq!(get(&server, KEY, &[]).etag(), "W/\"weak\"");
    assert_eq!(get(&server, KEY, &[]).header("etag"), None);
}

#[test]
fn a_throttled_body_takes_its_time() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::Throttle {
        bytes_per_second: 2 << 20,
    }));
    let begun = Instant::now();
    assert!(get(&server, KEY, &[]).body == content());
    // 1 MiB at 2 MiB/s, less the last piece, which nothing waits for.
    assert!(
        begun.elapsed() >= Duration::from_millis(450),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn faults_add_up() {
    let (_dir, server) = bucket();
    server.inject(Rule::new(Fault::FlipBit { offset: 0 }));
    server.inject(Rule::new(Fault::Truncate { after: 4 }));
    assert_eq!(get(&server, KEY, &[]).body, [1, 0, 0, 0]);
}
