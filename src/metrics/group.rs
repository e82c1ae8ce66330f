//! What a thing is that has metrics: its name, its place in paths, what tells two of a kind apart,
//! its texts. Each section holds the tables of its own groups.

use crate::metrics::label::Label;
use crate::metrics::metric::Metric;

/// An entity and its metrics: the line, one port of the switch, one disk.
#[derive(Debug)]
pub(crate) struct Group {
    /// Dotted, as templates and `--list-metrics` show it: `switch.port.client`. Two groups may
    /// share it, where freebox-monitoring 0.9.1 has other tags for some of its metrics.
    pub(crate) name: &'static str,
    /// The usual path below the host, each key behind its kind:
    /// `switch.port.{port}.client.{mac}`. The keys are what tells two entities apart.
    pub(crate) place: &'static str,
    /// The texts about an entity, its keys among them, in the order of the tags.
    pub(crate) labels: &'static [Label],
    /// What comes behind `freebox_` in the measurement of freebox-monitoring 0.9.1; empty where
    /// that is plain `freebox`.
    pub(crate) measure: &'static str,
    /// What stands before the metric's name in the field name of freebox-monitoring 0.9.1.
    pub(crate) field_prefix: &'static str,
    /// The first version of the API that has it: `8.5`.
    pub(crate) since: &'static str,
    /// Whether the entities belong to strangers. There is no end to those: they have lines only
    /// where somebody asked for their section by name.
    pub(crate) of_strangers: bool,
    /// Whether it is about the run itself, which is there also when the box is not.
    pub(crate) of_run: bool,
    /// The metrics, in the order in which they are written.
    pub(crate) metrics: &'static [Metric],
}

impl Group {
    /// A group with its name and its place, the same where there is one entity.
    pub(crate) const fn new(
        name: &'static str,
        place: &'static str,
        metrics: &'static [Metric],
    ) -> Self {
        Group {
            name,
            place,
            labels: &[],
            measure: "",
            field_prefix: "",
            since: "1",
            of_strangers: false,
            of_run: false,
            metrics,
        }
    }

    /// Names the texts about an entity.
    pub(crate) const fn labels(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }

    /// Sets what comes behind `freebox_` in the measurement.
    pub(crate) const fn measure(mut self, measure: &'static str) -> Self {
        self.measure = measure;
        self
    }

    /// Says since which version of the API it is there, if not from the start.
    pub(crate) const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }

    /// Sets what the 0.9.1 field names of this group start with.
    pub(crate) const fn field_prefix(mut self, prefix: &'static str) -> Self {
        self.field_prefix = prefix;
        self
    }

    /// Says that the entities belong to strangers.
    pub(crate) const fn of_strangers(mut self) -> Self {
        self.of_strangers = true;
        self
    }

    /// Says that it is about the run itself.
    pub(crate) const fn of_run(mut self) -> Self {
        self.of_run = true;
        self
    }

    /// One of its metrics. For `const` blocks only, where a name that it does not have does not
    /// compile.
    #[expect(clippy::panic, reason = "it is the compiler that panics")]
    pub(crate) const fn metric(&self, name: &str) -> &'static Metric {
        let mut at = 0;
        while at < self.metrics.len() {
            if is_same(self.metrics[at].name, name) {
                return &self.metrics[at];
            }
            at += 1;
        }
        panic!("the group has no such metric")
    }

    /// The field name that freebox-monitoring 0.9.1 uses, or would use.
    pub(crate) fn field(&self, metric: &Metric) -> String {
        format!(
            "{}{}",
            self.field_prefix,
            metric.field.unwrap_or(metric.name)
        )
    }

    /// The measurement of freebox-monitoring 0.9.1.
    pub(crate) fn measurement(&self) -> String {
        match self.measure {
            "" => "freebox".to_owned(),
            measure => format!("freebox_{measure}"),
        }
    }

    /// The full name of one of its metrics: `connection.rate_down`.
    pub(crate) fn metric_name(&self, metric: &Metric) -> String {
        format!("{}.{}", self.name, metric.name)
    }

    /// The labels that tell its entities apart, in the order of the place.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        let pieces = self.place.split('{').skip(1);
        pieces.filter_map(|piece| Some(piece.split_once('}')?.0))
    }

    /// The labels that a template may put in the place of a key, itself among them.
    pub(crate) fn names_of(&self, key: &'static str) -> Vec<&'static str> {
        let others = self.labels.iter().filter(|it| it.stands_for == Some(key));
        [key].into_iter().chain(others.map(|it| it.name)).collect()
    }

    /// A label by name.
    pub(crate) fn label(&self, name: &str) -> Option<&'static Label> {
        self.labels.iter().find(|label| label.name == name)
    }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
