//! The table of sections. A new section is one file beside this one and one line below.

mod connection;

use crate::api::Client;
use crate::registry::{Group, Metric};
use crate::report::Report;

/// One part of what a box can tell.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name in lists and messages.
    pub(crate) name: &'static str,
    /// What it can yield.
    pub(crate) groups: &'static [&'static Group],
    /// The permission that the box wants for it, if any.
    pub(crate) permission: Option<&'static str>,
    /// Asks the box and hands over what it answered.
    pub(crate) collect: fn(&Client, &mut Report),
}

/// Every section, in the order of their lines.
pub(crate) const SECTIONS: &[Section] = &[Section {
    name: "connection",
    groups: connection::GROUPS,
    permission: None,
    collect: connection::collect,
}];

/// The sections that are collected when none is named.
pub(crate) fn usual() -> &'static [Section] {
    &SECTIONS[..1]
}

/// Every group of every section.
pub(crate) fn groups() -> impl Iterator<Item = &'static Group> {
    SECTIONS.iter().flat_map(|section| section.groups).copied()
}

/// Every metric of every section, with the group it belongs to.
pub(crate) fn metrics() -> impl Iterator<Item = (&'static Group, &'static Metric)> {
    groups().flat_map(|group| group.metrics.iter().map(move |metric| (group, metric)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_metric_has_a_name_and_a_field_of_its_own() {
        let mut names = HashSet::new();
        let mut fields = HashSet::new();
        for (group, metric) in metrics() {
            assert!(
                names.insert(group.metric_name(metric)),
                "{} twice",
                metric.name
            );
            let field = (group.measurement, group.field(metric));
            assert!(fields.insert(field.clone()), "{field:?} twice");
        }
    }

    #[test]
    fn names_can_stand_in_a_path() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        for (group, metric) in metrics() {
            assert!(metric.name.chars().all(plain), "{}", metric.name);
            assert!(
                group.name.split('.').all(|node| node.chars().all(plain)),
                "{}",
                group.name
            );
            assert!(
                !metric.help.is_empty() && !metric.unit.is_empty(),
                "{}",
                metric.name
            );
        }
    }
}
