//! The numbers of an answer as samples, each moment by itself.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::answer::{Answer, number};
use super::series::{Database, Wanted};
use super::window::Window;
use crate::base::spans::Spans;
use crate::metrics::sample::Sample;
use crate::metrics::value::Scale;

/// What the history knows of one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// The entities, with those of their numbers that it knows.
    pub(crate) samples: Vec<Sample>,
}

/// The points of one place: each wanted number's sum, and how many went into it.
type Sums = Vec<(f64, u32)>;

/// The moments of an answer, in the order of time. They are made as they are taken: those of a day
/// are some megabytes.
#[derive(Debug, Default)]
pub(crate) struct Moments<'a> {
    wanted: Vec<Wanted<'a>>,
    places: BTreeMap<u64, Sums>,
}

impl Iterator for Moments<'_> {
    type Item = Moment;

    fn next(&mut self) -> Option<Moment> {
        loop {
            let (time, sums) = self.places.pop_first()?;
            let samples = samples(&self.wanted, &sums);
            if !samples.is_empty() {
                return Some(Moment { time, samples });
            }
        }
    }
}

/// What an answer says of the entities of a live run, as far as that is `done` by it. A point is the
/// average of the steps in it; a step that is wider stands at its own time, and nothing is said of
/// what lies between. Where something is live, which is where nothing is `missing`, there is no room
/// for another point.
pub(crate) fn moments<'a>(
    database: &Database,
    live: &'a [Sample],
    answer: &Answer,
    window: Window,
    (done, missing): (&Spans, &Spans),
) -> Moments<'a> {
    let wanted = database.wanted(live);
    let json = answer.points.iter().map(|(_, point)| point);
    let fields: Vec<Option<(&str, Scale)>> =
        wanted.iter().map(|it| it.field_in(json.clone())).collect();
    let is_finer = answer.step().is_some_and(|step| step < window.grain);
    let mut places: BTreeMap<u64, Sums> = BTreeMap::new();
    for (time, point) in &answer.points {
        let place = time / window.grain * window.grain;
        if !done.contain(*time) || !missing.contain_all((place, place + window.grain)) {
            continue;
        }
        let place = if is_finer { place } else { *time };
        let sums = places
            .entry(place)
            .or_insert_with(|| vec![(0.0, 0); wanted.len()]);
        add(sums, &wanted, &fields, point);
    }
    Moments { wanted, places }
}

fn add(sums: &mut Sums, wanted: &[Wanted], fields: &[Option<(&str, Scale)>], point: &Json) {
    for (((sum, count), wanted), field) in sums.iter_mut().zip(wanted).zip(fields) {
        let said = field.and_then(|(field, scale)| {
            let ours = scale.done(number(point, field)?);
            // What was not measured is told as a negative number, which no average may hold.
            wanted.metric.saying(ours).map(|_| ours)
        });
        if let Some(number) = said {
            *sum += number;
            *count += 1;
        }
    }
}

