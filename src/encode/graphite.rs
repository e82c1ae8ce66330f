//! The plaintext protocol of Graphite.
//! <https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol>

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Batch, Counts, Doubles, Encode, Encoded, described};
use crate::metrics::metric::{Metric, Reading};
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;
use crate::template::{NoPath, RunLabels, Template};

/// Lines of `path value timestamp`, as they come together. Of two numbers for one path and moment
/// the first stays.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    template: &'a Template,
    run: &'a RunLabels,
    text: String,
    counts: Counts,
    /// The moment of the last batches, their paths, and what they hold, to find out who has a path
    /// already.
    time: u64,
    paths: HashSet<String>,
    added: Vec<&'a [Sample]>,
    doubles: Doubles,
}

impl<'a> Lines<'a> {
    /// No lines yet.
    pub(super) fn new(template: &'a Template, run: &'a RunLabels) -> Self {
        Lines {
            template,
            run,
            text: String::new(),
            counts: Counts::default(),
            time: 0,
            paths: HashSet::new(),
            added: Vec::new(),
            doubles: Doubles::default(),
        }
    }

    fn add_one(&mut self, sample: &Sample, reading: &Reading) {
        let Some(number) = self.template.number(sample.group, reading) else {
            return;
        };
        let metric = reading.metric;
        match self.template.path(sample, metric, self.run) {
            Ok(path) if self.paths.contains(&path) => self.double(&path, sample, metric),
            Ok(path) => self.write(path, number),
            Err(NoPath::Dropped) => {}
            Err(NoPath::EmptyNode | NoPath::TooLong) => {
                log::debug!("no path for {}", described_number(sample, metric));
                self.counts.lost += 1;
            }
        }
    }

    fn write(&mut self, path: String, value: &Value) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{path} {value} {}", self.time);
        self.paths.insert(path);
        self.counts.written += 1;
    }

    fn double(&mut self, path: &str, sample: &Sample, metric: &Metric) {
        self.counts.lost += 1;
        let mut doubles = std::mem::take(&mut self.doubles);
        doubles.add(|| {
            let kept = self.with_path(path).unwrap_or_default();
            let left_out = described_number(sample, metric);
            format!("{kept} and {left_out} have the same path {path}")
        });
        self.doubles = doubles;
    }

    /// The first number that has this path.
    fn with_path(&self, path: &str) -> Option<String> {
        let samples = self.added.iter().flat_map(|samples| samples.iter());
        let numbers =
            samples.flat_map(|it| it.values.iter().map(move |reading| (it, reading.metric)));
        let mut fitting = numbers
            .filter(|(it, metric)| self.template.path(it, metric, self.run).as_deref() == Ok(path));
        fitting
            .next()
            .map(|(it, metric)| described_number(it, metric))
    }
}

impl<'a> Encode<'a> for Lines<'a> {
    fn add(&mut self, batch: Batch<'a>) {
        if batch.time != self.time {
            self.time = batch.time;
            self.paths.clear();
            self.added.clear();
        }
        self.added.push(batch.samples);
        for sample in batch.samples {
            for reading in &sample.values {
                self.add_one(sample, reading);
            }
        }
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn finish(self: Box<Self>) -> Encoded {
        Encoded {
            warning: self.doubles.warning(),
            text: self.text,
            counts: self.counts,
        }
    }
}

/// A number in words: `lan.host.active{mac=02:00:5E:00:00:10}`.
fn described_number(sample: &Sample, metric: &Metric) -> String {
    described(&sample.group.metric_name(metric), sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::group::Group;
    use crate::metrics::label::label;
    use crate::metrics::metric::{gauge, text};
    use crate::metrics::unit::Unit;

    static HOST: Group = Group::new(
        "host",
        "host.{mac}",
        &[
            gauge("power", Unit::Dbm, "Its power"),
            gauge("noise", Unit::Dbm, "What it hears"),
            text("version", "Its firmware"),
        ],
    )
    .labels(&[label("mac", &["mac"])]);

    #[test]
    fn of_two_numbers_for_one_path_and_moment_the_first_stays() {
        let metrics: Vec<_> = HOST.metrics.iter().map(|metric| (&HOST, metric)).collect();
        let template = Template::read("host.noise -\n** {default}", &metrics).expect("a template");
        let records = [
            r#"{"mac":"A:B","power":-5,"noise":7,"version":"4.12"}"#,
            r#"{"power":-7}"#,
            r#"{"mac":"a_b","power":-6}"#,
        ];
        let read =
            |record: &&str| Sample::read(&HOST, &serde_json::from_str(record).expect("JSON"));
        let samples: Vec<Sample> = records.iter().map(read).collect();
        let run = RunLabels::new();
        let mut lines = Box::new(Lines::new(&template, &run));
        for (time, samples) in [
            (60, &samples[..2]),
            (60, &samples[2..]),
            (120, &samples[2..]),
        ] {
            lines.add(Batch { time, samples });
        }
        let counts = lines.counts();
        let encoded = lines.finish();
        assert_eq!(
            encoded.text,
            "host.a_b.power -5 60\nhost.a_b.power -6 120\n"
        );
        let (written, lost) = (2, 2);
        assert_eq!(counts, Counts { written, lost });
        assert_eq!(encoded.counts, counts);
        let words = "host.power{mac=A:B} and host.power{mac=a_b} have the same path \
            host.a_b.power; the first is written";
        assert_eq!(encoded.warning.as_deref(), Some(words));
    }
}
