//! The rows of `list`: images that are here, and images that a source offers.

use longshore_lifecycle::{ImageSummary, RemoteImage};

use super::{
    Listed, Page, bytes,
    quantity::{age, harmless},
    scan::short,
    table::Column,
};

/// What stands where there is nothing to say.
const NOTHING: &str = "-";

impl Listed for ImageSummary {
    fn columns() -> Vec<Column> {
        vec![
            Column::words("IMAGE"),
            Column::words("STATUS"),
            Column::words("FOUND"),
            Column::quantities("LAYERS"),
            Column::quantities("SIZE"),
            Column::quantities("USED"),
            Column::words("MACHINES"),
            Column::words("AGE"),
        ]
    }

    fn cells(&self, page: &Page) -> Vec<String> {
        let machines: Vec<&str> = self
            .machines
            .iter()
            .map(|machine| machine.name.as_str())
            .collect();
        vec![
            harmless(&self.image),
            self.status.to_string(),
            self.scan
                .as_ref()
                .map_or_else(|| NOTHING.to_owned(), |scan| short(scan, page.now)),
            self.layers.to_string(),
            bytes(self.size),
            self.volume
                .as_ref()
                .map_or_else(|| NOTHING.to_owned(), |volume| bytes(volume.used)),
            if machines.is_empty() {
                NOTHING.to_owned()
            } else {
                machines.join(", ")
            },
            age(self.created_at, page.now),
        ]
    }

    fn word(&self) -> String {
        self.image.clone()
    }
}

impl Listed for RemoteImage {
    fn columns() -> Vec<Column> {
        vec![
            Column::words("IMAGE"),
            Column::quantities("LAYERS"),
            Column::quantities("SIZE"),
            Column::words("HERE"),
            Column::words("PROBLEM"),
        ]
    }

    fn cells(&self, _: &Page) -> Vec<String> {
        vec![
            harmless(&self.image),
            self.layers.to_string(),
            bytes(self.size),
            self.status
                .map_or_else(|| NOTHING.to_owned(), |status| status.to_string()),
            self.problem.as_deref().map_or_else(String::new, harmless),
        ]
    }

    fn word(&self) -> String {
        self.image.clone()
    }
}
