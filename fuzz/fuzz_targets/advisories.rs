//! libFuzzer's entry to [`longshore_fuzz::advisories`].
#![no_main]

use longshore_fuzz::{advisories, seed};

libfuzzer_sys::fuzz_target!(init: seed("advisories"), |data: &[u8]| advisories(data));
