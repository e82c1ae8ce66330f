//! A file in a spool: its name in the first line of the bytes, its content behind that.

#[path = "../../../../src/deliver/entry.rs"]
mod entry;
#[path = "../../../../src/deliver/line.rs"]
mod line;
#[allow(clippy::module_inception)]
#[path = "../../../../src/deliver/spool.rs"]
mod spool;

use std::fs;
use std::path::Path;
use std::time::Duration;

use entry::Entry;
use line::Line;
use spool::{Bounds, Spool, Turn};

use crate::given::{NOW, folder, log_everything};
use crate::text;

const BOUNDS: Bounds = Bounds {
    age: Duration::from_secs(24 * 3600),
    size: 1000,
};

/// What is taken for ours has a name that means itself and yields lines that carbon takes; anything
/// else stays where it is.
pub fn check(data: &[u8]) {
    log_everything();
    let end = data
        .iter()
        .position(|it| *it == b'\n')
        .unwrap_or(data.len());
    let (name, content) = data.split_at(end);
    let Ok(name) = std::str::from_utf8(name) else {
        return;
    };
    let content = content.get(1..).unwrap_or_default();
    let entry = Entry::of_name(name);
    if let Some(entry) = &entry {
        assert_eq!(entry.name(), name);
        is_followed(entry, content);
    }
    let is_name = !name.is_empty() && name.len() < 255 && !name.contains(['/', '\0']);
    if is_name && !name.starts_with('.') {
        in_a_folder(name, content, entry.is_some());
    }
}

/// What becomes of an entry has a name of its own that says all of it.
fn is_followed(entry: &Entry, content: &[u8]) {
    let content = String::from_utf8_lossy(content);
    let same = |entry: &Entry| {
        let read = Entry::of_name(&entry.name()).expect("a name");
        assert_eq!(
            Entry {
                size: entry.size,
                ..read
            },
            *entry
        );
    };
    same(&entry.confirmed(NOW));
    same(&entry.unshown(&content, NOW));
    same(
        &entry
            .confirmed(NOW)
            .unshown(&content, NOW + 60)
            .confirmed(NOW + 90),
    );
    let times = [0, 1, NOW, entry.at, u64::MAX];
    for now in times {
        let is_good = entry.has_rested(now) || entry.confirmed > 0;
        assert!(is_good, "never confirmed and made to wait: {entry:?}");
        std::hint::black_box((entry.is_overdue(now), entry.is_ahead_of(now)));
    }
}

fn in_a_folder(name: &str, content: &[u8], is_ours: bool) {
    let folder = folder().join("spool");
    let _ = fs::remove_dir_all(&folder);
    let spool = Spool::open(&folder).expect("a folder");
    let path = folder.join(name);
    if fs::write(&path, content).is_err() {
        return;
    }
    let turn = spool.turn_now().expect("a turn");
    spool.add(NOW, "a.b 1 1700000000\n").expect("a run");
    spool.add(1, "a.b 1 1\n").expect("a run of long ago");
    let entries = turn.entries().expect("the folder");
    assert_eq!(entries.len(), 2 + usize::from(is_ours));
    for entry in &entries {
        let read = turn.read(entry).expect("its lines");
        read.split_inclusive('\n').for_each(is_line);
    }
    is_pruned(&turn, &path, is_ours);
}

fn is_line(text: &str) {
    let line = Line::of(text).unwrap_or_else(|| panic!("{text:?}"));
    assert!(
        line.value.is_finite() && text.is_ascii() && text.ends_with('\n'),
        "{text:?}"
    );
    text::words(line.path);
}

/// What is within the bounds stays, and so does what is not ours.
fn is_pruned(turn: &Turn, path: &Path, is_ours: bool) {
    turn.keep_bounds(BOUNDS);
    let dropped = turn.prune(BOUNDS, NOW);
    let left = turn.entries().expect("the folder");
    let size: u64 = left.iter().map(|it| it.size).sum();
    assert!(left.len() == 1 || size <= BOUNDS.size, "{left:?}");
    assert!(is_ours || path.exists() && left.len() == 1);
    assert!(
        left.iter().any(|it| it.timestamp == NOW),
        "what is new is gone"
    );
    let lost = dropped.too_old.saturating_add(dropped.too_much);
    assert!(turn.take_dropped() >= lost);
    assert_eq!(turn.take_dropped(), 0);
}
