//! The text format of Prometheus, for node_exporter's textfile collector: no timestamps, base units,
//! each family in one piece.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::{Batch, Counts, Doubles, Encode, Encoded, LONGEST_TEXT};
use super::{is_nameless, name_of_box, named_twice, printable, readings};
use crate::metrics::group::Group;
use crate::metrics::label::Label;
use crate::metrics::metric::{Kind, Metric, Reading, Role};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::metrics::value::Value;
use crate::template::RunLabels;

/// What everything starts with.
const PREFIX: &str = "freebox";
/// What people call an entity, made unique.
const LABEL: &str = "label";

/// Families of samples, in the order in which they come up.
#[derive(Debug)]
pub(super) struct Families {
    /// The label that tells this box from others: `box="ultra"`.
    of_box: String,
    families: Vec<Family>,
    /// Where in them a name is.
    places: HashMap<String, usize>,
    /// The same for what a metric says.
    places_of_metrics: HashMap<*const Metric, usize>,
    counts: Counts,
    /// The entities that have their samples already.
    entities: HashSet<(*const Group, String)>,
    doubles: Doubles,
}

/// One family.
#[derive(Debug)]
struct Family {
    name: String,
    /// Its two lines of comment.
    head: String,
    samples: String,
}

impl Families {
    /// No families yet.
    pub(super) fn new(run: &RunLabels) -> Self {
        let mut of_box = String::new();
        write_label(&mut of_box, "box", name_of_box(run).unwrap_or_default());
        Families {
            of_box,
            families: Vec::new(),
            places: HashMap::new(),
            places_of_metrics: HashMap::new(),
            counts: Counts::default(),
            entities: HashSet::new(),
            doubles: Doubles::default(),
        }
    }

    fn add_one(&mut self, sample: &Sample) {
        if is_nameless(sample) {
            self.counts.lost += sample.values.len();
            return;
        }
        let mut keys = self.of_box.clone();
        for key in sample.group.keys() {
            // Where the key is not known, what may stand for it tells as much.
            let mut names = sample.group.names_of(key).into_iter();
            let known = names.find_map(|name| sample.text(name));
            write_label(&mut keys, key, known.unwrap_or_default());
        }
        let entity = (std::ptr::from_ref(sample.group), keys.clone());
        if !self.entities.insert(entity) {
            let number = sample.values.len();
            self.counts.lost += number;
            return self.doubles.add(|| named_twice(sample));
        }
        for reading in readings(sample) {
            // What has a place among the fields of 0.9.1 only says again what others say.
            if reading.metric.role != Role::Field {
                self.add_reading(sample.group, reading, &keys);
                self.counts.written += 1;
            }
        }
        self.add_info(sample, keys);
    }

    fn add_reading(&mut self, group: &Group, reading: &Reading, keys: &str) {
        let metric = reading.metric;
        let known = self.places_of_metrics.get(&std::ptr::from_ref(metric));
        let place = known.copied().unwrap_or_else(|| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                _ => "gauge",
            };
            let place = self.place(name(group, metric), &metric.meaning(), kind);
            self.places_of_metrics.insert(metric, place);
            place
        });
        let family = &mut self.families[place];
        match &reading.value {
            Value::Text(text) => {
                let mut labels = keys.to_owned();
                write_label(&mut labels, metric.name, text);
                family.add(&labels, &Value::Int(1));
            }
            number => match metric.unit.base() {
                Some((_, scale)) => family.add(keys, &number.clone().scaled(scale)),
                None => family.add(keys, number),
            },
        }
    }

    /// What is known of an entity besides its keys and its numbers, to be joined with those.
    fn add_info(&mut self, sample: &Sample, keys: String) {
        let group = sample.group;
        let is_info = |label: &&Label| {
            let is_key = group.keys().any(|key| key == label.name);
            let is_known = label.tag.is_some() || label.spoken || label.stands_for.is_some();
            !is_key && is_known && !label.is_tag_only
        };
        // What only the whole says of itself stands there.
        if group.labels.iter().filter(is_info).all(|it| it.inherited) {
            return;
        }
        let names = group.labels.iter().filter(is_info).map(|it| it.name);
        let label = sample.text(LABEL);
        let is_key_alone = group.keys().any(|key| sample.text(key) == label);
        let of_label = [LABEL].into_iter().filter(|_| !is_key_alone);
        let mut labels = keys.clone();
        for name in of_label.chain(names) {
            write_label(&mut labels, name, sample.text(name).unwrap_or_default());
        }
        if labels == keys {
            return;
        }
        let name = format!("{PREFIX}_{}_info", group.name.replace('.', "_"));
        let help = format!(
            "Texts about {}, to be joined with its numbers; always 1",
            group.name
        );
        let place = self.place(name, &help, "gauge");
        self.families[place].add(&labels, &Value::Int(1));
    }

    /// The place of a family, which there is from now on.
    fn place(&mut self, name: String, help: &str, kind: &str) -> usize {
        let (families, places) = (&mut self.families, &mut self.places);
        *places.entry(name).or_insert_with_key(|name| {
            families.push(Family {
                name: name.clone(),
                head: format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
                samples: String::new(),
            });
            families.len() - 1
        })
    }
}

