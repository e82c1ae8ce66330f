//! Walks the table of sections.

use crate::api::{Client, Error};
use crate::report::Report;
use crate::sample::Sample;
use crate::sections::Section;

/// What the sections gave.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The samples, in the order of the sections.
    pub(crate) samples: Vec<Sample>,
    /// Which sections failed, and of what.
    pub(crate) failures: Vec<(&'static str, Vec<Error>)>,
}

/// Asks for these sections. One that fails costs the others nothing.
pub(crate) fn collect(client: &Client, sections: &[Section]) -> Collected {
    let mut collected = Collected::default();
    for section in sections {
        let mut report = Report::default();
        (section.collect)(client, &mut report);
        log::debug!("{}: {} samples", section.name, report.samples.len());
        collected.samples.extend(report.samples);
        if !report.failures.is_empty() {
            collected.failures.push((section.name, report.failures));
        }
    }
    collected
}
