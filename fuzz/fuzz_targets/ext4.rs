//! libFuzzer's entry to [`longshore_fuzz::ext4`].
#![no_main]

use longshore_fuzz::{ext4, seed};

libfuzzer_sys::fuzz_target!(init: seed("ext4"), |data: &[u8]| ext4(data));
