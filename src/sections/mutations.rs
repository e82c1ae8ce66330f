//! Every recorded box with each of its fields, one at a time, removed or made strange: what comes
//! out must be a part of what came out before. The fields whose loss changes nothing are listed in
//! `tests/boxes/unread.txt`, so that none is left out without somebody having seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::ask::Ask;
use super::{SECTIONS, Section};
use crate::api::{Client, Recording};
use crate::base::deadline::Deadline;
use crate::collect::collect;
use crate::metrics::metric::{InField, Kind, Metric};
use crate::sections::ask::records;
use crate::state::memory::Memory;

/// The full name of a metric, its entity, its number as it is written.
type Number = (String, String, String);

/// Where a value stands in an answer.
type Place = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Item(usize),
}

fn boxes() -> Vec<(PathBuf, Recording)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boxes");
    let entries = fs::read_dir(folder).expect("the folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
    paths.sort();
    let load = |path: PathBuf| {
        let recording = Recording::load(&path, Deadline::of_run(None)).expect("a recording");
        (path, recording)
    };
    paths.into_iter().map(load).collect()
}

/// What comes of a recording, from these sections.
fn numbers(recording: Recording, sections: &[&'static Section]) -> Vec<Number> {
    let collected = collect(
        &Client::replay(recording),
        sections,
        1,
        1_700_000_000,
        &Memory::default(),
    );
    let mut numbers = Vec::new();
    for sample in &collected.samples {
        let is_named = |key| {
            let mut names = sample.group.names_of(key).into_iter();
            names.any(|name| sample.text(name).is_some())
        };
        if !sample.group.keys().all(is_named) {
            // Nobody in particular: it will have no path.
            continue;
        }
        let mut labels = sample.labels.clone();
        labels.sort();
        for reading in &sample.values {
            let name = sample.group.metric_name(reading.metric);
            let mut value = reading.value.to_string();
            if let InField::Other(raw) = &reading.in_field {
                value += &format!(" ({raw})");
            }
            numbers.push((name, format!("{labels:?}"), value));
        }
    }
    numbers
}

/// Calls `change` with every place of an answer, the top excepted.
fn places(value: &Json, at: &mut Place, change: &mut impl FnMut(&Place, &Json)) {
    if !at.is_empty() {
        change(at, value);
    }
    let children: Vec<(Step, &Json)> = match value {
        Json::Object(fields) => fields
            .iter()
            .map(|(field, value)| (Step::Field(field.clone()), value))
            .collect(),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(item, value)| (Step::Item(item), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        at.push(step);
        places(child, at, change);
        at.pop();
    }
}

/// The same answer with another value at a place, or with none.
fn changed(answer: &Json, place: &[Step], to: Option<Json>) -> Json {
    let mut answer = answer.clone();
    let (last, way) = place.split_last().expect("a place");
    let mut parent = &mut answer;
    for step in way {
        parent = match step {
            Step::Field(field) => &mut parent[field.as_str()],
            Step::Item(item) => &mut parent[*item],
        };
    }
    match (last, to) {
        (Step::Field(field), Some(to)) => parent[field.as_str()] = to,
        (Step::Item(item), Some(to)) => parent[*item] = to,
        (Step::Field(field), None) => drop(parent.as_object_mut().expect("fields").remove(field)),
        (Step::Item(item), None) => drop(parent.as_array_mut().expect("items").remove(*item)),
    }
    answer
}

/// What is put in the place of a value; `None` is nothing.
fn replacements(value: &Json) -> Vec<Option<Json>> {
    let mut replacements = vec![None, Some(Json::Null), Some(json!("strange"))];
    if value.is_array() {
        replacements.extend([Some(json!([])), Some(json!({})), Some(json!(""))]);
    }
    if value.is_object() {
        replacements.extend([Some(json!({})), Some(json!([])), Some(json!(7))]);
    }
    replacements
}

/// Whether a number that was not there before may be there now.
fn may_be(number: &Number, before: &[Number], metrics: &BTreeMap<String, &'static Metric>) -> bool {
    let (name, labels, value) = number;
    let metric = metrics[name];
    let same_name = || before.iter().filter(|(known, ..)| known == name);
    if metric.is_computed() || name.starts_with("wifi.survey.") {
        // A count of fewer entities, or the latest of fewer samples.
        return true;
    }
    if same_name().any(|(_, known, _)| known == labels) && metric.fields().len() < 2 {
        // The entity is the same: its number may only have become an unknown state.
        return is_unknown(metric, value);
    }
    // An entity that has lost a name, or a number that is read in its second place.
    same_name().any(|(_, _, known)| known == value)
        || is_unknown(metric, value)
        || metric.fields().len() > 1
}

fn is_unknown(metric: &Metric, value: &str) -> bool {
    match metric.kind {
        Kind::Code(_) => value == "999",
        Kind::Is(_) => value == "0",
        Kind::IsNot(_) => value == "1",
        Kind::Text => value == "strange",
        Kind::Gauge | Kind::Counter | Kind::Time | Kind::Flag => false,
    }
}

#[test]
fn what_is_strange_costs_itself_and_nothing_else() {
    let metrics: BTreeMap<String, &'static Metric> = super::metrics()
        .map(|(group, metric)| (group.metric_name(metric), metric))
        .collect();
    let mut unread = BTreeSet::new();
    let mut read = BTreeSet::new();
    let mut tried = 0;
    for (path, recording) in boxes() {
        for (asked, answer) in &recording.answers {
            let sections: Vec<&Section> = SECTIONS
                .iter()
                .filter(|section| asks(section, asked, &recording))
                .collect();
            let before = numbers(recording.clone(), &sections);
            let known: BTreeSet<&Number> = before.iter().collect();
            places(answer, &mut Vec::new(), &mut |place, value| {
                for to in replacements(value) {
                    tried += 1;
                    let mut mutant = recording.clone();
                    let answer = changed(answer, place, to.clone());
                    mutant.answers.insert(asked.clone(), answer);
                    let after = numbers(mutant, &sections);
                    for number in &after {
                        assert!(
                            known.contains(number) || may_be(number, &before, &metrics),
                            "{}: {asked}: {place:?} as {to:?} gives {number:?}",
                            path.display()
                        );
                    }
                    if to.is_none() && is_number_of_its_own(place, value) {
                        let field = field_name(asked, place);
                        match after == before {
                            true => unread.insert(field),
                            false => read.insert(field),
                        };
                    }
                }
            });
        }
    }
    assert!(tried > 10_000, "{tried}");
    let unread: Vec<String> = unread
        .difference(&read)
        .map(|it| it.clone() + "\n")
        .collect();
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boxes/unread.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&list, unread.concat()).expect("the list");
    }
    assert_eq!(fs::read_to_string(list).expect("the list"), unread.concat());
}

