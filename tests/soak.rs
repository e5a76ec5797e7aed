//! The large counts of `make soak`: whether they are wanted, their seed, and where results go. Each test
//! binary that takes them has this as a module.

use std::{fs, io::Write, time::Duration};

use serde_json::json;

/// Whether the large counts are wanted (`make soak`).
pub(crate) fn is_soak() -> bool {
    std::env::var_os("LONGSHORE_SOAK").is_some_and(|value| value == "1")
}

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The seed of what is random; a failure prints it, and it can be given.
pub(crate) fn seed() -> u64 {
    number("LONGSHORE_SOAK_SEED", 20_260_101)
}

/// Adds a line to the results of `make soak`.
pub(crate) fn record(what: &str, seed: u64, count: u64, took: Duration, result: &str) {
    let row = json!({
        "what": what, "seed": seed, "count": count, "seconds": took.as_secs(), "result": result,
    });
    if let Some(path) = std::env::var_os("LONGSHORE_SOAK_RESULTS") {
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{row}").unwrap();
    }
}

/// Random numbers: SplitMix64.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
