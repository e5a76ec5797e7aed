//! [`Line`]: one line of a table, or of what a target says of itself.

use super::header::text;

/// Bytes of a sector, the unit of a table: 512, whatever the disk has.
pub const SECTOR: u64 = 512;

/// `struct dm_target_spec`: 0 start, 8 length, 16 status, 20 next, 24 type[16].
const SPEC: usize = 40;

/// One line of a table: a range of sectors, and what serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The first sector.
    pub start: u64,
    /// How many there are.
    pub length: u64,
    /// The target's type: `thin`, `thin-pool`, `linear`.
    pub target: String,
    /// The target's own words: its arguments in a table, what it says of itself in a status.
    pub words: String,
}

impl Line {
    /// The bytes of a table to be loaded.
    pub(super) fn write_all(lines: &[Line]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            let size = (SPEC + line.words.len() + 1).next_multiple_of(8);
            let mut spec = vec![0; size];
            let mut put =
                |at: usize, field: &[u8]| spec[at..at + field.len()].copy_from_slice(field);
            put(0, &line.start.to_ne_bytes());
            put(8, &line.length.to_ne_bytes());
            // From this one to the next; in an answer it is from the first.
            put(20, &u32::try_from(size).unwrap_or(u32::MAX).to_ne_bytes());
            let target = line.target.as_bytes();
            put(24, &target[..target.len().min(15)]);
            put(SPEC, line.words.as_bytes());
            bytes.extend(spec);
        }
        bytes
    }

    /// The lines of an answer; `None` where it is cut short or points outside of itself.
    pub(super) fn read_all(data: &[u8], count: u32) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        let mut at = 0;
        for _ in 0..count {
            let spec = data.get(at..)?;
            let number = |at: usize| Some(u64::from_ne_bytes(*spec.get(at..)?.first_chunk()?));
            lines.push(Line {
                start: number(0)?,
                length: number(8)?,
                target: text(spec.get(24..SPEC)?),
                // Some targets end with a space.
                words: text(spec.get(SPEC..)?).trim_end().to_owned(),
            });
            let next = u32::from_ne_bytes(*spec.get(20..)?.first_chunk()?);
            let next = usize::try_from(next).ok()?;
            // Always onward, so that it ends.
            if next <= at && lines.len() < usize::try_from(count).ok()? {
                return None;
            }
            at = next;
        }
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: u64, words: &str) -> Line {
        Line {
            start,
            length: 8,
            target: "linear".to_owned(),
            words: words.to_owned(),
        }
    }

    /// As the kernel writes them: the next is told from the first.
    fn answered(lines: &[Line]) -> Vec<u8> {
        let mut bytes = Line::write_all(lines);
        let mut at = 0;
        for _ in lines {
            let size = u32::from_ne_bytes(bytes[at + 20..at + 24].try_into().unwrap());
            let next = at + usize::try_from(size).unwrap();
            let field = u32::try_from(next).unwrap().to_ne_bytes();
            bytes[at + 20..at + 24].copy_from_slice(&field);
            at = next;
        }
        bytes
    }

    #[test]
    fn lines_are_aligned_and_read_back() {
        let lines = [
            line(0, "7:0 0"),
            line(8, ""),
            line(16, "a longer one, of many words"),
        ];
        let bytes = answered(&lines);
        assert_eq!(bytes.len() % 8, 0);
        assert_eq!(Line::read_all(&bytes, 3).unwrap(), lines);
        assert_eq!(Line::read_all(&bytes, 0).unwrap(), []);
        assert_eq!(Line::write_all(&[]), b"");
    }

    #[test]
    fn an_answer_that_is_cut_or_runs_in_circles_is_none() {
        let bytes = answered(&[line(0, "one"), line(8, "two")]);
        for end in [0, 1, 39, 60] {
            assert_eq!(Line::read_all(&bytes[..end], 2), None, "{end}");
        }
        assert_eq!(Line::read_all(&bytes, 3), None);
        let mut circle = bytes.clone();
        circle[20..24].fill(0);
        assert_eq!(Line::read_all(&circle, 2), None);
        circle[20..24].fill(0xff);
        assert_eq!(Line::read_all(&circle, 2), None);
    }
}
