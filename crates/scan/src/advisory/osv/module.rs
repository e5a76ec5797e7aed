//! Which module streams a record of Red Hat, Alma or Rocky is about.
//!
//! The schema has no place for it. That a fix is of a module shows in its release
//! (`12.22.5-1.module_el8.6.0+2904+fa5b6d36`, `module+el8` with Red Hat and Rocky), and of which one in the
//! summary (`Important: nodejs:12 security update`).

use super::ranges::Bounds;

/// The streams of a record's modules, with a blank between them; nothing if its fix is of no module, and `?`
/// if nothing says of which.
pub(super) fn module(summary: &str, ranges: &[Bounds]) -> Option<String> {
    let of_module =
        |version: &str| version.contains(".module_el") || version.contains(".module+el");
    let modular = ranges
        .iter()
        .flat_map(|range| range.bounds())
        .any(|version| of_module(version));
    if !modular {
        return None;
    }
    let mut streams: Vec<&str> = summary
        .split([' ', ','])
        .filter(|word| is_stream(word))
        .collect();
    streams.sort_unstable();
    streams.dedup();
    Some(match streams.is_empty() {
        true => "?".to_owned(),
        false => streams.join(" "),
    })
}

/// Whether a word is a module and its stream: `container-tools:4.0`.
fn is_stream(word: &str) -> bool {
    let plain = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        !part.is_empty() && part.bytes().all(known)
    };
    word.split_once(':')
        .is_some_and(|(name, stream)| plain(name) && plain(stream))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::Range;

    #[test]
    fn the_summary_names_the_streams_of_a_modular_fix() {
        let modular = [Range::before("1:12.22.5-1.module_el8.6.0+2904+fa5b6d36")];
        let plain = [Range::before("3.0.7-24.el9")];
        for (summary, ranges, expected) in [
            (
                "Important: nodejs:12 security update",
                &modular,
                Some("nodejs:12"),
            ),
            (
                "Low: virt:rhel and virt-devel:rhel security update",
                &modular,
                Some("virt-devel:rhel virt:rhel"),
            ),
            ("Important: varnish security update", &modular, Some("?")),
            ("Moderate: python3:3.6.8 security update", &plain, None),
        ] {
            assert_eq!(module(summary, ranges).as_deref(), expected, "{summary}");
        }
    }
}
