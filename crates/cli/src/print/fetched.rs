//! What `fetch-and-create` made of one image.

use anstyle::{AnsiColor, Style};
use longshore_lifecycle::{ImageReport, LayerReport, Status, Timings};

use super::{
    Document, Page, bytes, milliseconds,
    quantity::{harmless, short_digest},
    scan,
    table::{Column, pairs, table},
};

const NAME: Style = Style::new().bold();

impl Document for ImageReport {
    fn text(&self, page: &Page) -> String {
        let mut text = format!(
            "{NAME}{}{NAME:#}  {}\n",
            harmless(&self.image),
            painted(self.status)
        );
        if let Some(meaning) = meaning(self.status) {
            text.push_str(&format!("{meaning}\n"));
        }
        text.push('\n');
        text.push_str(&layers(&self.layers, page.width));
        text.push('\n');
        if let Some(outcome) = &self.scan {
            text.push_str(&pairs(&scan::facts(outcome, page)));
            text.push('\n');
            if let Some(against) = scan::against(outcome, &self.image, page.width) {
                text.push_str(&against);
                text.push('\n');
            }
        }
        let mut facts = Vec::new();
        if let Some(machine) = &self.machine {
            facts.push(("machine", machine.name.clone()));
            if let Some(path) = &machine.path {
                facts.push(("disk", harmless(path)));
            }
        } else if !self.admitted {
            facts.push(("machine", not_made(self)));
        }
        let volume = format!(
            "{}, {} used",
            bytes(self.volume.size),
            bytes(self.volume.used)
        );
        facts.push((
            "volume",
            match &self.volume.path {
                Some(path) => format!("{}\n{volume}", harmless(path)),
                None => format!("{}\n{volume}", self.volume.id),
            },
        ));
        facts.push(("chain", self.chain_id.clone()));
        facts.push(("run", self.run.to_string()));
        facts.push(("time", took(&self.timings)));
        text.push_str(&pairs(&facts));
        text
    }

    /// The machine's disk, or without one the image's volume; of an image that no machine is made of nothing,
    /// so that a script which does not look at the exit code boots nothing.
    fn word(&self) -> Option<String> {
        let machine = self
            .machine
            .as_ref()
            .and_then(|machine| machine.path.clone());
        if machine.is_none() && !self.admitted {
            return None;
        }
        machine
            .or_else(|| self.volume.path.clone())
            .or_else(|| Some(self.image.clone()))
    }
}

/// Why there is no machine, and what to do.
fn not_made(report: &ImageReport) -> String {
    let (vulnerable, unproven) = match &report.scan {
        None => (false, true),
        Some(outcome) => (
            !outcome.findings_against.is_empty(),
            !outcome.summary.coverage.is_complete(),
        ),
    };
    let flags = match (vulnerable, unproven) {
        (true, true) => "--allow-vulnerable --allow-unproven",
        (true, false) => "--allow-vulnerable",
        (false, _) => "--allow-unproven",
    };
    let waive = match vulnerable {
        true => format!(
            "\nor live with a finding: `longshore waive {} ID --until DATE --reason TEXT`",
            harmless(&report.image)
        ),
        false => String::new(),
    };
    format!("none is made of it; take it upon yourself with {flags}{waive}")
}

fn layers(layers: &[LayerReport], width: Option<u16>) -> String {
    let columns = [
        Column::words("LAYER"),
        Column::quantities("SIZE"),
        Column::quantities("FETCHED"),
        Column::words("DIGEST"),
    ];
    let rows = layers.iter().map(|layer| {
        let fetched = if layer.reused {
            "reused".to_owned()
        } else {
            bytes(layer.fetched_bytes)
        };
        vec![
            harmless(&layer.key),
            bytes(layer.size),
            fetched,
            short_digest(&layer.digest).to_owned(),
        ]
    });
    table(&columns, rows, width)
}

/// The whole time, and its parts that took any.
fn took(timings: &Timings) -> String {
    let parts: Vec<String> = [
        ("resolve", timings.resolve_ms),
        ("load", timings.load_ms),
        ("scan", timings.scan_ms),
        ("activate", timings.activate_ms),
    ]
    .into_iter()
    .filter(|(_, took)| *took > 0)
    .map(|(part, took)| format!("{part} {}", milliseconds(took)))
    .collect();
    let total = milliseconds(timings.total_ms);
    if parts.is_empty() {
        total
    } else {
        format!("{total} ({})", parts.join(", "))
    }
}

/// What a status means, where the word alone could be taken for more than it is.
pub(super) fn meaning(status: Status) -> Option<&'static str> {
    match status {
        Status::Unscanned => {
            Some("Nothing has looked for vulnerabilities in it: it is not known to be safe.")
        }
        Status::Scanned => Some("It was looked into, and nothing was decided yet."),
        Status::Unproven => Some("Not all of it could be judged: it is not known to be safe."),
        Status::Vulnerable => Some("Something that the policy blocks was found in it."),
        Status::Pending
        | Status::Downloading
        | Status::Unpacking
        | Status::Ready
        | Status::Failed => None,
    }
}

/// A status in its colour.
pub(super) fn painted(status: Status) -> String {
    let color = match status {
        Status::Ready => AnsiColor::Green,
        Status::Vulnerable | Status::Failed => AnsiColor::Red,
        Status::Unscanned | Status::Unproven => AnsiColor::Yellow,
        Status::Pending | Status::Downloading | Status::Unpacking | Status::Scanned => {
            AnsiColor::Cyan
        }
    };
    let style = color.on_default();
    format!("{style}{status}{style:#}")
}
