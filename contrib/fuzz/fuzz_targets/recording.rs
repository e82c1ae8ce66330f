//! See `src/targets/recording.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::recording::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
