//! When a run began, and when its parts have to be over.

use std::time::{Duration, Instant};

use crate::api::Limits;
use crate::base::clock;
use crate::base::deadline::{Deadline, USUAL_TIMEOUT};
use crate::base::error::Error;

/// The start of 2020: a clock before that was never set.
const EARLIEST: u64 = 1_577_836_800;
/// What fits a point in whisper.
const LATEST: u64 = u32::MAX as u64;

/// How long something may take that somebody waits for, unless `--timeout` says.
const LONG: Duration = Duration::from_secs(3600);

/// The times of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When it began.
    pub(crate) start: Instant,
    /// Seconds since 1970; the timestamp of all its lines.
    pub(crate) timestamp: u64,
    /// For the box; delivery has the rest of the time.
    pub(crate) collecting: Limits,
    /// For everything.
    pub(crate) end: Deadline,
}

impl Times {
    /// A run that begins now and may take that long.
    ///
    /// # Errors
    /// When the clock cannot be right.
    pub(crate) fn start(timeout: Option<Duration>) -> Result<Self, Error> {
        Times::lasting(timeout.unwrap_or(USUAL_TIMEOUT))
    }

    /// A run of many requests that begins now, for somebody who waits for it.
    ///
    /// # Errors
    /// As [`Times::start`].
    pub(crate) fn start_long(timeout: Option<Duration>) -> Result<Self, Error> {
        Times::lasting(timeout.unwrap_or(LONG))
    }

    fn lasting(timeout: Duration) -> Result<Self, Error> {
        let start = Instant::now();
        let timestamp = clock::now();
        if !(EARLIEST..=LATEST).contains(&timestamp) {
            let words =
                "the clock of this machine cannot be right: it stands before 2020 or after 2106";
            return Err(Error::misuse(words));
        }
        Ok(Times {
            start,
            timestamp,
            collecting: Limits {
                deadline: Deadline::after(start, timeout * 4 / 5),
                request: timeout.min(USUAL_TIMEOUT) / 3,
            },
            end: Deadline::after(start, timeout),
        })
    }
}

/// A number of seconds for people.
pub(crate) fn how_long(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::how_long;

    #[test]
    fn times_are_said_in_two_units_at_most() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (7500, "2 h 5 min"),
            (300, "5 min"),
            (100_000, "1 d 3 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(how_long(seconds), expected);
        }
    }
}
