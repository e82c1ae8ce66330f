//! The spools of carbons that are not named any more. What waits in them expires as it would have,
//! and then they go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::spool::{Bounds, Dropped, Spool};

/// Drops what has waited too long below `folder`, but not in the spools `named`, by the bounds that
/// were last given for each; `bounds` are for those without. Removes the empty ones that nobody
/// has used for that long. `now` is in seconds since 1970.
pub(super) fn expire(folder: &Path, named: &[PathBuf], bounds: Bounds, now: u64) {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = folders.map(|it| it.path());
    for spool in folders.filter(|it| !named.contains(it)) {
        if let Some(spool) = Spool::left_in(&spool) {
            expire_one(&spool, bounds, now);
        }
    }
}

fn expire_one(spool: &Spool, bounds: Bounds, now: u64) {
    let changed = spool.changed();
    // One that is in use is looked after by whoever uses it.
    let Some(turn) = spool.turn_now() else { return };
    let bounds = turn.bounds().unwrap_or(bounds);
    let before = spool.entries().len();
    let Dropped { too_old, too_much } = turn.prune(bounds, now);
    let dropped = too_old + too_much;
    if dropped > 0 {
        log::warn!(
            "{}: {dropped} lines waited too long for a carbon that is not named any more and were \
             dropped",
            spool.folder().display()
        );
    }
    let after = spool.entries().len();
    let is_idle = changed.is_some_and(|it| is_older(it, bounds.age));
    if after == 0 && (before > 0 || is_idle) {
        turn.remove_folder();
    }
}

fn is_older(time: SystemTime, age: Duration) -> bool {
    SystemTime::now()
        .duration_since(time)
        .is_ok_and(|it| it > age)
}
