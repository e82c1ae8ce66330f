//! What holds for the whole registry: names, fields, words, and that each metric was seen in a
//! recorded box.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use super::*;
use crate::encode::prometheus;
use crate::metrics::label::Label;
use crate::metrics::metric::Kind;

#[test]
fn every_metric_has_a_name_and_a_field_of_its_own() {
    let mut names = HashSet::new();
    let mut fields = HashSet::new();
    for (group, metric) in metrics() {
        let name = group.metric_name(metric);
        assert!(names.insert(name), "{} twice", metric.name);
        let field = (group.measurement(), group.field(metric));
        assert!(fields.insert(field.clone()), "{field:?} twice");
    }
}

#[test]
fn names_can_stand_in_a_path() {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = |name: &str| !name.is_empty() && name.chars().all(plain);
    for (group, metric) in metrics() {
        assert!(is_name(metric.name), "{}", metric.name);
        assert!(group.name.split('.').all(is_name), "{}", group.name);
        let mut place = group.place.split('.');
        let is_node = |node: &str| is_name(node.trim_start_matches('{').trim_end_matches('}'));
        assert!(place.all(is_node), "{}", group.place);
    }
}

#[test]
fn keys_are_labels_with_tags_that_tell_as_much() {
    for (_, group) in groups() {
        let names: Vec<&str> = group.labels.iter().map(|label| label.name).collect();
        let unique: HashSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{}: {names:?}", group.name);
        for key in group.keys() {
            assert!(names.contains(&key), "{}: {key}", group.name);
            let stands = |it: &&Label| it.name == key || it.stands_for == Some(key);
            let mut labels = group.labels.iter().filter(stands);
            assert!(labels.any(|it| it.tag.is_some()), "{}: {key}", group.name);
        }
        for label in group.labels {
            let key = label.stands_for.unwrap_or(label.name);
            let is_key = group.keys().any(|it| it == key);
            assert!(
                is_key || label.stands_for.is_none(),
                "{}: {key}",
                group.name
            );
        }
    }
}

/// What a reader who sees nothing else has to go by.
#[test]
fn every_help_stands_alone() {
    let mut seen: HashMap<&str, String> = HashMap::new();
    for (group, metric) in metrics() {
        let name = group.metric_name(metric);
        let words = metric.help.split_whitespace().count();
        assert!(words >= 4, "{name}: {}", metric.help);
        assert!(metric.help.starts_with(char::is_uppercase), "{name}");
        assert!(!metric.help.ends_with('.'), "{name}");
        for pointing in ["It ", "Its ", "The same", "So ", "…", "Since "] {
            assert!(
                !metric.help.starts_with(pointing),
                "{name}: {}",
                metric.help
            );
        }
        // Where there are more states than two it is a question of more than yes or no.
        let states = match metric.kind {
            Kind::Code(list) => list.len(),
            _ => 0,
        };
        let is_whether = metric.help.starts_with("Whether ");
        assert!(states <= 2 || !is_whether, "{name}: {}", metric.help);
        if let Some(other) = seen.insert(metric.help, name.clone()) {
            panic!("{other} and {name}: {}", metric.help);
        }
    }
}

#[test]
fn every_metric_has_a_name_for_prometheus() {
    let mut names = HashSet::new();
    for (group, metric) in metrics() {
        let name = prometheus::name(group, metric);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(plain) && !name.contains("__"), "{name}");
        assert!(names.insert(name.clone()), "{name} twice");
        let ends = ["_count", "_total", "_sum", "_bucket", "_info"];
        let is_special = matches!(metric.kind, Kind::Counter | Kind::Text);
        let reserved = ends.iter().any(|end| name.ends_with(end));
        assert_eq!(reserved, is_special, "{name}");
        assert!(!metric.meaning().contains(['\\', '\n']), "{name}");
    }
    for name in [
        "freebox_connection_rate_down_bytes_per_second",
        "freebox_connection_down_bytes_total",
        "freebox_switch_port_rx_rate_packets_per_second",
        "freebox_wifi_survey_busy_ratio",
        "freebox_connection_ftth_rx_power_dbm",
        "freebox_system_fan_rpm",
        "freebox_lan_host_last_activity_timestamp_seconds",
        "freebox_connection_xdsl_up_errored_seconds_total",
        "freebox_switch_port_rx_pause_frames_total",
        "freebox_switch_port_tx_collisions_total",
        "freebox_wifi_station_rx_link_rate_bytes_per_second",
        "freebox_wifi_neighbors",
    ] {
        assert!(names.contains(name), "{name}");
    }
}