/// Whether an answer plays a part in a section, by what is asked for or follows from it.
fn asks(section: &Section, path: &str, recording: &Recording) -> bool {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    section.asks.iter().any(|ask| {
        let result = recording
            .answers
            .get(ask.path)
            .map(|answer| &answer["result"]);
        let mut names = ask
            .details
            .iter()
            .flat_map(|detail| records(result).filter_map(|record| detail.of_record(record)));
        let follows = names.any(|it| {
            bare(&it) == bare(path)
                || it.rsplit_once('/').map(|it| it.0) == path.rsplit_once('/').map(|it| it.0)
        });
        bare(ask.path) == bare(path) || follows
    })
}

/// Whether a value is a number or a yes or no of the entity itself: copies of hosts stand in
/// many answers.
fn is_number_of_its_own(place: &[Step], value: &Json) -> bool {
    let mut fields = place.iter().filter_map(|step| match step {
        Step::Field(field) => Some(field.as_str()),
        Step::Item(_) => None,
    });
    let is_number = value.is_number() || value.is_boolean();
    is_number && !fields.any(|field| ["success", "host", "hosts"].contains(&field))
}

/// A place without what differs from record to record: `switch/port/*/stats rx_bytes_rate`.
fn field_name(path: &str, place: &[Step]) -> String {
    let general = |step: &str| match step.contains(|c: char| c.is_ascii_digit()) {
        true => "*".to_owned(),
        false => step.to_owned(),
    };
    let path: Vec<String> = path.split('/').map(general).collect();
    let fields = place.iter().filter_map(|step| match step {
        Step::Field(field) => Some(field.as_str()),
        Step::Item(_) => None,
    });
    let fields: Vec<&str> = fields.filter(|field| *field != "result").collect();
    format!("{} {}", path.join("/"), fields.join("."))
}

