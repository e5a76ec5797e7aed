//! Both implementations pass the one suite.

use std::sync::Arc;

use longshore_durable::{Dir, Host, Mode, Power, Simulated, Space};

use crate::conformance;

#[test]
fn the_host_conforms() {
    let scratch = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        let path = scratch.path().join("above").join(count.get().to_string());
        Arc::new(Host::create(path).unwrap())
    });
}

#[test]
fn the_simulated_conforms_when_it_shares() {
    conformance::check(|| Arc::new(Simulated::new()));
}

#[test]
fn the_simulated_conforms_when_it_copies() {
    conformance::check(|| Arc::new(Simulated::with(Power::new(), Space::unlimited(), false)));
}

#[test]
fn what_survived_a_crash_conforms() {
    conformance::check(|| Arc::new(Simulated::new().crash(7)));
}

#[test]
fn the_host_knows_where_it_is_and_how_much_is_free() {
    let scratch = tempfile::tempdir().unwrap();
    let host = Host::open(scratch.path()).unwrap();
    let inner = host.dir("inner").unwrap();
    assert_eq!(inner.host_path().unwrap(), scratch.path().join("inner"));
    assert!(inner.available().unwrap().unwrap() > 0);
    let missing = Host::open(scratch.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_fifo_or_a_link_out_is_refused_without_waiting() {
    let scratch = tempfile::tempdir().unwrap();
    let host = Host::open(scratch.path()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scratch.path().join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    std::os::unix::fs::symlink("/etc/passwd", scratch.path().join("link")).unwrap();
    for name in ["fifo", "link"] {
        host.open(name, Mode::Read).unwrap_err();
    }
}
