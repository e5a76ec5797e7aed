//! What images are held against, and what came of asking for more of it.

use longshore_lifecycle::{AdvisoriesKept, AdvisoriesUpdated, Imported};

use super::{Document, Listed, Page, bytes, quantity::harmless, table::Column};

impl Document for AdvisoriesUpdated {
    fn text(&self, page: &Page) -> String {
        let name = harmless(&self.publisher);
        match (&self.imported, &self.dated) {
            (Some(imported), _) => format!("{name}: {}", imported.text(page)),
            (None, Some(dated)) if self.changed => format!("{name}: of {}\n", harmless(dated)),
            (None, Some(dated)) => format!("{name}: nothing new, of {}\n", harmless(dated)),
            (None, None) => format!("{name}: nothing new\n"),
        }
    }

    fn word(&self) -> Option<String> {
        Some(self.publisher.clone())
    }
}

impl Document for Imported {
    fn text(&self, _: &Page) -> String {
        let streams: Vec<_> = self
            .streams
            .iter()
            .map(|stream| {
                format!(
                    "{} ({} advisories, {})",
                    stream.stream, stream.entries, stream.dated
                )
            })
            .collect();
        let mut text = match streams.is_empty() {
            true => "nothing in it\n".to_owned(),
            false => format!("{}\n", harmless(&streams.join(", "))),
        };
        if self.skipped > 0 {
            text.push_str(&format!("{} records could not be used:\n", self.skipped));
            for (id, why) in &self.examples {
                text.push_str(&harmless(&format!("  {id}: {why}\n")));
            }
        }
        text
    }

    fn word(&self) -> Option<String> {
        let streams: Vec<_> = self
            .streams
            .iter()
            .map(|stream| stream.stream.as_str())
            .collect();
        (!streams.is_empty()).then(|| streams.join("\n"))
    }
}

impl Listed for AdvisoriesKept {
    fn columns() -> Vec<Column> {
        vec![
            Column::words("ADVISORIES"),
            Column::words("KEPT"),
            Column::words("DATED"),
            Column::quantities("COUNT"),
            Column::quantities("SIZE"),
            Column::words("SOURCE"),
        ]
    }

    fn cells(&self, _: &Page) -> Vec<String> {
        let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        vec![
            harmless(&self.stream),
            self.kept.to_owned(),
            or_nothing(self.dated.clone()),
            or_nothing(self.entries.map(|count| count.to_string())),
            bytes(self.bytes),
            match &self.problem {
                Some(problem) => harmless(&format!("cannot be used: {problem}")),
                None => harmless(&self.sources.join("\n")),
            },
        ]
    }

    fn word(&self) -> String {
        self.stream.clone()
    }
}