impl Family {
    fn add(&mut self, labels: &str, value: &Value) {
        // Writing to a String cannot fail.
        let _ = match labels.is_empty() {
            true => writeln!(self.samples, "{} {value}", self.name),
            false => writeln!(self.samples, "{}{{{labels}}} {value}", self.name),
        };
    }
}

impl<'a> Encode<'a> for Families {
    /// There is no time in it: the moment of the file is the moment of its samples.
    fn add(&mut self, batch: Batch<'a>) {
        batch.samples.iter().for_each(|sample| self.add_one(sample));
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn finish(self: Box<Self>) -> Encoded {
        let families = self.families.iter();
        Encoded {
            warning: self.doubles.warning(),
            text: families
                .flat_map(|it| [it.head.as_str(), it.samples.as_str()])
                .collect(),
            counts: self.counts,
        }
    }
}

/// The name of a metric's family: the path without keys, the base unit at the end, `_total` on
/// counters, `_info` on texts.
pub(crate) fn name(group: &Group, metric: &Metric) -> String {
    let path = [group.name, metric.name].into_iter();
    let words: Vec<&str> = path.flat_map(|it| it.split(['.', '_'])).collect();
    let unit = metric.unit.base().map(|(unit, _)| unit);
    // Frames and collisions are packets already.
    let is_said = |unit: &&str| {
        let kinds = ["frames", "collisions"];
        *unit == "rpm" || *unit == "packets" && words.iter().any(|word| kinds.contains(word))
    };
    let unit = unit.filter(|unit| !is_said(unit));
    // What stands in the name already is said once, at its end.
    let said = match unit {
        Some("ratio") => Some("percent"),
        Some(unit) => unit.split('_').next(),
        None => None,
    };
    let own = words.iter().filter(|word| said != Some(**word));
    let own = own.map(|word| match (*word, metric.unit, &metric.kind) {
        ("time", _, Kind::Time) => "timestamp",
        // Which is not the rate of what goes through it.
        ("bitrate", Unit::BitPerSecond, _) => "link_rate",
        (word, _, _) => word,
    });
    let mut words: Vec<&str> = own.chain(unit).collect();
    words.dedup();
    let name = format!("{PREFIX}_{}", words.join("_"));
    match metric.kind {
        Kind::Counter => name + "_total",
        Kind::Text => name + "_info",
        _ => name,
    }
}

/// Adds a label, unless its value is empty, which is the same as none.
fn write_label(labels: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !labels.is_empty() {
        labels.push(',');
    }
    labels.extend([name, "=\""]);
    for c in value.chars().take(LONGEST_TEXT).map(printable) {
        if matches!(c, '"' | '\\') {
            labels.push('\\');
        }
        labels.push(c);
    }
    labels.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::label::label;
    use crate::metrics::metric::{counter, gauge, text};

    static HOST: Group = Group::new(
        "lan.host",
        "host.{mac}",
        &[
            gauge("busy_percent", Unit::Percent, "How busy it is"),
            counter("rx_bytes", Unit::Byte, "Its bytes"),
            text("version", "Its firmware"),
        ],
    )
    .labels(&[
        label("mac", &["mac"]).tag("mac"),
        label("name", &["name"]).tag("name"),
    ]);

    static PORT: Group = Group::new(
        "port",
        "port.{id}",
        &[gauge("clients", Unit::None, "Who is there")],
    )
    .labels(&[label("id", &["id"]), label("note", &["note"])]);

    fn encoded(group: &'static Group, records: &[&str]) -> Encoded {
        let read =
            |record: &&str| Sample::read(group, &serde_json::from_str(record).expect("JSON"));
        of_samples(&records.iter().map(read).collect::<Vec<_>>(), &Vec::new())
    }

    fn of_samples(samples: &[Sample], run: &RunLabels) -> Encoded {
        let mut families = Box::new(Families::new(run));
        families.add(Batch {
            time: 1_700_000_000,
            samples,
        });
        let so_far = families.counts();
        let encoded = families.finish();
        assert_eq!(so_far, encoded.counts);
        encoded
    }

    #[test]
    fn what_nothing_tells_apart_is_lost_and_counted() {
        let found = encoded(
            &HOST,
            &[r#"{"busy_percent":1,"rx_bytes":2}"#, r#"{"rx_bytes":3}"#],
        );
        assert_eq!(found.text, "");
        assert_eq!((found.counts.written, found.counts.lost), (0, 3));
    }

    #[test]
    fn what_is_for_templates_only_is_no_text_to_be_joined() {
        let found = encoded(&PORT, &[r#"{"id":"1","note":"desk","clients":2}"#]);
        assert!(
            found.text.ends_with("freebox_port_clients{id=\"1\"} 2\n"),
            "{}",
            found.text
        );
        assert!(!found.text.contains("_info"), "{}", found.text);
    }

    #[test]
    fn a_unit_that_is_said_is_not_said_again() {
        static ALL: Group = Group::new(
            "switch.port",
            "switch.port.{id}",
            &[
                counter("tx_late_collisions", Unit::Packet, "Late ones"),
                counter("rx_good", Unit::Packet, "Good ones"),
                counter("collisions_in_bytes", Unit::Byte, "Bytes of them"),
            ],
        );
        let names: Vec<String> = ALL.metrics.iter().map(|it| name(&ALL, it)).collect();
        assert_eq!(
            names,
            [
                "freebox_switch_port_tx_late_collisions_total",
                "freebox_switch_port_rx_good_packets_total",
                "freebox_switch_port_collisions_in_bytes_total",
            ]
        );
    }

    #[test]
    fn what_people_call_an_entity_stands_with_its_texts_unless_it_is_a_key() {
        static CLIENT: Group = Group::new("client", "client.{mac}", &[]).labels(&[
            label("mac", &["mac"]),
            label("host", &["host"]).stands_for("mac"),
        ]);
        let sample = |record: &str, called: &str| {
            let mut sample = Sample::read(&CLIENT, &serde_json::from_str(record).expect("JSON"));
            sample.labels.push((LABEL, called.to_owned()));
            sample
        };
        let samples = [
            sample(r#"{"mac":"a","host":"nas"}"#, "nas_a"),
            sample(r#"{"mac":"b","host":"tv"}"#, "b"),
        ];
        let text = of_samples(&samples, &Vec::new()).text;
        let lines: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                r#"freebox_client_info{mac="a",label="nas_a",host="nas"} 1"#,
                r#"freebox_client_info{mac="b",host="tv"} 1"#,
            ]
        );
    }

    #[test]
    fn families_are_together_and_texts_beside_them() {
        let records = [
            r#"{"mac":"a","name":"x\"y\\z\n","busy_percent":57,"rx_bytes":5000000000}"#,
            r#"{"mac":"b","busy_percent":7,"version":"4.12"}"#,
            r#"{"mac":"a","busy_percent":8}"#,
        ];
        let read =
            |record: &&str| Sample::read(&HOST, &serde_json::from_str(record).expect("JSON"));
        let samples: Vec<Sample> = records.iter().map(read).collect();
        let run = vec![("endpoint", "192.168.1.254".to_owned())];
        let encoded = of_samples(&samples, &run);
        let expected = r#"# HELP freebox_lan_host_busy_ratio How busy it is
# TYPE freebox_lan_host_busy_ratio gauge
freebox_lan_host_busy_ratio{box="192.168.1.254",mac="a"} 0.57
freebox_lan_host_busy_ratio{box="192.168.1.254",mac="b"} 0.07
# HELP freebox_lan_host_rx_bytes_total Its bytes
# TYPE freebox_lan_host_rx_bytes_total counter
freebox_lan_host_rx_bytes_total{box="192.168.1.254",mac="a"} 5000000000
# HELP freebox_lan_host_info Texts about lan.host, to be joined with its numbers; always 1
# TYPE freebox_lan_host_info gauge
freebox_lan_host_info{box="192.168.1.254",mac="a",name="x\"y\\z "} 1
# HELP freebox_lan_host_version_info Its firmware
# TYPE freebox_lan_host_version_info gauge
freebox_lan_host_version_info{box="192.168.1.254",mac="b",version="4.12"} 1
"#;
        assert_eq!(encoded.text, expected);
        assert_eq!(
            encoded.counts,
            Counts {
                written: 4,
                lost: 1
            }
        );
        let warning = encoded.warning.expect("words");
        assert!(
            warning.starts_with("the box names lan.host{mac=a} twice"),
            "{warning}"
        );
    }
}
