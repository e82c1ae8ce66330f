//! Samples to lines. Encoding cannot fail: what cannot be a line is left out and counted.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::base::error::one_line;
use crate::metrics::group::Metric;
use crate::metrics::sample::{Sample, Value};
use crate::template::{NoPath, RunLabels, Template};

/// The lines of a run, as they come together.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    template: &'a Template,
    run: &'a RunLabels,
    timestamp: u64,
    text: String,
    paths: HashSet<String>,
    /// What was added, to find out who has a path already.
    added: Vec<&'a [Sample]>,
    doubles: usize,
    first_double: Option<String>,
    without_path: usize,
}

impl<'a> Lines<'a> {
    /// No lines yet. All of them will have the same `timestamp`, in seconds since 1970.
    pub(crate) fn new(template: &'a Template, run: &'a RunLabels, timestamp: u64) -> Self {
        Lines {
            template,
            run,
            timestamp,
            text: String::new(),
            paths: HashSet::new(),
            added: Vec::new(),
            doubles: 0,
            first_double: None,
            without_path: 0,
        }
    }

    /// Adds samples in the plaintext protocol of Graphite. Of two numbers for one path the first
    /// stays. <https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol>
    pub(crate) fn add(&mut self, samples: &'a [Sample]) {
        self.added.push(samples);
        for sample in samples {
            for (metric, value) in &sample.values {
                match self.template.path(sample, metric, self.run) {
                    Ok(path) if self.paths.contains(&path) => self.double(&path, sample, metric),
                    Ok(path) => self.write(path, *value),
                    Err(NoPath::Dropped) => {}
                    Err(NoPath::EmptyNode | NoPath::TooLong) => {
                        log::debug!("no path for {}", described(sample, metric));
                        self.without_path += 1;
                    }
                }
            }
        }
    }

    fn write(&mut self, path: String, value: Value) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{path} {value} {}", self.timestamp);
        self.paths.insert(path);
    }

    fn double(&mut self, path: &str, sample: &Sample, metric: &Metric) {
        self.doubles += 1;
        if self.first_double.is_none() {
            let kept = self.with_path(path).unwrap_or_default();
            let left_out = described(sample, metric);
            let words = format!("{kept} and {left_out} have the same path {path}");
            self.first_double = Some(words);
        }
    }

    /// The first number that has this path.
    fn with_path(&self, path: &str) -> Option<String> {
        let samples = self.added.iter().flat_map(|samples| samples.iter());
        let numbers = samples.flat_map(|it| it.values.iter().map(move |(metric, _)| (it, *metric)));
        let mut fitting = numbers
            .filter(|(it, metric)| self.template.path(it, metric, self.run).as_deref() == Ok(path));
        fitting.next().map(|(it, metric)| described(it, metric))
    }

    /// `path value timestamp`, each with a line feed; ASCII.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.paths.len()
    }

    /// How many numbers are not among them although the template does not drop them.
    pub(crate) fn lost(&self) -> usize {
        self.doubles + self.without_path
    }

    /// What the author of the template should know.
    pub(crate) fn warning(&self) -> Option<String> {
        let others = match self.doubles {
            0 | 1 => String::new(),
            more => format!(" ({} more are like it)", more - 1),
        };
        let words = self.first_double.as_ref()?;
        Some(format!("{words}; the first is written{others}"))
    }
}

/// A number in words: `lan.host.active{mac=02:00:5E:00:00:10}`.
fn described(sample: &Sample, metric: &Metric) -> String {
    let name = sample.group.metric_name(metric);
    let keys = sample.group.identity.iter().filter_map(|names| {
        let known = |name: &&str| Some(format!("{name}={}", one_line(sample.text(name)?)));
        names.iter().find_map(known)
    });
    let keys: Vec<String> = keys.collect();
    match keys.is_empty() {
        true => name,
        false => format!("{name}{{{}}}", keys.join(",")),
    }
}
