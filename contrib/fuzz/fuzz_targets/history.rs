//! See `src/targets/history.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::history::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
