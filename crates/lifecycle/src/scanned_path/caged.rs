//! An archive unpacked onto a scratch disk by a child in a cage, which has the two and nothing else.

use std::{
    fs::File,
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    time::Duration,
};

use longshore_cage::{CageError, Inside, Limits as CageLimits};
use longshore_image::Limits;
use serde::{Deserialize, Serialize};

use super::{
    Scratch,
    archive_file::ArchiveFile,
    disk::ArchiveDisk,
    open::{PathForm, open_archive},
    scratch::ScratchDisk,
    trouble::{HINTS, no_disk, unreadable},
};
use crate::{
    Class, Failure,
    caged::Cages,
    unpacking::{budget, ended, garbled, shown},
};

/// The role in which a child unpacks an archive.
pub(crate) const ARCHIVE: &str = "archive";

/// What the child is told, with the descriptors of the archive and of the disk.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    /// What the archive is called in texts.
    path: PathBuf,
    /// Where the disk is, for texts.
    dir: PathBuf,
    /// Bytes of the disk.
    size: u64,
    limits: Limits,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Unpacked(PathForm),
    Failed(Failure),
}

/// Unpacks an archive, and answers what it was and the disk that it is on. `say` is told once which layers
/// the cage goes without.
///
/// # Errors
/// As [`open_path`](super::open_path), and where the child does not get to its end.
pub(crate) fn unpack_archive(
    path: &Path,
    limits: &Limits,
    scratch: &Scratch<'_>,
    cages: &Cages,
    say: impl FnOnce(String),
) -> Result<(PathForm, File), Failure> {
    let archive = File::open(path).map_err(|error| unreadable(path, &error))?;
    let stored = archive
        .metadata()
        .map_err(|error| unreadable(path, &error))?;
    let disk = scratch.make().and_then(|disk| disk.file());
    let disk = disk.map_err(|error| no_disk(scratch.dir, &error))?;
    let job = Job {
        path: path.to_owned(),
        dir: scratch.dir.to_owned(),
        size: scratch.size,
        limits: limits.clone(),
    };
    let job = serde_json::to_vec(&job)
        .map_err(|error| Failure::broken("a job cannot be written").caused_by(&error))?;
    let of_cage = held_to(budget(limits, stored.len(), scratch.size, 0));
    let name = path.display().to_string();
    let ended = |error: CageError| {
        tracing::error!(name, %error, "a caged unpacker did not get to its end");
        ended(&name, &error, &of_cage, false)
    };
    let caged = cages.spawn(ARCHIVE, &of_cage, None, say).map_err(ended)?;
    let answer = caged
        .ask(&job, &[archive.as_fd(), disk.as_fd()])
        .map_err(ended)?;
    match serde_json::from_slice(&answer) {
        Ok(Answer::Unpacked(form)) => Ok((form, disk)),
        Ok(Answer::Failed(failure)) => Err(told(failure)),
        Err(_) => Err(garbled(&name)),
    }
}

/// The archive is here whole: a child that is not done when its processor time could be used up three times
/// over does nothing. Its answer is a few texts.
fn held_to(limits: CageLimits) -> CageLimits {
    CageLimits {
        wall: Duration::from_secs(limits.cpu_seconds.saturating_mul(3)),
        answer_bytes: 1 << 20,
        ..limits
    }
}

/// A failure as the child says it, which may not be ours any more: with texts that can be shown, of a class
/// that an archive can fail with, and with no advice but ours.
fn told(said: Failure) -> Failure {
    let class = match said.class {
        Class::Refused | Class::NotFound | Class::Full => said.class,
        _ => Class::Failed,
    };
    let mut failure = Failure::new(class, shown(&said.code), shown(&said.message));
    failure.causes = said
        .causes
        .iter()
        .take(16)
        .map(|cause| shown(cause))
        .collect();
    failure.layer = said.layer.as_deref().map(shown);
    failure.entry = said.entry.as_deref().map(shown);
    let known = said.hint.as_deref();
    let known = known.and_then(|hint| HINTS.into_iter().find(|known| *known == hint));
    match known {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The child's side.
pub(crate) fn archive(inside: &Inside) -> io::Result<()> {
    let Some(job) = inside.receive()? else {
        return Ok(());
    };
    let [archive, disk] = <[_; 2]>::try_from(job.descriptors)
        .map_err(|_| io::Error::other("a job came without its descriptors"))?;
    let Job {
        path,
        dir,
        size,
        limits,
    } = serde_json::from_slice(&job.bytes)?;
    let archive = ArchiveFile::new(File::from(archive))?;
    let disk = ScratchDisk::on(File::from(disk), size);
    let opened = open_archive(&path, archive, &limits, || ArchiveDisk::on(disk, &dir));
    let answer = match opened {
        Ok(opened) => Answer::Unpacked(opened.form),
        Err(failure) => Answer::Failed(failure),
    };
    inside.send(&serde_json::to_vec(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_of_a_failure_is_held_to_what_one_of_ours_can_say() {
        let said = Failure::new(Class::Usage, "a\n", "b\u{1b}[2J")
            .layer("c\u{202e}")
            .hint("run this");
        let heard = told(said);
        assert_eq!(
            (heard.class, heard.code.as_str()),
            (Class::Failed, "a\u{fffd}")
        );
        assert_eq!(heard.message, "b\u{fffd}[2J");
        assert_eq!(heard.layer.as_deref(), Some("c\u{fffd}"));
        assert_eq!(heard.hint, None);
        let ours = Failure::new(Class::Refused, "digest", "other bytes").hint(HINTS[0]);
        assert_eq!(told(ours.clone()), ours);
    }
}
