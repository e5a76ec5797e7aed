//! What a caged reader answers: lines of JSON, written by the child, and read by the parent as from a
//! stranger.
//!
//! ```text
//! {"read":{"os":{..},"gaps":[..],"executables":0,"packages":2}}      or {"unreadable":["..", ".."]}
//! {"kind":"deb","name":"bash",..}
//! {"kind":"deb","name":"zlib1g",..}
//! ```
//! A package a line, so that the parent never has more of them in memory than an image may have, whatever
//! the child sends.

use longshore_scan::{Inventory, InventoryLimits, Os, Package, Reason};
use serde::{Deserialize, Serialize};

/// How much an answer may be. It bounds what the parent keeps in memory, whatever the child sends.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Bytes of all of it (64 MiB): as many packages as an inventory may have, with a line of a usual
    /// length each (300 bytes), twice.
    pub(super) answer: u32,
    /// Bytes of the first line (4 MiB), a system and its gaps: one is a path of at most 4 KiB and a
    /// sentence, and hundreds of them are more than anybody reads.
    head: usize,
    /// Bytes of the first line where that is all there is (64 KiB): a failure's text, which a person reads.
    causes: usize,
    /// Bytes of a package's line (256 KiB): nine texts of at most 4 KiB each
    /// ([`InventoryLimits::value_bytes`]), of which each byte may be written as six.
    package: usize,
    /// Packages: as many as the inventory may have.
    packages: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            answer: 64 << 20,
            head: 4 << 20,
            causes: 64 << 10,
            package: 256 << 10,
            packages: InventoryLimits::default().packages,
        }
    }
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Head {
    Read {
        os: Option<Os>,
        gaps: Vec<Reason>,
        executables: u64,
        packages: usize,
    },
    /// It would be longer than an answer may be.
    TooLong,
    Unreadable(Vec<String>),
}

/// What came of reading a disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Read(Inventory),
    /// There is more in it than fits an answer.
    TooLong,
    /// Why it cannot be looked into at all, outermost first.
    Unreadable(Vec<String>),
}

/// It is nothing that a reader of ours answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

/// What the child sends.
pub(super) fn write(looked: Result<Inventory, Vec<String>>, bounds: &Bounds) -> Vec<u8> {
    written(looked, bounds).unwrap_or_else(|| b"\"too-long\"\n".to_vec())
}

/// `None` where it is too long.
fn written(looked: Result<Inventory, Vec<String>>, bounds: &Bounds) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    let mut line = |text: Vec<u8>, longest: usize| {
        let whole = u32::try_from(answer.len() + text.len() + 1).ok()?;
        if text.len() > longest || whole > bounds.answer {
            return None;
        }
        answer.extend(text);
        answer.push(b'\n');
        Some(())
    };
    let inventory = match looked {
        Ok(inventory) => inventory,
        Err(causes) => {
            line(json(&Head::Unreadable(causes))?, bounds.causes)?;
            return Some(answer);
        }
    };
    let head = Head::Read {
        os: inventory.os,
        gaps: inventory.gaps,
        executables: inventory.executables,
        packages: inventory.packages.len(),
    };
    line(json(&head)?, bounds.head)?;
    for package in &inventory.packages {
        line(json(package)?, bounds.package)?;
    }
    Some(answer)
}

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    // Nothing in these types fails to be written.
    serde_json::to_vec(value).ok()
}

/// What the parent makes of it.
pub(super) fn read(answer: &[u8], bounds: &Bounds) -> Result<Answer, Garbled> {
    let mut lines = answer
        .strip_suffix(b"\n")
        .ok_or(Garbled)?
        .split(|&byte| byte == b'\n');
    let first = lines.next().filter(|head| head.len() <= bounds.head);
    let first = first.ok_or(Garbled)?;
    let head = serde_json::from_slice(first).map_err(|_| Garbled)?;
    let (os, gaps, executables, count) = match head {
        Head::Read {
            os,
            gaps,
            executables,
            packages,
        } if packages <= bounds.packages => (os, gaps, executables, packages),
        Head::TooLong => return alone(Answer::TooLong, lines),
        Head::Unreadable(causes) if first.len() <= bounds.causes => {
            return alone(Answer::Unreadable(causes), lines);
        }
        Head::Read { .. } | Head::Unreadable(_) => return Err(Garbled),
    };
    let mut packages = Vec::new();
    for line in lines {
        if packages.len() == count || line.len() > bounds.package {
            return Err(Garbled);
        }
        let package: Package = serde_json::from_slice(line).map_err(|_| Garbled)?;
        packages.push(package);
    }
    match packages.len() == count {
        true => Ok(Answer::Read(Inventory::new(
            os,
            packages,
            gaps,
            executables,
        ))),
        false => Err(Garbled),
    }
}

