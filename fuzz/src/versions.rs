//! Versions of every scheme: whatever they are, their order is one.

use std::cmp::Ordering;

use longshore_scan::{Scheme, check_version, compare_versions};

const SCHEMES: [Scheme; 5] = [
    Scheme::Apk,
    Scheme::Dpkg,
    Scheme::Pep440,
    Scheme::Rpm,
    Scheme::Semver,
];

/// Orders the first three lines of a text.
///
/// # Panics
/// Where something does not hold: an order that is another one way round than the other, or from the first to the
/// third than over the second; a version that is well formed and cannot be ordered.
pub fn versions(data: &[u8]) {
    let Some((scheme, rest)) = data.split_first() else {
        return;
    };
    let scheme = SCHEMES[usize::from(*scheme) % SCHEMES.len()];
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.split('\n').map(str::to_owned);
    let [a, b, c] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let order = |left: &str, right: &str| {
        let there = compare_versions(scheme, left, right).ok();
        let back = compare_versions(scheme, right, left).ok();
        assert_eq!(
            there,
            back.map(Ordering::reverse),
            "{scheme:?} {left:?} {right:?}"
        );
        let sound = check_version(scheme, left).is_ok() && check_version(scheme, right).is_ok();
        assert!(there.is_some() || !sound, "{scheme:?} {left:?} {right:?}");
        there
    };
    for one in [&a, &b, &c] {
        assert!(order(one, one).is_none_or(Ordering::is_eq), "{one:?}");
    }
    for [a, b, c] in [[&a, &b, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
        if let (Some(first), Some(second), Some(whole)) = (order(a, b), order(b, c), order(a, c))
            && first.is_le()
            && second.is_le()
        {
            let strict = first.is_lt() || second.is_lt();
            assert!(
                whole.is_le() && (whole.is_lt() || !strict),
                "{scheme:?} {a:?} {b:?} {c:?}"
            );
        }
    }
}
