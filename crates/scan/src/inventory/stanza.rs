//! Databases that are text: entries of lines `field: value` with empty lines between them, as dpkg
//! (deb822(5)) and apk have them. Read in pieces; of an entry only the fields that are asked for are
//! kept, and of those no more than a limit.

use super::problem::Problem;
use crate::RootfsFile;

/// What is read at once.
const PIECE: usize = 64 << 10;

/// Longer names of fields are no names. It is added to the limit of a value for the limit of a line.
const FIELD_BYTES: usize = 256;

/// How the lines of an entry are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Fields are words in either case; a line that begins with a blank goes on with the one before.
    Deb822,
    /// Fields are single letters.
    Apk,
}

/// An entry.
#[derive(Debug)]
pub(super) struct Stanza<'a> {
    /// The line that it begins in, from 1.
    pub(super) line: u64,
    /// The values of the fields that were asked for, in that order.
    values: &'a [Option<Vec<u8>>],
    /// What is wrong with it, if anything is.
    pub(super) fault: Option<&'static str>,
}

impl Stanza<'_> {
    /// The value of the `nth` field that was asked for.
    pub(super) fn value(&self, nth: usize) -> Option<&[u8]> {
        self.values.get(nth)?.as_deref()
    }
}

/// Reads a file to its end or until `visit` fails.
///
/// # Errors
/// Those of `visit` and of the file; [`Problem::Wrong`] where it ends within a line.
pub(super) fn each_stanza(
    file: &dyn RootfsFile,
    form: Form,
    fields: &[&str],
    value_bytes: usize,
    visit: &mut dyn FnMut(Stanza<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut lines = Lines::new(file, value_bytes.saturating_add(FIELD_BYTES));
    let mut entry = Entry::new(fields);
    let mut number = 0;
    let mut whole = true;
    while lines.advance()? {
        number += 1;
        whole = lines.ended;
        let line = lines.line.trim_ascii_end();
        if line.is_empty() && !lines.blank_begin() {
            entry.finish(visit)?;
        } else {
            entry.take(form, fields, number, line, lines.cut);
        }
    }
    entry.finish(visit)?;
    if !whole {
        return Err(Problem::wrong("it ends in the middle of a line"));
    }
    Ok(())
}

/// The entry that is being read.
struct Entry {
    first_line: Option<u64>,
    values: Vec<Option<Vec<u8>>>,
    /// Which of the fields the line before had.
    last: Option<usize>,
    any_field: bool,
    fault: Option<&'static str>,
}

impl Entry {
    fn new(fields: &[&str]) -> Self {
        Self {
            first_line: None,
            values: vec![None; fields.len()],
            last: None,
            any_field: false,
            fault: None,
        }
    }

    fn take(&mut self, form: Form, fields: &[&str], number: u64, line: &[u8], cut: bool) {
        self.first_line.get_or_insert(number);
        if form == Form::Deb822 && line.first().is_none_or(u8::is_ascii_whitespace) {
            // None of the fields that are asked for may have a second line.
            if !self.any_field || (self.last.is_some() && !line.trim_ascii().is_empty()) {
                self.fault("a line goes on with none");
            }
            return;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return self.fault("a line is no field");
        };
        self.any_field = true;
        let name = line[..colon].trim_ascii_end();
        self.last = fields.iter().position(|field| match form {
            Form::Deb822 => field.as_bytes().eq_ignore_ascii_case(name),
            Form::Apk => field.as_bytes() == name,
        });
        let Some(nth) = self.last else { return };
        if cut {
            return self.fault("a value is too long");
        }
        if self.values[nth].is_some() {
            return self.fault("a field is there twice");
        }
        self.values[nth] = Some(line[colon + 1..].trim_ascii().to_vec());
    }

    fn fault(&mut self, what: &'static str) {
        self.fault.get_or_insert(what);
    }

    fn finish(
        &mut self,
        visit: &mut dyn FnMut(Stanza<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.last = None;
        self.any_field = false;
        let fault = self.fault.take();
        if let Some(line) = self.first_line.take() {
            visit(Stanza {
                line,
                values: &self.values,
                fault,
            })?;
        }
        self.values.fill(None);
        Ok(())
    }
}

/// The lines of a file, each up to a length.
struct Lines<'a> {
    file: &'a dyn RootfsFile,
    offset: u64,
    piece: Vec<u8>,
    /// Where what is left of the piece begins and ends.
    from: usize,
    to: usize,
    most: usize,
    line: Vec<u8>,
    /// Whether the line is longer than what is kept of it.
    cut: bool,
    /// Whether the line has its end.
    ended: bool,
}

impl<'a> Lines<'a> {
    fn new(file: &'a dyn RootfsFile, most: usize) -> Self {
        Self {
            file,
            offset: 0,
            piece: vec![0; PIECE],
            from: 0,
            to: 0,
            most,
            line: Vec::new(),
            cut: false,
            ended: false,
        }
    }

    /// Reads the next line, if there is one.
    fn advance(&mut self) -> Result<bool, Problem> {
        self.line.clear();
        self.cut = false;
        self.ended = false;
        let mut any = false;
        while !self.ended {
            if self.from == self.to {
                self.from = 0;
                self.to = self.file.read_at(self.offset, &mut self.piece)?;
                self.offset = self.offset.saturating_add(self.to as u64);
                if self.to == 0 {
                    break;
                }
            }
            any = true;
            let left = &self.piece[self.from..self.to];
            let end = left.iter().position(|byte| *byte == b'\n');
            let part = &left[..end.unwrap_or(left.len())];
            let kept = part.len().min(self.most - self.line.len());
            self.line.extend_from_slice(&part[..kept]);
            self.cut |= kept < part.len();
            self.from += part.len() + usize::from(end.is_some());
            self.ended = end.is_some();
        }
        Ok(any)
    }

    /// Whether it begins with a blank: in deb822 such a line goes on with the value before it, and
    /// does not end the entry, even if nothing else is in it.
    fn blank_begin(&self) -> bool {
        matches!(self.line.first(), Some(b' ' | b'\t'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (u64, Vec<Option<String>>, Option<&'static str>);

    fn read(text: &[u8], form: Form, fields: &[&str]) -> (Vec<Read>, Result<(), Problem>) {
        let mut read = Vec::new();
        let result = each_stanza(&text, form, fields, 20, &mut |stanza| {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let values = (0..fields.len()).map(|nth| stanza.value(nth).map(text));
            read.push((stanza.line, values.collect(), stanza.fault));
            Ok(())
        });
        (read, result)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn entries_have_the_fields_that_were_asked_for() {
        let text = b"\nPackage: a\nDescription: x\n more\n .\nversion : 1\r\n\n\n\nPackage: b\n";
        let (read, result) = read(text, Form::Deb822, &["Package", "Version"]);
        assert!(result.is_ok());
        assert_eq!(
            read,
            [
                (2, vec![some("a"), some("1")], None),
                (10, vec![some("b"), None], None)
            ]
        );
    }

    #[test]
    fn the_letters_of_apk_have_their_case_and_no_second_line() {
        let (entries, _) = read(b"P:a\np:b\nV:1\n\n P:c\n", Form::Apk, &["P", "V"]);
        assert_eq!(entries[0], (1, vec![some("a"), some("1")], None));
        assert_eq!(entries[1], (5, vec![None, None], None));
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_said_and_the_next_is_read() {
        for (text, fault) in [
            ("Package: a\nPackage: b\n", "a field is there twice"),
            ("Package: a\n \nPackage: b\n", "a field is there twice"),
            ("Package: a\n b\n", "a line goes on with none"),
            (" b\nPackage: a\n", "a line goes on with none"),
            ("Package: a\n<<<<<<<\n", "a line is no field"),
            (
                &format!("Package: {}\n", "a".repeat(300)),
                "a value is too long",
            ),
        ] {
            let text = format!("{text}\nPackage: z\n");
            let (read, _) = read(text.as_bytes(), Form::Deb822, &["Package"]);
            assert_eq!(read.len(), 2, "{text}");
            assert_eq!(read[0].2, Some(fault), "{text}");
            assert_eq!((&read[1].1, read[1].2), (&vec![some("z")], None), "{text}");
        }
    }

    #[test]
    fn a_long_line_that_nobody_asked_for_is_passed_over() {
        let text = format!("Depends: {}\nPackage: a\n", "x".repeat(3 * PIECE));
        let (read, result) = read(text.as_bytes(), Form::Deb822, &["Package"]);
        assert!(result.is_ok());
        assert_eq!(read, [(1, vec![some("a")], None)]);
    }

    #[test]
    fn lines_over_the_ends_of_pieces_are_whole() {
        let mut text = Vec::new();
        while text.len() < 3 * PIECE {
            text.extend_from_slice(format!("P: {}\n\n", text.len()).as_bytes());
        }
        let (read, _) = read(&text, Form::Deb822, &["P"]);
        let all = String::from_utf8_lossy(&text);
        let expected: Vec<_> = all
            .lines()
            .filter_map(|line| line.strip_prefix("P: "))
            .collect();
        let found: Vec<_> = read.iter().map(|one| one.1[0].as_deref()).collect();
        assert_eq!(found, expected.into_iter().map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn an_end_within_a_line_is_seen_and_what_is_there_is_read() {
        let (read, result) = read(b"Package: a", Form::Deb822, &["Package"]);
        assert_eq!(read.len(), 1);
        assert!(matches!(result, Err(Problem::Wrong(_))), "{result:?}");
    }
}
