//! libFuzzer's entry to [`longshore_fuzz::archive`].
#![no_main]

use longshore_fuzz::{archive, seed};

libfuzzer_sys::fuzz_target!(init: seed("archive"), |data: &[u8]| archive(data));
