//! What somebody says to a process that stays, by signals. No thread waits for them.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// SIGTERM and SIGINT: the first asks for an end, the second has its usual effect. SIGHUP asks for
/// the files to be read again.
#[derive(Debug)]
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    read_again: Arc<AtomicBool>,
    /// Gets a byte for each signal that asks for an end.
    told: UnixStream,
}

impl Signals {
    /// Listens from here on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn new() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, tell) = UnixStream::pair()?;
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first one only sets the flag.
            flag::register_conditional_default(signal, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
            pipe::register(signal, tell.try_clone()?)?;
        }
        let read_again = Arc::new(AtomicBool::new(false));
        flag::register(SIGHUP, Arc::clone(&read_again))?;
        Ok(Signals {
            stop,
            read_again,
            told,
        })
    }

    /// Whether the end was asked for.
    pub(crate) fn is_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether somebody wants the files read again, since this was last asked.
    pub(crate) fn take_read_again(&self) -> bool {
        self.read_again.swap(false, Ordering::Relaxed)
    }

    /// Waits that long, or until the end is asked for.
    pub(crate) fn wait(&self, limit: Duration) {
        let limit = limit.max(Duration::from_millis(1));
        // Whatever keeps it from waiting, the next look at the clock decides.
        if self.told.set_read_timeout(Some(limit)).is_ok() {
            let _ = (&self.told).read(&mut [0; 64]);
        }
    }
}
