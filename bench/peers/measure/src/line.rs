//! A line of what was measured, as JSON: between the programs and the table.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// One figure of one peer, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Whose it is.
    pub peer: String,
    /// What was measured, with its unit.
    pub measure: String,
    /// With how many runs.
    pub runs: usize,
    /// What came of it.
    #[serde(flatten)]
    pub measured: Measured,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measured {
    /// The figure.
    Value(f64),
    /// The peer has no such thing, for this reason.
    Cannot(String),
}

impl Line {
    /// Writes it to the standard output, at once.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_as_it_was() {
        for measured in [Measured::Value(1.5), Measured::Cannot("no queue".into())] {
            let line = Line {
                peer: "raw".into(),
                measure: "steps per second".into(),
                runs: 10,
                measured,
            };
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        }
    }
}
