//! `table INPUTS LINES`: writes what was measured as tables in Markdown, and the goals beside it.
//!
//! Each figure is the median of its rounds. The floor is the slowest of its stages.

use std::{
    fs,
    io::{self, Write},
};

use anyhow::Result;
use serde::de::DeserializeOwned;
use unload_bench::{About, Figures, Line, Outcome};

/// What ours may take of the floor, of the stream in a shell and of the script, by input and packing.
/// The goals for `deb` hold for whichever family of real packages is measured.
const GOALS: [(&str, &str, [Option<f64>; 3]); 4] = [
    ("deb", "gz", [Some(1.25), Some(0.60), Some(0.25)]),
    ("deb", "plain", [Some(1.7), Some(0.45), Some(0.18)]),
    ("small", "gz", [Some(1.35), Some(0.33), Some(0.11)]),
    ("big", "gz", [Some(1.3), Some(0.47), Some(0.20)]),
];
const MEMORY: f64 = 32.0 * 1024.0 * 1024.0;
const MEMORY_AN_ENTRY: f64 = 350.0;
const WRITTEN: f64 = 1.05;
const PROCESSOR_SECONDS_A_GB: f64 = 3.2;
/// An inode of ours; with the rounded data it is the least that has to be written.
const INODE: u64 = 256;

const OURS: &str = "ours";
const FLOOR: &str = "floor";
const STREAM: &str = "shell stream";
const SCRIPT: &str = "script of today";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [inputs, lines] = words.as_slice() else {
        anyhow::bail!("table INPUTS LINES");
    };
    let (inputs, lines) = (read::<About>(inputs)?, read::<Line>(lines)?);
    let mut out = io::stdout().lock();
    for about in &inputs {
        for packing in ["plain", "gz"] {
            let of = |line: &&Line| line.input == about.input && line.packing == packing;
            let lines: Vec<_> = lines.iter().filter(of).collect();
            if !lines.is_empty() {
                Table {
                    about,
                    packing,
                    lines,
                }
                .write(&mut out)?;
            }
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(file: &str) -> Result<Vec<T>> {
    let text = fs::read_to_string(file)?;
    Ok(text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}

struct Table<'a> {
    about: &'a About,
    packing: &'a str,
    lines: Vec<&'a Line>,
}

impl Table<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let about = self.about;
        writeln!(
            out,
            "### {}, {}: {} layers, {} entries, {} MB inflated, {} MB stored\n",
            about.input,
            self.packing,
            about.layers,
            about.entries,
            about.tar_bytes / 1_000_000,
            self.stored() / 1_000_000,
        )?;
        writeln!(
            out,
            "| | seconds | / floor | / shell stream | / script | processor s/GB | peak MB | written MB |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        let mut names: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !names.contains(&line.contestant.as_str()) {
                names.push(&line.contestant);
            }
        }
        for name in names {
            self.row(name, out)?;
        }
        writeln!(out)?;
        for line in &self.lines {
            if let Outcome::Skipped(reason) = &line.outcome {
                writeln!(
                    out,
                    "* round {}, {}: skipped: {reason}",
                    line.round, line.contestant
                )?;
            }
        }
        self.goals(out)
    }

    fn row(&self, name: &str, out: &mut impl Write) -> io::Result<()> {
        let Some(figures) = self.median(name) else {
            return writeln!(out, "| {name} | skipped | | | | | | |");
        };
        let ratio = |to: &str| {
            let to = self.seconds(to).map(|seconds| figures.seconds / seconds);
            to.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        writeln!(
            out,
            "| {name} | {:.2} | {} | {} | {} | {:.2} | {:.1} | {:.0} |",
            figures.seconds,
            ratio(FLOOR),
            ratio(STREAM),
            ratio(SCRIPT),
            figures.processor_seconds / self.gigabytes(),
            float(figures.peak_bytes) / 1e6,
            float(figures.written_bytes) / 1e6,
        )
    }

    fn goals(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(ours) = self.median(OURS) else {
            return writeln!(out);
        };
        let mut rows = Vec::new();
        let goals = GOALS.iter().find(|(input, packing, _)| {
            let real = *input == "deb" && !["small", "big"].contains(&self.about.input.as_str());
            (*input == self.about.input || real) && *packing == self.packing
        });
        if let Some((_, _, limits)) = goals {
            for (to, limit) in [FLOOR, STREAM, SCRIPT].into_iter().zip(limits) {
                let ratio = self.seconds(to).map(|seconds| ours.seconds / seconds);
                if let (Some(ratio), Some(limit)) = (ratio, limit) {
                    rows.push((format!("time / {to}"), ratio, *limit));
                }
            }
        }
        let memory = MEMORY + MEMORY_AN_ENTRY * float(self.about.entries);
        rows.push(("peak MB".into(), float(ours.peak_bytes) / 1e6, memory / 1e6));
        // What is stored is kept.
        let least = self.about.rounded_bytes + INODE * self.about.entries + self.stored();
        let written = float(ours.written_bytes) / float(least);
        rows.push(("written / least".into(), written, WRITTEN));
        let processor = ours.processor_seconds / self.gigabytes();
        rows.push(("processor s/GB".into(), processor, PROCESSOR_SECONDS_A_GB));
        writeln!(out, "\n| goal | ours | at most | |\n|---|--:|--:|---|")?;
        for (goal, is, limit) in rows {
            let verdict = if is <= limit { "met" } else { "MISSED" };
            writeln!(out, "| {goal} | {is:.2} | {limit:.2} | {verdict} |")?;
        }
        writeln!(out)
    }

    fn stored(&self) -> u64 {
        if self.packing == "gz" {
            self.about.gz_bytes
        } else {
            self.about.tar_bytes
        }
    }

    fn gigabytes(&self) -> f64 {
        float(self.about.tar_bytes) / 1e9
    }

    fn seconds(&self, name: &str) -> Option<f64> {
        if name == FLOOR {
            let stages = self
                .lines
                .iter()
                .filter(|line| line.contestant.starts_with("floor: "));
            let seconds = stages.filter_map(|line| self.seconds(&line.contestant));
            return seconds.reduce(f64::max);
        }
        self.median(name).map(|figures| figures.seconds)
    }

    /// Each figure's own median.
    fn median(&self, name: &str) -> Option<Figures> {
        let rounds: Vec<Figures> = self
            .lines
            .iter()
            .filter(|line| line.contestant == name)
            .filter_map(|line| match &line.outcome {
                Outcome::Measured(figures) => Some(*figures),
                Outcome::Skipped(_) => None,
            })
            .collect();
        if rounds.is_empty() {
            return None;
        }
        let floats =
            |of: fn(&Figures) -> f64| middle(rounds.iter().map(of).collect(), f64::total_cmp);
        let counts = |of: fn(&Figures) -> u64| middle(rounds.iter().map(of).collect(), u64::cmp);
        Some(Figures {
            seconds: floats(|round| round.seconds),
            processor_seconds: floats(|round| round.processor_seconds),
            peak_bytes: counts(|round| round.peak_bytes),
            written_bytes: counts(|round| round.written_bytes),
            load: floats(|round| round.load),
        })
    }
}

fn middle<T: Copy>(mut values: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> T {
    values.sort_by(|a, b| order(a, b));
    values[values.len() / 2]
}

/// Exact below 2^53, which is 9 petabytes.
#[allow(clippy::cast_precision_loss, reason = "see above")]
fn float(count: u64) -> f64 {
    count as f64
}
