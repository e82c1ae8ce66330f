//! Points on the monotonic clock after which nothing may wait any longer.

use std::time::{Duration, Instant};

/// A moment that bounds several waits together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The moment that is `limit` after `start`.
    pub(crate) fn after(start: Instant, limit: Duration) -> Self {
        Deadline(start + limit)
    }

    /// What is left of the time, or `None` when it is over.
    pub(crate) fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}
