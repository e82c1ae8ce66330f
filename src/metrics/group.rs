//! What a thing is that has metrics: its name, what tells two of a kind apart, its texts. Each
//! section holds the tables of its own groups.

use crate::metrics::metric::Metric;

/// An entity and its metrics: the line, one port of the switch, one disk.
#[derive(Debug)]
pub(crate) struct Group {
    /// Dotted, as templates and `--list-metrics` show it: `connection.xdsl.up`.
    pub(crate) name: &'static str,
    /// What tells two entities of this group apart. Each element is one such thing under its
    /// names: the stable one first (a MAC address), then the friendly ones (a host name).
    pub(crate) identity: &'static [&'static [&'static str]],
    /// Further texts about the entity, for templates and tags.
    pub(crate) labels: &'static [&'static str],
    /// Labels that are the same for every entity of the group.
    pub(crate) constants: &'static [(&'static str, &'static str)],
    /// The measurement of freebox-monitoring 0.9.1.
    pub(crate) measurement: &'static str,
    /// What stands before the metric's name in the field name of freebox-monitoring 0.9.1.
    pub(crate) field_prefix: &'static str,
    /// The first version of the API that has it: `8.5`.
    pub(crate) since: &'static str,
    /// The metrics, in the order in which they are written.
    pub(crate) metrics: &'static [Metric],
}

impl Group {
    /// A group that is there once, such as the line itself.
    pub(crate) const fn new(name: &'static str, metrics: &'static [Metric]) -> Self {
        Group {
            name,
            identity: &[],
            labels: &[],
            constants: &[],
            measurement: "freebox",
            field_prefix: "",
            since: "1",
            metrics,
        }
    }

    /// Says what tells two entities of the group apart.
    pub(crate) const fn identity(mut self, identity: &'static [&'static [&'static str]]) -> Self {
        self.identity = identity;
        self
    }

    /// Sets the measurement, where it is not `freebox`.
    pub(crate) const fn measurement(mut self, measurement: &'static str) -> Self {
        self.measurement = measurement;
        self
    }

    /// Adds descriptive texts.
    pub(crate) const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }

    /// Adds labels with a fixed value.
    pub(crate) const fn constants(
        mut self,
        constants: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.constants = constants;
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

    /// The field name that freebox-monitoring 0.9.1 uses, or would use.
    pub(crate) fn field(&self, metric: &Metric) -> String {
        format!("{}{}", self.field_prefix, metric.name)
    }

    /// The full name of one of its metrics: `connection.rate_down`.
    pub(crate) fn metric_name(&self, metric: &Metric) -> String {
        format!("{}.{}", self.name, metric.name)
    }

    /// Every name under which its entities carry a text, stable keys first.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &'static str> {
        let keys = self.identity.iter().flat_map(|names| names.iter());
        let constants = self.constants.iter().map(|(name, _)| name);
        keys.chain(constants).chain(self.labels).copied()
    }
}
