//! What the system gives this process, as far as too little of it could not be borne later: memory
//! that runs out ends a program in the middle, without a word of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::{Resource, getrlimit};
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;

use crate::base::error::Error;

/// What a run with one thread needs at most beside the largest answers of the box, in bytes.
const LEAST: u64 = 64 << 20;
/// What the C library sets aside for each further thread, in bytes of address space; where it
/// cannot, each little thing has a page of its own, and whatever there is does not last.
const FOR_EACH_THREAD: u64 = 128 << 20;

/// From here on, a file that may not grow (ulimit -f) is an error of whoever writes it, as a full
/// disk is, and not the end of the program.
pub(crate) fn full_files_are_errors() {
    // Where no signal can be had the system ends the program, as it always did.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// How many threads there can be beside the first: few, where address space is limited.
pub(super) fn most_threads() -> u64 {
    let limit = getrlimit(Resource::As).current;
    limit.map_or(u64::MAX, |it| it.saturating_sub(LEAST) / FOR_EACH_THREAD)
}

/// Makes sure that a run can have the memory it needs.
///
/// # Errors
/// A misuse that names the limit.
pub(crate) fn must_suffice() -> Result<(), Error> {
    for (resource, name) in [(Resource::As, "ulimit -v"), (Resource::Data, "ulimit -d")] {
        if let Some(limit) = getrlimit(resource).current.filter(|it| *it < LEAST) {
            let words = format!(
                "the memory of this process is limited to {} KiB ({name}), and a run needs {} KiB",
                limit >> 10,
                LEAST >> 10
            );
            return Err(Error::misuse(words));
        }
    }
    Ok(())
}
