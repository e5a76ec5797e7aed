//! libFuzzer's entry to [`longshore_fuzz::rpm`].
#![no_main]

use longshore_fuzz::{rpm, seed};

libfuzzer_sys::fuzz_target!(init: seed("rpm"), |data: &[u8]| rpm(data));
