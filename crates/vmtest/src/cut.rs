//! [`Position`]: a cut of the power, as a moment in a recording and what becomes of the writes that no flush has made
//! durable; and which cuts are worth judging.
//!
//! The rule, by what a virtio disk with a write cache promises (`VIRTIO_BLK_F_FLUSH`): a flush that is done makes
//! durable every write that was done before it began, and nothing else does. Of the writes since then each may be on
//! the disk or not, whatever the order in which they were done, for a cache writes back as it likes; a sector is
//! written whole or not at all, a write of several need not be. One that is flagged as durable by itself is there from
//! the moment it is done, also where writes before it are not. Writes of one sector that are both kept are kept in
//! order: the cache has the later one.
//!
//! A log says when a flush was done and not when it began: a write that was done between the two is taken for durable,
//! though it need not be. The host's own flushes are off, so that there is next to no time between.

use std::{fmt, ops::Range, str::FromStr};

use crate::recording::{Mark, Recording, Write};

/// A moment, and what is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last flush that was done, counted from 1; 0 before the first.
    pub(crate) flush: usize,
    pub(crate) choice: Choice,
}

/// What becomes of the writes between a flush and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All were done, and are there.
    All,
    /// All were done, and none is there.
    Lost,
    /// All were done, and the last quarter is there.
    Last,
    /// The first so many were done, and each is there, is not, or is torn.
    Seed(u64),
}

/// What is on the disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    /// These in turn, of each these of its sectors.
    pub(crate) writes: Vec<(Write, Range<u64>)>,
    /// The last mark before the moment.
    pub(crate) mark: &'a str,
}

impl Position {
    /// What is on the disk after it; `None` where the recording has no such flush.
    pub(crate) fn kept(self, recording: &Recording) -> Option<Kept<'_>> {
        let pending = recording.pending(self.flush)?;
        let mut random = Random(self.seed());
        let many = pending.len();
        let done = match self.choice {
            Choice::Seed(_) => random.below(many + 1),
            _ => many,
        };
        let durable = recording.writes[..pending.start].iter();
        let mut writes: Vec<_> = durable.map(|write| (*write, 0..write.sectors)).collect();
        let moment = pending.start + done;
        for (number, write) in recording.writes[pending.start..moment].iter().enumerate() {
            let sectors = match self.choice {
                _ if write.is_durable => 0..write.sectors,
                Choice::All => 0..write.sectors,
                Choice::Lost => 0..0,
                Choice::Last if number < many - many.div_ceil(4) => 0..0,
                Choice::Last => 0..write.sectors,
                Choice::Seed(_) => random.part(write.sectors),
            };
            if !sectors.is_empty() {
                writes.push((*write, sectors));
            }
        }
        Some(Kept {
            writes,
            mark: recording.reached(self.flush, moment).unwrap_or_default(),
        })
    }

    /// A number drawn for it.
    pub(crate) fn draw(self) -> u64 {
        let choice = match self.choice {
            Choice::All => u64::MAX,
            Choice::Lost => u64::MAX - 1,
            Choice::Last => u64::MAX - 2,
            Choice::Seed(seed) => seed,
        };
        let flush = u64::try_from(self.flush).unwrap_or_default();
        Random((flush << 32) ^ choice).next()
    }

    fn seed(self) -> u64 {
        let flush = u64::try_from(self.flush).unwrap_or_default();
        match self.choice {
            Choice::Seed(seed) => (flush << 32) ^ seed,
            _ => 0,
        }
    }
}

impl Recording {
    /// The writes that are not durable yet after a flush, until the next.
    fn pending(&self, flush: usize) -> Option<Range<usize>> {
        let begin = match flush {
            0 => 0,
            _ => *self.flushes.get(flush - 1)?,
        };
        let end = self.flushes.get(flush).copied();
        Some(begin..end.unwrap_or(self.writes.len()))
    }

    /// The last mark before a moment: so many flushes, and so many writes. A mark may be behind the next flush, with no
    /// write between.
    fn reached(&self, flush: usize, writes: usize) -> Option<&str> {
        let is_before = |mark: &&Mark| mark.flushes <= flush && mark.writes <= writes;
        let reached = self.marks.iter().rev().find(is_before);
        reached.map(|mark| mark.text.as_str())
    }

    /// After each flush since the first mark: all that is pending lost, only the last of it kept, and these seeds.
    pub(crate) fn every_cut(&self, seeds: u64) -> Vec<Position> {
        let seeds = (1..=seeds).map(Choice::Seed);
        let choices: Vec<_> = [Choice::Lost, Choice::Last]
            .into_iter()
            .chain(seeds)
            .collect();
        let choices = |flush| match self.pending(flush).is_some_and(|writes| writes.is_empty()) {
            true => &choices[..1],
            false => &choices,
        };
        let at = |flush| {
            move |choice: &Choice| Position {
                flush,
                choice: *choice,
            }
        };
        let spans = self.spans();
        let Some(first) = spans.first().map(|span| span.before_mark) else {
            return Vec::new();
        };
        // Of the writes before the first mark none is chosen from.
        let flushes = first + 1..self.flushes.len() + 1;
        let cuts = flushes.flat_map(|flush| choices(flush).iter().map(at(flush)));
        [at(first)(&Choice::Lost)].into_iter().chain(cuts).collect()
    }

