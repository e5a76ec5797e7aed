//! Standard error: errors, notes, progress and logs, which share one terminal without tearing each
//! other apart.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressDrawTarget};
use longshore_lifecycle::Failure;
use tracing_subscriber::fmt::MakeWriter;

use super::failure::failure_text;

const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Where everything goes that is not a result. A message that cannot be written is lost: there is
/// nowhere to say so.
#[derive(Debug, Clone)]
pub(crate) struct Messages {
    bars: MultiProgress,
    color: ColorChoice,
    quiet: bool,
    terminal: bool,
}

impl Messages {
    /// Messages to standard error; `quiet` leaves only errors.
    pub(crate) fn new(color: ColorChoice, quiet: bool, terminal: bool) -> Self {
        let bars = MultiProgress::with_draw_target(if terminal && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        Self {
            bars,
            color,
            quiet,
            terminal,
        }
    }

    /// Tells a failure.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.write(&failure_text(failure));
    }

    /// Tells something that is good to know.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.write(&format!("{NOTE}note:{NOTE:#} {text}\n"));
        }
    }

    /// Tells how far something is.
    pub(crate) fn line(&self, text: &str) {
        if !self.quiet {
            self.write(&format!("{text}\n"));
        }
    }

    /// The bars that can be drawn, where there is a terminal to draw them on.
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        (self.terminal && !self.quiet).then_some(&self.bars)
    }

    /// Does something that may write to the terminal, with the bars out of its way.
    pub(crate) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Where logs go.
    pub(crate) fn log_writer(&self) -> LogWriter {
        LogWriter {
            messages: self.clone(),
        }
    }

    fn write(&self, text: &str) {
        self.bars.suspend(|| {
            let _ = AutoStream::new(io::stderr(), self.color)
                .lock()
                .write_all(text.as_bytes());
        });
    }
}

/// Writes log lines between the bars.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    messages: Messages,
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.messages.write(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
