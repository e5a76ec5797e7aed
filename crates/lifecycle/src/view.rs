//! Looking without working: no lock, and also while a host works in the same directory.

use std::path::{Path, PathBuf};

use longshore_catalog::{
    AllowanceRow, ImageRow, Reader, SCHEMA, SCHEMA_OWNER, StoredBackend, VolumeId, VolumeRow,
    WaiverRow,
};
use longshore_fsm::store::{Migrations, Readers};
use longshore_source::ImageName;
use longshore_volume::FileBackend;

use crate::{
    AllowanceReport, Class, Failure, ImageDetail, ImageSummary, LayerDetail, PinReport,
    VolumeDetail, WaiverReport,
    deps::{now, volume_id},
    history::history_rows,
    site,
    state_dir::StateDir,
    summary::{ImageRows, volume_report},
    trouble::Trouble,
};

/// What a state directory holds.
#[derive(Debug)]
pub struct View {
    pub(crate) state: StateDir,
    pub(crate) readers: Readers,
}

impl View {
    /// Looks into a state directory; `None` where there is nothing yet.
    ///
    /// # Errors
    /// [`Class::Failed`] if it is of another version or cannot be read.
    pub fn open(state_dir: &Path) -> Result<Option<Self>, Failure> {
        let Some(state) = StateDir::existing(state_dir)? else {
            return Ok(None);
        };
        if !state.database().exists() {
            return Ok(None);
        }
        let migrations = [Migrations {
            owner: SCHEMA_OWNER,
            steps: SCHEMA,
        }];
        let readers = Readers::open(state.database(), &migrations).map_err(Trouble::failure)?;
        Ok(Some(Self { state, readers }))
    }

    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, longshore_catalog::Error>,
    ) -> Result<T, Failure> {
        site::read(&self.readers, look)
    }

    /// The newest generation of every image, by name.
    ///
    /// # Errors
    /// [`Class::Failed`] if the catalogue cannot be read.
    pub fn list(&self) -> Result<Vec<ImageSummary>, Failure> {
        let rows = self.read(|read| {
            let mut images = read.images()?;
            images
                .dedup_by(|older, newer| older.origin == newer.origin && older.name == newer.name);
            images
                .into_iter()
                .map(|image| ImageRows::look(read, image))
                .collect::<Result<Vec<_>, _>>()
        })?;
        rows.iter()
            .map(|rows| {
                let run = self.last_run(rows)?;
                Ok(rows.summary(run.as_ref(), now()))
            })
            .collect()
    }

    fn last_run(&self, rows: &ImageRows) -> Result<Option<longshore_fsm::RunSummary>, Failure> {
        match rows.run() {
            Some(run) => self.readers.run(run).map_err(Trouble::failure),
            None => Ok(None),
        }
    }

    /// One image, whole: of `origin` if it is there, else the newest of that name.
    ///
    /// # Errors
    /// [`Class::NotFound`] if it is not known here, [`Class::Failed`] if the catalogue cannot be
    /// read.
    pub fn show(&self, name: &ImageName, origin: Option<&str>) -> Result<ImageDetail, Failure> {
        let found = self.read(|read| {
            let Some(image) = find(read, name, origin)? else {
                return Ok(None);
            };
            let rows = ImageRows::look(read, image)?;
            let layers = layer_details(read, &rows)?;
            let volumes = chain_of(read, rows.volume.clone())?;
            let waivers = read.waivers(&rows.image.name)?;
            let allowances = read.allowances(rows.image.id)?;
            Ok(Some((rows, layers, volumes, waivers, allowances)))
        })?;
        let Some((rows, layer_details, volumes, waivers, allowances)) = found else {
            return Err(Failure::new(
                Class::NotFound,
                "not-found",
                format!("{name} is not known here"),
            )
            .hint("see what is with `longshore list`"));
        };
        let run = self.last_run(&rows)?;
        let history = match rows.run() {
            Some(run) => self.readers.history(run).unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(ImageDetail {
            summary: rows.summary(run.as_ref(), now()),
            layer_details,
            volumes: volumes.iter().map(volume_detail).collect(),
            decision: rows.decision.as_ref().map(|decision| {
                serde_json::json!({
                    "verdict": decision.verdict,
                    "admitted": decision.admitted,
                    "decided_at": decision.decided_at,
                    "valid_until": decision.valid_until,
                    "report": json(&decision.report),
                })
            }),
            waivers: waivers.into_iter().map(waiver).collect(),
            allowances: allowances.into_iter().map(allowance).collect(),
            history: history_rows(&history),
        })
    }
}

