//! No attack succeeds inside, and the cage is why.

use std::{
    env,
    fs::{self, File},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{Command, Stdio},
};

use longshore_cage::{Cage, CageError};
use longshore_vmtest::harness::Test;
use tempfile::TempDir;

use crate::{
    attack::{ATTACKS, Attack, Inside, Outside},
    role::UNCAGED,
};

pub(crate) const TESTS: &[Test] = &[
    (
        "forbidden::no_attack_succeeds_inside",
        no_attack_succeeds_inside,
    ),
    (
        "forbidden::a_deadly_call_is_told_from_a_crash",
        a_deadly_call_is_told_from_a_crash,
    ),
    (
        "forbidden::outside_the_same_attacks_are_not_stopped",
        outside_the_same_attacks_are_not_stopped,
    ),
    (
        "forbidden::landlock_alone_keeps_the_files",
        landlock_alone_keeps_the_files,
    ),
];

/// EPERM and EACCES: a want of rights.
const WANTS_RIGHTS: [i32; 2] = [1, 13];

/// A place of its own for each attack, for some change it.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("file"), "content").unwrap();
    fs::write(place.path().join("other"), "").unwrap();
    fs::create_dir(place.path().join("empty")).unwrap();
    place
}

/// How it went in a cage: the answer, or the error.
fn inside(cage: &Cage, attack: &Attack) -> Result<String, CageError> {
    let place = place();
    let file = File::options()
        .read(true)
        .write(true)
        .open(place.path().join("file"))
        .unwrap();
    let directory = File::open(place.path()).unwrap();
    let (name, path) = (attack.name, place.path().display());
    let job = format!("{name}\n{path}\n{}", std::process::id());
    let caged = cage.spawn("attack")?;
    let answer = caged.ask(job.as_bytes(), &[file.as_fd(), directory.as_fd()]);
    assert_eq!(
        fs::read_to_string(place.path().join("file")).unwrap(),
        "content",
        "{name}"
    );
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3, "{name}");
    answer.map(|answer| String::from_utf8(answer).unwrap())
}

fn no_attack_succeeds_inside() {
    assert!(ATTACKS.len() >= 80, "{}", ATTACKS.len());
    let mut wrong = Vec::new();
    for attack in ATTACKS {
        let went = inside(&Cage::new(), attack);
        let is_right = match (attack.inside, &went) {
            (Inside::Refused, Ok(answer)) => answer.starts_with("failed: "),
            (Inside::Deadly, Err(CageError::Forbidden { .. })) => true,
            _ => is_stopped_by_a_limit(attack, &went),
        };
        if !is_right {
            wrong.push(format!("{}: {went:?}", attack.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Writing needs no call that reading the image of a disk does not; it is a limit that ends it.
fn is_stopped_by_a_limit(attack: &Attack, went: &Result<String, CageError>) -> bool {
    let limit = matches!(went, Err(CageError::Limit(longshore_cage::Limit::FileSize)));
    attack.name == "write to a file" && limit
}

fn a_deadly_call_is_told_from_a_crash() {
    let mut caged = Cage::new().spawn("abort").unwrap();
    let crashed = caged.receive().unwrap_err();
    assert!(matches!(crashed, CageError::Crashed { .. }), "{crashed}");
    let attack = ATTACKS
        .iter()
        .find(|attack| attack.name == "execute")
        .unwrap();
    let forbidden = inside(&Cage::new(), attack).unwrap_err();
    assert!(
        matches!(forbidden, CageError::Forbidden { .. }),
        "{forbidden}"
    );
}

/// The same attack in a child that is not caged: `None` where it succeeded, else the number of the
/// system's reason.
fn outside(attack: &Attack) -> Option<i32> {
    let place = place();
    let status = Command::new(env::current_exe().unwrap())
        .args([UNCAGED, attack.name])
        .arg(place.path())
        .arg(std::process::id().to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(code),
        (None, signal) => panic!("{}: died of {signal:?}", attack.name),
    }
}

fn outside_the_same_attacks_are_not_stopped() {
    let is_root = rustix::process::geteuid().is_root();
    let (mut wrong, mut worked) = (Vec::new(), 0);
    for attack in ATTACKS {
        let is_right: fn(Option<i32>) -> bool = match attack.outside {
            Outside::Works => |went| went.is_none(),
            Outside::WorksForRoot if is_root => |went| went.is_none(),
            Outside::Misses if is_root => {
                |went| went.is_some_and(|reason| !WANTS_RIGHTS.contains(&reason))
            }
            _ => continue,
        };
        let went = outside(attack);
        worked += usize::from(went.is_none());
        if !is_right(went) {
            wrong.push(format!("{}: {went:?}", attack.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(worked >= 40, "{worked}");
}

/// The layers do not lean on each other: without the list of system calls no file can be reached
/// by its name either.
fn landlock_alone_keeps_the_files() {
    use longshore_cage::{Layer, Need};
    let cage = Cage::new()
        .need(Need::WhatThereIs)
        .without(Layer::SystemCalls);
    for name in [
        "read /etc/passwd",
        "open a file to write",
        "create a file",
        "remove a file",
        "make a directory",
        "rename a file",
        "make a symbolic link",
        "list a directory",
        "make a named pipe",
        "listen on a unix socket",
        "listen on TCP",
        "signal the parent",
    ] {
        let attack = ATTACKS.iter().find(|attack| attack.name == name).unwrap();
        let answer = inside(&cage, attack).unwrap();
        assert!(answer.starts_with("failed: "), "{name}: {answer}");
    }
}
