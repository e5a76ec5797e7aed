//! A volume copied to a file, whoever's it is.

use std::{
    fs::File,
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use longshore_catalog::VolumeId;
use longshore_volume::{
    Access, Backend, Disk,
    thin::{Expected, Pool, PoolError, ThinBackend},
};
use tokio_util::sync::CancellationToken;

use super::{
    super::PoolSaved,
    row::{Known, whole_pool_of},
    stranger::{AsLongAs, WIDE, no_volume, on},
};
use crate::{
    Class, Failure, Settings,
    deps::volume_id,
    site::Site,
    trouble::{Trouble, is_full},
};

/// Bytes that are read at once, and of zeros left out.
const STEP: usize = 64 << 10;

/// Copies a volume of the pool to a file, which is sparse where the volume has zeros. It is as long as the catalogue
/// says, or else as the filesystem that is on it, unless `bytes` are said. The pool may be of another day than the
/// catalogue.
///
/// # Errors
/// [`Class::NotFound`] where there is no such volume; [`Class::Busy`] while a machine is active on it;
/// [`Class::Usage`] where nothing says how long it is, or two things say otherwise; [`Class::Refused`] where the file is
/// there. No file is left then.
pub async fn save_volume(
    settings: Settings,
    id: u64,
    file: PathBuf,
    bytes: Option<u64>,
    cancel: CancellationToken,
) -> Result<PoolSaved, Failure> {
    let site = Site::open(&settings).await?;
    let saved = tokio::task::spawn_blocking(move || {
        let pool = whole_pool_of(&site)?;
        let was_up = match pool.spec.find(&pool.name) {
            Ok(_) => true,
            Err(PoolError::NotUp { .. }) => false,
            Err(error) => return Err(error.failure()),
        };
        let saved = save(&site, &pool, VolumeId(id), &file, bytes, &cancel);
        if !was_up {
            pool.spec.down(&pool.name).map_err(Trouble::failure)?;
        }
        saved
    });
    saved
        .await
        .map_err(|error| Failure::broken("copying a volume stopped").caused_by(&error))?
}

fn save(
    site: &Site,
    pool: &Known,
    id: VolumeId,
    file: &Path,
    bytes: Option<u64>,
    cancel: &CancellationToken,
) -> Result<PoolSaved, Failure> {
    let bytes = length(site, pool, id, bytes)?;
    let backend = ThinBackend::new(bring_up(pool)?, Arc::new(AsLongAs(bytes)));
    let disk = backend.open(volume_id(id)?, Access::Read);
    let disk = disk.map_err(Trouble::failure)?;
    if file.symlink_metadata().is_ok() {
        return exists(file);
    }
    let directory = file.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    let unwritten = |error| unwritten(file, &error);
    let mut part = tempfile::Builder::new()
        .prefix(".longshore.")
        .suffix(".part")
        .tempfile_in(directory)
        .map_err(unwritten)?;
    let written_bytes = copy(&*disk, bytes, part.as_file_mut(), cancel, &unwritten)?;
    match part.persist_noclobber(file) {
        Ok(_) => {}
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return exists(file),
        Err(error) => return Err(unwritten(error.error)),
    }
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(unwritten)?;
    Ok(PoolSaved {
        id: id.0,
        file: file.to_owned(),
        bytes,
        written_bytes,
    })
}

fn bring_up(pool: &Known) -> Result<Pool, Failure> {
    let up = pool.spec.up(&pool.name, Expected::Any);
    up.map_err(Trouble::failure)
}

/// How long a volume is that is there and that no machine writes to.
fn length(site: &Site, pool: &Known, id: VolumeId, said: Option<u64>) -> Result<u64, Failure> {
    let up = bring_up(pool)?;
    let devices = up.devices().map_err(Trouble::failure)?;
    if devices.iter().all(|device| device.id != id.0) {
        return Err(no_volume(pool, id));
    }
    let wide = ThinBackend::new(up, Arc::new(AsLongAs(WIDE)));
    let active = wide.devices_of_machines().map_err(Trouble::failure)?;
    if let Some((name, ..)) = active.iter().find(|(_, on, _)| on.get() == id.0) {
        let text = format!("machine {name} is active on volume {id}, and may write to it");
        return Err(Failure::new(Class::Busy, "volume-busy", text)
            .hint(format!("`longshore deactivate {name}` first")));
    }
    let known = site.read(|read| read.volume(id))?;
    let found = on(&wide, id)?.filesystem(id)?.map(|found| found.bytes);
    let unclear =
        |text: String, hint: &str| Err(Failure::new(Class::Usage, "volume-size", text).hint(hint));
    match (said, known.map(|row| row.size), found) {
        (Some(said), ..) => Ok(said),
        // The row may be another volume's, of a catalogue of another day.
        (None, Some(row), Some(found)) if found > row => unclear(
            format!(
                "the catalogue has {row} bytes of volume {id}, and the filesystem on it {found}"
            ),
            "say how many are to be copied with --size",
        ),
        (None, Some(row), _) => Ok(row),
        (None, None, Some(found)) => Ok(found),
        (None, None, None) => unclear(
            format!("nothing says how long volume {id} is"),
            "no filesystem of ours is on it: say its size with --size",
        ),
    }
}

/// Copies so many bytes, durably. How many of them were not zeros, in whole steps.
fn copy(
    disk: &dyn Disk,
    bytes: u64,
    file: &mut File,
    cancel: &CancellationToken,
    unwritten: &impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    // What cannot be that long is refused before anything is read.
    file.set_len(bytes).map_err(unwritten)?;
    let (mut at, mut written, mut chunk) = (0, 0, vec![0; STEP]);
    while at < bytes {
        if cancel.is_cancelled() {
            let text = "the copy was cut off, and nothing is left of it";
            return Err(Failure::new(Class::Interrupted, "interrupted", text));
        }
        let step = usize::try_from(bytes - at).map_or(STEP, |left| left.min(STEP));
        let chunk = &mut chunk[..step];
        disk.read_at(at, chunk).map_err(|error| {
            let text = "the volume cannot be read".to_owned();
            Failure::new(Class::Failed, "volume-unreadable", text).caused_by(&error)
        })?;
        let step = u64::try_from(step).unwrap_or_default();
        if chunk.iter().any(|byte| *byte != 0) {
            let placed = file.seek(SeekFrom::Start(at));
            let done = placed.and_then(|_| file.write_all(chunk));
            done.map_err(unwritten)?;
            written += step;
        }
        at += step;
    }
    file.sync_all().map_err(unwritten)?;
    Ok(written)
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    let text = format!("could not write {}", file.display());
    let failure = match is_full(error) {
        true => Failure::new(Class::Full, "disk-full", text),
        false => Failure::new(Class::Failed, "unwritten", text),
    };
    failure.caused_by(error)
}

fn exists<T>(file: &Path) -> Result<T, Failure> {
    let text = format!("{} is there already", file.display());
    Err(Failure::new(Class::Refused, "exists", text).hint("name a file that is not there yet"))
}
