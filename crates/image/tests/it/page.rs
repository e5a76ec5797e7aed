//! docs/rejections.md, held against the codes and the counters.

use std::fs;
use std::path::Path;

use longshore_image::{Code, Counters};

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rejections.md");
    fs::read_to_string(page).unwrap()
}

/// The headings of the part on codes, each with the lines below it.
fn sections(page: &str) -> Vec<(&str, usize)> {
    let codes = page.split("\n## Counters\n").next().unwrap();
    let sections = codes.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (heading, text) = section.split_once('\n').unwrap();
            let lines = text.lines().filter(|line| !line.is_empty()).count();
            (heading.trim_matches('`'), lines)
        })
        .collect()
}

/// The first column of the table of counters.
fn counters(page: &str) -> Vec<&str> {
    let table = page.split("\n## Counters\n").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('`').nth(1).unwrap()).collect()
}

#[test]
fn every_code_has_a_section_in_the_order_of_the_code_and_nothing_else_has() {
    let page = page();
    let sections = sections(&page);
    let headings: Vec<_> = sections.iter().map(|(heading, _)| *heading).collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(headings, codes);
    for (heading, lines) in sections {
        assert!((1..=8).contains(&lines), "{heading}: {lines} lines");
    }
}

#[test]
fn every_counter_has_a_row_in_the_order_of_the_code_and_nothing_else_has() {
    let page = page();
    let counted = serde_json::to_string(&Counters::default()).unwrap();
    let named: Vec<_> = counted.split('"').skip(1).step_by(2).collect();
    assert_eq!(counters(&page), named);
}
