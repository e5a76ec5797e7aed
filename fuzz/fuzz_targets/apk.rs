//! libFuzzer's entry to [`longshore_fuzz::apk`].
#![no_main]

use longshore_fuzz::{apk, seed};

libfuzzer_sys::fuzz_target!(init: seed("apk"), |data: &[u8]| apk(data));
