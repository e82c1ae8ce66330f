//! Any text as a template, for entities with any texts. The bytes are the template and, behind a
//! zero, what every label of every entity is.

use std::sync::OnceLock;

use crate::encode::Form;
use crate::given::{log_everything, recorded, written};
use crate::metrics::group::Group;
use crate::metrics::metric::Metric;
use crate::metrics::sample::Sample;
use crate::sections::metrics;
use crate::template::{RunLabels, Template};
use crate::text;

/// A template is refused in one line that names a place in it, or gives good paths only.
pub fn check(data: &[u8]) {
    log_everything();
    let Ok(given) = std::str::from_utf8(data) else {
        return;
    };
    let (given, label) = given.split_once('\0').unwrap_or((given, "nas"));
    let metrics = all();
    let template = match Template::read(given, metrics) {
        Ok(template) => template,
        Err(refusal) => return is_told(&refusal.to_string(), given),
    };
    for warning in &template.warnings {
        is_told(&warning.to_string(), given);
    }
    let run: RunLabels = vec![("name", label.to_owned()), ("uid", "x".to_owned())];
    for &(group, metric) in metrics {
        if let Ok(path) = template.path(&entity(group, label), metric, &run) {
            text::path(&path);
        }
    }
    written(&Form::Graphite(template), samples(), &run);
}

fn all() -> &'static [(&'static Group, &'static Metric)] {
    static ALL: OnceLock<Vec<(&Group, &Metric)>> = OnceLock::new();
    ALL.get_or_init(|| metrics().collect())
}

/// The numbers of a box that has much.
fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| recorded(include_str!("../../../../tests/boxes/pop-bridge.json")))
}

/// An entity all of whose texts are the same one.
fn entity(group: &'static Group, text: &str) -> Sample {
    let mut sample = Sample::new(group);
    let texts = group.labels.iter().map(|it| (it.name, text.to_owned()));
    sample.labels = texts.chain([("label", text.to_owned())]).collect();
    sample
}

fn is_told(words: &str, given: &str) {
    text::words(words);
    let place = words.split_once(": ").expect("a place").0;
    let (line, column) = place.split_once(", ").expect("a line");
    let number = |text: &str, word| text.strip_prefix(word).and_then(|it| it.parse().ok());
    let line: usize = number(line, "line ").expect("its number");
    let column: usize = number(column, "column ").expect("its number");
    let lines: Vec<&str> = given.lines().collect();
    assert!(line >= 1 && line <= lines.len().max(1), "{words}");
    let length = lines.get(line - 1).map_or(0, |it| it.chars().count());
    assert!(column >= 1 && column <= length + 1, "{words}");
}
