//! See `src/targets/spool.rs`.

#![no_main]

use freebox_monitor_fuzz::targets::spool::check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
