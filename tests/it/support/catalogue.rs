//! The metrics by all their names, and those that a query of a dashboard is about.

use std::collections::BTreeSet;
use std::fs;

use crate::day::Home;
use crate::monitor::project_file;

/// A metric by its names, as in `contrib/metrics.md`.
pub(crate) struct Metric {
    /// What it is called in templates.
    pub(crate) name: String,
    measurement: String,
    field: String,
    family: String,
}

/// All metrics there are.
pub(crate) fn read() -> Vec<Metric> {
    let page = fs::read_to_string(project_file("contrib/metrics.md")).expect("the page");
    let mut metrics = Vec::new();
    let mut measurement = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("Measurement `") {
            let name = rest.split('`').next();
            name.unwrap_or_default().clone_into(&mut measurement);
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        if let ([name, _, .., field, family, _], true) = (&cells[..], line.starts_with("| `")) {
            let word = |cell: &str| cell.trim_matches(['|', ' ', '`']).to_owned();
            metrics.push(Metric {
                name: word(name),
                measurement: measurement.clone(),
                field: word(field),
                family: word(family),
            });
        }
    }
    assert!(metrics.len() > 300, "{}", metrics.len());
    metrics
}

/// The measurements that a query in InfluxQL names, and what else it names that it does not make
/// itself, besides tags.
pub(crate) fn named_in_influxql(query: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let parts: Vec<&str> = query.split('"').collect();
    let mut measurements = BTreeSet::new();
    let mut made = BTreeSet::from(["api_endpoint", "box"]);
    let mut named = BTreeSet::new();
    for (before, name) in parts.iter().zip(&parts[1..]).step_by(2) {
        let is_tag = before.contains("GROUP BY");
        let place = match () {
            () if before.ends_with(" FROM ") => &mut measurements,
            () if before.ends_with(" AS ") || is_tag => &mut made,
            () => &mut named,
        };
        place.insert(*name);
    }
    (measurements, named.difference(&made).copied().collect())
}

/// The families that a query in PromQL names.
pub(crate) fn named_in_promql(query: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = query.split(|c| !is_name(c));
    words.filter(|it| it.starts_with("freebox_")).collect()
}

/// The metrics that a query is about.
pub(crate) fn asked<'a>(catalogue: &'a [Metric], home: Home, query: &str) -> Vec<&'a Metric> {
    let find = |what: &str, is_it: &dyn Fn(&Metric) -> bool| {
        let mut found = catalogue.iter().filter(|it| is_it(it));
        let metric = found.next();
        metric.unwrap_or_else(|| panic!("nothing is called {what}: {query}"))
    };
    match home {
        Home::Influxdb => {
            let (measurements, fields) = named_in_influxql(query);
            let is_here = |it: &Metric| measurements.contains(it.measurement.as_str());
            let fields = fields.into_iter();
            fields
                .map(|field| find(field, &|it| it.field == field && is_here(it)))
                .collect()
        }
        Home::Prometheus => {
            let families = named_in_promql(query).into_iter();
            families
                .map(|family| find(family, &|it| it.family == family))
                .collect()
        }
    }
}
