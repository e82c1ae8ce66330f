//! `--every`: runs at each multiple of a number of seconds, until somebody says to stop.

use std::time::Duration;

use crate::base::clock::{now, since_1970};
use crate::base::error::{Error, Exit};
use crate::base::signals::Signals;

/// How long to wait before looking at the clock again: it may have been set meanwhile.
const GLANCE: Duration = Duration::from_secs(1);

/// Runs again and again. A failure is not the end; SIGTERM and SIGINT are, after the run that is
/// under way. A run that takes longer than a period costs the beats it covers. `run` is told
/// whether SIGHUP has come since the run before.
///
/// # Errors
/// When signals cannot be received.
pub(crate) fn every(period: u64, mut run: impl FnMut(bool)) -> Result<Exit, Error> {
    let signals =
        Signals::new().map_err(|error| Error::misuse("cannot wait for signals").because(error))?;
    let mut last = None;
    loop {
        if !wait(&signals, period, last) {
            return Ok(Exit::Done);
        }
        last = Some(now() / period);
        run(signals.take_read_again());
    }
}

/// Waits for the next multiple of the period; `false` when the end has come instead.
fn wait(signals: &Signals, period: u64, last: Option<u64>) -> bool {
    let start = now();
    let mut beat = next(start, period, last);
    while !signals.is_stop() {
        let now = now();
        if now >= beat {
            return true;
        }
        if beat - now > 2 * period {
            // The clock was set back.
            beat = next(now, period, None);
        }
        let left = Duration::from_secs(beat - now).saturating_sub(part_of_second());
        signals.wait(left.min(GLANCE));
    }
    false
}

/// The next multiple of the period; not the one that the last run was for, should the clock have
/// been set back a little.
fn next(now: u64, period: u64, last: Option<u64>) -> u64 {
    let next = now / period + 1;
    let doubled = last == Some(next);
    (next + u64::from(doubled)) * period
}

fn part_of_second() -> Duration {
    Duration::from_nanos(since_1970().subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn beats_are_multiples_and_never_doubled() {
        assert_eq!(next(119, 60, None), 120);
        assert_eq!(next(120, 60, Some(2)), 180);
        // A run from 120 on took until 185: that beat is skipped.
        assert_eq!(next(185, 60, Some(2)), 240);
        // The clock went back a second right after the beat.
        assert_eq!(next(119, 60, Some(2)), 180);
    }
}
