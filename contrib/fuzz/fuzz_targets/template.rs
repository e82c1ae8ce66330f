//! See `src/targets/template.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::template::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
