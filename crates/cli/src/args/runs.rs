//! `runs` and what can be done with runs.

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use longshore_lifecycle::WORKFLOWS;

/// List, show, follow or change runs
///
/// A run is one image being brought here, or one machine's disk being made. Every step of it is on
/// disk before the next one begins, so that it can be looked at from anywhere, and gone on with after
/// anything. `list`, `show` and `watch` only read, also beside a longshore that is at work; the others
/// wait for that (--wait).
#[derive(Debug, Clone, Args)]
pub struct Runs {
    /// Which to list, where there is no verb
    #[command(flatten)]
    pub list: RunsList,
    /// What to do [default: list]
    #[command(subcommand)]
    pub verb: Option<RunsVerb>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RunsList {
    /// Only runs that have not ended
    #[arg(long)]
    pub active: bool,

    /// Only runs of this workflow
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(WORKFLOWS))]
    pub workflow: Option<String>,

    /// At most so many, the newest; 0 for all [default: 50]
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
}

/// What to do with runs.
#[derive(Debug, Clone, Subcommand)]
pub enum RunsVerb {
    /// List the runs, the newest first
    List(RunsList),
    /// Tell where a run stands, what it waits for, and all that happened to it
    Show {
        /// The run's id
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Follow a run until it ends or rests
    ///
    /// Prints what happens to it as it becomes durable, whoever carries the run out, and is in nobody's
    /// way. Ends with the exit code of the run: 0 if it completed, else that of what it failed with, 7
    /// where it was paused, 130 where nobody carries it out any more. Ctrl-C stops watching, and not
    /// the run.
    Watch {
        /// The run's id
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Give runs up, and undo what they had made for themselves
    ///
    /// A machine that the run had reserved goes, with its disk; what was fetched and unpacked stays, for
    /// others may use it. Done once that is undone. A run that another longshore carries out is
    /// waited for (--wait), or answered with 7.
    Cancel {
        /// The runs' ids
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<u64>,
    },
    /// Let runs rest until somebody resumes them
    ///
    /// No longshore goes on with a run that is paused, and a request for the same is answered with 7.
    /// A run that another longshore carries out is waited for (--wait), or answered with 7: interrupt
    /// that one to pause its run.
    Pause {
        /// The runs' ids
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<u64>,
        /// Why, for whoever finds them
        #[arg(long, value_name = "TEXT", default_value = "asked for by the user")]
        reason: String,
    },
    /// Go on with a run, paused or left by another longshore, and carry it out to its end
    Resume {
        /// The run's id
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Go on with a run without waiting for the time of its next attempt
    ///
    /// Tries an undo again that had failed for good, too.
    Retry {
        /// The run's id
        #[arg(value_name = "RUN")]
        run: u64,
    },
}
