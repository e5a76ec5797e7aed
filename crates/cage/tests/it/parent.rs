//! What is left of children: nothing, whichever of the two ends first.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use longshore_cage::{Cage, Limits};
use nix::{
    errno::Errno,
    sys::wait::{WaitPidFlag, waitpid},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use longshore_vmtest::harness::Test;

use crate::role::UNCAGED;

pub(crate) const TESTS: &[Test] = &[
    (
        "parent::a_child_ends_with_its_parent",
        a_child_ends_with_its_parent,
    ),
    (
        "parent::a_child_ends_with_its_thread",
        a_child_ends_with_its_thread,
    ),
    ("parent::no_child_is_left", no_child_is_left),
];

/// Waits until the process has ended; false after ten seconds.
fn ends(id: u32, meanwhile: impl FnOnce()) -> bool {
    let pid = Pid::from_raw(id.try_into().unwrap()).unwrap();
    let handle = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let now = |patience: u64| {
        let patience = Timespec::try_from(Duration::from_secs(patience)).unwrap();
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)).unwrap() == 1
    };
    assert!(!now(0), "it was to be alive");
    meanwhile();
    now(10)
}

fn a_child_ends_with_its_parent() {
    let mut parent = Command::new(env::current_exe().unwrap())
        .args([UNCAGED, "hold"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let child = line.trim().parse().unwrap();
    assert!(ends(child, || parent.kill().unwrap()));
    parent.wait().unwrap();
}

/// Which is why a [`longshore_cage::Caged`] stays on its thread; here it is forgotten there.
fn a_child_ends_with_its_thread() {
    let (said, heard) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let caged = Cage::new().spawn("wait").unwrap();
        said.send(caged.id()).unwrap();
        let _ = wait.recv();
        std::mem::forget(caged);
    });
    let child = heard.recv().unwrap();
    assert!(ends(child, || {
        drop(go);
        thread.join().unwrap();
    }));
    // Forgotten, and so not reaped by ours.
    waitpid(nix::unistd::Pid::from_raw(child.try_into().unwrap()), None).unwrap();
}

fn no_child_is_left() {
    let short = Limits {
        wall: Duration::from_millis(300),
        ..Limits::default()
    };
    for role in ["echo", "wait", "panic", "abort", "leave", "fail", "none"] {
        let cage = Cage::new().limits(short.clone());
        drop(cage.spawn(role));
        let _ = cage.spawn(role).and_then(|caged| caged.ask(b"", &[]));
        let _ = cage.spawn(role).and_then(|caged| caged.finish());
    }
    let any = waitpid(nix::unistd::Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG));
    assert_eq!(any, Err(Errno::ECHILD));
}