/// The entities with the averages that there are.
fn samples(wanted: &[Wanted], sums: &Sums) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut last = None;
    for (wanted, (sum, count)) in wanted.iter().zip(sums).filter(|(_, (_, count))| *count > 0) {
        let Some(reading) = wanted.metric.saying(sum / f64::from(*count)) else {
            continue;
        };
        if last.is_none_or(|it| !std::ptr::eq(it, wanted.entity)) {
            samples.push(wanted.entity.bare());
            last = Some(wanted.entity);
        }
        if let Some(sample) = samples.last_mut() {
            sample.values.push(reading);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::series::DATABASES;
    use super::*;
    use crate::sections::SECTIONS;
    use crate::sections::ask::Answers;

    const START: u64 = 1_700_000_040;

    fn database(name: &str) -> &'static Database {
        let found = DATABASES.iter().find(|it| it.name == name);
        found.expect("a database")
    }

    /// What a section says live.
    fn live(section: &str, answers: &[(&str, Json)]) -> Vec<Sample> {
        let mut given = Answers::default();
        for (path, answer) in answers {
            given.by_path.insert((*path).to_owned(), answer.clone());
        }
        let section = SECTIONS.iter().find(|it| it.name == section);
        (section.expect("a section").map)(&given)
    }

    /// The moments of an answer in which nothing is live, as `time name value`.
    fn told(name: &str, live: &[Sample], points: Json, missing: &[(u64, u64)]) -> Vec<String> {
        let answer = Answer::of(json!({"data": points})).expect("an answer");
        let window = Window {
            from: START,
            until: START + 3600,
            grain: 60,
            step: 10,
            up_to: u64::MAX,
            widened_by: None,
        };
        let missing = missing.iter().copied().collect();
        let (database, spans) = (database(name), (&missing, &missing));
        let moments = moments(database, live, &answer, window, spans);
        let moments: Vec<Moment> = moments.collect();
        let lines = moments.iter().flat_map(|moment| {
            let samples = moment.samples.iter();
            samples.flat_map(move |sample| {
                let entity = sample.labels.iter().map(|(_, text)| text.as_str());
                let entity = entity.collect::<Vec<_>>().join("/");
                sample.values.iter().map(move |reading| {
                    let name = sample.group.metric_name(reading.metric);
                    let after = moment.time - START;
                    format!("{after} {name} {entity} {}", reading.value)
                })
            })
        });
        lines.collect()
    }

    const ALL: &[(u64, u64)] = &[(START, START + 3600)];

    #[test]
    fn a_minute_is_the_average_of_its_steps() {
        let line = json!({"state": "up", "media": "ftth", "rate_down": 1, "rate_up": 1,
            "bandwidth_down": 8_000_000_000_u64});
        let live = live("connection", &[("connection/", line)]);
        let points = json!([
            {"time": START, "rate_down": 100, "bw_down": 1_000_000_000},
            {"time": START + 10, "rate_down": 200, "bw_down": 1_000_000_000},
            {"time": START + 20, "rate_up": 7, "rate_down": null},
            {"time": START + 30, "rate_down": "450"},
            {"time": START + 60, "rate_down": 1},
        ]);
        let expected = [
            "0 connection.rate_down ftth 250",
            "0 connection.rate_up ftth 7",
            "0 connection.bandwidth_down ftth 8000000000",
            "60 connection.rate_down ftth 1",
        ];
        assert_eq!(told("net", &live, points.clone(), ALL), expected);
        let only: &[(u64, u64)] = &[(START + 60, START + 120)];
        assert_eq!(told("net", &live, points, only), &expected[3..]);
    }

    #[test]
    fn a_coarse_step_is_one_point_at_its_own_time() {
        let system = json!({"sensors": [{"id": "temp_cpu0", "value": 60}],
            "fans": [{"id": "fan0_speed", "value": 1500}]});
        let live = live("system", &[("system/", system)]);
        let points = json!([
            {"time": START - 20, "temp_cpu0": 10},
            {"time": START + 100, "temp_cpu0": 590, "fan0_speed": 15_010},
            {"time": START + 220, "temp_cpu0": 601},
        ]);
        assert_eq!(
            told("temp", &live, points, ALL),
            [
                "100 system.sensor.temperature temp_cpu0/cpu0 59",
                "100 system.fan.rpm fan0_speed/0 1501",
                "220 system.sensor.temperature temp_cpu0/cpu0 60.1",
            ]
        );
    }

    #[test]
    fn older_boxes_have_other_names() {
        let flat = json!({"temp_cpum": 60, "temp_sw": 50, "fan_rpm": 2200});
        let flat = live("system", &[("system/", flat)]);
        let points =
            json!([{"time": START, "cpum": 600, "sw": 500, "hdd": 380, "fan_speed": 22_000}]);
        assert_eq!(
            told("temp", &flat, points.clone(), ALL),
            [
                "0 system.sensor.temperature temp_cpum/cpum 60",
                "0 system.sensor.temperature temp_sw/sw 50",
                "0 system.fan.rpm fan0_speed/0 2200",
            ]
        );
        let two = json!({"fans": [{"id": "fan0", "value": 1}, {"id": "fan1", "value": 1}]});
        let two = live("system", &[("system/", two)]);
        assert!(
            told("temp", &two, points, ALL).is_empty(),
            "nobody knows which"
        );
    }

    #[test]
    fn what_is_not_measured_or_not_live_has_no_number() {
        let ports = json!([{"id": 1, "rrd_id": "1"}, {"id": 9999}]);
        let (one, other) = (
            json!({"rx_bytes_rate": 7, "tx_bytes_rate": 7}),
            json!({"rx_bytes_rate": 0, "tx_bytes_rate": -1}),
        );
        let answers = [
            ("switch/status/", ports),
            ("switch/port/1/stats", one),
            ("switch/port/9999/stats", other),
        ];
        let live = live("switch", &answers);
        let points = json!([{"time": START, "rx_1": 5, "tx_1": -1, "rx_sfp_lan": 0,
            "tx_sfp_lan": 2, "rx_7": 1}]);
        let lines = told("switch", &live, points, ALL);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("0 switch.port.rx_bytes_rate") && lines[0].ends_with(" 5"));
        assert!(lines[1].contains("sfp_lan") && lines[1].ends_with(" 0"));
    }

    #[test]
    fn the_unit_of_a_dsl_line_is_the_one_that_agrees_with_what_is_live() {
        let xdsl = json!({"down": {"rate": 45_000, "snr_10": 61}});
        let line = live("connection", &[("connection/xdsl/", xdsl)]);
        for told_rate in [45_000, 5_625_000] {
            let points = json!([
                {"time": START - 60, "rate_down": 0},
                {"time": START, "rate_down": told_rate, "snr_down": 61},
            ]);
            let lines = told("dsl", &line, points, ALL);
            let values: Vec<&str> = lines
                .iter()
                .filter_map(|it| it.rsplit(' ').next())
                .collect();
            assert_eq!(values, ["45000000", "6.1"]);
        }
        // While it trains there is nothing to go by.
        let training = live(
            "connection",
            &[(
                "connection/xdsl/",
                json!({"down": {"rate": 0, "snr_10": 61}}),
            )],
        );
        let points = json!([{"time": START, "rate_down": 45_000, "snr_down": 61}]);
        let lines = told("dsl", &training, points, ALL);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(".snr "), "{lines:?}");
    }
}
