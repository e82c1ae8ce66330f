//! Samples to text: one file for each format. None knows where the text goes.

mod graphite;

use crate::metrics::sample::Sample;
use crate::template::{RunLabels, Template};

/// The samples of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    /// Seconds since 1970: the timestamp of all of them.
    pub(crate) time: u64,
    /// What is known of that moment.
    pub(crate) samples: &'a [Sample],
}

/// What has become of the numbers of some batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that are in the text.
    pub(crate) written: usize,
    /// Those that could not be, although nobody wanted them left out.
    pub(crate) lost: usize,
}

/// A format at work. Encoding cannot fail: what cannot be written is left out and counted.
pub(crate) trait Encode<'a> {
    /// Adds the samples of one moment. Batches of the same moment follow each other.
    fn add(&mut self, batch: Batch<'a>);

    /// What has become of the numbers so far.
    fn counts(&self) -> Counts;

    /// The text of all batches, and what the user should know about it.
    fn finish(self: Box<Self>) -> Encoded;
}

/// Samples as text.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Whole lines.
    pub(crate) text: String,
    /// What became of the numbers.
    pub(crate) counts: Counts,
    /// What the author of the template should know.
    pub(crate) warning: Option<String>,
}

/// The form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `path value timestamp`, the plaintext protocol of Graphite.
    Graphite,
}

impl Format {
    /// The format at work for one run: `labels` are what templates may say about any of its
    /// metrics.
    pub(crate) fn encoder<'a>(
        self,
        template: &'a Template,
        labels: &'a RunLabels,
    ) -> Box<dyn Encode<'a> + 'a> {
        match self {
            Format::Graphite => Box::new(graphite::Lines::new(template, labels)),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "graphite" => Ok(Format::Graphite),
            _ => Err("graphite is the only one there is".to_owned()),
        }
    }
}
