//! A life that is recorded and cut: jobs in turn, each known by its mark. After a cut the one that was under way is
//! given again, in a soak also to a program that is killed as it puts things right.

use std::fmt::Debug;

use longshore_vmtest::{Cut, Guest};
use serde_json::Value;

use crate::{
    killed::{POINTS, kill_at},
    site::Site,
};

/// A job of such a life.
pub(crate) trait Job: Copy + Debug + 'static {
    /// In turn.
    const ALL: &'static [Self];

    /// What is done of it without the program, before that has its turn.
    fn by_hand(self, site: &Site);

    /// The program's arguments; none where it has no part in it.
    fn arguments(self, site: &Site) -> Vec<String>;

    /// How the program may end where it was done already: the exit code, and the error.
    fn is_done(self, code: Option<i32>, error: &Value) -> bool;
}

/// Of each kind of points, up to which one a program is killed: a thread has about as many.
const DEEPEST: [u64; 2] = [6, 24];

/// All of them, with a mark before each.
pub(crate) fn live<J: Job>(guest: &Guest, site: &Site) {
    for job in J::ALL {
        guest.mark(&format!("{job:?}"));
        run(*job, site);
    }
}

/// The job that was under way.
pub(crate) fn reached<J: Job>(cut: &Cut) -> J {
    let mut jobs = J::ALL.iter().copied();
    let job = jobs.find(|job| format!("{job:?}") == cut.mark());
    job.unwrap_or_else(|| panic!("no job has the mark of {cut}"))
}

/// Does one, or does it again. What the program has answered.
pub(crate) fn run<J: Job>(job: J, site: &Site) -> Value {
    job.by_hand(site);
    let arguments = job.arguments(site);
    if arguments.is_empty() {
        return Value::Null;
    }
    let words = as_json(&arguments);
    let output = site.output(&words);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(
        output.status.success() || job.is_done(output.status.code(), &answer["error"]),
        "{words:?}: {answer} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    answer
}

/// In a soak, after every other flush: the first command after the cut is killed at a point that the cut decides. It may
/// come to its end before that, which is said.
pub(crate) fn kill_first<J: Job>(guest: &Guest, cut: &Cut, site: &Site, job: J) {
    if !guest.is_soak() || cut.flush().is_multiple_of(2) {
        return;
    }
    let mut arguments = job.arguments(site);
    if arguments.is_empty() {
        arguments = ["pool", "up"].map(str::to_owned).to_vec();
    }
    let draw = cut.draw();
    let kind = usize::from(draw.is_multiple_of(2));
    let point = usize::try_from(1 + (draw >> 1) % DEEPEST[kind]).unwrap();
    let words = as_json(&arguments);
    let output = kill_at(site, &words, POINTS[kind], point);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let code = output.status.code();
    assert!(
        matches!(code, None | Some(0)) || job.is_done(code, &answer["error"]),
        "{words:?}, to be killed at {} {point}: {answer} {}",
        POINTS[kind],
        String::from_utf8_lossy(&output.stderr)
    );
    let came_to = match code {
        None => "killed",
        Some(_) => "at its end",
    };
    note(&format!("{came_to} at {} {point}: {words:?}", POINTS[kind]));
}

#[allow(clippy::print_stdout, reason = "the console is the test's output")]
fn note(text: &str) {
    println!("{text}");
}

fn as_json(arguments: &[String]) -> Vec<&str> {
    let words = arguments.iter().map(String::as_str);
    ["-o", "json"].into_iter().chain(words).collect()
}
