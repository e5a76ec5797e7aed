//! What was found by looking over the host: a line a check, what to do below it, a summary at the end.

use anstyle::{AnsiColor, Style};
use longshore_lifecycle::{Check, CheckState};
use serde::Serialize;

use super::{Document, Page, quantity::harmless};

/// Between two columns.
const GAP: &str = "  ";
/// The narrowest column of findings: in a terminal that has less lines are longer than it.
const NARROWEST: usize = 24;

/// All checks, and what they come to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Diagnosis {
    /// The worst of them.
    state: CheckState,
    counts: Counts,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Counts {
    ok: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

impl Diagnosis {
    /// What these checks come to.
    pub(crate) fn of(checks: Vec<Check>) -> Self {
        let count = |state| checks.iter().filter(|check| check.state == state).count();
        let counts = Counts {
            ok: count(CheckState::Ok),
            warn: count(CheckState::Warn),
            fail: count(CheckState::Fail),
            skip: count(CheckState::Skip),
        };
        let state = match counts {
            Counts { fail: 1.., .. } => CheckState::Fail,
            Counts { warn: 1.., .. } => CheckState::Warn,
            _ => CheckState::Ok,
        };
        Self {
            state,
            counts,
            checks,
        }
    }

    /// Whether there is something that work fails on.
    pub(crate) fn has_failed(&self) -> bool {
        self.state == CheckState::Fail
    }

    fn summary(&self) -> String {
        let Counts {
            ok,
            warn,
            fail,
            skip,
        } = self.counts;
        let warnings = if warn == 1 { "warning" } else { "warnings" };
        format!("{ok} ok, {warn} {warnings}, {fail} failed, {skip} skipped")
    }
}

impl Document for Diagnosis {
    fn text(&self, page: &Page) -> String {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        let states = widest(&mut self.checks.iter().map(|it| it.state.as_str().len()));
        let names = widest(&mut self.checks.iter().map(|it| it.name.len()));
        let indent = states + names + 2 * GAP.len();
        let width = page.width.map(|width| {
            let rest = usize::from(width).saturating_sub(indent);
            rest.max(NARROWEST)
        });
        let mut text = String::new();
        for check in &self.checks {
            let style = style(check.state);
            let word = check.state.as_str();
            let name = check.name;
            let begin = format!("{style}{word:states$}{style:#}{GAP}{name:names$}{GAP}");
            let mut lines = fold(&check.found, width);
            if let Some(hint) = &check.hint {
                lines.extend(fold(&format!("hint: {hint}"), width));
            }
            let between = format!("\n{:indent$}", "");
            text.push_str(&format!("{begin}{}\n", lines.join(&between)));
        }
        text.push_str(&format!("\n{}\n", self.summary()));
        text
    }

    /// The names of what is not as it should be.
    fn word(&self) -> Option<String> {
        let bad = |check: &&Check| matches!(check.state, CheckState::Warn | CheckState::Fail);
        let names: Vec<_> = (self.checks.iter().filter(bad))
            .map(|check| check.name)
            .collect();
        (!names.is_empty()).then(|| names.join("\n"))
    }
}

fn style(state: CheckState) -> Style {
    match state {
        CheckState::Ok => AnsiColor::Green.on_default(),
        CheckState::Warn => AnsiColor::Yellow.on_default().bold(),
        CheckState::Fail => AnsiColor::Red.on_default().bold(),
        CheckState::Skip => Style::new().dimmed(),
    }
}

/// A text in lines that are no wider than this where its words are not; in one line where there is no width.
fn fold(text: &str, width: Option<usize>) -> Vec<String> {
    let text = harmless(text).replace('\n', " ");
    let Some(width) = width else {
        return vec![text];
    };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        vec![
            Check::ok("kernel", "Linux 6.1"),
            Check::warn("space", "1 GiB free\u{1b}[2J", "free some of it"),
            Check::skip("trivy", "not wanted"),
        ]
    }

    fn text(width: Option<u16>) -> String {
        let text = Diagnosis::of(checks()).text(&Page { width, now: 0 });
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_check_is_a_line_and_its_hint_stands_below() {
        assert_eq!(
            text(None),
            "ok    kernel  Linux 6.1\n\
             warn  space   1 GiB free\\u{1b}[2J\n\
             \u{20}             hint: free some of it\n\
             skip  trivy   not wanted\n\n\
             1 ok, 1 warning, 0 failed, 1 skipped\n"
        );
    }

    #[test]
    fn a_terminal_gets_no_line_that_is_wider_than_it() {
        let long = Check::fail("kernel", "word ".repeat(40), "do this ".repeat(20));
        let page = Page {
            width: Some(60),
            now: 0,
        };
        let text = Diagnosis::of(vec![long]).text(&page);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.lines().all(|line| line.len() <= 60), "{text}");
        for word in ["word", "do", "this"] {
            let words = text.split_whitespace().filter(|one| *one == word).count();
            assert_eq!(words, if word == "word" { 40 } else { 20 }, "{text}");
        }
        assert!(text.lines().count() > 6, "{text}");
    }

    #[test]
    fn the_worst_check_is_what_they_come_to() {
        let with = |check: Check| Diagnosis::of(checks().into_iter().chain([check]).collect());
        assert!(with(Check::fail("x", "y", "z")).has_failed());
        assert!(!with(Check::ok("x", "y")).has_failed());
        assert_eq!(with(Check::ok("x", "y")).state, CheckState::Warn);
        let quiet = with(Check::fail("x", "y", "z")).word();
        assert_eq!(quiet.as_deref(), Some("space\nx"));
        assert_eq!(Diagnosis::of(Vec::new()).state, CheckState::Ok);
    }
}
