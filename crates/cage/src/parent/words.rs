//! [`Words`]: the end of what the child writes to its standard error, harmless to print.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, PipeReader, Read},
    os::fd::{AsFd, BorrowedFd},
};

/// Bytes that are kept: more than the message of a panic.
const KEPT_BYTES: usize = 4096;
/// Lines that are shown.
const SHOWN_LINES: usize = 8;
/// Reads at once, of a page each: a pipe's usual content, so that a child that never stops writing
/// does not keep the parent from its clock.
const READS: usize = 16;

#[derive(Debug)]
pub(crate) struct Words {
    /// Until it is at its end.
    pipe: Option<PipeReader>,
    kept: VecDeque<u8>,
}

impl Words {
    pub(crate) fn new(pipe: PipeReader) -> io::Result<Words> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Words {
            pipe: Some(pipe),
            kept: VecDeque::new(),
        })
    }

    /// What to wait for.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there, without waiting. The child is not to be stopped by a full pipe.
    pub(crate) fn listen(&mut self) {
        let mut page = [0; 4096];
        for _ in 0..READS {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut page) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.keep(&page[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A pipe of ours that cannot be read has no more to say.
                Err(_) => self.pipe = None,
            }
        }
    }

    fn keep(&mut self, heard: &[u8]) {
        self.kept.extend(heard);
        let over = self.kept.len().saturating_sub(KEPT_BYTES);
        self.kept.drain(..over);
    }

    /// The last lines.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        shown
            .iter()
            .map(|line| harmless(line))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// A text of a child's with everything replaced that a terminal does something else with than show it where it
/// stands; a line end too.
pub fn harmless(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

fn is_obeyed(c: char) -> bool {
    // The last are those of Unicode that turn the direction of writing.
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn said(what: &[u8]) -> Words {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut words = Words::new(reader).unwrap();
        writer.write_all(what).unwrap();
        drop(writer);
        words.listen();
        words
    }

    #[test]
    fn the_last_lines_are_kept() {
        let lines: Vec<_> = (0..2000).map(|n| format!("line {n}")).collect();
        let words = said(lines.join("\n").as_bytes());
        assert_eq!(words.text(), lines[2000 - SHOWN_LINES..].join("\n"));
        assert!(words.kept.len() <= KEPT_BYTES);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        let words = said("a\x1b[2J\u{9b}b\r\u{202e}c\u{ff}\n\n".as_bytes());
        assert_eq!(words.text(), "a\u{fffd}[2J\u{fffd}b\u{fffd}\u{fffd}cÿ");
        assert_eq!(said(b"\xff").text(), "\u{fffd}");
    }

    #[test]
    fn an_open_pipe_is_not_waited_for() {
        let (reader, _writer) = io::pipe().unwrap();
        let mut words = Words::new(reader).unwrap();
        words.listen();
        assert_eq!(words.text(), "");
        assert!(words.pipe().is_some());
    }
}
