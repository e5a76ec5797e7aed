//! All that is known of one image.

use anstyle::Style;
use longshore_lifecycle::{
    AllowanceReport, ImageDetail, LayerDetail, MachineSummary, VolumeDetail, WaiverReport,
};
use serde_json::Value;

use super::{
    Document, Page, bytes,
    failure::failure_text,
    fetched::{meaning, painted},
    quantity::{ago, harmless, instant, short_digest},
    runs, scan,
    table::{Column, pairs, table},
};

const HEADING: Style = Style::new().bold();
const NOTHING: &str = "-";

impl Document for ImageDetail {
    fn text(&self, page: &Page) -> String {
        let width = page.width;
        let mut text = pairs(&facts(self, page));
        if let Some(failure) = &self.summary.failure {
            text.push('\n');
            text.push_str(&failure_text(failure));
        }
        let sections = [
            (
                "Layers",
                layers(&self.layer_details, width),
                self.layer_details.is_empty(),
            ),
            ("Counters", counters(&self.layer_details), false),
            (
                "Volumes",
                volumes(&self.volumes, width),
                self.volumes.is_empty(),
            ),
            (
                "Machines",
                machines(&self.summary.machines, width),
                self.summary.machines.is_empty(),
            ),
            (
                "Scan",
                (self.summary.scan.as_ref())
                    .map_or_else(String::new, |scan| pairs(&scan::summary_facts(scan, page))),
                self.summary.scan.is_none(),
            ),
            (
                "Waivers",
                waivers(&self.waivers, page),
                self.waivers.is_empty(),
            ),
            (
                "Let through",
                allowances(&self.allowances, width),
                self.allowances.is_empty(),
            ),
            (
                "Last run",
                runs::history(&self.history, width),
                self.history.is_empty(),
            ),
        ];
        for (title, body, empty) in sections {
            if !empty && !body.is_empty() {
                text.push_str(&format!("\n{HEADING}{title}{HEADING:#}\n{body}"));
            }
        }
        text
    }

    /// The image's volume.
    fn word(&self) -> Option<String> {
        let path = self
            .summary
            .volume
            .as_ref()
            .and_then(|volume| volume.path.clone());
        path.or_else(|| Some(self.summary.image.clone()))
    }
}

fn facts(image: &ImageDetail, page: &Page) -> Vec<(&'static str, String)> {
    let summary = &image.summary;
    let status = match meaning(summary.status) {
        Some(meaning) => format!("{}\n{meaning}", painted(summary.status)),
        None => painted(summary.status),
    };
    let plural = if summary.layers == 1 { "" } else { "s" };
    let size = format!(
        "{} in {} layer{plural}",
        bytes(summary.size),
        summary.layers
    );
    let mut facts = vec![
        ("image", harmless(&summary.image)),
        ("origin", harmless(&summary.origin)),
        ("generation", summary.generation.to_string()),
        ("status", status),
        ("size", size),
        (
            "seen",
            format!(
                "{} ({})",
                instant(summary.created_at),
                ago(summary.created_at, page.now)
            ),
        ),
    ];
    facts.extend(summary.chain_id.clone().map(|chain| ("chain", chain)));
    if let Some(volume) = &summary.volume {
        let size = format!("{}, {} used", bytes(volume.size), bytes(volume.used));
        let name = volume
            .path
            .as_deref()
            .map_or_else(|| volume.id.to_string(), harmless);
        facts.push(("volume", format!("{name}\n{size}")));
    }
    facts.extend(
        image
            .decision
            .as_ref()
            .map(|decision| ("decision", decided(decision))),
    );
    facts
}

/// The recorded decision in words: what it came to, whether machines may be made, and up to when it holds.
fn decided(decision: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let admitted = match decision["admitted"].as_bool() {
        Some(true) => "machines may be made of it",
        _ => "no machine may be made of it",
    };
    let words = format!("{}, {admitted}", text(&decision["verdict"]));
    let until = match decision["valid_until"].as_i64() {
        Some(until) => format!("; to be made again {}", instant(until)),
        None => String::new(),
    };
    harmless(&format!("{words}{until}"))
}

