//! The laws of an order, for versions of every scheme that somebody might write.

use std::cmp::Ordering;

use longshore_scan::{Scheme, check_version, compare_versions};
use proptest::prelude::*;

/// Well-formed versions, of few and small parts, so that many have much in common.
fn version(scheme: Scheme) -> BoxedStrategy<String> {
    let pattern = match scheme {
        Scheme::Apk => {
            "[0-2](\\.(0|1|2|01|10)){0,2}[ab]?(_(alpha|rc|git|p)[0-2]?){0,2}(~[ab1]{1,2})?(-r[0-2]{1,2})?"
        }
        Scheme::Dpkg => "([0-1]:)?[0-2]([a~+.][0-2a~+.]{0,4}){0,2}(-[0-2a~+.]{1,3})?",
        Scheme::Rpm => "([0-1]:)?[0-2a]([a~^._][0-2a~^._]{0,4}){0,2}(-[0-2a][0-2a~^._]{0,3})?",
        Scheme::Pep440 => {
            "([0-1]!)?[0-2](\\.[0-2]){0,2}((a|b|rc)[0-2])?(\\.post[0-1])?(\\.dev[0-1])?(\\+[a0-1](\\.[a0-1])?)?"
        }
        Scheme::Semver => {
            "v?[0-2](\\.[0-2](\\.[0-2])?)?(-[a0-1-]{1,2}(\\.([ab0-1]|10)){0,2})?(\\+[a0-1]{1,2})?"
        }
    };
    pattern.boxed()
}

/// Anything that a file may hold where a version should be.
fn anything() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9a-c.~^_:+r-]{1,10}", ".{0,12}"]
}

fn holds_for_three(scheme: Scheme, versions: [&str; 3]) -> Result<(), TestCaseError> {
    let order = |a, b| compare_versions(scheme, a, b);
    for a in versions {
        if let Ok(same) = order(a, a) {
            prop_assert_eq!(same, Ordering::Equal, "{} is not itself", a);
        }
        for b in versions {
            prop_assert_eq!(order(a, b).is_ok(), order(b, a).is_ok());
            let (Ok(there), Ok(back)) = (order(a, b), order(b, a)) else {
                continue;
            };
            prop_assert_eq!(there, back.reverse(), "{} {}", a, b);
            for c in versions {
                let (Ok(next), Ok(whole)) = (order(b, c), order(a, c)) else {
                    continue;
                };
                if there.is_le() && next.is_le() {
                    let strict = there.is_lt() || next.is_lt();
                    prop_assert!(whole.is_le(), "{} <= {} <= {}", a, b, c);
                    prop_assert!(!strict || whole.is_lt(), "{} <= {} <= {}", a, b, c);
                }
            }
        }
    }
    Ok(())
}

macro_rules! laws {
    ($($name:ident, $malformed:ident: $scheme:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(400))]
            $(
                #[test]
                fn $name(a in version($scheme), b in version($scheme), c in version($scheme)) {
                    for one in [&a, &b, &c] {
                        prop_assert_eq!(check_version($scheme, one), Ok(()));
                        prop_assert!(compare_versions($scheme, one, &a).is_ok());
                    }
                    holds_for_three($scheme, [&a, &b, &c])?;
                }

                #[test]
                fn $malformed(a in anything(), b in anything(), c in version($scheme)) {
                    // What is well formed can be ordered; what cannot be ordered is not well formed.
                    for one in [&a, &b] {
                        if check_version($scheme, one).is_ok() {
                            prop_assert!(compare_versions($scheme, one, &c).is_ok());
                        }
                    }
                    holds_for_three($scheme, [&a, &b, &c])?;
                }
            )*
        }
    };
}

laws! {
    apk, apk_with_malformed_ones: Scheme::Apk;
    dpkg, dpkg_with_malformed_ones: Scheme::Dpkg;
    pep440, pep440_with_malformed_ones: Scheme::Pep440;
    rpm, rpm_with_malformed_ones: Scheme::Rpm;
    semver, semver_with_malformed_ones: Scheme::Semver;
}
