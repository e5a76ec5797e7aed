//! What the texts of single settings mean.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use longshore_lifecycle::{
    DevicePolicy, EndpointError, Limit, Limits, SourceUrl, SourceUrlError, Unit,
};

use crate::args::DurationError;

use super::{SizeError, size};

/// Why a text is not a value for its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    #[error(transparent)]
    Size(#[from] SizeError),
    #[error("it must be at least 1")]
    Zero,
    #[error("it must be a multiple of 4096 bytes")]
    Unaligned,
    #[error("not a whole number")]
    NotANumber,
    #[error("it must be keep, drop or reject")]
    Devices,
    #[error("it must be {least} to {most}")]
    OutOfBounds { least: u64, most: u64 },
    #[error("it must be auto, file, thin or simulated")]
    Backend,
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Source(#[from] SourceUrlError),
    #[error("it must be `none`, or a whole number of at least 1")]
    Overcommit,
    #[error("it must not be empty")]
    Empty,
    #[error("a path in a file must begin at the root")]
    Relative,
    #[error("paths must begin at the root")]
    NotFromTheRoot,
    #[error(
        "it must be `none`, or of CRITICAL, HIGH, MEDIUM, LOW and UNKNOWN those that are blocked, with commas"
    )]
    Severity,
    #[error("it must be true or false")]
    YesOrNo,
    #[error("it must be require, best or off")]
    Cage,
    #[error("it must be a number of days, such as 30d")]
    Days,
    #[error("it must be `never`, or a time: {0}")]
    Duration(DurationError),
    #[error("it must be a time: {0}")]
    Time(DurationError),
    #[error("it must be at least a second")]
    TooShort,
    #[error(
        "it must be of embedded, trivy-sbom, trivy-rootfs and trivy-image those that look, with commas"
    )]
    Scanner,
    #[error("it must be any or all")]
    Agree,
    #[error("it must be a path that begins at the root, or a name without a /")]
    Program,
    #[error("it must begin with https://, http:// or file:///")]
    Place,
}

/// A size.
pub(super) fn any_size(text: &str) -> Result<u64, ValueError> {
    Ok(size(text)?)
}

/// A size that is not 0.
pub(super) fn positive_size(text: &str) -> Result<u64, ValueError> {
    match size(text)? {
        0 => Err(ValueError::Zero),
        bytes => Ok(bytes),
    }
}

/// A volume's size: whole blocks of 4096 bytes.
pub(super) fn volume_size(text: &str) -> Result<u64, ValueError> {
    let bytes = positive_size(text)?;
    if bytes % 4096 == 0 {
        Ok(bytes)
    } else {
        Err(ValueError::Unaligned)
    }
}

/// A limit: a size or a count, within its bounds.
pub(super) fn limit(text: &str, limit: Limit) -> Result<u64, ValueError> {
    let value = match limit.unit() {
        Unit::Bytes => size(text)?,
        Unit::Count => text.trim().parse().map_err(|_| ValueError::NotANumber)?,
    };
    let bounds = limit.bounds();
    // No more than fits this machine's memory can be set, whatever the bounds say.
    if Limits::default().set(limit, value) {
        Ok(value)
    } else if value == 0 {
        Err(ValueError::Zero)
    } else {
        Err(ValueError::OutOfBounds {
            least: *bounds.start(),
            most: *bounds.end(),
        })
    }
}

/// What becomes of devices.
pub(super) fn devices(text: &str) -> Result<DevicePolicy, ValueError> {
    let named = |policy: &DevicePolicy| policy.as_str() == text.trim();
    let policy = DevicePolicy::ALL.into_iter().find(named);
    policy.ok_or(ValueError::Devices)
}

/// A count: a whole number.
pub(super) fn count(text: &str) -> Result<u32, ValueError> {
    text.trim().parse().map_err(|_| ValueError::NotANumber)
}

/// A count of things that there must be one of: a whole number, at least 1.
pub(super) fn positive_count(text: &str) -> Result<NonZeroUsize, ValueError> {
    let number: usize = text.trim().parse().map_err(|_| ValueError::NotANumber)?;
    NonZeroUsize::new(number).ok_or(ValueError::Zero)
}

/// How many times a pool's data the disks of machines may have.
pub(super) fn overcommit(text: &str) -> Result<Option<u64>, ValueError> {
    match text.trim() {
        "none" => Ok(None),
        number => match number.parse() {
            Ok(times) if times > 0 => Ok(Some(times)),
            _ => Err(ValueError::Overcommit),
        },
    }
}

/// Where images come from. A directory is taken as it is written, nothing in it is an escape; see
/// [`path`] for a relative one.
pub(super) fn source(text: &str, directory: Option<&Path>) -> Result<SourceUrl, ValueError> {
    match text.parse()? {
        SourceUrl::Directory(path) if path.is_relative() => {
            let directory = directory.ok_or(ValueError::Relative)?;
            Ok(SourceUrl::Directory(directory.join(path)))
        }
        url => Ok(url),
    }
}

/// A word that is there.
pub(super) fn word(text: &str) -> Result<String, ValueError> {
    let text = text.trim();
    if text.is_empty() {
        Err(ValueError::Empty)
    } else {
        Ok(text.to_owned())
    }
}

/// A path; one that does not begin at the root begins at `directory`, where there is one.
pub(super) fn path(text: &str, directory: Option<&Path>) -> Result<PathBuf, ValueError> {
    let path = Path::new(text);
    match directory {
        _ if text.is_empty() => Err(ValueError::Empty),
        _ if path.is_absolute() => Ok(path.to_owned()),
        Some(directory) => Ok(directory.join(path)),
        None => Err(ValueError::Relative),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_bounds() {
        assert_eq!(positive_size("0"), Err(ValueError::Zero));
        assert_eq!(volume_size("1GiB"), Ok(1 << 30));
        assert_eq!(volume_size("1GB"), Err(ValueError::Unaligned));
        assert_eq!(limit("0", Limit::Ratio), Err(ValueError::Zero));
        assert_eq!(limit("ten", Limit::Ratio), Err(ValueError::NotANumber));
        assert_eq!(limit("2GiB", Limit::FileBytes), Ok(2 << 30));
        assert_eq!(
            limit("256", Limit::ComponentBytes),
            Err(ValueError::OutOfBounds {
                least: 1,
                most: 255
            })
        );
        assert_eq!(overcommit("none"), Ok(None));
        assert_eq!(overcommit("3"), Ok(Some(3)));
        assert_eq!(overcommit("0"), Err(ValueError::Overcommit));
        assert_eq!(count("0"), Ok(0));
        assert_eq!(count("-1"), Err(ValueError::NotANumber));
        assert_eq!(positive_count("0"), Err(ValueError::Zero));
        assert_eq!(positive_count("4").map(NonZeroUsize::get), Ok(4));
    }

    #[test]
    fn only_what_is_typed_here_may_be_relative() {
        let here = Path::new("/home/me");
        assert_eq!(path("state", Some(here)), Ok("/home/me/state".into()));
        assert_eq!(path("/state", None), Ok("/state".into()));
        assert_eq!(path("state", None), Err(ValueError::Relative));
        assert_eq!(path("", Some(here)), Err(ValueError::Empty));
        assert_eq!(
            source("file://b", Some(here)),
            Ok(SourceUrl::directory("/home/me/b"))
        );
        assert_eq!(source("file:///b", None), Ok(SourceUrl::directory("/b")));
        assert_eq!(source("file://b", None), Err(ValueError::Relative));
    }
}
