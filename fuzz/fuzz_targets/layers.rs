//! libFuzzer's entry to [`longshore_fuzz::layers`].
#![no_main]

use longshore_fuzz::{layers, seed};

libfuzzer_sys::fuzz_target!(init: seed("layers"), |data: &[u8]| layers(data));
