//! See `src/targets/api_version.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::api_version::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
