//! The template: where each metric goes. It is read once, before anything is asked, and held
//! against the registry then; what can go wrong in a run is only what depends on the box's answers.

mod ascii;
mod compile;
mod glob;
pub(crate) mod label;
mod parse;
mod uses;

use std::fmt;

use ascii::to_ascii;
pub(crate) use glob::Glob;

use sha1::{Digest as _, Sha1};

use crate::metrics::group::Group;
use crate::metrics::metric::{Metric, Reading};
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;

/// carbon puts `.wsp` behind the last node, and a file name has at most 255 bytes.
const LONGEST_NODE: usize = 251;
/// With the folder it lies in, a path has to stay below the 4096 bytes of Linux.
const LONGEST_PATH: usize = 3800;

/// The templates that come with the program, by name.
pub(crate) const SHIPPED: [(&str, &str); 4] = [
    ("dotted", include_str!("dotted.template")),
    ("tagged", include_str!("tagged.template")),
    ("flat", include_str!("flat.template")),
    ("sexigraf", include_str!("sexigraf.template")),
];

/// A template that can be used.
#[derive(Debug)]
pub(crate) struct Template {
    patterns: compile::Patterns,
    /// What is odd about it without being wrong.
    pub(crate) warnings: Vec<Warning>,
}

/// Why a template cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    at: Position,
    words: String,
}

/// What is odd about a template.
#[derive(Debug)]
pub(crate) struct Warning {
    at: Position,
    words: String,
}

/// A place in the text of a template; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

/// What a metric's path is made of.
#[derive(Debug)]
pub(crate) struct Pattern {
    nodes: Vec<Node>,
    tags: Vec<(String, Node)>,
    /// Whether it names the field of freebox-monitoring 0.9.1, and wants its number then.
    is_field: bool,
}

/// What stands between two dots.
type Node = Vec<Part>;

#[derive(Debug)]
enum Part {
    /// From the template or the registry, to be taken as it is.
    Text(String),
    /// A text of the entity or of the run, to be cleaned.
    Label(&'static str),
    /// The first of these that is not empty.
    FirstOf(Vec<Node>),
}

/// The texts of a run: what is not known is not in it.
pub(crate) type RunLabels = Vec<(&'static str, String)>;

/// Why a sample has no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPath {
    /// The template drops it.
    Dropped,
    /// A node would be empty.
    EmptyNode,
    /// It would be too long for a file system.
    TooLong,
}

impl Template {
    /// Reads a template for the metrics that there are.
    ///
    /// # Errors
    /// The first thing in it that cannot work.
    pub(crate) fn read(
        text: &str,
        metrics: &[(&'static Group, &'static Metric)],
    ) -> Result<Self, Refusal> {
        let source = parse::parse(text)?;
        let (patterns, warnings) = compile::compile(&source, metrics)?;
        Ok(Template { patterns, warnings })
    }

    /// What tells the paths of these metrics, which are named in full, from those that another
    /// template gives them.
    pub(crate) fn mark<'a>(&self, metrics: impl Iterator<Item = &'a str>) -> String {
        let mut digest = Sha1::new();
        for name in metrics {
            let key = name.rsplit_once('.');
            let pattern = key.and_then(|key| self.patterns.get(&key));
            let path = pattern.map(Pattern::to_string).unwrap_or_default();
            digest.update(format!("{name} {path}\n"));
        }
        let start = digest.finalize().into_iter().take(4);
        start.map(|it| format!("{it:02x}")).collect()
    }

    /// What the path of a metric is made of, unless it is dropped.
    pub(crate) fn pattern(&self, group: &Group, metric: &Metric) -> Option<&Pattern> {
        self.patterns.get(&(group.name, metric.name))
    }

    /// The number that goes to the path of a metric. One that is made of the field's name has what
    /// freebox-monitoring 0.9.1 has there, if that is a number.
    pub(crate) fn number<'a>(&self, group: &Group, reading: &'a Reading) -> Option<&'a Value> {
        let number = match self.pattern(group, reading.metric)?.is_field {
            true => reading.in_field()?,
            false => &reading.value,
        };
        let number = if number.is_number() {
            number
        } else {
            &reading.value
        };
        number.is_number().then_some(number)
    }

    /// The path of one number of an entity.
    ///
    /// # Errors
    /// When it has none; that number is not to be written then.
    pub(crate) fn path(
        &self,
        sample: &Sample,
        metric: &Metric,
        run: &RunLabels,
    ) -> Result<String, NoPath> {
        let pattern = self.pattern(sample.group, metric).ok_or(NoPath::Dropped)?;
        let label = |name: &str| {
            let of_run = || run.iter().find(|(known, _)| *known == name);
            sample
                .text(name)
                .or_else(|| of_run().map(|(_, text)| text.as_str()))
        };
        pattern.path(&label)
    }
}

