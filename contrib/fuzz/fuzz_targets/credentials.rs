//! See `src/targets/credentials.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::credentials::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
