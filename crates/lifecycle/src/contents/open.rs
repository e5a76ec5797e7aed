//! Which disk is meant, and opening it for reading.

use std::path::Path;

use longshore_ext4::{Open, Reader};

use super::{file::DiskFile, trouble::on_disk};
use crate::{Class, Failure, View, pools, view::DiskPlace};

/// The filesystem on a disk, to look into.
#[derive(Debug)]
pub struct Contents {
    pub(super) reader: Reader<DiskFile>,
    /// The disk as it was asked for.
    pub(super) target: String,
}

impl Contents {
    /// Opens the disk that `target` names: a file where it begins with `/`, `./` or `../`, else a
    /// machine of that name, else an image that is here. `as_is` reads a filesystem that was not left
    /// clean as it is.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such thing, or it has no disk; [`Class::Refused`] if what
    /// is on it cannot be read, with what to do; [`Class::Failed`] if it is damaged or the host
    /// fails.
    pub fn open(state_dir: &Path, target: &str, as_is: bool) -> Result<Self, Failure> {
        let file = match is_path(target) {
            true => DiskFile::open(Path::new(target))?,
            false => disk_of(state_dir, target)?,
        };
        let reader = Reader::open(file, Open { unclean: as_is })
            .map_err(|error| on_disk(&error, target, None))?;
        Ok(Self {
            reader,
            target: target.to_owned(),
        })
    }

    /// Why what is read may not fit together, where that was asked for all the same.
    #[must_use]
    pub fn unclean(&self) -> Option<&'static str> {
        self.reader.unclean()
    }
}

/// Whether a target is a file on this host. Neither images nor machines have such names.
fn is_path(target: &str) -> bool {
    ["/", "./", "../"]
        .iter()
        .any(|start| target.starts_with(start))
}

/// The disk of a machine or of an image.
fn disk_of(state_dir: &Path, target: &str) -> Result<DiskFile, Failure> {
    let view = View::open(state_dir)?;
    let found = match &view {
        Some(view) => view.disk_of(target)?,
        None => None,
    };
    match (found, view) {
        (Some(DiskPlace::Path(path)), _) if path.exists() => DiskFile::open(&path),
        (Some(DiskPlace::Device(path, id)), Some(view)) => {
            pools::must_show(&view, &path, id)?;
            DiskFile::open(&path)
        }
        (Some(DiskPlace::Volume(id)), Some(view)) => {
            let (path, held) = pools::held_volume(&view, id)?;
            Ok(DiskFile::open(&path)?.holding(held))
        }
        (Some(_), _) => Err(Failure::new(
            Class::NotFound,
            "no-disk",
            format!("{target} has no disk that is a file here"),
        )
        .hint("see where it stands with `longshore list`")),
        (None, _) => Err(Failure::new(
            Class::NotFound,
            "not-found",
            format!("there is neither a machine nor an image {target}"),
        )
        .hint(
            "see what there is with `longshore list`; the path of a file begins with `/` or `./`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn a_path_is_told_from_a_name_by_how_it_begins() {
        for path in ["/dev/sda", "./disk.img", "../disk.img"] {
            assert!(is_path(path));
        }
        for name in ["images/golang", "images-golang", "disk.img", ".img", "..x"] {
            assert!(!is_path(name));
        }
    }
}
