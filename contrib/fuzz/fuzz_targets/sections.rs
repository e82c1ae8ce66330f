//! See `src/targets/sections.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::sections::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
