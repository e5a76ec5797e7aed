//! libFuzzer's entry to [`longshore_fuzz::elf`].
#![no_main]

use longshore_fuzz::{elf, seed};

libfuzzer_sys::fuzz_target!(init: seed("elf"), |data: &[u8]| elf(data));
