//! Reads lines of what was measured from the standard input, and writes them as one table in Markdown.
//!
//! Each figure is the median of its rounds; in brackets is how many times ours it is.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use peers_measure::{Failure, Line, Measured, Spread};

/// Whose figures the others' are compared to.
const OURS: &str = "ours";

/// What there is in the order in which it came first.
#[derive(Default)]
struct Table {
    peers: Vec<String>,
    rows: Vec<(String, usize)>,
    cells: BTreeMap<(String, (String, usize)), Vec<Measured>>,
    reasons: Vec<String>,
}

impl Table {
    fn add(&mut self, line: Line) {
        let row = (line.measure, line.runs);
        note(&mut self.peers, &line.peer);
        note(&mut self.rows, &row);
        if let Measured::Cannot(reason) = &line.measured {
            let reason = format!("{}, {}: {reason}.", line.peer, row.0);
            note(&mut self.reasons, &reason);
        }
        let cell = self.cells.entry((line.peer, row)).or_default();
        cell.push(line.measured);
    }

    fn median(&self, peer: &str, row: &(String, usize)) -> Option<f64> {
        let cell = self.cells.get(&(peer.to_owned(), row.clone()))?;
        let values = cell.iter().filter_map(|measured| match measured {
            Measured::Value(value) => Some(*value),
            Measured::Cannot(_) => None,
        });
        Spread::of(values.collect()).percentile(50)
    }

    fn cell(&self, peer: &str, row: &(String, usize)) -> String {
        let Some(value) = self.median(peer, row) else {
            return "cannot".to_owned();
        };
        match self.median(OURS, row).filter(|ours| *ours > 0.0) {
            Some(ours) if peer != OURS => format!("{} ({:.2})", figure(value), value / ours),
            _ => figure(value),
        }
    }

    fn write(&self, mut out: impl Write) -> io::Result<()> {
        let rounds = self.cells.values().map(Vec::len).max().unwrap_or(0);
        writeln!(
            out,
            "Medians of {rounds} rounds; in brackets: times ours.\n"
        )?;
        writeln!(out, "| | runs | {} |", self.peers.join(" | "))?;
        writeln!(out, "|---|--:|{}", "--:|".repeat(self.peers.len()))?;
        for row in &self.rows {
            let cells: Vec<_> = self.peers.iter().map(|peer| self.cell(peer, row)).collect();
            let runs = figure(f64::from(u32::try_from(row.1).unwrap_or(u32::MAX)));
            writeln!(out, "| {} | {runs} | {} |", row.0, cells.join(" | "))?;
        }
        if !self.reasons.is_empty() {
            writeln!(out)?;
        }
        for reason in &self.reasons {
            writeln!(out, "* cannot: {reason}")?;
        }
        Ok(())
    }
}

fn note<T: Clone + PartialEq>(seen: &mut Vec<T>, one: &T) {
    if !seen.contains(one) {
        seen.push(one.clone());
    }
}

/// Three digits at least, with a comma between thousands.
fn figure(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn main() -> Result<(), Failure> {
    let mut table = Table::default();
    for line in io::stdin().lock().lines() {
        table.add(serde_json::from_str(&line?)?);
    }
    Ok(table.write(io::stdout().lock())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(peer: &str, measured: Measured) -> Line {
        let (measure, runs) = ("steps per second".to_owned(), 1000);
        Line {
            peer: peer.to_owned(),
            measure,
            runs,
            measured,
        }
    }

    #[test]
    fn cells_are_medians_and_ratios_and_reasons_stand_below() {
        let mut table = Table::default();
        for value in [2000.0, 1000.0, 9000.0] {
            table.add(line("ours", Measured::Value(value)));
            table.add(line("raw", Measured::Value(value * 1.5)));
            table.add(line("none", Measured::Cannot("no such thing".to_owned())));
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let row = "| steps per second | 1,000 | 2,000 | 3,000 (1.50) | cannot |";
        assert!(out.contains(row), "{out}");
        assert!(
            out.ends_with("* cannot: none, steps per second: no such thing.\n"),
            "{out}"
        );
    }
}
