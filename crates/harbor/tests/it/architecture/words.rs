//! Words that a part does without: what its row of the import table says in prose, as far as a
//! word can tell.

use super::{
    documents::{quoted, table},
    files,
    workspace::{self, File},
};

/// A line of the table.
struct Rule {
    parts: Vec<String>,
    words: Vec<String>,
    /// Endings of the paths of the files that may.
    except: Vec<String>,
}

/// Lines of code with a word that their part does without, and exceptions that nothing needs.
fn word_faults(files: &[File], rules: &[Rule]) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules {
        let mut needed = Vec::new();
        for part in &rule.parts {
            let folder = format!("crates/{part}/src");
            let mut sources = files
                .iter()
                .filter(|file| file.path.starts_with(&folder))
                .peekable();
            if sources.peek().is_none() {
                faults.push(format!("`{part}` is no crate"));
            }
            for file in sources {
                let exception = rule
                    .except
                    .iter()
                    .find(|ending| file.path.ends_with(ending));
                for (number, line) in files::code(&file.text) {
                    let Some(word) = rule.words.iter().find(|word| line.contains(*word)) else {
                        continue;
                    };
                    match exception {
                        Some(ending) => needed.push(ending),
                        None => faults.push(format!(
                            "{}:{number}: `{word}` has no place in `{part}`",
                            file.path.display()
                        )),
                    }
                }
            }
        }
        for ending in rule.except.iter().filter(|ending| !needed.contains(ending)) {
            faults.push(format!("`{ending}` is excepted and needs no exception"));
        }
    }
    faults
}

#[test]
fn no_part_uses_a_word_it_does_without() {
    let rules: Vec<Rule> = table(
        &workspace::read("ARCHITECTURE.md"),
        "Words a part does without",
    )
    .iter()
    .map(|row| Rule {
        parts: quoted(&row[0]),
        words: quoted(&row[1]),
        except: quoted(&row[2]),
    })
    .collect();
    let faults = word_faults(&workspace::rust_files(), &rules);
    assert!(
        faults.is_empty(),
        "ARCHITECTURE.md, \"Words a part does without\":\n{}",
        faults.join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(except: &[&str]) -> [Rule; 1] {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        [Rule {
            parts: owned(&["a"]),
            words: owned(&["SystemTime"]),
            except: owned(except),
        }]
    }

    fn file(path: &str) -> File {
        let text = "//! Docs.\n\nuse std::time::SystemTime;\n// SystemTime\n\
                    #[cfg(test)]\nmod tests {\n    use std::time::SystemTime;\n}\n";
        File {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_word_in_the_code_of_its_part_is_a_fault() {
        let files = [
            file("crates/a/src/b.rs"),
            file("crates/b/src/b.rs"),
            file("crates/a/tests/it/b.rs"),
        ];
        assert_eq!(
            word_faults(&files, &rule(&[])),
            ["crates/a/src/b.rs:3: `SystemTime` has no place in `a`"]
        );
    }

    #[test]
    fn a_rule_for_a_crate_that_is_not_there_is_a_fault() {
        assert_eq!(word_faults(&[], &rule(&[])), ["`a` is no crate"]);
    }

    #[test]
    fn an_exception_holds_for_its_file_and_must_be_needed() {
        let files = [file("crates/a/src/clock.rs")];
        assert_eq!(word_faults(&files, &rule(&["clock.rs"])), [""; 0]);
        assert_eq!(
            word_faults(&files, &rule(&["clock.rs", "other.rs"])),
            ["`other.rs` is excepted and needs no exception"]
        );
    }
}
