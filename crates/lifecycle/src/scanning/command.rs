//! What the facade can be asked about scanning: look again, and live with something for a while.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use longshore_catalog::{ImageRow, VolumeId, WaiverRow, Writer};
use longshore_fsm::store::Store;
use longshore_scan::{Finding, ScannerKind, Stream};
use longshore_source::ImageName;
use rusqlite::Connection;
use serde::Serialize;

use super::{
    Judged, ScanOutcome, decision,
    inventory::{ReadInventory, inventory_of, read_inventory, recorded},
    look::{Looked, Looking, blocking, look_again},
    scanners::{for_stored_images, is_of_all},
    update::freshen,
};
use crate::{Class, Failure, Host, Status, deps::Deps};

/// So many images are recorded at a time by a scan of all of them: a commit costs as much for one as for
/// many, and what is not recorded yet is lost with a crash.
const BATCH: usize = 64;

/// What a scan of an image came to.
#[derive(Debug, Clone, Serialize)]
pub struct ScanReport {
    /// The image.
    pub image: String,
    /// Where it stands.
    pub status: Status,
    /// What was found, in short, and what of it stands against the image.
    #[serde(flatten)]
    pub outcome: ScanOutcome,
    /// All that was found, the worst first.
    pub findings: Vec<Finding>,
}

impl<S: Store<Handle = Connection>> Host<S> {
    /// Looks into an image that is here, holds it against the advisories of today, and decides anew.
    /// `scanners` look in place of those of the settings, if there are any: what was looked at last decides,
    /// whoever looked.
    ///
    /// # Errors
    /// [`Class::NotFound`] if it is not here, [`Class::Failed`] if its volume cannot be looked into or a
    /// scanner has no answer, [`Class::Usage`] for a scanner that is not there or not for stored images.
    pub async fn scan(
        &self,
        name: &ImageName,
        scanners: &[ScannerKind],
    ) -> Result<ScanReport, Failure> {
        let image = self.stored(name)?;
        let mut reports = self.scan_images(vec![image], scanners).await?;
        reports
            .pop()
            .ok_or_else(|| Failure::broken("a scan came to nothing"))?
    }

    /// The same of every image that is here, in the order of their names.
    ///
    /// # Errors
    /// As [`Host::scan`] for each; of the whole where the catalogue cannot be written.
    pub async fn scan_all(
        &self,
        scanners: &[ScannerKind],
    ) -> Result<Vec<Result<ScanReport, Failure>>, Failure> {
        let mut images = self.deps.read(|read| read.images())?;
        images.dedup_by(|older, newer| older.origin == newer.origin && older.name == newer.name);
        images.retain(|image| image.volume.is_some());
        self.scan_images(images, scanners).await
    }

    /// Looks into an image that was here and that not all scanners of the settings have looked into last;
    /// decides anew where what the decision rests on has ended.
    pub(crate) async fn judge_present(&self, image: &ImageRow) -> Result<(), Failure> {
        let decision = self.deps.read(|read| read.decision(image.id))?;
        let configured = &self.deps.scanning.scanners;
        let judged = Judged::of(&self.deps, image)?;
        if judged.is_none_or(|judged| !is_of_all(&judged.report, configured)) {
            return self
                .scan_images(vec![image.clone()], &[])
                .await?
                .remove(0)
                .map(drop);
        }
        let ended = |until: Option<i64>| until.is_some_and(|until| until <= self.deps.now());
        if decision.is_some_and(|decision| !ended(decision.valid_until)) {
            return Ok(());
        }
        let id = image.id;
        self.blocking(move |deps, record| decide_again(deps, record, |image| image.id == id))
            .await
    }

    /// The newest generation of an image, with a volume.
    fn stored(&self, name: &ImageName) -> Result<ImageRow, Failure> {
        let images = self.deps.read(|read| read.images())?;
        let found = images.iter().filter(|image| image.name == name.as_str());
        let newest = found
            .filter(|image| image.volume.is_some())
            .max_by_key(|image| (image.created_at, image.generation));
        newest.cloned().ok_or_else(|| {
            let failure = Failure::new(Class::NotFound, "not-found", format!("{name} is not here"));
            match self.family_with(name.as_str()) {
                Ok(Some(family)) => failure.hint(format!(
                    "it is a layer of {family}: a layer alone says nothing of what is in the ones below it, so \
                     scan that with `longshore scan {family}`"
                )),
                _ => failure.hint(format!("fetch it with `longshore fetch-and-create {name}`")),
            }
        })
    }

