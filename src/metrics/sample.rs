//! What a section hands on: entities with their texts and their numbers. No JSON in it and no
//! output format.

use std::fmt;

use serde_json::Value as Json;

use crate::metrics::group::{Group, Metric};

/// A number of a metric. Whole ones stay whole: byte counters need all their digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Int(i64),
    /// Any other; always finite.
    Float(f64),
}

impl Value {
    /// The value for comparisons.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Value::Int(whole) => whole as f64,
            Value::Float(float) => float,
        }
    }

    /// The value in a unit that is `divisor` times as large.
    pub(crate) fn divided_by(self, divisor: u16) -> Self {
        match (self, divisor) {
            (_, 1) => self,
            (Value::Int(whole), _) => Value::Float(whole as f64 / f64::from(divisor)),
            (Value::Float(float), _) => Value::Float(float / f64::from(divisor)),
        }
    }
}

impl fmt::Display for Value {
    /// Plain notation: digits, a minus, a point, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(whole) => whole.fmt(f),
            Value::Float(float) => float.fmt(f),
        }
    }
}

/// One entity of a group with what is known about it in this run.
#[derive(Debug)]
pub(crate) struct Sample {
    /// What it is an entity of.
    pub(crate) group: &'static Group,
    /// Its texts by name; those that are not known are not in it.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// Its numbers, in the order of the group's table.
    pub(crate) values: Vec<(&'static Metric, Value)>,
}

impl Sample {
    /// An entity about which nothing is known yet.
    pub(crate) fn new(group: &'static Group) -> Self {
        Sample::read(group, &Json::Null)
    }

    /// An entity whose numbers stand in `answer`.
    pub(crate) fn read(group: &'static Group, answer: &Json) -> Self {
        let constants = group.constants.iter();
        Sample {
            group,
            labels: constants
                .map(|&(name, text)| (name, text.to_owned()))
                .collect(),
            values: group
                .metrics
                .iter()
                .filter_map(|metric| Some((metric, metric.read(answer)?)))
                .collect(),
        }
    }

    /// Adds a text of the entity, if it is known.
    pub(crate) fn label(mut self, name: &'static str, text: Option<String>) -> Self {
        debug_assert!(
            self.group.label_names().any(|known| known == name),
            "{} has no label {name}",
            self.group.name
        );
        self.labels.extend(text.map(|text| (name, text)));
        self
    }

    /// Adds a number that the section's code has worked out, if it could.
    pub(crate) fn with(mut self, name: &str, value: Option<i64>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds a number under the name of one of its metrics, if there is one.
    pub(crate) fn add(&mut self, name: &str, value: Option<i64>) {
        let metric = self.group.metrics.iter().find(|metric| metric.name == name);
        debug_assert!(metric.is_some(), "{} has no metric {name}", self.group.name);
        self.values.extend(metric.zip(value.map(Value::Int)));
    }

    /// Takes a number out again, where another field says that it means nothing.
    pub(crate) fn without(mut self, metric: &str) -> Self {
        self.values.retain(|(known, _)| known.name != metric);
        self
    }

    /// A text of the entity by name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_plainly() {
        let cases = [
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Float(1e21), "1000000000000000000000"),
            (Value::Float(1e-7), "0.0000001"),
            (Value::Int(-1838).divided_by(100), "-18.38"),
            (Value::Int(642).divided_by(100), "6.42"),
            (Value::Int(7).divided_by(1), "7"),
        ];
        for (value, expected) in cases {
            assert_eq!(value.to_string(), expected);
        }
    }
}