    /// So many cuts at most, spread over the marks: some at a mark, with all lost that no flush has made durable by
    /// then, the others between two marks.
    pub(crate) fn some_cuts(&self, many: usize) -> Vec<Position> {
        let spans = self.spans();
        let mut cuts = Vec::new();
        for number in 0..many * usize::from(!spans.is_empty()) {
            let (index, round) = match many < spans.len() {
                true => (number * spans.len() / many, 0),
                false => (number % spans.len(), number / spans.len()),
            };
            let cut = spans[index].cut(number, index + round);
            if !cuts.contains(&cut) {
                cuts.push(cut);
            }
        }
        cuts
    }

    /// What is between each two marks, where there is a flush between them, and after the last.
    fn spans(&self) -> Vec<Span> {
        let mut begins: Vec<usize> = self.marks.iter().map(|mark| mark.flushes).collect();
        begins.dedup();
        let ends = begins.iter().skip(1).copied();
        let ends = ends.chain([self.flushes.len()]);
        let spans = begins.iter().zip(ends);
        spans
            .map(|(begin, end)| Span {
                before_mark: *begin,
                flushes: begin + 1..end + 1,
            })
            .collect()
    }
}

/// What is between two marks.
#[derive(Debug)]
struct Span {
    /// The last flush before the first of the two.
    before_mark: usize,
    /// The flushes after it.
    flushes: Range<usize>,
}

impl Span {
    /// One of its cuts, of a sort that goes by the turn.
    fn cut(&self, number: usize, turn: usize) -> Position {
        // Steps of the golden ratio come near to every place, whatever their number.
        let place = (number * 618 + 309) % 1000;
        let seed = u64::try_from(number).unwrap_or_default();
        let choice = match turn % 4 {
            1 => Choice::Seed(seed),
            3 => Choice::Last,
            _ => Choice::Lost,
        };
        let is_at_mark = turn.is_multiple_of(4) || self.flushes.is_empty();
        match is_at_mark {
            true => Position {
                flush: self.before_mark,
                choice: Choice::Lost,
            },
            false => Position {
                flush: self.flushes.start + place * self.flushes.len() / 1000,
                choice,
            },
        }
    }
}

/// All of them, in an order in which those that come first, however many they are, are spread over the whole: what a soak
/// that is ended early has judged.
pub(crate) fn spread(cuts: &[Position]) -> Vec<Position> {
    // Every so many first, then those between them, then those between these.
    let mut turns: Vec<usize> = (0..cuts.len()).collect();
    turns.sort_by_key(|turn| turn.reverse_bits());
    turns.into_iter().map(|turn| cuts[turn]).collect()
}

