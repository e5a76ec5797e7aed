//! libFuzzer's entry to [`longshore_fuzz::damaged`].
#![no_main]

use longshore_fuzz::{damaged, seed};

libfuzzer_sys::fuzz_target!(init: seed("damaged"), |data: &[u8]| damaged(data));