fn layers(layers: &[LayerDetail], width: Option<u16>) -> String {
    let columns = [
        Column::words("KEY"),
        Column::quantities("SIZE"),
        Column::words("DIGEST"),
        Column::words("DIFF ID"),
        Column::words("PINNED"),
        Column::words("ETAG"),
    ];
    let short =
        |digest: &Option<String>| digest.as_deref().map_or(NOTHING, short_digest).to_owned();
    let rows = layers.iter().map(|layer| {
        vec![
            harmless(&layer.key),
            bytes(layer.size),
            short(&layer.digest),
            short(&layer.diff_id),
            layer
                .pin
                .as_ref()
                .map_or_else(|| NOTHING.to_owned(), |pin| instant(pin.pinned_at)),
            layer
                .etag
                .as_deref()
                .map_or_else(|| NOTHING.to_owned(), harmless),
        ]
    });
    table(&columns, rows, width)
}

/// A line for each layer that has counters: those that counted something.
fn counters(layers: &[LayerDetail]) -> String {
    layers
        .iter()
        .filter_map(|layer| {
            let Some(Value::Object(counters)) = &layer.counters else {
                return None;
            };
            let counted: Vec<String> = counters.iter().filter_map(counted).collect();
            (!counted.is_empty())
                .then(|| format!("{}: {}\n", harmless(&layer.key), counted.join(", ")))
        })
        .collect()
}

/// A counter that is not 0, or how long a list is that is not empty.
fn counted((name, value): (&String, &Value)) -> Option<String> {
    let count = match value {
        Value::Number(number) => number.as_u64()?,
        Value::Array(items) => u64::try_from(items.len()).unwrap_or(u64::MAX),
        _ => return None,
    };
    (count > 0).then(|| format!("{count} {}", name.replace('_', " ")))
}

fn volumes(volumes: &[VolumeDetail], width: Option<u16>) -> String {
    let columns = [
        Column::quantities("ID"),
        Column::words("STATE"),
        Column::quantities("PARENT"),
        Column::quantities("USED"),
        Column::words("CHAIN"),
        Column::words("PATH"),
    ];
    let rows = volumes.iter().map(|detail| {
        vec![
            detail.volume.id.to_string(),
            detail.state.clone(),
            detail
                .parent
                .map_or_else(|| NOTHING.to_owned(), |parent| parent.to_string()),
            bytes(detail.volume.used),
            detail
                .chain_id
                .as_deref()
                .map_or(NOTHING, short_digest)
                .to_owned(),
            detail
                .volume
                .path
                .as_deref()
                .map_or_else(|| NOTHING.to_owned(), harmless),
        ]
    });
    table(&columns, rows, width)
}

fn waivers(waivers: &[WaiverReport], page: &Page) -> String {
    let columns = [
        Column::words("WAIVED"),
        Column::words("UNTIL"),
        Column::words("BY"),
        Column::words("SINCE"),
        Column::words("REASON"),
    ];
    let rows = waivers.iter().map(|waiver| {
        let until = match waiver.until <= page.now {
            true => format!("{}, ended", instant(waiver.until)),
            false => instant(waiver.until),
        };
        let by = harmless(&waiver.by);
        vec![
            harmless(&waiver.id),
            until,
            by,
            instant(waiver.at),
            harmless(&waiver.reason),
        ]
    });
    table(&columns, rows, page.width)
}

fn allowances(allowances: &[AllowanceReport], width: Option<u16>) -> String {
    let columns = [
        Column::words("MACHINE"),
        Column::words("ALTHOUGH"),
        Column::words("BY"),
        Column::words("WHEN"),
    ];
    let rows = allowances.iter().map(|allowance| {
        let verdict = allowance.verdict.clone();
        vec![
            allowance.machine.clone(),
            verdict,
            harmless(&allowance.by),
            instant(allowance.at),
        ]
    });
    table(&columns, rows, width)
}

fn machines(machines: &[MachineSummary], width: Option<u16>) -> String {
    let columns = [
        Column::words("NAME"),
        Column::words("STATE"),
        Column::quantities("VOLUME"),
        Column::words("DISK"),
        Column::words("OWNER"),
        Column::words("UNTIL"),
    ];
    let rows = machines.iter().map(|machine| {
        let until = machine.expires_at.map(instant);
        vec![
            machine.name.clone(),
            machine.state.clone(),
            machine.volume.to_string(),
            machine
                .path
                .as_deref()
                .map_or_else(|| NOTHING.to_owned(), harmless),
            machine
                .owner
                .as_deref()
                .map_or_else(|| NOTHING.to_owned(), harmless),
            until.unwrap_or_else(|| NOTHING.to_owned()),
        ]
    });
    table(&columns, rows, width)
}
