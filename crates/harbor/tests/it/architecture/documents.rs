//! Tables and links of a Markdown document.

use std::path::{Component, Path, PathBuf};

use super::workspace;

/// The rows of the first table under the heading `heading`, without its head, each cell trimmed.
///
/// # Panics
/// Where the heading or its table is not there: a check without its table would pass for ever.
pub(crate) fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = document
        .lines()
        .skip_while(|line| line.trim_start_matches('#').trim() != heading || !line.starts_with('#'))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    assert!(
        lines.next().is_some() && lines.next().is_some_and(|line| line.starts_with("|-")),
        "no table under the heading \"{heading}\""
    );
    lines.map(cells).collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner
        .split('|')
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// The words of a cell in which each stands in backticks; none where the cell is `-`.
pub(crate) fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Targets of the links in a document that are paths, without what follows a `#`.
fn linked_paths(document: &str) -> Vec<String> {
    document
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// Paths of this repository that a document names in backticks.
fn named_paths(document: &str) -> Vec<String> {
    let is_path = |word: &String| {
        let folders = ["crates/", "docs/", "scripts/"];
        folders.iter().any(|folder| word.starts_with(folder)) && !word.contains([' ', '<', '*'])
    };
    document.lines().flat_map(quoted).filter(is_path).collect()
}

/// `..` taken away where it stands, so that the message names the file that is missing.
fn resolved(folder: &Path, target: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let root = workspace::root();
    let mut dead = Vec::new();
    for file in workspace::documents() {
        let folder = file.path.parent().expect("a file stands in a folder");
        for target in linked_paths(&file.text) {
            let path = resolved(folder, &target);
            if !root.join(&path).exists() {
                dead.push(format!(
                    "{}: {} is not there",
                    file.path.display(),
                    path.display()
                ));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn files_that_the_documents_name_are_there() {
    let root = workspace::root();
    let mut missing = Vec::new();
    for file in workspace::documents() {
        for path in named_paths(&file.text)
            .into_iter()
            .filter(|path| !root.join(path).exists())
        {
            missing.push(format!("{}: {path} is not there", file.path.display()));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
# Title
| not | this |
|---|---|
| 1 | 2 |
## Wanted
Some words, [a link](docs/a.md#part) and [another](https://example.org/b.md).

| crate | uses |
|---|---|
| `a` | `b`, `c` |
| `b` | - |

| a second | table |
|---|---|
| 3 | 4 |
";

    #[test]
    fn a_table_is_found_under_its_heading() {
        let rows = table(DOCUMENT, "Wanted");
        assert_eq!(rows, [["`a`", "`b`, `c`"], ["`b`", "-"]]);
        assert_eq!(quoted(&rows[0][1]), ["b", "c"]);
        assert_eq!(quoted(&rows[1][1]), [""; 0]);
    }

    #[test]
    #[should_panic(expected = "no table under the heading \"Elsewhere\"")]
    fn a_missing_table_is_no_empty_table() {
        table(DOCUMENT, "Elsewhere");
    }

    #[test]
    fn paths_in_backticks_are_told_from_other_words() {
        let text = "`crates/a/src`, `make test` and `docs/b.md`; `cargo doc docs/c`";
        assert_eq!(named_paths(text), ["crates/a/src", "docs/b.md"]);
    }

    #[test]
    fn only_links_to_files_are_followed() {
        assert_eq!(linked_paths(DOCUMENT), ["docs/a.md"]);
        assert_eq!(
            resolved(Path::new("docs/adr"), "../a.md"),
            Path::new("docs/a.md")
        );
    }
}
