//! A file of a spool, and its name, which says what has become of the lines in it.
//!
//! `1795459390-4711-720.lines` are the 720 lines of a run that began at that second, never
//! confirmed; `1795459390-4711-720.1-1795459392.lines` have been confirmed once, at that second. A
//! third number, as in `1795459390-4711-12.1-1795459512-1795459452.lines`, says since when
//! graphite-web has been seen not to show lines that carbon had confirmed.

/// How long after a confirmation the next one means something more, in seconds: what carbon has
/// read then is on its disk, or lost.
const APART: u64 = 45;
/// How long carbon may take to show what it has confirmed, in seconds. One that writes a single
/// update a second, as some are told to, needs half an hour for 1800 series.
const PATIENCE: u64 = 30 * 60;
const SUFFIX: &str = ".lines";

/// The lines of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// When the run began, in seconds since 1970.
    pub(super) timestamp: u64,
    /// Tells it from another run of the same second: the process, or the next number that is free.
    pub(super) process: u32,
    /// How many lines there are.
    pub(super) lines: usize,
    /// How often they have been confirmed.
    pub(super) confirmed: u32,
    /// When that was last.
    pub(super) at: u64,
    /// Since when they have been seen not to be shown though confirmed; 0 where that is not so.
    pub(super) unshown: u64,
    /// How many bytes they are.
    pub(super) size: u64,
}

impl Entry {
    /// The lines of a run that nobody has confirmed yet.
    pub(super) fn new(timestamp: u64, process: u32, text: &str) -> Self {
        Entry {
            timestamp,
            process,
            lines: text.lines().count(),
            confirmed: 0,
            at: 0,
            unshown: 0,
            size: text.len() as u64,
        }
    }

    /// The same, confirmed once more.
    pub(super) fn confirmed(&self, now: u64) -> Self {
        Entry {
            confirmed: self.confirmed.saturating_add(1),
            at: now,
            ..*self
        }
    }

    /// Those of its lines that are not shown although they were confirmed; they are to be sent
    /// anew.
    pub(super) fn unshown(&self, text: &str, now: u64) -> Self {
        // Not since they were confirmed: carbon may have been asleep as long as this program was.
        let since = match self.unshown {
            0 => now,
            since => since.min(now),
        };
        Entry {
            unshown: since,
            ..Entry::new(self.timestamp, self.process, text)
        }
    }

    /// Whether it is of a later time than a run that began at `start`: it could overwrite good
    /// points far away and is held back.
    pub(super) fn is_ahead_of(&self, start: u64) -> bool {
        self.timestamp > start
    }

    /// Whether it may be sent: what was confirmed rests for a while, the longer the longer it has
    /// not been shown.
    pub(super) fn has_rested(&self, now: u64) -> bool {
        let waited = match self.unshown {
            0 => 0,
            since => self.at.saturating_sub(since),
        };
        let rest = APART.max(waited / 2);
        self.confirmed == 0 || now >= self.at.saturating_add(rest) || now < self.at
    }

    /// Whether carbon has had more time than it needs to show it, from the first look that did not
    /// find it.
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        self.unshown > 0 && now.saturating_sub(self.unshown) >= PATIENCE
    }

    /// Whether its lines have most likely not arrived.
    pub(super) fn is_missing(&self) -> bool {
        self.confirmed == 0 || self.unshown > 0
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        let run = format!("{:010}-{}-{}", self.timestamp, self.process, self.lines);
        let (confirmed, at) = (self.confirmed, self.at);
        match (confirmed, self.unshown) {
            (0, 0) => format!("{run}{SUFFIX}"),
            (_, 0) => format!("{run}.{confirmed}-{at}{SUFFIX}"),
            (_, unshown) => format!("{run}.{confirmed}-{at}-{unshown}{SUFFIX}"),
        }
    }

    /// What a name says; its size is not in it.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let bare = name.strip_suffix(SUFFIX)?;
        let (run, state) = bare.split_once('.').unwrap_or((bare, "0-0"));
        let mut run = run.split('-');
        let mut state = state.split('-');
        let entry = Entry {
            timestamp: run.next()?.parse().ok()?,
            process: run.next()?.parse().ok()?,
            // More lines than fit a file were not written here.
            lines: run.next()?.parse::<u32>().ok()?.try_into().ok()?,
            confirmed: state.next()?.parse().ok()?,
            at: state.next()?.parse().ok()?,
            unshown: state.next().map_or(Some(0), |it| it.parse().ok())?,
            size: 0,
        };
        // Nothing that only looks alike: what is renamed must be what was read.
        (entry.name() == name).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_has_become_of_it() {
        let names = [
            "1795459390-4711-720.lines",
            "1795459390-4711-720.1-1795459392.lines",
            "1795459390-4711-12.0-0-1795459392.lines",
            "1795459390-4711-12.3-1795459512-1795459452.lines",
        ];
        for name in names {
            let entry = Entry::of_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(entry.name(), name);
        }
        let strange = [
            "README",
            "1-2.lines",
            "01-2-3.lines",
            "0000000001-2-3.0-4.lines",
            "0000000001-2-3.0-0.lines",
            "0000000001-2-3.1-4-0.lines",
            "0000000001-2-3.1-4-5-6.lines",
            "0000000001-2-3-4.lines",
        ];
        for name in strange {
            assert_eq!(Entry::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_not_shown_rests_longer_each_time() {
        let first = Entry::new(1000, 7, "a 1 1000\n").confirmed(1002);
        assert!(first.is_ahead_of(999) && !first.is_ahead_of(1000));
        assert!(!first.has_rested(1046) && first.has_rested(1047) && first.has_rested(1001));
        let mut entry = first.unshown("a 1 1000\n", 1062);
        let mut sent = Vec::new();
        for minute in 1..=60 {
            let now = 1002 + 60 * minute;
            if entry.has_rested(now) {
                sent.push(minute);
                entry = match entry.confirmed {
                    0 => entry.confirmed(now),
                    _ => entry.unshown("a 1 1000\n", now).confirmed(now),
                };
            }
        }
        assert_eq!(sent, [1, 2, 3, 4, 6, 9, 13, 19, 28, 42]);
        assert!(!entry.is_overdue(1062 + 1799) && entry.is_overdue(1062 + 1800));
        // Nobody has looked yet, for however long.
        assert!(!first.is_overdue(1002 + 3600));
        assert!(entry.is_missing() && !first.is_missing());
    }
}
