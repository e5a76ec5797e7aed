//! Who uses whom, and who alone uses what of others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    documents::{quoted, table},
    workspace,
};

/// For each name, the names that go with it.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// The first column names one thing, the column `with` others; a name that stands twice in the
/// first column is a fault of the table.
fn edges(rows: &[Vec<String>], with: usize) -> Edges {
    let mut edges = Edges::new();
    for row in rows {
        for name in quoted(&row[0]) {
            let named = quoted(&row[with]).into_iter().collect();
            let twice = edges.insert(name.clone(), named).is_some();
            assert!(!twice, "`{name}` stands twice in one table");
        }
    }
    edges
}

/// Ways in which the table and the packages differ.
fn import_faults(listed: &Edges, used: &Edges) -> Vec<String> {
    let mut faults = Vec::new();
    for (part, uses) in used {
        let Some(allowed) = listed.get(part) else {
            faults.push(format!("crate `{part}` is not in the table"));
            continue;
        };
        for other in uses.difference(allowed) {
            faults.push(format!(
                "`{part}` uses `{other}`, which the table does not let it"
            ));
        }
        for other in allowed.difference(uses) {
            faults.push(format!(
                "the table lets `{part}` use `{other}`, and it does not"
            ));
        }
    }
    for part in listed.keys().filter(|part| !used.contains_key(*part)) {
        faults.push(format!("the table has a crate `{part}` that is not there"));
    }
    faults
}

/// Ways in which the users of the dependencies that are kept to a few differ from the table.
fn keeper_faults(listed: &Edges, needed: &Edges) -> Vec<String> {
    let mut faults = Vec::new();
    for (dependency, keepers) in listed {
        for part in keepers.iter().filter(|part| !needed.contains_key(*part)) {
            faults.push(format!(
                "`{dependency}` is kept to `{part}`, which is no crate"
            ));
        }
        for (part, needs) in needed {
            match (keepers.contains(part), needs.contains(dependency)) {
                (false, true) => {
                    let keepers = keepers
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(", ");
                    let keepers = if keepers.is_empty() {
                        "nobody"
                    } else {
                        &keepers
                    };
                    faults.push(format!(
                        "`{part}` uses `{dependency}`, which is for {keepers}"
                    ));
                }
                (true, false) => faults.push(format!(
                    "the table says that `{part}` uses `{dependency}`, and it does not"
                )),
                _ => {}
            }
        }
    }
    faults
}

/// The dependencies that may not be used without a line in the table.
const KEPT: [&str; 4] = ["reqwest", "rusqlite", "axum", "clap"];

#[test]
fn the_import_table_is_true() {
    let packages = workspace::packages();
    let ours: BTreeSet<_> = packages.keys().cloned().collect();
    let used = packages
        .values()
        .map(|package| (package.name.clone(), &package.normal & &ours))
        .collect();
    let rows = table(&workspace::read("ARCHITECTURE.md"), "Who may use whom");
    let faults = import_faults(&edges(&rows, 2), &used);
    assert!(
        faults.is_empty(),
        "ARCHITECTURE.md, \"Who may use whom\":\n{}",
        faults.join("\n")
    );
}

#[test]
fn dependencies_stay_with_their_keepers() {
    let packages = workspace::packages();
    let needed = packages
        .values()
        .map(|p| (p.name.clone(), p.normal.clone()))
        .collect();
    let rows = table(
        &workspace::read("ARCHITECTURE.md"),
        "Who alone may use what",
    );
    let listed = edges(&rows, 1);
    let mut faults = keeper_faults(&listed, &needed);
    for dependency in KEPT.iter().filter(|name| !listed.contains_key(**name)) {
        faults.push(format!("`{dependency}` must be in the table"));
    }
    assert!(
        faults.is_empty(),
        "ARCHITECTURE.md, \"Who alone may use what\":\n{}",
        faults.join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(lines: &[(&str, &[&str])]) -> Edges {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        lines
            .iter()
            .map(|(name, with)| ((*name).to_owned(), names(with)))
            .collect()
    }

    #[test]
    fn rows_become_edges() {
        let rows = table(
            "# T\n| crate | is | may use |\n|---|---|---|\n| `a` | x | `b`, `c` |\n| `b`, `c` | y | - |\n",
            "T",
        );
        assert_eq!(
            edges(&rows, 2),
            set(&[("a", &["b", "c"]), ("b", &[]), ("c", &[])])
        );
    }

    #[test]
    #[should_panic(expected = "`a` stands twice")]
    fn one_crate_has_one_row() {
        edges(
            &table("# T\n| a | b |\n|---|---|\n| `a` | - |\n| `a` | - |\n", "T"),
            1,
        );
    }

    #[test]
    fn a_true_table_has_no_faults() {
        let true_of = set(&[("a", &["b"]), ("b", &[])]);
        assert_eq!(import_faults(&true_of, &true_of), [""; 0]);
    }

    #[test]
    fn each_difference_is_a_fault() {
        let listed = set(&[("a", &["b", "c"]), ("b", &[]), ("c", &[]), ("gone", &[])]);
        let used = set(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("new", &[])]);
        assert_eq!(
            import_faults(&listed, &used),
            [
                "the table lets `a` use `c`, and it does not",
                "`b` uses `c`, which the table does not let it",
                "crate `new` is not in the table",
                "the table has a crate `gone` that is not there",
            ]
        );
    }

    #[test]
    fn a_dependency_outside_its_keepers_is_a_fault() {
        let listed = set(&[("sql", &["a", "b"]), ("web", &[]), ("args", &["z"])]);
        let needed = set(&[("a", &["sql"]), ("b", &[]), ("c", &["sql", "web", "other"])]);
        assert_eq!(
            keeper_faults(&listed, &needed),
            [
                "`args` is kept to `z`, which is no crate",
                "the table says that `b` uses `sql`, and it does not",
                "`c` uses `sql`, which is for a, b",
                "`c` uses `web`, which is for nobody",
            ]
        );
    }
}
