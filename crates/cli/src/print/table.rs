//! Tables without lines: a heading, and columns two spaces apart.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    to_the_right: bool,
}

impl Column {
    /// One of words.
    pub(super) const fn words(title: &'static str) -> Self {
        Self {
            title,
            to_the_right: false,
        }
    }

    /// One of quantities, which stand under each other at their ends.
    pub(super) const fn quantities(title: &'static str) -> Self {
        Self {
            title,
            to_the_right: true,
        }
    }
}

/// The table as text. Where there is a width, long cells are folded to fit; a reader that is no
/// terminal gets a row a line.
pub(super) fn table(
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<String>>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(columns.iter().map(|column| column.title));
    table.add_rows(rows);
    for (column, described) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if described.to_the_right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Names and values under each other, the values in one column; values of several lines keep it.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let widest = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let indent = " ".repeat(widest + 2);
    pairs
        .iter()
        .map(|(name, value)| {
            format!(
                "{name:widest$}  {}\n",
                value.replace('\n', &format!("\n{indent}"))
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 2] = [Column::words("NAME"), Column::quantities("SIZE")];

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["a".into(), "1 B".into()],
            vec!["a-rather-long-name of several words".into(), "100 B".into()],
        ]
    }

    #[test]
    fn quantities_end_in_one_column_and_lines_do_not_trail() {
        assert_eq!(
            table(&COLUMNS, rows(), None),
            "NAME                                  SIZE\n\
             a                                      1 B\n\
             a-rather-long-name of several words  100 B\n"
        );
    }

    #[test]
    fn a_terminal_gets_no_line_that_is_wider_than_it() {
        let text = table(&COLUMNS, rows(), Some(30));
        assert!(
            text.lines().all(|line| line.chars().count() <= 30),
            "{text}"
        );
        assert!(text.contains("words"), "{text}");
    }

    #[test]
    fn pairs_stand_in_two_columns() {
        assert_eq!(
            pairs(&[("a", "one".into()), ("long", "two\nlines".into())]),
            "a     one\nlong  two\n      lines\n"
        );
    }
}
