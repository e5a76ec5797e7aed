//! libFuzzer's entry to [`longshore_fuzz::os_release`].
#![no_main]

use longshore_fuzz::{os_release, seed};

libfuzzer_sys::fuzz_target!(init: seed("os_release"), |data: &[u8]| os_release(data));
