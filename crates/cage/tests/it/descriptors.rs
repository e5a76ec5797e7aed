//! What a child is given arrives, and it has nothing else.

use std::{
    fs::{self, File},
    io::Write,
    os::{fd::AsFd, unix::fs::FileExt},
};

use longshore_cage::{Cage, CageError, Layer, Limits, MOST_DESCRIPTORS, Need};
use rustix::io::FdFlags;

use longshore_vmtest::harness::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "descriptors::a_file_is_read_by_several_threads",
        a_file_is_read_by_several_threads,
    ),
    (
        "descriptors::a_file_is_written_as_a_disk_is",
        a_file_is_written_as_a_disk_is,
    ),
    (
        "descriptors::a_child_inherits_nothing",
        a_child_inherits_nothing,
    ),
    (
        "descriptors::more_than_a_frame_can_have_are_refused",
        more_than_a_frame_can_have_are_refused,
    ),
    (
        "descriptors::more_than_the_limit_do_not_go_missing",
        more_than_the_limit_do_not_go_missing,
    ),
];

fn a_file_is_read_by_several_threads() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[3; 1 << 20]).unwrap();
    let sum = Cage::new()
        .spawn("sum")
        .unwrap()
        .ask(b"", &[file.as_fd()])
        .unwrap();
    assert_eq!(sum, (3_u64 << 20).to_le_bytes());
}

fn a_file_is_written_as_a_disk_is() {
    let file = tempfile::tempfile().unwrap();
    let limits = Limits {
        file_bytes: 1 << 20,
        ..Limits::default()
    };
    let caged = Cage::new().limits(limits).spawn("write").unwrap();
    assert_eq!(caged.ask(b"", &[file.as_fd()]).unwrap(), b"inside");
    let mut there = [0; 8];
    file.read_exact_at(&mut there, 8192).unwrap();
    assert_eq!(&there, b"and more");
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
}

fn a_child_inherits_nothing() {
    // As something would leave it that is not ours: open to every child.
    let leaked = File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leaked, FdFlags::empty()).unwrap();
    assert!(std::env::vars_os().count() > 0);
    let had = |cage: Cage| {
        let answer = cage.spawn("environment").unwrap().ask(b"", &[]).unwrap();
        String::from_utf8(answer).unwrap()
    };
    assert_eq!(had(Cage::new()), "[] []");
    let without = Cage::new()
        .need(Need::WhatThereIs)
        .without(Layer::Descriptors);
    assert_ne!(had(without), "[] []");
}

fn more_than_a_frame_can_have_are_refused() {
    let file = fs::File::open("/dev/null").unwrap();
    let mut caged = Cage::new().spawn("sum").unwrap();
    let refused = caged
        .send(b"", &[file.as_fd(); MOST_DESCRIPTORS + 1])
        .unwrap_err();
    assert!(matches!(refused, CageError::Host(_)), "{refused}");
}

fn more_than_the_limit_do_not_go_missing() {
    let file = fs::File::open("/dev/null").unwrap();
    let limits = Limits {
        descriptors: 2,
        ..Limits::default()
    };
    let caged = Cage::new().limits(limits).spawn("sum").unwrap();
    let error = caged.ask(b"", &[file.as_fd(); 3]).unwrap_err();
    assert!(error.to_string().contains("fewer descriptors"), "{error}");
}
