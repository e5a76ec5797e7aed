//! libFuzzer's entry to [`longshore_fuzz::versions`].
#![no_main]

use longshore_fuzz::{seed, versions};

libfuzzer_sys::fuzz_target!(init: seed("versions"), |data: &[u8]| versions(data));