/// An answer that is one line.
fn alone<'a>(answer: Answer, mut more: impl Iterator<Item = &'a [u8]>) -> Result<Answer, Garbled> {
    match more.next() {
        None => Ok(answer),
        Some(_) => Err(Garbled),
    }
}

#[cfg(test)]
mod tests {
    use longshore_scan::PackageKind;

    use super::*;

    fn package(name: &str) -> Package {
        Package {
            kind: PackageKind::Deb,
            name: name.to_owned(),
            version: "1:2-3\n\u{1b}[2J\u{fffd}".to_owned(),
            arch: None,
            source: None,
            module: None,
            vendor: None,
            licence: Some("GPL".to_owned()),
            found_in: "var/lib/dpkg/status".to_owned(),
        }
    }

    fn inventory(packages: Vec<Package>) -> Inventory {
        let gap = Reason::Unreadable {
            path: "a\nb".to_owned(),
            problem: "it is \"cut\"".to_owned(),
        };
        Inventory::new(None, packages, vec![gap, Reason::OsUnknown], 3)
    }

    /// So small that what breaks them is quickly made.
    fn bounds() -> Bounds {
        Bounds {
            answer: 4000,
            head: 1000,
            causes: 100,
            package: 500,
            packages: 20,
        }
    }

    fn written(looked: Result<Inventory, Vec<String>>) -> Vec<u8> {
        write(looked, &bounds())
    }

    fn heard(answer: &[u8]) -> Result<Answer, Garbled> {
        read(answer, &bounds())
    }

    #[test]
    fn what_is_written_is_read() {
        let sent = inventory(vec![package("bash"), package("zlib1g")]);
        assert_eq!(heard(&written(Ok(sent.clone()))), Ok(Answer::Read(sent)));
        let nothing = inventory(Vec::new());
        let answer = written(Ok(nothing.clone()));
        assert_eq!(heard(&answer), Ok(Answer::Read(nothing)));
        let causes = vec!["outer".to_owned(), "inner\n".to_owned()];
        let unreadable = Answer::Unreadable(causes.clone());
        assert_eq!(heard(&written(Err(causes))), Ok(unreadable));
    }

    #[test]
    fn what_is_too_long_says_so_and_nothing_else() {
        let one = written(Ok(inventory(vec![package(&"x".repeat(500))])));
        assert_eq!(heard(&one), Ok(Answer::TooLong));
        let many = (0..15).map(|number| package(&format!("{number:0300}")));
        let many = written(Ok(inventory(many.collect())));
        assert_eq!(heard(&many), Ok(Answer::TooLong));
        let causes = written(Err(vec!["x".repeat(100)]));
        assert_eq!(heard(&causes), Ok(Answer::TooLong));
        let gap = Reason::OsUnsupported {
            os: "x".repeat(1000),
        };
        let head = written(Ok(Inventory::new(None, Vec::new(), vec![gap], 0)));
        assert_eq!(heard(&head), Ok(Answer::TooLong));
    }

    #[test]
    fn what_no_reader_of_ours_answers_is_garbled() {
        let good = String::from_utf8(written(Ok(inventory(vec![package("bash")])))).unwrap();
        assert!(heard(good.as_bytes()).is_ok());
        let (head, bash) = good.split_once('\n').unwrap();
        let announced =
            |count: usize| head.replace("\"packages\":1", &format!("\"packages\":{count}"));
        assert!(heard(format!("{}\n{}", announced(20), bash.repeat(20)).as_bytes()).is_ok());
        for wrong in [
            String::new(),
            "\n".to_owned(),
            good.trim_end().to_owned(),
            format!("{head}\n"),
            format!("{good}{bash}"),
            format!("{good}\n"),
            format!("{head}\n{}\n", &bash[..bash.len() / 2]),
            format!("{}\n{bash}", &head[..head.len() / 2]),
            format!("\"too-long\"\n{bash}"),
            "{\"other\":[]}\n".to_owned(),
            format!("{{\"unreadable\":[\"{}\"]}}\n", "x".repeat(100)),
            format!("{}\n{}", announced(21), bash.repeat(21)),
            format!("{}{good}", " ".repeat(1000)),
            format!("{head}\n{}{bash}", " ".repeat(500)),
        ] {
            assert_eq!(heard(wrong.as_bytes()), Err(Garbled), "{wrong}");
        }
        assert_eq!(heard(b"\xff\xfe\n"), Err(Garbled));
    }
}
