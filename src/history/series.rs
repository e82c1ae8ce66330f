//! Which of our metrics the history knows: one row for each, with what turns the box's number into
//! ours.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::metrics::metric::{Metric, Reading};
use crate::metrics::sample::Sample;
use crate::metrics::unit::KILOBIT;
use crate::metrics::value::{SAME, Scale};

/// A part of the history: what is live together.
#[derive(Debug)]
pub(crate) struct Database {
    /// What it is remembered by.
    pub(crate) name: &'static str,
    /// The name in requests of the box's database that it is in.
    pub(crate) database: &'static str,
    /// What the box is to multiply its numbers by before it cuts them to whole ones, as far as it
    /// measures more than those.
    pub(crate) precision: u64,
    /// What people call it.
    pub(crate) about: &'static str,
    /// The section without which nobody knows whose numbers they are.
    pub(crate) section: &'static str,
    rows: &'static [Row],
}

/// A field of a database, and the metric that it is the history of.
#[derive(Debug)]
struct Row {
    /// The field, with `{…}` for a text of the entity.
    field: &'static str,
    /// The metric's full name.
    metric: &'static str,
    /// What turns the box's number into ours. Where the unit is not certain there are several: the
    /// one counts that comes nearest to what the box says live.
    scales: &'static [Scale],
}

const fn row(field: &'static str, metric: &'static str) -> Row {
    Row {
        field,
        metric,
        scales: &[SAME],
    }
}

impl Row {
    const fn in_unit(mut self, scales: &'static [Scale]) -> Self {
        self.scales = scales;
        self
    }
}

/// Bytes, where we have bits.
const BYTES: &[Scale] = &[Scale::times(8)];
/// Bytes by the box's documentation, kilobits by what its other pages have.
const BYTES_OR_KILOBITS: &[Scale] = &[Scale::times(8), Scale::times(KILOBIT)];
const TENTHS: &[Scale] = &[Scale::over(10)];

/// Every part, with what is known in it. Of two fields for one metric the first that the box
/// tells counts: older boxes call their sensors otherwise.
pub(crate) static DATABASES: &[Database] = &[
    Database {
        name: "net",
        database: "net",
        precision: 1,
        about: "the line",
        section: "connection",
        rows: &[
            row("rate_down", "connection.rate_down"),
            row("rate_up", "connection.rate_up"),
            row("bw_down", "connection.bandwidth_down").in_unit(BYTES),
            row("bw_up", "connection.bandwidth_up").in_unit(BYTES),
        ],
    },
    Database {
        name: "vpn",
        database: "net",
        precision: 1,
        about: "the VPN that the box dials",
        section: "vpn_client",
        rows: &[
            row("vpn_rate_down", "vpn.client.rate_down"),
            row("vpn_rate_up", "vpn.client.rate_up"),
        ],
    },
    Database {
        name: "dsl",
        database: "dsl",
        precision: 1,
        about: "the DSL line",
        section: "connection",
        rows: &[
            row("rate_down", "connection.xdsl.down.bitrate").in_unit(BYTES_OR_KILOBITS),
            row("rate_up", "connection.xdsl.up.bitrate").in_unit(BYTES_OR_KILOBITS),
            row("snr_down", "connection.xdsl.down.snr").in_unit(TENTHS),
            row("snr_up", "connection.xdsl.up.snr").in_unit(TENTHS),
        ],
    },
    Database {
        name: "temp",
        database: "temp",
        precision: 10,
        about: "temperatures and fans",
        section: "system",
        rows: &[
            row("{sensor_id}", "system.sensor.temperature").in_unit(TENTHS),
            row("temp_{sensor}", "system.sensor.temperature").in_unit(TENTHS),
            row("{sensor}", "system.sensor.temperature").in_unit(TENTHS),
            row("{fan_id}", "system.fan.rpm").in_unit(TENTHS),
            row("fan{fan}_speed", "system.fan.rpm").in_unit(TENTHS),
            row(ONLY_FAN, "system.fan.rpm").in_unit(TENTHS),
        ],
    },
    Database {
        name: "switch",
        database: "switch",
        precision: 1,
        about: "the ports of the switch",
        section: "switch",
        rows: &[
            row("rx_{port}", "switch.port.rx_bytes_rate"),
            row("tx_{port}", "switch.port.tx_bytes_rate"),
        ],
    },
];

/// What older boxes call the fan, of which they have one.
const ONLY_FAN: &str = "fan_speed";

