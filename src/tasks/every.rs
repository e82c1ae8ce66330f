//! `--every`: runs at each multiple of a number of seconds, until somebody says to stop.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::base::error::{Error, Exit};

/// How long to wait before looking at the clock again: it may have been set meanwhile.
const GLANCE: Duration = Duration::from_secs(1);

/// Runs again and again. A failure is not the end; SIGTERM and SIGINT are, after the run that is
/// under way. A run that takes longer than a period costs the beats it covers.
///
/// # Errors
/// When signals cannot be received.
pub(crate) fn every(period: u64, mut run: impl FnMut()) -> Result<Exit, Error> {
    let stop = stop_signal()?;
    let mut last = None;
    loop {
        if !wait(&stop, period, last) {
            return Ok(Exit::Done);
        }
        last = Some(now() / period);
        run();
    }
}

/// Tells when a signal has come. A second one has its usual effect.
fn stop_signal() -> Result<Receiver<()>, Error> {
    let signals = Signals::new([SIGTERM, SIGINT]);
    let mut signals =
        signals.map_err(|error| Error::misuse("cannot wait for signals").because(error))?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            match count {
                0 => drop(tell.send(())),
                _ => drop(emulate_default_handler(signal)),
            }
        }
    });
    Ok(told)
}

/// Waits for the next multiple of the period; `false` when the end has come instead.
fn wait(stop: &Receiver<()>, period: u64, last: Option<u64>) -> bool {
    let start = now();
    let mut beat = next(start, period, last);
    loop {
        let now = now();
        if now >= beat {
            return true;
        }
        if beat - now > 2 * period {
            // The clock was set back.
            beat = next(now, period, None);
        }
        let left = Duration::from_secs(beat - now).saturating_sub(part_of_second());
        match stop.recv_timeout(left.clamp(Duration::from_millis(1), GLANCE)) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return false,
        }
    }
}

/// The next multiple of the period; not the one that the last run was for, should the clock have
/// been set back a little.
fn next(now: u64, period: u64, last: Option<u64>) -> u64 {
    let next = now / period + 1;
    let doubled = last == Some(next);
    (next + u64::from(doubled)) * period
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default()
}

fn now() -> u64 {
    since_1970().as_secs()
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
