//! What came of looking at layers: the verdict, what was put right, and the merged tree by lines.

use anstyle::{AnsiColor, Style};
use longshore_lifecycle::{
    CheckReport, CheckedLayer, Listed, ListingContent, Rejection, TreeRow, Verdict,
};

use super::{
    Document, Page, bytes,
    quantity::{harmless, short_digest},
    table::{Column, pairs, table},
};

const ACCEPTED: Style = AnsiColor::Green.on_default().bold();
const REJECTED: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const NOTHING: &str = "-";
/// So many names of a list are shown.
const SHOWN: usize = 10;

impl Document for CheckReport {
    fn text(&self, page: &Page) -> String {
        if let Some(tree) = &self.tree {
            return tree.iter().map(line).collect();
        }
        let mut text = match &self.rejection {
            Some(rejection) => rejected(rejection),
            None => format!("{ACCEPTED}accepted{ACCEPTED:#}\n"),
        };
        if !self.layers.is_empty() {
            text.push('\n');
            text.push_str(&layers(&self.layers, page.width));
            text.push('\n');
            text.push_str(&totals(self));
        }
        let found = [
            ("Put right", counters(&self.layers)),
            (
                "Setuid, setgid, sticky",
                names(self.layers.iter().map(|layer| &layer.report.special_modes)),
            ),
            (
                "Capabilities",
                names(self.layers.iter().map(|layer| &layer.report.capabilities)),
            ),
            (
                "Devices and fifos",
                names(self.layers.iter().map(|layer| &layer.report.devices)),
            ),
        ];
        for (title, body) in found {
            if !body.is_empty() {
                text.push_str(&format!("\n{HEADING}{title}{HEADING:#}\n{body}"));
            }
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(match (self.verdict, &self.rejection) {
            (Verdict::Rejected, Some(rejection)) => rejection.rejected.code.to_string(),
            _ => "accepted".to_owned(),
        })
    }
}

fn rejected(rejection: &Rejection) -> String {
    let found = &rejection.rejected;
    let mut facts = vec![(
        "layer",
        format!(
            "{} (number {})",
            harmless(&rejection.layer),
            rejection.position
        ),
    )];
    facts.extend(
        found
            .entry
            .as_ref()
            .map(|entry| ("entry", entry.to_string())),
    );
    facts.push(("code", found.code.to_string()));
    facts.push(("found", harmless(&found.detail)));
    facts.push((
        "hint",
        format!("docs/rejections.md explains {}", found.code),
    ));
    format!("{REJECTED}rejected{REJECTED:#}\n{}", pairs(&facts))
}

fn layers(layers: &[CheckedLayer], width: Option<u16>) -> String {
    let columns = [
        Column::words("LAYER"),
        Column::quantities("STORED"),
        Column::quantities("UNPACKED"),
        Column::quantities("ENTRIES"),
        Column::words("DIFF ID"),
    ];
    let rows = layers.iter().map(|CheckedLayer { layer, report }| {
        vec![
            harmless(layer),
            bytes(report.stored_bytes),
            bytes(report.stream_bytes),
            report.entries.to_string(),
            short_digest(&report.diff_id.to_string()).to_owned(),
        ]
    });
    table(&columns, rows, width)
}

fn totals(report: &CheckReport) -> String {
    let totals = &report.totals;
    pairs(&[
        ("entries", totals.entries.to_string()),
        ("inodes", totals.inodes.to_string()),
        ("files", bytes(totals.content_bytes)),
        ("archives", bytes(totals.stream_bytes)),
    ])
}

/// A line for each layer in which something was put right.
fn counters(layers: &[CheckedLayer]) -> String {
    let lines = layers.iter().filter_map(|CheckedLayer { layer, report }| {
        let counted: Vec<String> = (report.counters.named())
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        let line = || format!("{}: {}\n", harmless(layer), counted.join(", "));
        (!counted.is_empty()).then(line)
    });
    lines.collect()
}

/// Names from all layers, the first of them where there are many.
fn names<'a>(lists: impl Iterator<Item = &'a Listed> + Clone) -> String {
    let count: u64 = lists.clone().map(|list| list.count).sum();
    let shown: Vec<String> = (lists.flat_map(|list| &list.names).take(SHOWN))
        .map(|name| format!("{name}\n"))
        .collect();
    let left = count.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX));
    let mut text = shown.concat();
    if left > 0 {
        text.push_str(&format!("and {left} more, which `-o json` lists\n"));
    }
    text
}

/// A path and what is there, between tabs; a name has none, for it is escaped.
fn line(TreeRow { path, row }: &TreeRow) -> String {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let device = |number: &longshore_lifecycle::DeviceNumber| {
        Some(format!("{},{}", number.major, number.minor))
    };
    let (kind, size, digest, target) = match &row.content {
        ListingContent::File { size, digest } => {
            ('-', Some(size.to_string()), Some(digest.to_string()), None)
        }
        ListingContent::Directory => ('d', None, None, None),
        ListingContent::Symlink(target) => ('l', None, None, Some(target.to_string())),
        ListingContent::CharDevice(number) => ('c', device(number), None, None),
        ListingContent::BlockDevice(number) => ('b', device(number), None, None),
        ListingContent::Fifo => ('p', None, None, None),
    };
    let xattrs: Vec<String> = (row.xattrs.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let xattrs = (!xattrs.is_empty()).then(|| xattrs.join(" "));
    let columns = [
        format!("{kind}{:04o}", row.mode),
        format!("{}:{}", row.uid, row.gid),
        format!("{}.{:09}", row.mtime.seconds, row.mtime.nanoseconds),
        or_nothing(size),
        or_nothing(digest),
        path.to_string(),
        or_nothing(target),
        or_nothing(row.link_group.as_ref().map(ToString::to_string)),
        or_nothing(xattrs),
    ];
    columns.join("\t") + "\n"
}
