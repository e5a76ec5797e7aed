//! Speaking with a child, and with one that does not keep to the protocol.

use std::thread;

use longshore_cage::{Breach, Cage, CageError, End, Limits};

use longshore_vmtest::harness::Test;

pub(crate) const TESTS: &[Test] = &[
    ("protocol::frames_go_both_ways", frames_go_both_ways),
    ("protocol::both_may_send_at_once", both_may_send_at_once),
    (
        "protocol::a_child_may_answer_before_it_has_read_all",
        a_child_may_answer_before_it_has_read_all,
    ),
    ("protocol::another_thread_sends", another_thread_sends),
    (
        "protocol::a_wrong_frame_is_a_breach",
        a_wrong_frame_is_a_breach,
    ),
    (
        "protocol::a_frame_too_much_is_a_breach",
        a_frame_too_much_is_a_breach,
    ),
    (
        "protocol::a_closed_channel_is_a_breach",
        a_closed_channel_is_a_breach,
    ),
    (
        "protocol::an_end_without_an_answer_is_a_breach",
        an_end_without_an_answer_is_a_breach,
    ),
    (
        "protocol::a_panic_comes_with_its_message",
        a_panic_comes_with_its_message,
    ),
    (
        "protocol::an_error_comes_with_its_text",
        an_error_comes_with_its_text,
    ),
    ("protocol::a_signal_is_named", a_signal_is_named),
    ("protocol::talking_much_is_no_end", talking_much_is_no_end),
    ("protocol::an_unknown_role_says_so", an_unknown_role_says_so),
    (
        "protocol::a_job_longer_than_a_frame_is_refused",
        a_job_longer_than_a_frame_is_refused,
    ),
];

fn frames_go_both_ways() {
    let mut caged = Cage::new().spawn("echo").unwrap();
    for frame in [&b""[..], b"x", &[7; 100_000], &[]] {
        caged.send(frame, &[]).unwrap();
        assert_eq!(caged.receive().unwrap(), frame);
    }
    caged.finish().unwrap();
}

/// More than the kernel's buffers hold, both ways at once.
fn both_may_send_at_once() {
    let mut caged = Cage::new().spawn("echo").unwrap();
    let frame = vec![5; 1 << 20];
    for _ in 0..8 {
        caged.send(&frame, &[]).unwrap();
    }
    for _ in 0..8 {
        assert!(caged.receive().unwrap() == frame);
    }
    caged.finish().unwrap();
}

/// As where the first bytes say enough.
fn a_child_may_answer_before_it_has_read_all() {
    for length in [0, 1, 16 << 20] {
        let caged = Cage::new().spawn("hasty").unwrap();
        assert_eq!(caged.ask(&vec![0; length], &[]).unwrap(), b"no need");
    }
}

fn another_thread_sends() {
    let mut caged = Cage::new().spawn("count").unwrap();
    let sender = caged.sender();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..1000 {
                sender.send(b"one", &[]).unwrap();
            }
        });
        for _ in 0..100 {
            assert_eq!(caged.receive().unwrap(), b"at work");
        }
    });
    // It counts until it hears that there are no more, and answers then.
    let error = caged.finish().unwrap_err();
    assert!(
        matches!(error, CageError::Broken(Breach::Unasked)),
        "{error}"
    );
}

/// What comes of a child that sends these bytes and ends.
fn sends(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, CageError> {
    let mut caged = Cage::new().limits(limits).spawn("wrong").unwrap();
    caged.send(bytes, &[]).unwrap();
    caged.receive()
}

fn a_wrong_frame_is_a_breach() {
    let limits = Limits {
        answer_bytes: 5,
        ..Limits::default()
    };
    for (bytes, expected) in [
        (&b""[..], Breach::Closed),
        (b"\x05", Breach::Cut),
        (b"\x05\0\0\0\0\0\0\0four", Breach::Cut),
        (
            b"\x06\0\0\0\0\0\0\0sixsix",
            Breach::TooLong {
                announced: 6,
                allowed: 5,
            },
        ),
        (
            b"\xff\xff\xff\xff\0\0\0\0",
            Breach::TooLong {
                announced: u32::MAX,
                allowed: 5,
            },
        ),
        (b"\0\0\0\0\x01\0\0\0", Breach::Header),
    ] {
        let error = sends(bytes, limits.clone()).unwrap_err();
        assert!(
            matches!(error, CageError::Broken(breach) if breach == expected),
            "{error}"
        );
    }
    assert_eq!(sends(b"\x05\0\0\0\0\0\0\0right", limits).unwrap(), b"right");
}

fn a_frame_too_much_is_a_breach() {
    let caged = Cage::new().spawn("wrong").unwrap();
    let error = caged
        .ask(b"\x01\0\0\0\0\0\0\0a\x01\0\0\0\0\0\0\0b", &[])
        .unwrap_err();
    assert!(
        matches!(error, CageError::Broken(Breach::Unasked)),
        "{error}"
    );
}

/// It goes on without the channel, and is not waited for.
fn a_closed_channel_is_a_breach() {
    let mut caged = Cage::new().spawn("close").unwrap();
    caged.send(b"", &[]).unwrap();
    let error = caged.receive().unwrap_err();
    assert!(
        matches!(error, CageError::Broken(Breach::Closed)),
        "{error}"
    );
    let again = caged.receive().unwrap_err();
    assert!(
        matches!(again, CageError::Broken(Breach::Closed)),
        "{again}"
    );

    let mut caged = Cage::new().spawn("close").unwrap();
    caged.send(b"", &[]).unwrap();
    let error = caged.finish().unwrap_err();
    assert!(
        matches!(error, CageError::Broken(Breach::Lingering)),
        "{error}"
    );
}

fn an_end_without_an_answer_is_a_breach() {
    let mut caged = Cage::new().spawn("leave").unwrap();
    let error = caged.receive().unwrap_err();
    assert!(
        matches!(error, CageError::Broken(Breach::Closed)),
        "{error}"
    );
    Cage::new().spawn("leave").unwrap().finish().unwrap();
}

fn crash(role: &str) -> (End, String) {
    match Cage::new()
        .spawn(role)
        .and_then(|mut caged| caged.receive())
    {
        Err(CageError::Crashed { end, last_words }) => (end, last_words),
        other => panic!("{other:?}"),
    }
}

fn a_panic_comes_with_its_message() {
    let (end, words) = crash("panic");
    assert_eq!(end, End::Exit(101));
    assert!(words.contains("the reason is 42"), "{words}");
}

fn an_error_comes_with_its_text() {
    let (end, words) = crash("fail");
    assert_eq!((end, words.as_str()), (End::Exit(1), "\u{fffd}[31mno good"));
}

fn a_signal_is_named() {
    assert_eq!(crash("abort").0, End::Signal(6));
}

fn talking_much_is_no_end() {
    assert_eq!(
        Cage::new().spawn("chatter").unwrap().ask(b"", &[]).unwrap(),
        b"done"
    );
}

fn an_unknown_role_says_so() {
    assert_eq!(crash("none").1, "there is no such role");
}

fn a_job_longer_than_a_frame_is_refused() {
    let mut caged = Cage::new().spawn("echo").unwrap();
    let error = caged.send(&vec![0; (64 << 20) + 1], &[]).unwrap_err();
    assert!(matches!(error, CageError::Host(_)), "{error}");
}
