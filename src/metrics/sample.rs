//! What a section hands on: entities with their texts and their numbers. No JSON in it and no
//! output format.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::Label;
use crate::metrics::lenient::{at, text};
use crate::metrics::metric::{InField, Metric, Reading};
use crate::metrics::value::Value;

/// One entity of a group with what is known about it in this run.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// What it is an entity of.
    pub(crate) group: &'static Group,
    /// Its texts by name; those that are not known are not in it.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// What its metrics say, in the order in which it was found out.
    pub(crate) values: Vec<Reading>,
    /// When it was last there, if it may be gone.
    pub(crate) seen: Option<Seen>,
}

/// When an entity was last there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is there now; the box's clock said so much when it last looked.
    Now(Option<i64>),
    /// Then, in seconds since 1970 by the box's clock.
    At(i64),
}

impl Sample {
    /// An entity about which nothing is known yet.
    pub(crate) fn new(group: &'static Group) -> Self {
        Sample::read(group, &Json::Null)
    }

    /// An entity whose numbers and texts stand in `record`.
    pub(crate) fn read(group: &'static Group, record: &Json) -> Self {
        let fixed = |label: &Label| Some((label.name, label.fixed?.to_owned()));
        let sample = Sample {
            group,
            labels: group.labels.iter().filter_map(fixed).collect(),
            values: Vec::new(),
            seen: None,
        };
        sample.also(record)
    }

    /// The same entity, of which nothing but its texts is known.
    pub(crate) fn bare(&self) -> Self {
        Sample {
            group: self.group,
            labels: self.labels.clone(),
            values: Vec::new(),
            seen: self.seen,
        }
    }

    /// Adds what a further record says about the entity.
    pub(crate) fn also(mut self, record: &Json) -> Self {
        let metrics = self.group.metrics.iter();
        self.values
            .extend(metrics.filter_map(|metric| metric.read(record)));
        for label in self.group.labels {
            let found = label.from.iter().find_map(|path| text(at(record, path)?));
            self.learn(label.name, found);
        }
        self
    }

    /// Adds the texts that it has from the entity it is a part of.
    pub(crate) fn within(mut self, whole: &Sample) -> Self {
        for label in self.group.labels.iter().filter(|label| label.inherited) {
            self.learn(label.name, whole.text(label.name).map(str::to_owned));
        }
        self
    }

    /// Adds a text of the entity, if it is known.
    pub(crate) fn label(mut self, name: &'static str, text: Option<String>) -> Self {
        debug_assert!(
            self.group.label(name).is_some(),
            "{} has no label {name}",
            self.group.name
        );
        self.learn(name, text);
        self
    }

    /// Adds a text that was not known before.
    fn learn(&mut self, name: &'static str, text: Option<String>) {
        if self.text(name).is_none() {
            self.labels.extend(text.map(|text| (name, text)));
        }
    }

    /// Adds what the section's code has worked out, if it could.
    pub(crate) fn with(mut self, metric: &'static Metric, value: Option<impl Into<Value>>) -> Self {
        self.add(metric, value, InField::Same);
        self
    }

    /// Adds what the section's code has worked out, with what 0.9.1 has in the field.
    pub(crate) fn add(
        &mut self,
        metric: &'static Metric,
        value: Option<impl Into<Value>>,
        in_field: InField,
    ) {
        debug_assert!(
            self.group.metrics.contains(metric),
            "{} is no metric of {}",
            metric.name,
            self.group.name
        );
        self.values.extend(value.map(|value| Reading {
            metric,
            value: value.into(),
            in_field,
        }));
    }

    /// Takes a number out again, where another field says that it means nothing.
    pub(crate) fn without(mut self, metric: &Metric) -> Self {
        self.values.retain(|known| known.metric.name != metric.name);
        self
    }

    /// Keeps what it says out of the fields of freebox-monitoring 0.9.1, which has it elsewhere.
    pub(crate) fn without_fields(mut self) -> Self {
        for reading in &mut self.values {
            reading.in_field = InField::Nothing;
        }
        self
    }

    /// Says when the entity was last there.
    pub(crate) fn seen(mut self, seen: Option<Seen>) -> Self {
        self.seen = seen;
        self
    }

    /// A text of the entity by name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }
}