impl Pattern {
    fn path<'a>(&self, label: &dyn Fn(&str) -> Option<&'a str>) -> Result<String, NoPath> {
        let mut path = String::with_capacity(80);
        for node in &self.nodes {
            if !path.is_empty() {
                path.push('.');
            }
            let start = path.len();
            write_parts(node, &mut path, label, clean_node);
            path.truncate(start + LONGEST_NODE);
            if path.len() == start {
                return Err(NoPath::EmptyNode);
            }
        }
        for (key, value) in &self.tags {
            let mut text = String::new();
            write_parts(value, &mut text, label, clean_tag);
            text.truncate(LONGEST_NODE);
            // Graphite knows no empty tag; one that is not there means the same.
            if !text.is_empty() {
                path.extend([";", key, "=", &text]);
            }
        }
        match path.len() > LONGEST_PATH {
            true => Err(NoPath::TooLong),
            false => Ok(path),
        }
    }

    /// Whether one of these labels is sure to be part of the path.
    fn tells_apart(&self, labels: &[&str]) -> bool {
        let tags = self.tags.iter().map(|(_, value)| value);
        self.nodes
            .iter()
            .chain(tags)
            .flatten()
            .any(|part| part.tells_apart(labels))
    }
}

impl Part {
    fn tells_apart(&self, labels: &[&str]) -> bool {
        match self {
            Part::Text(_) => false,
            Part::Label(name) => labels.contains(name),
            Part::FirstOf(choices) => choices
                .iter()
                .all(|parts| parts.iter().any(|part| part.tells_apart(labels))),
        }
    }

    /// How many bytes it has whatever the labels are.
    fn fixed_length(&self) -> usize {
        match self {
            Part::Text(text) => text.len(),
            Part::Label(_) | Part::FirstOf(_) => 0,
        }
    }
}

fn write_parts<'a>(
    parts: &[Part],
    out: &mut String,
    label: &dyn Fn(&str) -> Option<&'a str>,
    clean: fn(&str, &mut String),
) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Label(name) => clean(label(name).unwrap_or_default(), out),
            Part::FirstOf(choices) => {
                let start = out.len();
                for choice in choices {
                    write_parts(choice, out, label, clean);
                    if out.len() > start {
                        break;
                    }
                }
            }
        }
    }
}

/// A text as it stands in a path: two that are the same there cannot be told apart.
pub(crate) fn node(text: &str) -> String {
    let mut out = String::new();
    clean_node(text, &mut out);
    out
}

/// Makes a node of a text: ASCII, lower case, `_` for everything unusual, runs of it collapsed.
fn clean_node(text: &str, out: &mut String) {
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    clean(text, out, |c| {
        Some(c.to_ascii_lowercase()).filter(|c| usual(*c))
    });
}

/// Makes the value of a tag of a text. Tags are no file names: case, dots and colons stay, so
/// that addresses can be read.
fn clean_tag(text: &str, out: &mut String) {
    let usual = |c: &char| c.is_ascii_alphanumeric() || "-.:".contains(*c);
    clean(text, out, |c| Some(c).filter(usual));
}

fn clean(text: &str, out: &mut String, keep: impl Fn(char) -> Option<char>) {
    let mut after_gap = false;
    let mut write = |c| {
        match keep(c) {
            Some(c) => out.push(c),
            None if after_gap => {}
            None => out.push('_'),
        }
        after_gap = keep(c).is_none();
    };
    // What is beyond the end of the longest node need not be looked at.
    for c in text.chars().take(LONGEST_NODE) {
        to_ascii(c, &mut write);
    }
}

impl Position {
    fn refuse(self, words: impl Into<String>) -> Refusal {
        Refusal {
            at: self,
            words: words.into(),
        }
    }

    fn right(self, columns: usize) -> Self {
        Position {
            column: self.column + columns,
            ..self
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.words)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.words)
    }
}

impl fmt::Display for Pattern {
    /// The path with the labels in braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, node) in self.nodes.iter().enumerate() {
            f.write_str(if i > 0 { "." } else { "" })?;
            node.iter().try_for_each(|part| part.fmt(f))?;
        }
        for (key, value) in &self.tags {
            write!(f, ";{key}=")?;
            value.iter().try_for_each(|part| part.fmt(f))?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Text(text) => f.write_str(text),
            Part::Label(name) => write!(f, "{{{name}}}"),
            Part::FirstOf(choices) => {
                let plain = |part: &Part| part.to_string().trim_matches(['{', '}']).to_owned();
                let choices = choices
                    .iter()
                    .map(|parts| parts.iter().map(plain).collect::<String>());
                write!(f, "{{{}}}", choices.collect::<Vec<_>>().join("|"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