/// A number of the live run that the history knows as well. What a box does not tell live, such as
/// the traffic of a VPN that it does not dial, is not wanted from its history either.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The entity, as the live run has it.
    pub(super) entity: &'a Sample,
    /// The metric.
    pub(super) metric: &'static Metric,
    /// What it says live.
    value: f64,
    /// The fields it may stand in, each with what may turn its number into ours.
    fields: Vec<(String, &'static [Scale])>,
}

/// The full names of all metrics that the history knows, in the order of the alphabet.
pub(crate) fn known_metrics() -> impl Iterator<Item = &'static str> {
    let rows = DATABASES.iter().flat_map(|it| it.rows);
    let names: BTreeSet<&str> = rows.map(|row| row.metric).collect();
    names.into_iter()
}

impl Database {
    /// What it knows of the entities of a live run.
    pub(super) fn wanted<'a>(&self, live: &'a [Sample]) -> Vec<Wanted<'a>> {
        let of_sample = |entity: &'a Sample| {
            let wanted = move |reading: &'a Reading| {
                let fields = self.fields(entity, reading.metric, live);
                let value = reading.value.as_f64().filter(|_| !fields.is_empty())?;
                Some(Wanted {
                    entity,
                    metric: reading.metric,
                    value,
                    fields,
                })
            };
            entity.values.iter().filter_map(wanted)
        };
        live.iter().flat_map(of_sample).collect()
    }

    /// Whether it knows any number of a live run.
    pub(crate) fn knows(&self, live: &[Sample]) -> bool {
        !self.wanted(live).is_empty()
    }

    fn fields(
        &self,
        sample: &Sample,
        metric: &Metric,
        live: &[Sample],
    ) -> Vec<(String, &'static [Scale])> {
        let is_alone = || {
            let of_kind = |it: &&Sample| std::ptr::eq(it.group, sample.group);
            live.iter().filter(of_kind).count() == 1
        };
        let name = sample.group.metric_name(metric);
        let rows = self.rows.iter().filter(|row| row.metric == name);
        let rows = rows.filter(|row| row.field != ONLY_FAN || is_alone());
        let fields = rows.filter_map(|row| Some((filled(row.field, sample)?, row.scales)));
        fields.collect()
    }
}

/// A field's name for an entity; `None` if that has no such text.
fn filled(field: &str, entity: &Sample) -> Option<String> {
    let Some((head, rest)) = field.split_once('{') else {
        return Some(field.to_owned());
    };
    let (label, tail) = rest.split_once('}')?;
    Some(format!("{head}{}{tail}", entity.text(label)?))
}

impl Wanted<'_> {
    /// The field that is in an answer, and what turns its number into ours.
    pub(super) fn field_in<'a>(
        &self,
        mut points: impl Iterator<Item = &'a Json> + Clone,
    ) -> Option<(&str, Scale)> {
        let has = |field: &str| points.clone().any(|point| point.get(field).is_some());
        let (field, scales) = self.fields.iter().find(|(field, _)| has(field))?;
        // A line that was down has no unit.
        let number = |point| super::answer::number(point, field).filter(|it| *it > 0.0);
        let scale = match points.find_map(number) {
            Some(first) => self.nearest(scales, first)?,
            None => scales.first().copied().unwrap_or(SAME),
        };
        Some((field, scale))
    }

    /// The scale that brings a number of the box nearest to what it says live; `None` where there are
    /// several and it says nothing.
    fn nearest(&self, scales: &[Scale], number: f64) -> Option<Scale> {
        // How many times as large, the one way or the other.
        let distance = |scale: &Scale| {
            let ratio = scale.done(number) / self.value;
            ratio.max(1.0 / ratio)
        };
        let nearest = |a: &&Scale, b: &&Scale| distance(a).total_cmp(&distance(b));
        match scales {
            [scale] => Some(*scale),
            several if self.value > 0.0 => several.iter().min_by(nearest).copied(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::groups;

    #[test]
    fn rows_name_metrics_and_texts_that_there_are() {
        for database in DATABASES {
            for row in database.rows {
                let known = groups().find_map(|(section, group)| {
                    let has = |it: &&Metric| group.metric_name(it) == row.metric;
                    group.metrics.iter().find(has).map(|_| (section, group))
                });
                let (_, group) = known.unwrap_or_else(|| panic!("{row:?}"));
                let label = row.field.split(['{', '}']).nth(1);
                assert!(label.is_none_or(|it| group.label(it).is_some()), "{row:?}");
            }
            let first = database.rows.first().expect("a row");
            let of_first = groups().find(|(section, group)| {
                section.is_some_and(|it| it.name == database.section)
                    && first.metric.starts_with(group.name)
            });
            assert!(of_first.is_some(), "{}", database.section);
        }
        let names: BTreeSet<&str> = DATABASES.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), DATABASES.len());
    }
}