#[test]
fn no_number_comes_twice() {
    let every: Vec<&Section> = SECTIONS.iter().collect();
    for (path, recording) in boxes() {
        let mut seen = BTreeSet::new();
        for (name, labels, _) in numbers(recording, &every) {
            let is_new = seen.insert((name.clone(), labels.clone()));
            assert!(is_new, "{}: {name} {labels} twice", path.display());
        }
    }
}

#[test]
fn a_list_without_a_result_is_an_empty_one() {
    let every: Vec<&Section> = SECTIONS.iter().collect();
    for (path, recording) in boxes() {
        for asked in recording.answers.keys() {
            let mut mutant = recording.clone();
            mutant
                .answers
                .insert(asked.clone(), json!({"success": true}));
            let before = numbers(recording.clone(), &every);
            let metrics: BTreeMap<String, &'static Metric> = super::metrics()
                .map(|(group, metric)| (group.metric_name(metric), metric))
                .collect();
            for number in numbers(mutant, &every) {
                assert!(
                    before.contains(&number) || may_be(&number, &before, &metrics),
                    "{}: {asked} without a result gives {number:?}",
                    path.display()
                );
            }
        }
    }
}

/// The names of all metrics that any recording has.
pub(super) fn names_in_recordings() -> BTreeSet<String> {
    let every: Vec<&Section> = SECTIONS.iter().collect();
    let recordings = boxes().into_iter();
    let numbers = recordings.flat_map(|(_, recording)| numbers(recording, &every));
    numbers.map(|(name, ..)| name).collect()
}

/// The version since when a thing is asked for and the version since when it is listed are one.
#[test]
fn what_is_listed_since_a_version_is_asked_for_since_then() {
    let listed: BTreeMap<String, u32> = super::metrics()
        .map(|(group, metric)| {
            let since = metric.since.unwrap_or(group.since);
            let major = since.split('.').next().unwrap_or_default();
            (group.metric_name(metric), major.parse().expect(since))
        })
        .collect();
    let mut told: Vec<(&Ask, BTreeSet<String>)> = Vec::new();
    for section in SECTIONS {
        let brought = section.asks.iter().map(|ask| (ask, brought(section, ask)));
        told.extend(brought);
    }
    // What came another way before.
    let until = told.iter().filter(|(ask, _)| ask.until != u32::MAX);
    let older: BTreeSet<String> = until.flat_map(|(_, names)| names.clone()).collect();
    for (ask, names) in told.iter().filter(|(ask, _)| ask.until == u32::MAX) {
        assert!(!names.is_empty(), "{} brings nothing", ask.path);
        let first = names.difference(&older).map(|name| listed[name]).min();
        let is_one = first.is_none_or(|first| first == ask.since.max(1));
        assert!(is_one, "{} since {}: {names:?}", ask.path, ask.since);
    }
}

/// The metrics that a path brings to any of the recorded boxes.
fn brought(section: &'static Section, ask: &Ask) -> BTreeSet<String> {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let mut names = BTreeSet::new();
    for (_, recording) in boxes() {
        let mut mutant = recording.clone();
        mutant
            .answers
            .retain(|path, _| bare(path) != bare(ask.path));
        let after = numbers(mutant, &[section]);
        let before = numbers(recording, &[section]).into_iter();
        let lost = before.filter(|number| !after.contains(number));
        names.extend(lost.map(|(name, ..)| name));
    }
    names
}
