//! Whoever takes too much is stopped, and it is said what there was too much of.

use std::{
    fs::File,
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use longshore_cage::{Cage, CageError, Cancel, Limit, Limits};

use longshore_vmtest::harness::Test;

pub(crate) const TESTS: &[Test] = &[
    ("limits::memory", memory),
    ("limits::processor", processor),
    ("limits::wall", wall),
    ("limits::wall_while_sending", wall_while_sending),
    ("limits::bytes_of_a_file", bytes_of_a_file),
    ("limits::a_cancel_ends_every_call", a_cancel_ends_every_call),
];

fn limit(error: &CageError) -> Option<Limit> {
    match error {
        CageError::Limit(limit) => Some(*limit),
        _ => None,
    }
}

fn memory() {
    let fill = |memory_bytes| {
        let limits = Limits {
            memory_bytes,
            ..Limits::default()
        };
        Cage::new()
            .limits(limits)
            .spawn("fill")
            .unwrap()
            .ask(b"", &[])
    };
    let error = fill(128 << 20).unwrap_err();
    assert_eq!(limit(&error), Some(Limit::Memory), "{error}");
    assert_eq!(fill(512 << 20).unwrap(), [1]);
}

fn processor() {
    let limits = Limits {
        cpu_seconds: 1,
        // So that it fails, and does not hang, where nothing counts.
        wall: Duration::from_secs(30),
        ..Limits::default()
    };
    let error = Cage::new()
        .limits(limits)
        .spawn("spin")
        .unwrap()
        .receive()
        .unwrap_err();
    assert_eq!(limit(&error), Some(Limit::Cpu), "{error}");
}

/// So short that it may be over before the child is locked in, which is the same.
fn soon() -> Cage {
    Cage::new().limits(Limits {
        wall: Duration::from_millis(300),
        ..Limits::default()
    })
}

fn wall() {
    for role in ["spin", "wait"] {
        let began = Instant::now();
        let received = soon().spawn(role).and_then(|mut caged| caged.receive());
        let error = received.unwrap_err();
        assert_eq!(limit(&error), Some(Limit::Wall), "{error}");
        assert!(began.elapsed() >= Duration::from_millis(300));
    }
}

fn wall_while_sending() {
    let job = vec![0; 16 << 20];
    let sent = soon()
        .spawn("wait")
        .and_then(|mut caged| caged.send(&job, &[]));
    let error = sent.unwrap_err();
    assert_eq!(limit(&error), Some(Limit::Wall), "{error}");
}

fn bytes_of_a_file() {
    let file: File = tempfile::tempfile().unwrap();
    let limits = Limits {
        file_bytes: 4096,
        ..Limits::default()
    };
    let caged = Cage::new().limits(limits).spawn("write").unwrap();
    let error = caged.ask(b"", &[file.as_fd()]).unwrap_err();
    assert_eq!(limit(&error), Some(Limit::FileSize), "{error}");
    assert!(file.metadata().unwrap().len() <= 4096);
}

fn a_cancel_ends_every_call() {
    let cancel = Cancel::new().unwrap();
    let cage = Cage::new().cancel(&cancel);
    let mut receives = cage.spawn("wait").unwrap();
    let mut sends = cage.spawn("wait").unwrap();
    let sender = cage.spawn("wait").unwrap();
    thread::scope(|scope| {
        let another = sender.sender();
        let another = scope.spawn(move || another.send(&vec![0; 16 << 20], &[]));
        let canceller = cancel.clone();
        // Whether the others wait by then or not, they end.
        scope.spawn(move || canceller.cancel());
        let ends = [
            receives.receive().map(drop),
            sends.send(&vec![0; 16 << 20], &[]),
            another.join().unwrap(),
            cage.spawn("wait").map(drop),
        ];
        for end in ends {
            assert!(matches!(end, Err(CageError::Cancelled)), "{end:?}");
        }
    });
    cancel.cancel();
}
