//! libFuzzer's entry to [`longshore_fuzz::compressed`].
#![no_main]

use longshore_fuzz::{compressed, seed};

libfuzzer_sys::fuzz_target!(init: seed("compressed"), |data: &[u8]| compressed(data));
