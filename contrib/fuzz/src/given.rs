//! What several targets are given: answers of a box, its samples, a file, and a log.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::{Map, Value as Json, json};

use crate::api::{Client, Recording};
use crate::base::deadline::Deadline;
use crate::collect::{Collected, collect};
use crate::encode::{Batch, Encoded, Form};
use crate::metrics::sample::Sample;
use crate::sections::{SECTIONS, Section, left_out, metrics};
use crate::state::memory::Memory;
use crate::template::{RunLabels, SHIPPED, Template, label};
use crate::text;

/// The moment of every run.
pub(crate) const NOW: u64 = 1_700_000_000;
const HOST_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Time without end.
pub(crate) fn patience() -> Deadline {
    Deadline::of_run(None)
}

/// A file of this process alone, with this in it.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, content).expect("a file");
    path
}

/// A folder of this process alone, in memory where there is such a place.
pub(crate) fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let parent = match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    };
    let folder = parent.join(format!("freebox-monitor-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Puts every word of the program into a line, as its own log does, and drops it.
pub(crate) fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = log::set_logger(&Nowhere);
        log::set_max_level(LevelFilter::Debug);
    });
}

struct Nowhere;

impl Log for Nowhere {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        std::hint::black_box(record.args().to_string());
    }

    fn flush(&self) {}
}

/// A box that gives these answers.
pub(crate) fn client(answers: Map<String, Json>) -> Client {
    let recording = json!({"format": "", "api_version": null, "answers": answers});
    Client::replay(serde_json::from_value::<Recording>(recording).expect("a recording"))
}

/// What a run makes of a box.
pub(crate) fn collected(client: &Client) -> Collected {
    let sections: Vec<&'static Section> = SECTIONS.iter().collect();
    let mut collected = collect(client, &sections, 1, NOW, &Memory::default());
    left_out::long_gone(&mut collected.samples, HOST_AGE, None);
    label::give(&mut collected.samples);
    collected
}

/// The numbers of a recorded box.
pub(crate) fn recorded(json: &str) -> Vec<Sample> {
    let path = file("recorded", json.as_bytes());
    let recording = Recording::load(&path, patience()).expect("a recording");
    collected(&Client::replay(recording)).samples
}

/// Samples in every format and every shipped template.
pub(crate) fn texts(samples: &[Sample], run: &RunLabels) -> Vec<String> {
    forms()
        .iter()
        .map(|form| written(form, samples, run))
        .collect()
}

fn forms() -> &'static [Form] {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    FORMS.get_or_init(|| {
        let metrics: Vec<_> = metrics().collect();
        let template = |(_, text)| Template::read(text, &metrics).expect("a template");
        let templates = SHIPPED.map(template).map(Form::Graphite);
        let others = [false, true].map(|has_time| Form::Influxdb { has_time });
        templates
            .into_iter()
            .chain(others)
            .chain([Form::Prometheus])
            .collect()
    })
}

/// Samples as text, of which everything has to hold.
pub(crate) fn written(form: &Form, samples: &[Sample], run: &RunLabels) -> String {
    let mut encoder = form.encoder(run);
    encoder.add(Batch { time: NOW, samples });
    let Encoded {
        text,
        counts,
        warning,
    } = encoder.finish();
    warning.iter().for_each(|it| text::words(it));
    match form {
        Form::Graphite(_) => {
            assert_eq!(counts.written, text.lines().count());
            text::graphite(&text);
        }
        Form::Influxdb { has_time } => text::influxdb(&text, *has_time),
        Form::Prometheus => text::prometheus(&text),
    }
    let numbers: usize = samples.iter().map(|it| it.values.len()).sum();
    assert!(
        counts.written + counts.lost <= numbers,
        "{counts:?} of {numbers}"
    );
    text
}
