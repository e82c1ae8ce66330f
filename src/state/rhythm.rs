//! How often runs come.

use serde::{Deserialize, Serialize};

use crate::base::clock::MINUTE;
use crate::base::spans::Span;

/// How many runs tell how far apart they usually are, and how many distances are enough for that.
const RECENT: usize = 12;
const ENOUGH: usize = 2;
/// Who runs more seldom than that has gaps in any case, and has some time to show how often it is.
pub(super) const LONGEST_USUAL: u64 = 60 * MINUTE;

/// When some runs began, in seconds since 1970. Several in a minute are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Runs(Vec<u64>);

impl Runs {
    /// Adds one.
    pub(super) fn add(&mut self, time: u64) {
        let is_in = |it: &u64| minute_of(*it) == minute_of(time);
        if !self.0.last().is_some_and(is_in) {
            self.0.push(time);
            let surplus = self.0.len().saturating_sub(RECENT);
            self.0.drain(..surplus);
        }
    }

    /// The distances between them, the shortest first.
    fn distances(&self) -> Vec<u64> {
        let pairs = self.0.windows(2);
        let mut distances: Vec<u64> = pairs.filter_map(|it| it[1].checked_sub(it[0])).collect();
        distances.sort_unstable();
        distances
    }

    /// How far apart they usually are, in seconds, as soon as that can be told. Gaps are among the
    /// longer distances; a run by hand makes two that are shorter.
    pub(super) fn usual(&self) -> Option<u64> {
        match self.distances().as_slice() {
            [once] if rounded(*once) == MINUTE => Some(*once),
            few if few.len() < ENOUGH => None,
            many => many.get((many.len() - 1) / 4).copied(),
        }
    }

    /// Whether most come soon after the one before.
    pub(super) fn are_regular(&self) -> bool {
        match self.distances().as_slice() {
            [once] => rounded(*once) == MINUTE,
            many => many
                .get(many.len().saturating_sub(1) / 2)
                .is_some_and(|it| *it <= LONGEST_USUAL),
        }
    }
}

/// The minute that a moment is in.
pub(crate) fn minute_of(time: u64) -> Span {
    let begin = time / MINUTE * MINUTE;
    (begin, begin.saturating_add(MINUTE))
}

/// A stretch of time in whole minutes.
pub(super) fn rounded(seconds: u64) -> u64 {
    seconds.saturating_add(MINUTE / 2) / MINUTE * MINUTE
}
