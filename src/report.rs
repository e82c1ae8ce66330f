//! What a run gathered: samples, and what went wrong on the way.

use crate::api;
use crate::sample::Sample;

/// The harvest of one section, or of all of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was collected.
    pub(crate) samples: Vec<Sample>,
    /// The answers that were not usable, in the order in which they were asked for.
    pub(crate) failures: Vec<api::Error>,
}

impl Report {
    /// Takes in what became of one answer.
    pub(crate) fn add(&mut self, outcome: Result<Vec<Sample>, api::Error>) {
        match outcome {
            Ok(samples) => self.samples.extend(samples),
            Err(error) => self.failures.push(error),
        }
    }

    /// The same for something that not every box has: when the box declines, that is no failure.
    pub(crate) fn add_if_any(&mut self, outcome: Result<Vec<Sample>, api::Error>) {
        match outcome {
            Err(error) if error.is_declined() => log::debug!("{error}"),
            other => self.add(other),
        }
    }
}
