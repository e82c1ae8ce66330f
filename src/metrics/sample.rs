//! What a section hands on: entities with their texts and their numbers. No JSON in it and no
//! output format.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::Metric;
use crate::metrics::value::Value;

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
