//! Points on the monotonic clock after which nothing may wait any longer.

use std::time::{Duration, Instant};

/// How long a run may take unless `--timeout` says: it has to be over when cron starts the next.
pub(crate) const USUAL_TIMEOUT: Duration = Duration::from_secs(40);

/// A moment that bounds several waits together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The moment that is `limit` after `start`.
    pub(crate) fn after(start: Instant, limit: Duration) -> Self {
        Deadline(start + limit)
    }

    /// The moment when what begins now has to be over: `--timeout`, if that was given.
    pub(crate) fn of_run(timeout: Option<Duration>) -> Self {
        Deadline::after(Instant::now(), timeout.unwrap_or(USUAL_TIMEOUT))
    }

    /// What is left of the time, or `None` when it is over.
    pub(crate) fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}
