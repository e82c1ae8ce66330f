//! Any body at any path that a section asks for, to samples, to the text of every format. The bytes
//! are a list of answers, each with its path behind an `@` before it; `@run/name` and the like are the
//! texts of the run.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::given::{client, collected, log_everything, texts};
use crate::template::RunLabels;

/// The texts of a run that come from the box or from its user.
const OF_RUN: [&str; 8] = [
    "name",
    "endpoint",
    "uid",
    "api_version",
    "box_model",
    "api_url",
    "api_major",
    "board",
];

/// What comes out is well-formed, and the same however often it is asked for.
pub fn check(data: &[u8]) {
    log_everything();
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let answers = answers(text);
    let run = run(&answers);
    let client = client(answers);
    let once = collected(&client);
    once.tell_failures(&BTreeSet::new());
    let again = collected(&client);
    assert_eq!(texts(&once.samples, &run), texts(&again.samples, &run));
}

fn answers(text: &str) -> Map<String, Json> {
    let parts = text.strip_prefix('@').unwrap_or(text).split("\n@");
    let answer = |part: &str| {
        let (path, body) = part.split_once('\n').unwrap_or((part, ""));
        (path.to_owned(), Json::String(body.to_owned()))
    };
    parts.map(answer).collect()
}

fn run(answers: &Map<String, Json>) -> RunLabels {
    let known = |name: &'static str| {
        let text = answers.get(&format!("run/{name}"))?.as_str()?;
        Some((name, text.to_owned()))
    };
    OF_RUN.into_iter().filter_map(known).collect()
}
