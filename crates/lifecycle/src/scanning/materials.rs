//! Bills of materials: what is in an image, in the words of others.

use longshore_scan::{Inventory, Report, SbomSubject, cyclonedx, spdx};
use longshore_source::ImageName;

use crate::{Class, Failure, View, deps::now};

/// The form of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterialsForm {
    /// CycloneDX 1.6, as JSON.
    Cyclonedx,
    /// SPDX 2.3, as JSON.
    Spdx,
}

/// The document of what was looked into, and of what was found in it where that is given.
pub(crate) fn materials(
    subject: &SbomSubject,
    inventory: &Inventory,
    report: Option<&Report>,
    form: MaterialsForm,
) -> Vec<u8> {
    let at = report.map_or_else(now, |report| report.scanned_at);
    let mut bytes = match form {
        MaterialsForm::Cyclonedx => cyclonedx(subject, inventory, report, at),
        MaterialsForm::Spdx => spdx(subject, inventory, report, at),
    };
    bytes.push(b'\n');
    bytes
}

impl View {
    /// The bill of materials of an image that is here, with what was found in it where `vulnerabilities`
    /// says so.
    ///
    /// # Errors
    /// [`Class::NotFound`] if it is not here, or nothing has looked into it.
    pub fn bill_of_materials(
        &self,
        name: &ImageName,
        form: MaterialsForm,
        vulnerabilities: bool,
    ) -> Result<Vec<u8>, Failure> {
        let found = self.read(|read| {
            let images = read.images()?.into_iter();
            let mine = images.filter(|image| image.name == name.as_str() && image.volume.is_some());
            let newest = mine.max_by_key(|image| (image.created_at, image.generation));
            let Some((image, volume)) =
                newest.and_then(|image| Some((image.clone(), image.volume?)))
            else {
                return Ok(None);
            };
            Ok(Some((
                image,
                read.inventory(volume)?,
                read.last_report(volume)?,
            )))
        })?;
        let (image, inventory, report) = found.ok_or_else(|| {
            Failure::new(Class::NotFound, "not-found", format!("{name} is not here"))
                .hint(format!("fetch it with `longshore fetch-and-create {name}`"))
        })?;
        let inventory: Option<Inventory> =
            inventory.and_then(|row| serde_json::from_str(&row.record).ok());
        let inventory = inventory.ok_or_else(|| {
            Failure::new(
                Class::NotFound,
                "unscanned",
                format!("nothing has looked into {name} yet"),
            )
            .hint(format!("look into it with `longshore scan {name}`"))
        })?;
        let report: Option<Report> = report
            .filter(|_| vulnerabilities)
            .and_then(|report| serde_json::from_str(&report).ok());
        let subject = SbomSubject {
            name: image.name.clone(),
            digest: image.chain.map(|chain| chain.to_string()),
        };
        Ok(materials(&subject, &inventory, report.as_ref(), form))
    }

    /// What is in the volumes of the images that are here, as far as it is recorded.
    pub(crate) fn inventories(&self) -> Result<Vec<Inventory>, Failure> {
        let rows = self.read(|read| {
            let volumes = read.images()?.into_iter().filter_map(|image| image.volume);
            volumes
                .map(|volume| read.inventory(volume))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let records = rows.into_iter().flatten();
        Ok(records
            .filter_map(|row| serde_json::from_str(&row.record).ok())
            .collect())
    }
}
