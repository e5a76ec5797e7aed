//! libFuzzer's entry to [`longshore_fuzz::dpkg`].
#![no_main]

use longshore_fuzz::{dpkg, seed};

libfuzzer_sys::fuzz_target!(init: seed("dpkg"), |data: &[u8]| dpkg(data));