    /// An image that is here and has a layer of that key.
    fn family_with(&self, key: &str) -> Result<Option<String>, Failure> {
        self.deps.read(|read| {
            for image in read
                .images()?
                .into_iter()
                .filter(|image| image.volume.is_some())
            {
                if read.layers(image.id)?.iter().any(|layer| layer.key == key) {
                    return Ok(Some(image.name));
                }
            }
            Ok(None)
        })
    }

    async fn scan_images(
        &self,
        images: Vec<ImageRow>,
        scanners: &[ScannerKind],
    ) -> Result<Vec<Result<ScanReport, Failure>>, Failure> {
        let scanners = match scanners {
            [] => &self.deps.scanning.scanners,
            asked => asked,
        };
        for_stored_images(scanners)?;
        let looking = Looking {
            scanners: scanners.to_vec(),
            cancel: self.deps.closing.clone(),
        };
        let volumes: BTreeSet<_> = images.iter().filter_map(|image| image.volume).collect();
        let volumes: Vec<_> = volumes.into_iter().collect();
        let read = blocking(&self.deps, {
            let volumes = volumes.clone();
            move |deps| Ok(read_first(deps, &volumes))
        });
        let (streams, mut read) = read.await?;
        freshen(&self.deps, &streams).await;
        let mut failed = Vec::new();
        for volumes in volumes.chunks(BATCH) {
            let (volumes, looking) = (volumes.to_vec(), looking.clone());
            let of_these: Vec<_> = volumes
                .into_iter()
                .map(|volume| (volume, read.remove(&volume)))
                .collect();
            let looked = blocking(&self.deps, move |deps| {
                Ok(look_at(deps, of_these, &looking))
            });
            let (looked, trouble) = looked.await?;
            failed.extend(trouble);
            self.blocking(move |deps, record| {
                let volumes: BTreeSet<_> = looked.iter().map(|looked| looked.volume).collect();
                record(Box::new(move |connection| {
                    looked
                        .into_iter()
                        .try_for_each(|looked| looked.record()(connection))
                }))?;
                decide_again(deps, record, |image| {
                    image.volume.is_some_and(|volume| volumes.contains(&volume))
                })
            })
            .await
            // Who closes the host also ends the scan, and what is not recorded by then is not.
            .map_err(|failure| match self.deps.closing.is_cancelled() {
                true => Failure::interrupted(),
                false => failure,
            })?;
        }
        let deps = Arc::clone(&self.deps);
        blocking(&self.deps, move |_| {
            let report = |image: &ImageRow| {
                let trouble = failed
                    .iter()
                    .find(|(volume, _)| Some(*volume) == image.volume);
                match trouble {
                    Some((_, failure)) => Err(failure.clone().image(&image.name)),
                    None => scan_report(&deps, image),
                }
            };
            Ok(images.iter().map(report).collect())
        })
        .await
    }

    /// Lives with a vulnerability in an image until a day, in place of an earlier word on it, and decides
    /// anew.
    ///
    /// # Errors
    /// [`Class::NotFound`] if the image is not here, [`Class::Usage`] if the day has passed.
    pub async fn waive(&self, waiver: NewWaiver) -> Result<ScanReport, Failure> {
        let image = self.stored(&waiver.image)?;
        let row = WaiverRow {
            image: image.name.clone(),
            advisory: waiver.advisory,
            until: waiver.until,
            reason: waiver.reason,
            by: self.deps.scanning.user.clone(),
            at: self.deps.now(),
        };
        if row.until <= row.at {
            return Err(Failure::new(
                Class::Usage,
                "waiver-ended",
                "a waiver ends in the future, and this day has passed",
            ));
        }
        self.change_waivers(image, move |write| Ok(write.waive(&row)?))
            .await
    }

