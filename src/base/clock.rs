//! What the clock of this machine says.

use std::time::{Duration, SystemTime};

/// A minute, in seconds: what is live comes once in each.
pub(crate) const MINUTE: u64 = 60;

/// The time since 1970; none of it on a clock that stands before that.
pub(crate) fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default()
}

/// The same in whole seconds.
pub(crate) fn now() -> u64 {
    since_1970().as_secs()
}