/// As a person says which one is to be had again: `12:3`, `12:lost`.
impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.flush)?;
        match self.choice {
            Choice::All => out.write_str("all"),
            Choice::Lost => out.write_str("lost"),
            Choice::Last => out.write_str("last"),
            Choice::Seed(seed) => write!(out, "{seed}"),
        }
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(flush, choice)| {
            let choice = match choice {
                "all" => Choice::All,
                "lost" => Choice::Lost,
                "last" => Choice::Last,
                seed => Choice::Seed(seed.parse().ok()?),
            };
            let flush = flush.parse().ok()?;
            Some(Self { flush, choice })
        });
        parts.ok_or_else(|| {
            format!(
                "{text:?} is no cut: say a flush and a seed, or all, lost or last: 12:3, 12:lost"
            )
        })
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    /// All sectors of a write, none, its first or its last ones.
    fn part(&mut self, sectors: u64) -> Range<u64> {
        let torn = self.next() % sectors;
        match self.next() % 6 {
            0 | 1 => 0..sectors,
            2 | 3 => 0..0,
            4 => 0..torn,
            _ => torn..sectors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let write = |number: u64| Write {
            sector: number * 8,
            sectors: 8,
            data: Some(0),
            is_durable: number == 5,
        };
        let mark = |writes, flushes, text: &str| Mark {
            writes,
            flushes,
            text: text.to_owned(),
        };
        Recording {
            writes: (0..20).map(write).collect(),
            flushes: vec![2, 4, 12, 12],
            marks: vec![mark(3, 1, "one"), mark(10, 2, "two"), mark(12, 4, "three")],
        }
    }

    fn kept(text: &str) -> (Vec<(u64, Range<u64>)>, String) {
        let recording = recording();
        let kept = text.parse::<Position>().unwrap().kept(&recording).unwrap();
        let writes = kept.writes.iter();
        let writes = writes.map(|(write, part)| (write.sector / 8, part.clone()));
        (writes.collect(), kept.mark.to_owned())
    }

    #[test]
    fn before_the_flush_all_is_there_and_after_the_next_one_nothing() {
        let numbers =
            |text| -> Vec<u64> { kept(text).0.iter().map(|(number, _)| *number).collect() };
        assert_eq!(numbers("2:lost"), [0, 1, 2, 3, 5], "5 is durable by itself");
        assert_eq!(numbers("2:all"), (0..12).collect::<Vec<_>>());
        assert_eq!(numbers("2:last"), [0, 1, 2, 3, 5, 10, 11]);
        assert_eq!(numbers("3:all"), numbers("3:lost"));
        assert_eq!(kept("2:lost").1, "two");
        assert_eq!(kept("1:lost").1, "one");
        assert_eq!(kept("3:lost").1, "two", "three is behind flush 4");
        assert_eq!(kept("4:lost").1, "three");
        assert_eq!(kept("0:lost"), (Vec::new(), String::new()));
        let past = "5:lost".parse::<Position>().unwrap();
        assert_eq!(past.kept(&recording()), None);
    }

    #[test]
    fn seeds_lose_keep_tear_and_stop_before_the_end() {
        let (mut whole, mut torn, mut lost, mut early) = (0, 0, 0, 0);
        for seed in 0..100 {
            let (writes, mark) = kept(&format!("2:{seed}"));
            assert_eq!(writes, kept(&format!("2:{seed}")).0, "a seed is one cut");
            assert!(
                writes
                    .iter()
                    .all(|(number, part)| *number < 12 && part.end <= 8)
            );
            assert!(writes.is_sorted_by_key(|(number, _)| *number));
            let pending = &writes[4..];
            assert_eq!(
                writes[..4]
                    .iter()
                    .filter(|(_, part)| *part == (0..8))
                    .count(),
                4
            );
            whole += pending.iter().filter(|(_, part)| *part == (0..8)).count();
            torn += pending.iter().filter(|(_, part)| *part != (0..8)).count();
            lost += 8 - pending.len();
            early += usize::from(mark == "one");
            // Done and durable.
            if pending.iter().any(|(number, _)| *number > 5) {
                assert!(pending.contains(&(5, 0..8)), "{pending:?}");
            }
        }
        assert!(
            whole > 50 && torn > 50 && lost > 100 && early > 20,
            "{whole} {torn} {lost} {early}"
        );
    }

    #[test]
    fn cuts_begin_at_the_first_mark_and_see_each() {
        let recording = recording();
        let every = recording.every_cut(2);
        let text: Vec<_> = every.iter().map(Position::to_string).collect();
        assert_eq!(
            text,
            [
                "1:lost", "2:lost", "2:last", "2:1", "2:2", "3:lost", "4:lost", "4:last", "4:1",
                "4:2"
            ]
        );
        let some = recording.some_cuts(6);
        assert!(some.len() > 3, "{some:?}");
        let text: Vec<_> = some.iter().map(Position::to_string).collect();
        // Marks one, two and three are left after flushes 1, 2 and 4.
        assert_eq!(text, ["1:lost", "4:1", "4:lost", "2:3"]);
        assert_eq!(recording.some_cuts(1).len(), 1);
        assert_eq!(Recording::default().some_cuts(6), []);
        assert_eq!(Recording::default().every_cut(6), []);
    }

    #[test]
    fn those_that_come_first_are_spread_and_none_is_left_out() {
        for many in [0, 1, 2, 3, 4, 9, 100, 720, 839, 1301] {
            let cut = |flush| Position {
                flush,
                choice: Choice::Lost,
            };
            let cuts: Vec<_> = (0..many).map(cut).collect();
            let spread = spread(&cuts);
            let mut found: Vec<_> = spread.iter().map(|cut| cut.flush).collect();
            let mut first = found[..many / 4].to_vec();
            first.extend([0, many]);
            first.sort_unstable();
            let gaps = first.windows(2).map(|two| two[1] - two[0]);
            assert!(gaps.max().unwrap() <= 8, "{many}: {first:?}");
            found.sort_unstable();
            assert_eq!(found, (0..many).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_cut_draws_a_number_of_its_own() {
        let draw = |text: &str| text.parse::<Position>().unwrap().draw();
        let names = (1..=9).flat_map(|flush| {
            ["all", "lost", "last", "1", "2"].map(|choice| format!("{flush}:{choice}"))
        });
        let drawn: Vec<u64> = names.map(|name| draw(&name)).collect();
        let different: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), 45);
        assert!((10..35).contains(&drawn.iter().filter(|number| *number % 2 == 0).count()));
        assert_eq!(draw("7:lost"), draw("7:lost"));
    }

    #[test]
    fn a_position_is_read_as_it_is_said() {
        for text in ["0:all", "12:lost", "7:last", "9:18446744073709551615"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in ["", "12", ":", "a:1", "1:b", "1:2:3", "-1:3"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
