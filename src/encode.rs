//! Samples to lines. Encoding cannot fail: what cannot be a line is left out and counted.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::sample::Sample;
use crate::template::{NoPath, RunLabels, Template};

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// `path value timestamp`, each with a line feed; ASCII.
    pub(crate) text: String,
    /// How many they are.
    pub(crate) count: usize,
    /// How many numbers are not among them although the template does not drop them.
    pub(crate) lost: usize,
    /// Why, one sentence for each kind of reason.
    pub(crate) warnings: Vec<String>,
}

/// Writes samples in the plaintext protocol of Graphite, all with the same `timestamp` (seconds
/// since 1970). Of two numbers for one path the first stays.
/// <https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol>
pub(crate) fn graphite(
    samples: &[Sample],
    template: &Template,
    run: &RunLabels,
    timestamp: u64,
) -> Lines {
    let mut lines = Lines::default();
    let mut paths = HashSet::new();
    let mut reasons = Reasons::default();
    for sample in samples {
        for (metric, value) in &sample.values {
            let name = || sample.group.metric_name(metric);
            match template.path(sample, metric, run) {
                Ok(path) if paths.contains(&path) => {
                    reasons.same_path.add(|| format!("{} ({path})", name()))
                }
                Ok(path) => {
                    // Writing to a String cannot fail.
                    let _ = writeln!(lines.text, "{path} {value} {timestamp}");
                    lines.count += 1;
                    paths.insert(path);
                }
                Err(NoPath::Dropped) => {}
                Err(NoPath::EmptyNode) => reasons.empty_node.add(name),
                Err(NoPath::TooLong) => reasons.too_long.add(name),
            }
        }
    }
    reasons.tell(&mut lines);
    lines
}

/// What was left out, by reason.
#[derive(Default)]
struct Reasons {
    same_path: Reason,
    empty_node: Reason,
    too_long: Reason,
}

#[derive(Default)]
struct Reason {
    count: usize,
    first: String,
}

impl Reason {
    fn add(&mut self, which: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = which();
        }
        self.count += 1;
    }
}

impl Reasons {
    fn tell(self, lines: &mut Lines) {
        let kinds = [
            (
                self.same_path,
                "has the path of another one, which was kept",
            ),
            (self.empty_node, "has an empty node in its path"),
            (self.too_long, "has a path too long for a file system"),
        ];
        for (reason, words) in kinds {
            lines.lost += reason.count;
            let others = match reason.count {
                0 => continue,
                1 => String::new(),
                more => format!(", and {} more like it", more - 1),
            };
            lines
                .warnings
                .push(format!("not written: {} {words}{others}", reason.first));
        }
    }
}
