//! What a Rust file looks like: its first line, its length, and what a `mod.rs` may hold.

use std::{collections::BTreeMap, path::Path};

use super::{
    documents::{quoted, table},
    workspace::{self, File},
};

/// Lines of a source file without its tests.
const LONGEST: usize = 400;

/// How many lines stand before the tests that end a file. The code is formatted, so these begin at
/// the first column and end with the first brace there.
fn length(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let Some(begin) = lines.iter().rposition(|&line| line == "mod tests {") else {
        return lines.len();
    };
    let end = lines[begin..].iter().position(|&line| line == "}");
    let attributes = lines[..begin]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#["))
        .count();
    let first = begin - attributes;
    if lines[first..begin].contains(&"#[cfg(test)]") && end == Some(lines.len() - begin - 1) {
        first
    } else {
        lines.len()
    }
}

/// The lines that are code, with their numbers: no comments, and not the tests at the end.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim)).take(length(text));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

/// Sources that are too long without a reason, and reasons that are not needed.
fn length_faults(files: &[File], allowed: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut excused = Vec::new();
    for file in files.iter().filter(|file| is_source(&file.path)) {
        let (path, length) = (file.path.display().to_string(), length(&file.text));
        match allowed.get(&path) {
            Some(_) if length > LONGEST => excused.push(path),
            _ if length > LONGEST => faults.push(format!(
                "{path}: {length} lines without its tests, more than {LONGEST}: \
                 probably two files; else give the reason in ARCHITECTURE.md"
            )),
            _ => {}
        }
    }
    for (path, reason) in allowed {
        if reason.is_empty() {
            faults.push(format!("{path}: may be long, and no reason is given"));
        }
        if !excused.contains(path) {
            faults.push(format!("{path}: may be long, and is not there or not long"));
        }
    }
    faults
}

fn is_source(path: &Path) -> bool {
    path.components()
        .nth(2)
        .is_some_and(|folder| folder.as_os_str() == "src")
}

fn first_line_faults(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| {
            format!(
                "{}: does not begin with `//! ` and a sentence",
                file.path.display()
            )
        })
        .collect()
}

/// What else than documentation, `mod` and `use` stands in the `mod.rs` files.
fn folder_faults(files: &[File]) -> Vec<String> {
    let folders = files.iter().filter(|file| file.path.ends_with("mod.rs"));
    let faults = folders.flat_map(|file| {
        items(&file.text)
            .into_iter()
            .filter(|item| !is_mod_or_use(item))
            .map(|item| format!("{}: code in a mod.rs: {item}", file.path.display()))
    });
    faults.collect()
}

/// The file cut at its semicolons, without comments and attributes.
fn items(text: &str) -> Vec<String> {
    let is_attribute = |line: &str| line.starts_with('#') && line.ends_with(']');
    let code: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && !is_attribute(line))
        .collect();
    let items = code.join(" ");
    items
        .split(';')
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

fn is_mod_or_use(item: &str) -> bool {
    let item = match item.strip_prefix("pub") {
        None => item,
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or(rest, |(_, rest)| rest),
        Some(rest) => rest,
    };
    let item = item.trim_start();
    item.starts_with("use ")
        || item
            .strip_prefix("mod ")
            .is_some_and(|name| !name.contains(' '))
}

#[test]
fn no_source_is_long_without_a_reason() {
    let rows = table(
        &workspace::read("ARCHITECTURE.md"),
        "Files that may be long",
    );
    let allowed = rows
        .iter()
        .flat_map(|row| {
            quoted(&row[0])
                .into_iter()
                .map(|path| (path, row[1].clone()))
        })
        .collect();
    let faults = length_faults(&workspace::rust_files(), &allowed);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let faults = first_line_faults(&workspace::rust_files());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_mod_rs_holds_code() {
    let faults = folder_faults(&workspace::rust_files());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    const TESTS: &str = "#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";

    #[test]
    fn tests_at_the_end_are_not_counted() {
        assert_eq!(length(&(lines(7) + TESTS)), 7);
    }

    #[test]
    fn code_after_tests_is_counted_with_them() {
        assert_eq!(length(&(lines(7) + TESTS + "fn more() {\n}\n")), 13);
    }

    #[test]
    fn a_long_source_needs_a_reason() {
        let long = file("crates/a/src/b.rs", &lines(401));
        let none = BTreeMap::new();
        let faults = length_faults(&[long], &none);
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with("crates/a/src/b.rs: 401 lines"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_source_of_the_greatest_length_a_test_and_a_reasoned_file_pass() {
        let files = [
            file("crates/a/src/b.rs", &(lines(400) + TESTS)),
            file("crates/a/tests/it/b.rs", &lines(401)),
            file("crates/a/src/c.rs", &lines(401)),
        ];
        let allowed = [("crates/a/src/c.rs".to_owned(), "one match".to_owned())].into();
        assert_eq!(length_faults(&files, &allowed), [""; 0]);
    }

    #[test]
    fn a_reason_that_is_empty_or_not_needed_is_a_fault() {
        let files = [file("crates/a/src/b.rs", &lines(3))];
        let allowed = [("crates/a/src/b.rs".to_owned(), String::new())].into();
        assert_eq!(
            length_faults(&files, &allowed),
            [
                "crates/a/src/b.rs: may be long, and no reason is given",
                "crates/a/src/b.rs: may be long, and is not there or not long",
            ]
        );
    }

    #[test]
    fn a_file_that_begins_with_code_is_a_fault() {
        let files = [
            file("a.rs", "//! What it is.\n"),
            file("b.rs", "use std::io;\n"),
        ];
        assert_eq!(
            first_line_faults(&files),
            ["b.rs: does not begin with `//! ` and a sentence"]
        );
    }

    #[test]
    fn a_mod_rs_of_modules_and_uses_passes() {
        let text = "//! Docs; with a semicolon.\n#![deny(missing_docs)]\n\nmod a;\n#[cfg(test)]\npub(crate) mod b;\n\n\
                    pub use a::{\n    One,\n    Two,\n};\npub(crate) use b::Three;\n";
        assert_eq!(
            folder_faults(&[file("crates/a/src/b/mod.rs", text)]),
            [""; 0]
        );
    }

    #[test]
    fn anything_else_in_a_mod_rs_is_a_fault() {
        for code in [
            "fn f() {}",
            "pub const A: u8 = 1;",
            "mod tests { fn f() {} }",
            "use a::b;\nstruct S;",
            "macro!();",
            "pub(crate) struct S { x: u8 }",
        ] {
            let faults =
                folder_faults(&[file("a/mod.rs", &format!("//! Docs.\nmod a;\n{code}\n"))]);
            assert_eq!(faults.len(), 1, "{code}: {faults:?}");
        }
    }
}
