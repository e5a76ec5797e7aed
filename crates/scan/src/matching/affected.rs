//! Whether a version is one of those that are vulnerable.

use crate::Scheme;
use crate::advisory::{End, Range};
use crate::version::{UnreadableVersion, compare};

/// Whether a version is in a span: from where it begins, up to what has the fix and without that, or with the
/// last that is vulnerable.
///
/// # Errors
/// One of the versions cannot be read.
pub(crate) fn within(
    scheme: Scheme,
    version: &str,
    range: &Range<&str>,
) -> Result<bool, UnreadableVersion> {
    if let Some(introduced) = range.introduced
        && compare(scheme, version, introduced)?.is_lt()
    {
        return Ok(false);
    }
    Ok(match range.end {
        End::Open => true,
        End::Fixed(fixed) => compare(scheme, version, fixed)?.is_lt(),
        End::LastAffected(last) => compare(scheme, as_exact(scheme, version, last), last)?.is_le(),
    })
}

/// An rpm's version without its release, if what it is held against has none: all releases of the last
/// vulnerable version are vulnerable.
fn as_exact<'a>(scheme: Scheme, version: &'a str, other: &str) -> &'a str {
    match scheme {
        Scheme::Rpm if !other.contains('-') => version
            .rsplit_once('-')
            .map_or(version, |(version, _)| version),
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range<'a>(introduced: Option<&'a str>, end: End<&'a str>) -> Range<&'a str> {
        Range { introduced, end }
    }

    #[test]
    fn a_fix_is_outside_and_the_last_vulnerable_version_is_inside() {
        let fixed = range(Some("1.2.0"), End::Fixed("1.4.0"));
        let last = range(Some("1.2.0"), End::LastAffected("1.4.0"));
        let open = range(Some("1.2.0"), End::Open);
        for (version, in_fixed, in_last, in_open) in [
            ("1.1.9", false, false, false),
            ("1.2.0", true, true, true),
            ("1.3.9", true, true, true),
            ("1.4.0", false, true, true),
            ("1.4.1", false, false, true),
        ] {
            for (range, expected) in [(fixed, in_fixed), (last, in_last), (open, in_open)] {
                assert_eq!(
                    within(Scheme::Semver, version, &range),
                    Ok(expected),
                    "{version}"
                );
            }
        }
    }

    #[test]
    fn the_first_version_may_be_any() {
        let all = range(None, End::Fixed("1.0.0"));
        assert_eq!(
            within(Scheme::Semver, "0.0.0-20200101000000-abcdefabcdef", &all),
            Ok(true)
        );
        assert!(within(Scheme::Semver, "(devel)", &all).is_err());
        assert_eq!(
            within(Scheme::Semver, "(devel)", &range(None, End::Open)),
            Ok(true)
        );
    }

    #[test]
    fn the_last_vulnerable_version_of_an_rpm_is_vulnerable_in_all_releases() {
        let last = range(None, End::LastAffected("1.4"));
        assert_eq!(within(Scheme::Rpm, "1.4-7.el9", &last), Ok(true));
        assert_eq!(within(Scheme::Rpm, "1.4.1-1.el9", &last), Ok(false));
    }
}
