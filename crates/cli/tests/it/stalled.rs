//! A command that is caught half-way: it waits for bytes that its server keeps back.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use longshore_harbor::{
    family,
    s3::{Fault, Gate, Options, Rule, S3Server},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Ended, Place};

const SOON: Duration = Duration::from_secs(30);

/// A bucket behind a server that keeps the second layer's bytes back, and a command that waits for
/// them.
pub(crate) struct Stalled {
    pub(crate) place: Place,
    pub(crate) server: S3Server,
    pub(crate) gate: Gate,
    pub(crate) child: Child,
}

impl Stalled {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        place.put(&family::demo());
        let server = S3Server::start(Options::new(place.bucket())).unwrap();
        let gate = Gate::new();
        let stall = Fault::Stall {
            after: 1000,
            gate: gate.clone(),
        };
        server.inject(Rule::new(stall).key("images/demo/2.tar"));
        let mut command = over(&place, &server, &["fetch-and-create", "images/demo"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(
            gate.wait_for(1, SOON),
            "the command never asked for the second layer"
        );
        Self {
            place,
            server,
            gate,
            child,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Another command beside it, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Another command beside it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        over(&self.place, &self.server, arguments)
    }

    /// Interrupts the command and lets it end; its run is left half-way. The server holds nothing back
    /// any more.
    pub(crate) fn leave(&mut self) {
        self.signal(Signal::INT);
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        self.gate.open();
        self.server.clear_faults();
    }
}

pub(crate) fn over(place: &Place, server: &S3Server, arguments: &[&str]) -> Command {
    let mut command = place.longshore(arguments);
    command
        .env("LONGSHORE_BUCKET", server.bucket())
        .env("LONGSHORE_ENDPOINT", server.endpoint())
        .env("LONGSHORE_ADVISORIES_REFRESH", "never")
        .env("LONGSHORE_ALLOW_UNPROVEN", "true")
        .env("LONGSHORE_VOLUME_SIZE", "1GiB");
    command
}
