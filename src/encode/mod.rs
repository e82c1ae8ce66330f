//! Samples to text: one file for each format. None knows where the text goes.

mod graphite;
mod influxdb;
pub(crate) mod prometheus;
mod script;

use std::fmt;
use std::str::FromStr;

use crate::base::error::one_line;
use crate::metrics::metric::Reading;
use crate::metrics::sample::Sample;
use crate::template::{RunLabels, Template};

/// The texts of a run that lines for InfluxDB have as tags: where the API is, its major version, and
/// the board of the box.
pub(crate) const API_URL: &str = "api_url";
/// See [`API_URL`].
pub(crate) const API_MAJOR: &str = "api_major";
/// See [`API_URL`].
pub(crate) const BOARD: &str = "board";

/// What a text may have at most, in characters: in InfluxDB the tags of a line have to stay below
/// 64 KiB together, and so has a field.
const LONGEST_TEXT: usize = 500;

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

impl Counts {
    /// What has become of those since there were so many.
    pub(crate) fn since(self, before: Counts) -> Counts {
        Counts {
            written: self.written - before.written,
            lost: self.lost - before.lost,
        }
    }
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
    /// What the user should know.
    pub(crate) warning: Option<String>,
}

/// Numbers that would have taken the place of others.
#[derive(Debug, Default)]
struct Doubles {
    number: usize,
    /// What is to be said of the first.
    first: Option<String>,
}

impl Doubles {
    /// Adds one; `words` are made for the first.
    fn add(&mut self, words: impl FnOnce() -> String) {
        self.number += 1;
        self.first.get_or_insert_with(words);
    }

    /// What the user should know.
    fn warning(&self) -> Option<String> {
        let others = match self.number {
            0 | 1 => String::new(),
            more => format!(" ({} more are like it)", more - 1),
        };
        let words = self.first.as_ref()?;
        Some(format!("{words}; the first is written{others}"))
    }
}

/// What an entity says, each metric once: what it says again does not count.
fn readings(sample: &Sample) -> impl Iterator<Item = &Reading> {
    let values = sample.values.iter().enumerate();
    let is_first = |(at, reading): &(usize, &Reading)| {
        let mut before = sample.values[..*at].iter();
        !before.any(|other| std::ptr::eq(other.metric, reading.metric))
    };
    values.filter(is_first).map(|(_, reading)| reading)
}

/// What to say of an entity that is there already.
fn named_twice(sample: &Sample) -> String {
    format!(
        "the box names {} twice",
        described(sample.group.name, sample)
    )
}

/// Whether nothing is known that would tell an entity apart from another.
fn is_nameless(sample: &Sample) -> bool {
    let is_known = |key: &str| {
        let mut others = sample.group.labels.iter();
        sample.text(key).is_some()
            || others.any(|it| it.stands_for == Some(key) && sample.text(it.name).is_some())
    };
    sample.group.keys().any(|key| !is_known(key))
}

/// A text of the run.
fn text_of<'a>(run: &'a RunLabels, name: &str) -> Option<&'a str> {
    let found = run.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| text.as_str())
}

/// The name that tells the box of a run from others, known also when it is away.
pub(crate) fn name_of_box(run: &RunLabels) -> Option<&str> {
    text_of(run, "name").or_else(|| text_of(run, "endpoint"))
}

/// A number or an entity in words: its name and its keys.
fn described(name: &str, sample: &Sample) -> String {
    let keys = sample.group.keys().filter_map(|key| {
        let known = |name: &str| Some(format!("{name}={}", one_line(sample.text(name)?)));
        sample.group.names_of(key).into_iter().find_map(known)
    });
    let keys: Vec<String> = keys.collect();
    match keys.is_empty() {
        true => name.to_owned(),
        false => format!("{name}{{{}}}", keys.join(",")),
    }
}

/// A character of a text that has to stay on one line.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `path value timestamp`, the plaintext protocol of Graphite.
    Graphite,
    /// `measurement,tags fields`, the line protocol of InfluxDB.
    Influxdb,
    /// Families of samples, for node_exporter's textfile collector.
    Prometheus,
}

/// A format with all that it needs.
#[derive(Debug)]
pub(crate) enum Form {
    /// See [`Format::Graphite`].
    Graphite(Template),
    /// See [`Format::Influxdb`].
    Influxdb {
        /// Whether each line ends with its moment.
        has_time: bool,
    },
    /// See [`Format::Prometheus`].
    Prometheus,
}

impl Form {
    /// The format at work for one run, of which `run` are the texts.
    pub(crate) fn encoder<'a>(&'a self, run: &'a RunLabels) -> Box<dyn Encode<'a> + 'a> {
        match self {
            Form::Graphite(template) => Box::new(graphite::Lines::new(template, run)),
            Form::Influxdb { has_time } => Box::new(influxdb::Lines::new(*has_time, run)),
            Form::Prometheus => Box::new(prometheus::Families::new(run)),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "graphite" => Ok(Format::Graphite),
            "influxdb" => Ok(Format::Influxdb),
            "prometheus" => Ok(Format::Prometheus),
            _ => Err("it is graphite, influxdb or prometheus".to_owned()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Graphite => "graphite",
            Format::Influxdb => "influxdb",
            Format::Prometheus => "prometheus",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::group::Group;
    use crate::metrics::label::label;

    static LEASE: Group = Group::new("lease", "lease.{mac}", &[]).labels(&[
        label("mac", &["mac"]),
        label("name", &["name"]).names("mac"),
        label("vendor", &["vendor"]),
    ]);

    #[test]
    fn counts_since_then() {
        let counts = |written, lost| Counts { written, lost };
        assert_eq!(counts(7, 5).since(counts(3, 2)), counts(4, 3));
    }

    #[test]
    fn of_doubles_the_first_is_told_and_how_many_more_there_are() {
        let mut doubles = Doubles::default();
        let mut told = Vec::new();
        for words in ["a and b", "c and d", "e and f"] {
            told.push(doubles.warning().unwrap_or_default());
            doubles.add(|| words.to_owned());
        }
        told.push(doubles.warning().unwrap_or_default());
        let expected = [
            "",
            "a and b; the first is written",
            "a and b; the first is written (1 more are like it)",
            "a and b; the first is written (2 more are like it)",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn nameless_is_what_has_neither_its_key_nor_what_stands_for_it() {
        for (record, is_so) in [
            (r#"{"mac":"m","name":"n"}"#, false),
            (r#"{"mac":"m"}"#, false),
            (r#"{"name":"n"}"#, false),
            (r#"{"vendor":"v"}"#, true),
            ("{}", true),
        ] {
            let sample = Sample::read(&LEASE, &serde_json::from_str(record).expect("JSON"));
            assert_eq!(is_nameless(&sample), is_so, "{record}");
        }
    }

    #[test]
    fn formats_have_one_word_each() {
        for format in [Format::Graphite, Format::Influxdb, Format::Prometheus] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("carbon".parse::<Format>().is_err());
    }
}
