//! Each rule switched off in turn: its own cases change, and no other does.

use longshore_image::{Code, without};

use super::case::{Expected, Outcome};
use super::table::all;

#[test]
fn each_rule_stands_alone() {
    let cases = all();
    let mut wrong = Vec::new();
    let mut switched = 0;
    for code in Code::ALL {
        switched += 1;
        for case in &cases {
            let found = without(*code, || case.run());
            let as_expected = match &case.expected {
                Expected::Rejected {
                    code: own,
                    otherwise,
                    ..
                } if own == code => match (&found, otherwise) {
                    (Outcome::Accepted(..), None) => true,
                    (Outcome::Rejected(found, _), Some(other)) => found == other,
                    _ => false,
                },
                _ => found == case.outcome(),
            };
            if !as_expected {
                wrong.push(format!("{} without {code}: {found:?}", case.name));
            }
        }
    }
    println!(
        "each of {switched} rules switched off: {} cases, {} of them not as they should be",
        cases.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
