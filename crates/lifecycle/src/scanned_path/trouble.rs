//! What is wrong with a path that is to be scanned, as a person reads it.

use std::{error::Error, io, path::Path};

use longshore_image::{BundleError, Rejected};

use crate::{Class, Failure, failure::causes};

const TAMPERED: &str = "the archive is damaged or was tampered with; make it anew";
const DECOMPRESS: &str = "decompress it first, with `gunzip` or `unzstd`";
const CHOOSE: &str =
    "write the one that is meant into an archive of its own, as `docker save NAME` does";

/// What is said here of what to do.
pub(super) const HINTS: [&str; 3] = [TAMPERED, DECOMPRESS, CHOOSE];

/// A path that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::new(
            Class::NotFound,
            "no-such-path",
            format!("there is no {shown}"),
        ),
        _ => Failure::new(Class::Failed, "path", format!("{shown} could not be read"))
            .caused_by(error),
    }
}

/// A directory that no disk can be made in.
pub(super) fn no_disk(dir: &Path, error: &io::Error) -> Failure {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Class::Full,
        _ => Class::Failed,
    };
    let text = format!("no disk to unpack to can be made in {}", dir.display());
    Failure::new(class, "scratch", text).caused_by(error)
}

/// A layer that is not what its bundle says it is.
pub(super) fn other_bytes(layer: &str) -> Failure {
    Failure::new(
        Class::Refused,
        "digest",
        "the layer has other bytes than the image says",
    )
    .layer(layer)
    .hint(TAMPERED)
}

/// A compressed archive that has a whole image in it: its members can only be had one after the other.
pub(super) fn compressed_bundle(path: &Path) -> Failure {
    let shown = path.display();
    Failure::new(
        Class::Refused,
        "compressed-image",
        format!("{shown} is a compressed archive of an image, which is not read as such"),
    )
    .hint(DECOMPRESS)
}

/// No image in what is a bundle.
pub(super) fn no_image(path: &Path, error: BundleError) -> Failure {
    let shown = path.display();
    let failure = |class, code: &str| {
        let mut failure = Failure::new(class, code, format!("{shown}: {error}"));
        failure.causes = error.source().map(causes).unwrap_or_default();
        failure
    };
    match &error {
        BundleError::Rejected(rejected) => rejected_archive(path, rejected),
        BundleError::NoImage { .. } => failure(Class::NotFound, "no-such-platform"),
        BundleError::Several { .. } => failure(Class::Refused, "several-images").hint(CHOOSE),
        BundleError::Missing { .. } => failure(Class::Refused, "image-part-missing"),
        BundleError::Refused { .. } => failure(Class::Refused, "image-part-refused"),
        BundleError::Malformed { .. } => failure(Class::Refused, "image-malformed"),
        BundleError::WrongBytes { .. } => failure(Class::Refused, "digest").hint(TAMPERED),
        BundleError::TooMany { .. } => failure(Class::Refused, "image-limit"),
        BundleError::Contradiction => failure(Class::Refused, "image-contradiction"),
        BundleError::Read { .. } | BundleError::Archive(_) => failure(Class::Failed, "path"),
    }
}

fn rejected_archive(path: &Path, rejected: &Rejected) -> Failure {
    let shown = path.display();
    let mut failure = Failure::new(
        Class::Refused,
        rejected.code.as_str(),
        format!("{shown} is rejected: {}", rejected.detail),
    );
    failure.entry = rejected.entry.as_ref().map(ToString::to_string);
    failure
}
