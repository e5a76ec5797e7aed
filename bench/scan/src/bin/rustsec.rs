//! RustSec's own matching, as a program: `rustsec DATABASE QUESTIONS`, with the same answers as `ours match`.

use std::{env, fmt::Write as _, fs, path::Path};

use rustsec::{
    Collection,
    database::{Database, Query},
};

fn main() {
    let arguments: Vec<_> = env::args().collect();
    let [_, database, questions] = &arguments[..] else {
        panic!("usage: rustsec DATABASE QUESTIONS");
    };
    let database = Database::open(Path::new(database)).expect("a database of RustSec");
    let mut answers = String::new();
    for question in fs::read_to_string(questions).expect(questions).lines() {
        let (name, version) = question.split_once(' ').expect("a name and a version");
        // Not `crate_scope`, which leaves out what is for information only.
        let query = Query::new()
            .collection(Collection::Crates)
            .withdrawn(false)
            .package_name(name.parse().expect("a name"))
            .package_version(version.parse().expect("a version"));
        for advisory in database.query(&query) {
            writeln!(answers, "{question} {}", advisory.id()).expect("a string");
        }
    }
    print!("{answers}");
}
