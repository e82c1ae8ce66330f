//! Waiting for what others do.

use std::thread;
use std::time::{Duration, Instant};

/// What takes longer does not come about.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until something is so; if it never is, that is what is said.
#[track_caller]
pub(crate) fn until(or: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{or}");
        thread::sleep(Duration::from_millis(5));
    }
}
