//! Looking into a directory or an archive of this host: nothing of it is recorded.

use std::{
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use longshore_scan::{Inventory, InventoryLimits, Report, SbomSubject, Target, read_inventory};
use tokio_util::sync::CancellationToken;

use super::{
    AdvisoryStore, Judged, MaterialsForm, ScanReport, Updater,
    materials::materials,
    room::Room,
    scanners::{Scanners, is_a_program},
    vex,
};
use crate::{
    Class, Events, Failure, Settings,
    caged::{Cages, Seen},
    deps::now,
    failure::causes,
    scanned_path::{OpenedPath, PathForm, Scratch, open_path, unpack_archive},
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

/// What is in a directory or an archive, not yet held against anything.
#[derive(Debug)]
pub struct PathInventory {
    path: PathBuf,
    form: PathForm,
    inventory: Inventory,
    notice: Option<String>,
}

impl PathInventory {
    /// Reads what is in a directory, an archive of `docker save`, an OCI layout or a layer; the path begins at
    /// the root.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is nothing, [`Class::Refused`] for an archive that breaks a rule,
    /// [`Class::Failed`] if the host cannot read it.
    pub fn read(settings: &Settings, path: &Path) -> Result<Self, Failure> {
        let store = AdvisoryStore::open(&settings.state_dir)?;
        let place = store
            .place()
            .map_or_else(std::env::temp_dir, Path::to_owned);
        let scratch = Scratch {
            dir: &place,
            size: settings.volume_size,
        };
        let (limits, cages) = (&settings.limits, Cages::new(&settings.scanning));
        let mut notice = None;
        let say = |text| notice = Some(text);
        // What is neither is opened in this process, which says why it cannot be.
        let (form, inventory) = match cages.are_used() && path.is_file() {
            true => {
                let (form, disk) = unpack_archive(path, limits, &scratch, &cages, say)?;
                // The layers that are missing were told of.
                (form, caged_inventory(&disk, path, &cages, |_| {})?)
            }
            false => {
                let opened = open_path(path, limits, &scratch)?;
                (opened.form, inventory(&opened, path, &cages, say)?)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            form,
            inventory,
            notice,
        })
    }

    /// Brings up to date what it is to be held against, where that is stale and may be asked for. That it
    /// cannot be had is told, and nothing more.
    pub async fn freshen(&self, settings: &Settings, events: Events) {
        let Some(refresh) = settings.scanning.refresh.filter(|_| !settings.offline) else {
            return;
        };
        // What cannot be opened is told of by the scan.
        if let Ok(updater) = Updater::of(settings, events) {
            let streams = self.inventory.streams();
            updater.freshen(&streams, refresh).await;
        }
    }

    /// Holds it against what is known. A scanner that is a program is ended where `cancel` says so.
    ///
    /// # Errors
    /// [`Class::Failed`] if a scanner has no answer, [`Class::Usage`] for one that is not there or not for
    /// this.
    pub fn scan(
        self,
        settings: &Settings,
        cancel: &CancellationToken,
    ) -> Result<PathScan, Failure> {
        let store = AdvisoryStore::open(&settings.state_dir)?;
        let at = now();
        let subject = SbomSubject {
            name: self.path.display().to_string(),
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
        let path = self.path.as_path();
        let (root, image) = match self.form {
            PathForm::Directory => (Some(path), None),
            PathForm::OciLayout | PathForm::DockerArchive => (None, Some(path)),
            PathForm::Layer => (None, None),
        };
        let seen = scanners.scan(&Target {
            name: &subject.name,
            digest: None,
            inventory: &self.inventory,
            image,
            root,
            now_ms: at,
            cancelled: &|| cancel.is_cancelled(),
        })?;
        let whole = seen.whole;
        let vex = vex::read(&settings.scanning.vex)?;
        let policy = &settings.scanning.policy;
        let judged = Judged::by(whole.clone(), policy, &[], &vex, &subject, at);
        Ok(PathScan {
            form: self.form.as_str(),
            report: judged.scan_report(subject.name),
            inventory: self.inventory,
            notice: self.notice,
            whole,
        })
    }
}

/// Reads what is in a path, and holds it against the advisories that are here.
///
/// # Errors
/// As [`PathInventory::read`] and [`PathInventory::scan`].
pub fn scan_path(
    settings: &Settings,
    path: &Path,
    cancel: &CancellationToken,
) -> Result<PathScan, Failure> {
    PathInventory::read(settings, path)?.scan(settings, cancel)
}

/// What is in it. A directory of the host is read in this process: a cage opens no files, so whatever is to be
/// read there has to be handed to it open.
fn inventory(
    opened: &OpenedPath,
    path: &Path,
    cages: &Cages,
    say: impl FnOnce(String),
) -> Result<Inventory, Failure> {
    if let Some(disk) = opened.disk.as_ref().filter(|_| cages.are_used()) {
        return caged_inventory(disk, path, cages, say);
    }
    let read = read_inventory(&*opened.rootfs, &InventoryLimits::default());
    read.map_err(|error| unreadable(path, causes(&error)))
}

/// What is on the disk of an archive, read in a cage.
fn caged_inventory(
    disk: &File,
    path: &Path,
    cages: &Cages,
    say: impl FnOnce(String),
) -> Result<Inventory, Failure> {
    let name = path.display().to_string();
    match cages.inventory(&name, disk.as_fd(), say)? {
        Seen::Whole(inventory) | Seen::BrokenOff(inventory) => Ok(inventory),
        Seen::Unreadable(causes) => Err(unreadable(path, causes)),
    }
}

fn unreadable(path: &Path, causes: Vec<String>) -> Failure {
    let text = format!("{} cannot be looked into", path.display());
    let mut failure = Failure::new(Class::Failed, "path", text);
    failure.causes = causes;
    failure
}