/// Where the disk of a machine or of an image is.
#[derive(Debug)]
pub(crate) enum DiskPlace {
    /// A file.
    Path(PathBuf),
    /// A thin device that a machine has, and the volume that it shows.
    Device(PathBuf, VolumeId),
    /// A thin device that nobody has: it is in a pool.
    Volume(VolumeId),
    /// There is none yet.
    Nowhere,
}

impl View {
    /// The volume that is the disk of a machine of that name, or else of the newest image of that
    /// name: `None` where there is neither.
    pub(crate) fn disk_of(&self, name: &str) -> Result<Option<DiskPlace>, Failure> {
        let (found, backend) = self.read(|read| {
            let backend = read.backend()?;
            if let Some(machine) = read.machine(name)? {
                return Ok((Some((Some(machine.disk), machine.path)), backend));
            }
            let images = read.images()?.into_iter();
            let newest = images
                .filter(|image| image.name == name)
                .max_by_key(|image| (image.created_at, image.generation));
            Ok((newest.map(|image| (image.volume, None)), backend))
        })?;
        let Some((volume, path)) = found else {
            return Ok(None);
        };
        let is_thin = backend == Some(StoredBackend::Thin);
        Ok(Some(match (volume, path) {
            (None, _) => DiskPlace::Nowhere,
            (Some(id), Some(path)) if is_thin => DiskPlace::Device(path.into(), id),
            (Some(id), _) if is_thin => DiskPlace::Volume(id),
            (Some(id), _) => DiskPlace::Path(FileBackend::place(self.state.path(), volume_id(id)?)),
        }))
    }
}

fn find(
    read: &Reader<'_>,
    name: &ImageName,
    origin: Option<&str>,
) -> Result<Option<ImageRow>, longshore_catalog::Error> {
    if let Some(origin) = origin
        && let Some(image) = read.image(origin, name.as_str())?
    {
        return Ok(Some(image));
    }
    let images = read.images()?;
    Ok(images
        .into_iter()
        .filter(|image| image.name == name.as_str())
        .max_by_key(|image| (image.created_at, image.generation)))
}

fn layer_details(
    read: &Reader<'_>,
    rows: &ImageRows,
) -> Result<Vec<LayerDetail>, longshore_catalog::Error> {
    rows.layers
        .iter()
        .map(|layer| {
            let pin = read.pin(&rows.image.origin, &layer.key)?;
            Ok(LayerDetail {
                key: layer.key.clone(),
                size: layer.size,
                etag: layer.etag.clone(),
                digest: layer.digest.map(|digest| digest.to_string()),
                diff_id: layer.diff_id.map(|diff_id| diff_id.to_string()),
                pin: pin.map(|pin| PinReport {
                    digest: pin.digest.to_string(),
                    etag: pin.etag,
                    pinned_at: pin.pinned_at,
                }),
                counters: layer.report.as_deref().map(json),
            })
        })
        .collect()
}

/// The volumes that a volume was extended from, base first, itself last.
/// A volume and those it was extended from, base first.
pub(crate) fn chain_of(
    read: &Reader<'_>,
    top: Option<VolumeRow>,
) -> Result<Vec<VolumeRow>, longshore_catalog::Error> {
    let mut chain: Vec<VolumeRow> = Vec::new();
    let mut next = top;
    while let Some(volume) = next {
        next = match volume.parent {
            // Ids only grow from parent to child, so this ends whatever the rows say.
            Some(parent) if parent < volume.id => read.volume(parent)?,
            _ => None,
        };
        chain.push(volume);
    }
    chain.reverse();
    Ok(chain)
}

fn volume_detail(volume: &VolumeRow) -> VolumeDetail {
    VolumeDetail {
        volume: volume_report(volume),
        state: volume.state.to_string(),
        parent: volume.parent.map(|parent| parent.0),
        chain_id: volume.chain.map(|chain| chain.to_string()),
    }
}

fn waiver(row: WaiverRow) -> WaiverReport {
    WaiverReport {
        id: row.advisory,
        until: row.until,
        reason: row.reason,
        by: row.by,
        at: row.at,
    }
}

fn allowance(row: AllowanceRow) -> AllowanceReport {
    AllowanceReport {
        machine: row.machine,
        verdict: row.verdict.to_string(),
        by: row.by,
        at: row.at,
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or(serde_json::Value::Null)
}
