//! Which layers hold, and what happens where one does not.

use std::{fs, os::unix::fs::MetadataExt};

use longshore_cage::{Cage, CageError, Layer, Need, State};

use longshore_vmtest::harness::Test;

pub(crate) const TESTS: &[Test] = &[
    ("layers::the_kernel_says_the_same", the_kernel_says_the_same),
    ("layers::every_layer_holds_here", every_layer_holds_here),
    (
        "layers::a_missing_layer_is_refused",
        a_missing_layer_is_refused,
    ),
    (
        "layers::a_missing_layer_is_gone_without",
        a_missing_layer_is_gone_without,
    ),
];

fn every_layer_holds_here() {
    let caged = Cage::new().spawn("echo").unwrap();
    assert_eq!(caged.layers().missing().count(), 0);
    assert_eq!(caged.layers().iter().count(), Layer::ALL.len());
    for (layer, state) in caged.layers().iter() {
        println!("{layer}: {state:?}");
    }
    caged.finish().unwrap();
}

/// What a child says of itself is no more than its word.
fn the_kernel_says_the_same() {
    let caged = Cage::new().spawn("echo").unwrap();
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", caged.id())).unwrap();
    let status = read("status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {status}"))
            .trim()
            .to_owned()
    };
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    if rustix::process::geteuid().is_root() {
        assert_eq!(field("CapBnd:"), "0000000000000000");
    }
    // What is not dumpable belongs to root there, whoever runs it.
    let owner = fs::metadata(format!("/proc/{}/fd", caged.id()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.split_whitespace()
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(limit("Max address space"), ["1073741824", "1073741824"]);
    assert_eq!(limit("Max cpu time"), ["300", "301"]);
    assert_eq!(limit("Max open files"), ["19", "19"]);
    for none in ["Max file size", "Max core file size", "Max locked memory"] {
        assert_eq!(limit(none), ["0", "0"], "{none}");
    }
    caged.finish().unwrap();
}

fn a_missing_layer_is_refused() {
    for missing in Layer::ALL {
        match Cage::new().without(missing).spawn("echo") {
            Err(CageError::Unavailable { layer, why }) => {
                assert_eq!((layer, why.as_str()), (missing, "it was left out"));
            }
            other => panic!("{missing}: {other:?}"),
        }
    }
}

fn a_missing_layer_is_gone_without() {
    for missing in Layer::ALL {
        let cage = Cage::new().need(Need::WhatThereIs).without(missing);
        let mut caged = cage.spawn("echo").unwrap();
        for (layer, state) in caged.layers().iter() {
            assert_eq!(
                matches!(state, State::Held(_)),
                layer != missing,
                "{layer}: {state:?}"
            );
        }
        caged.send(b"still", &[]).unwrap();
        assert_eq!(caged.receive().unwrap(), b"still");
        caged.finish().unwrap();
    }
}