    /// Takes a waiver back, and decides anew.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such waiver, or the image is not here.
    pub async fn unwaive(&self, name: &ImageName, advisory: &str) -> Result<ScanReport, Failure> {
        let image = self.stored(name)?;
        let there = self.deps.read(|read| read.waivers(&image.name))?;
        if !there.iter().any(|waiver| waiver.advisory == advisory) {
            return Err(Failure::new(
                Class::NotFound,
                "no-such-waiver",
                format!("nothing is waived of {advisory} in {name}"),
            ));
        }
        let (of, advisory) = (image.name.clone(), advisory.to_owned());
        self.change_waivers(image, move |write| {
            write.unwaive(&of, &advisory)?;
            Ok(())
        })
        .await
    }

    async fn change_waivers(
        &self,
        image: ImageRow,
        change: impl FnOnce(&Writer<'_>) -> Result<(), longshore_fsm::store::WriteError>
        + Send
        + 'static,
    ) -> Result<ScanReport, Failure> {
        self.blocking(move |deps, record| {
            record(Box::new(move |connection| change(&Writer::new(connection))))?;
            decide_again(deps, record, |other| other.name == image.name)?;
            scan_report(deps, &image)
        })
        .await
    }
}

/// What is waived, and until when.
#[derive(Debug, Clone)]
pub struct NewWaiver {
    /// In which image, all of its generations.
    pub image: ImageName,
    /// What the vulnerability is called.
    pub advisory: String,
    /// From when on it is worth nothing, in milliseconds since 1970.
    pub until: i64,
    /// Why.
    pub reason: String,
}

/// What is in volumes of which the catalogue does not say it yet, or why that cannot be read.
type Read = BTreeMap<VolumeId, Result<ReadInventory, Failure>>;

/// What volumes are to be held against. What has to be read for that is kept, so that nothing is read twice.
fn read_first(deps: &Deps, volumes: &[VolumeId]) -> (BTreeSet<Stream>, Read) {
    let (mut streams, mut read) = (BTreeSet::new(), Read::new());
    for volume in volumes {
        match recorded(deps, *volume) {
            Ok(Some(inventory)) => streams.extend(inventory.streams()),
            // Whatever is wrong with the catalogue is told of by who reads it next.
            Ok(None) | Err(_) => {
                let inventory = read_inventory(deps, *volume);
                if let Ok(inventory) = &inventory {
                    streams.extend(inventory.0.streams());
                }
                read.insert(*volume, inventory);
            }
        }
    }
    (streams, read)
}

fn look_at(
    deps: &Deps,
    volumes: Vec<(VolumeId, Option<Result<ReadInventory, Failure>>)>,
    looking: &Looking,
) -> (Vec<Looked>, Vec<(VolumeId, Failure)>) {
    let mut looked = Vec::new();
    let mut failed = Vec::new();
    for (volume, read) in volumes {
        let inventory = read.unwrap_or_else(|| inventory_of(deps, volume));
        match inventory.and_then(|read| look_again(deps, volume, read, looking)) {
            Ok(one) => looked.push(one),
            Err(failure) => failed.push((volume, failure)),
        }
    }
    (looked, failed)
}

/// Decides anew about every image that `is_meant`, from what is recorded.
fn decide_again(
    deps: &Deps,
    record: &dyn Fn(crate::deps::DomainWrite) -> Result<(), Failure>,
    is_meant: impl Fn(&ImageRow) -> bool,
) -> Result<(), Failure> {
    let images = deps.read(|read| read.images())?;
    let mut decisions = Vec::new();
    for image in images
        .iter()
        .filter(|image| image.volume.is_some() && is_meant(image))
    {
        let judged = Judged::of(deps, image)?;
        decisions.push((image.id, decision(judged.as_ref(), deps.now())?));
    }
    record(Box::new(move |connection| {
        let write = Writer::new(connection);
        decisions
            .iter()
            .try_for_each(|(image, decision)| Ok(write.decide(*image, decision)?))
    }))
}

fn scan_report(deps: &Deps, image: &ImageRow) -> Result<ScanReport, Failure> {
    let judged = Judged::of(deps, image)?;
    let judged = judged.ok_or_else(|| {
        Failure::new(
            Class::NotFound,
            "unscanned",
            format!("nothing has looked into {} yet", image.name),
        )
        .hint(format!("look into it with `longshore scan {}`", image.name))
    })?;
    Ok(judged.scan_report(image.name.clone()))
}
