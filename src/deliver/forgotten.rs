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

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn an_empty_spool_goes_when_nobody_has_used_it_for_long() {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let bounds = Bounds {
            age: 2 * DAY,
            size: 1_000_000,
        };
        for (days, is_left) in [(1, true), (3, false)] {
            let folder = tempfile::tempdir().expect("a folder");
            let spool = folder.path().join("away");
            let open = Spool::open(&spool).expect("a spool");
            // A run has had its turn there.
            drop(open.turn_now().expect("a turn"));
            let used = SystemTime::now() - days * DAY;
            File::open(&spool)
                .expect("it")
                .set_modified(used)
                .expect("a date");
            expire(folder.path(), std::slice::from_ref(&spool), bounds, 0);
            assert!(spool.exists(), "it is named");
            expire(folder.path(), &[], bounds, 0);
            assert_eq!(spool.exists(), is_left, "{days} days");
        }
    }
}
