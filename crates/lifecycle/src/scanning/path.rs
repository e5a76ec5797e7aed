//! Looking into a directory or an archive of this host: nothing of it is recorded.

use std::{os::fd::AsFd, path::Path};

use longshore_scan::{Inventory, InventoryLimits, Report, SbomSubject, Target, read_inventory};
use tokio_util::sync::CancellationToken;

use super::{
    AdvisoryStore, Judged, MaterialsForm, ScanReport, Scanning,
    materials::materials,
    room::Room,
    scanners::{Scanners, is_a_program},
};
use crate::{
    Class, Failure, Settings,
    caged::{Cages, Seen},
    deps::now,
    failure::causes,
    scanned_path::{OpenedPath, PathForm, Scratch, open_path},
};

/// What was seen in a directory or an archive.
#[derive(Debug)]
pub struct PathScan {
    /// What it was taken for: `a directory`, `a layer`.
    pub form: &'static str,
    /// What was found.
    pub report: ScanReport,
    /// What the user should know of how it was done.
    pub notice: Option<String>,
    inventory: Inventory,
    whole: Report,
}

impl PathScan {
    /// What it is made of, and what was found in it, in the words of others.
    #[must_use]
    pub fn bill_of_materials(&self, form: MaterialsForm) -> Vec<u8> {
        let subject = SbomSubject {
            name: self.report.image.clone(),
            digest: None,
        };
        materials(&subject, &self.inventory, Some(&self.whole), form)
    }
}

/// Looks into a directory, an archive of `docker save`, an OCI layout or a layer; the path begins at the root.
/// A scanner that is a program is ended where `cancel` says so.
///
/// # Errors
/// [`Class::NotFound`] if there is nothing, [`Class::Refused`] for an archive that breaks a rule,
/// [`Class::Failed`] if the host cannot read it or a scanner has no answer, [`Class::Usage`] for a scanner
/// that is not there or not for this.
pub fn scan_path(
    settings: &Settings,
    path: &Path,
    cancel: &CancellationToken,
) -> Result<PathScan, Failure> {
    let store = AdvisoryStore::open(&settings.state_dir)?;
    let place = store
        .place()
        .map_or_else(std::env::temp_dir, Path::to_owned);
    let scratch = Scratch {
        dir: &place,
        size: settings.volume_size,
    };
    let opened = open_path(path, &settings.limits, &scratch)?;
    let (inventory, notice) = inventory(&opened, path, &settings.scanning)?;
    let at = now();
    let subject = SbomSubject {
        name: path.display().to_string(),
        digest: None,
    };
    let kinds = &settings.scanning.scanners;
    let room = is_a_program(kinds)
        .then(|| Room::make(&settings.state_dir))
        .transpose()?;
    let scanners = Scanners {
        kinds,
        scanning: &settings.scanning,
        advisories: &store,
        state_dir: &settings.state_dir,
        room: room.as_ref().map_or(&settings.state_dir, Room::path),
    };
    let (root, image) = match opened.form {
        PathForm::Directory => (Some(path), None),
        PathForm::OciLayout | PathForm::DockerArchive => (None, Some(path)),
        PathForm::Layer => (None, None),
    };
    let seen = scanners.scan(&Target {
        name: &subject.name,
        digest: None,
        inventory: &inventory,
        image,
        root,
        now_ms: at,
        cancelled: &|| cancel.is_cancelled(),
    })?;
    let whole = seen.whole;
    let judged = Judged::by(whole.clone(), &settings.scanning, &[], &subject, at)?;
    Ok(PathScan {
        form: opened.form.as_str(),
        report: judged.scan_report(path.display().to_string()),
        inventory,
        notice,
        whole,
    })
}

/// What is in it, and what is to be said about how that was found out. A directory of the host is read in
/// this process: a cage opens no files, so whatever is to be read there has to be handed to it open.
fn inventory(
    opened: &OpenedPath,
    path: &Path,
    scanning: &Scanning,
) -> Result<(Inventory, Option<String>), Failure> {
    let unreadable = |causes| {
        let text = format!("{} cannot be looked into", path.display());
        let mut failure = Failure::new(Class::Failed, "path", text);
        failure.causes = causes;
        failure
    };
    let cages = Cages::new(scanning);
    let Some(disk) = opened.disk.as_ref().filter(|_| cages.are_used()) else {
        let read = read_inventory(&*opened.rootfs, &InventoryLimits::default());
        return Ok((read.map_err(|error| unreadable(causes(&error)))?, None));
    };
    let mut notice = None;
    let name = path.display().to_string();
    let seen = cages.inventory(&name, disk.as_fd(), |text| notice = Some(text))?;
    match seen {
        Seen::Whole(inventory) | Seen::BrokenOff(inventory) => Ok((inventory, notice)),
        Seen::Unreadable(causes) => Err(unreadable(causes)),
    }
}
