//! longshore's matching of Rust crates, as a program.
//!
//! ```text
//! ours make DIR             DIR/crates.adv of RustSec's records, and DIR/questions: every version that a
//!                           record names, with its crate
//! ours match FILE QUESTIONS the records that are about each
//! ```

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use longshore_scan::{Advisories, Ecosystem, Range, Shard, Stream, match_package};

#[allow(dead_code, reason = "the tests of matching need more of it")]
#[path = "../../../../crates/scan/tests/it/data.rs"]
mod data;
#[allow(dead_code, reason = "the tests of matching need more of it")]
#[path = "../../../../crates/scan/tests/it/feeds.rs"]
mod feeds;

fn main() {
    let arguments: Vec<_> = env::args().collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, "make", dir] => make(dir.as_ref()),
        [_, "match", file, questions] => print!("{}", answers(file, questions)),
        _ => panic!("usage: ours make DIR | ours match FILE QUESTIONS"),
    }
}

fn make(dir: &Path) {
    let files = feeds::rustsec().expect("../shared/scan beside the workspace");
    let imported = feeds::imported(&files, "2026-08-21");
    let crates = &imported.shards[0];
    fs::write(dir.join("crates.adv"), crates.encode()).expect("a writable directory");
    let mut questions = BTreeSet::new();
    for (name, entry) in crates.entries() {
        let ranges: Vec<_> = entry.ranges().collect();
        for version in ranges.iter().flat_map(Range::bounds) {
            questions.insert(format!("{name} {version}\n"));
        }
        questions.insert(format!("{name} 0.0.1\n"));
        questions.insert(format!("{name} 999.0.0\n"));
    }
    let questions: String = questions.into_iter().collect();
    fs::write(dir.join("questions"), questions).expect("a writable directory");
}

fn answers(file: &str, questions: &str) -> String {
    let shard = Shard::decode(&fs::read(file).expect(file)).expect("a shard");
    let advisories: Advisories = [shard].into_iter().collect();
    let crates = Stream::new(Ecosystem::CratesIo, "");
    let mut answers = String::new();
    for question in fs::read_to_string(questions).expect(questions).lines() {
        let (name, version) = question.split_once(' ').expect("a name and a version");
        for hit in match_package(&advisories, &crates, name, version) {
            writeln!(answers, "{question} {}", hit.entry.id()).expect("a string");
        }
    }
    answers
}
