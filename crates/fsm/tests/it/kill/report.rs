//! What a life says of itself, line by line: what it says has become durable.

use std::io::Write;
use std::sync::{Arc, Mutex};

use longshore_fsm::status::RunStatus;
use longshore_fsm::{EventRecord, Observer, Outcome, RunId};

/// Where lines go.
#[derive(Debug, Clone)]
pub(super) enum Lines {
    /// To whoever is about to kill this process.
    Out,
    /// Kept.
    Kept(Arc<Mutex<Vec<String>>>),
}

impl Lines {
    fn say(&self, line: String) {
        match self {
            Self::Out => writeln!(std::io::stdout(), "@{line}").expect("somebody listens"),
            Self::Kept(kept) => kept.lock().unwrap().push(line),
        }
    }

    /// The store has been opened.
    pub(super) fn opened(&self) {
        self.say(String::from("opened"));
    }

    /// A run was started, or joined.
    pub(super) fn started(&self, id: &str, run: RunId) {
        self.say(format!("started {run} {id}"));
    }

    /// A cancel was answered.
    pub(super) fn cancelled(&self, run: RunId) {
        self.say(format!("cancelled {run}"));
    }

    /// Somebody who waited was told this.
    pub(super) fn ended(&self, outcome: &Outcome) {
        let ended = serde_json::to_string(&outcome.ended).unwrap();
        self.say(format!("ended {} {ended}", outcome.run));
    }

    /// Something is not as it must be.
    pub(super) fn wrong(&self, what: &str) -> ! {
        self.say(format!("wrong {what}"));
        panic!("{what}");
    }
}

impl Observer for Lines {
    fn stored(&self, run: RunId, _: &RunStatus, record: &EventRecord) {
        self.say(format!("event {run} {}", record.seq));
    }
}

/// What lives have said so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How often the store was opened.
    pub(super) opened: u64,
    /// Events, by run and place, since they were last looked for.
    pub(super) events: Vec<(u64, u64)>,
    /// Runs, by their number and id.
    pub(super) started: Vec<(u64, String)>,
    /// Runs whose cancel was answered.
    pub(super) cancelled: Vec<u64>,
    /// What was told to those who waited.
    pub(super) ended: Vec<(u64, String)>,
}

impl Report {
    /// Adds a line. One that was cut off by the kill says nothing.
    pub(super) fn add(&mut self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (run, more) = rest.split_once(' ').unwrap_or((rest, ""));
        let run = || run.parse::<u64>().unwrap();
        match what {
            "opened" => self.opened += 1,
            "event" => self.events.push((run(), more.parse().unwrap())),
            "started" => self.started.push((run(), more.to_owned())),
            "cancelled" => self.cancelled.push(run()),
            "ended" => self.ended.push((run(), more.to_owned())),
            _ => panic!("a life says {line:?}"),
        }
    }
}
