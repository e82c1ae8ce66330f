//! See `src/targets/envelope.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::envelope::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