/// Measurements, fields and their types are what databases and dashboards hang on. They do not
/// follow when a metric gets a better name; `tests/boxes/fields.txt` may only grow, and with `BLESS=1`
/// it grows by those that are new.
#[test]
fn the_fields_of_the_script_stay_as_they_are() {
    let mut fields = BTreeSet::new();
    for (group, metric) in metrics() {
        let kind = match metric.is_text_in_field() {
            true => "text",
            false => "number",
        };
        let field = group.field(metric);
        fields.insert(format!("{} {field} {kind}", group.measurement()));
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boxes/fields.txt");
    let text = fs::read_to_string(&list).expect("the list");
    let frozen: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let gone: Vec<&String> = frozen.difference(&fields).collect();
    assert!(
        gone.is_empty(),
        "no metric has the fields {gone:?} any more, on which databases hang; where a metric has a \
         better name, .field(\"…\") gives it the field that it had"
    );
    let new: Vec<&String> = fields.difference(&frozen).collect();
    match (new.is_empty(), std::env::var_os("BLESS")) {
        (true, _) => {}
        (false, Some(_)) => {
            let all: String = frozen.union(&fields).map(|it| format!("{it}\n")).collect();
            fs::write(&list, all).expect("the list");
        }
        (false, None) => panic!(
            "the fields {new:?} are new; BLESS=1 cargo test adds them to {}, for good",
            list.display()
        ),
    }
}

/// How many there are of something in a list of a record, with the list in each of its forms.
#[test]
fn a_list_in_a_record_means_the_same_in_every_section() {
    let places = [
        ("vm", "vm/", "bind_usb_ports", "usb_ports", true),
        ("switch", "switch/status/", "mac_list", "clients", true),
        (
            "ipv6",
            "connection/ipv6/config/",
            "delegations",
            "delegations_used",
            false,
        ),
        (
            "lan",
            "lan/browser/pub/",
            "l3connectivities",
            "ipv4_addresses",
            true,
        ),
    ];
    let forms = [
        ("null", None),
        (r#"{"strange":1}"#, None),
        ("7", None),
        ("{}", Some(0)),
        (r#""""#, Some(0)),
        ("[]", Some(0)),
    ];
    for (name, path, list, metric, is_in_a_list) in places {
        let section = SECTIONS.iter().find(|section| section.name == name);
        let map = section.expect("a section").map;
        for (form, expected) in forms {
            let record = format!(r#"{{"id":1,"{list}":{form}}}"#);
            let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
            let result = match is_in_a_list {
                true => serde_json::json!([record]),
                false => record,
            };
            let mut answers = Answers::default();
            let interfaces = serde_json::json!([{"name": "pub"}]);
            answers.by_path.extend([
                ("lan/browser/interfaces/".to_owned(), interfaces),
                (path.to_owned(), result),
            ]);
            let samples = map(&answers);
            let entities = samples.iter().filter(|it| it.group.keys().next().is_some());
            let entities = match name {
                "ipv6" => samples.iter().collect::<Vec<_>>(),
                _ => entities.collect(),
            };
            let readings = entities.into_iter().flat_map(|sample| &sample.values);
            let mut found = readings.filter(|reading| reading.metric.name == metric);
            let value = found.next().and_then(|it| it.value.as_f64());
            assert_eq!(value, expected.map(f64::from), "{name}: {form}");
        }
    }
}

#[test]
fn switches_and_letters_are_told_apart() {
    let switches: HashSet<&str> = SECTIONS.iter().map(|section| section.switch).collect();
    assert_eq!(switches.len(), SECTIONS.len());
    let letters = SECTIONS.iter().filter_map(|section| section.letter);
    let letters: Vec<char> = letters.collect();
    assert_eq!(letters.iter().collect::<HashSet<_>>().len(), letters.len());
    // Those of freebox-monitoring 0.9.1.
    for letter in "CXDBLHSMVZW".chars() {
        assert!(letters.contains(&letter), "{letter}");
    }
}

/// Every metric has a line in `tests/boxes`, in the template that has a path for it; the run itself
/// is no part of a recording, and a text has no line.
#[test]
fn every_metric_was_seen_in_a_recorded_box() {
    let seen = super::mutations::names_in_recordings();
    let unseen: BTreeMap<String, &str> = metrics()
        .filter(|(group, _)| !group.name.starts_with("exec"))
        .map(|(group, metric)| (group.metric_name(metric), metric.help))
        .filter(|(name, _)| !seen.contains(name))
        .collect();
    assert!(
        unseen.is_empty(),
        "no recording tells of these; put what the box answers into one of tests/boxes/*.json, and \
         BLESS=1 cargo test writes its lines: {unseen:#?}"
    );
}
