//! What the box remembers, and what we remember of it: the bytes are `history.json` and, behind a
//! zero, the box's answer.

use std::sync::OnceLock;

use serde_json::{Map, Value as Json};

use crate::api::{Client, history_path};
use crate::base::spans::Spans;
use crate::collect::past::{Past, Told};
use crate::given::{NOW, client, log_everything, recorded, texts};
use crate::history::{DATABASES, Database, Search};
use crate::metrics::sample::Sample;
use crate::state::coverage::{Answered, Coverage, Missing, Note};

const DAY: u64 = 24 * 3600;
/// How many questions a run may ask.
const ROUNDS: usize = 10;

/// What is filled in was missing and is past, and what was asked for is not asked for again.
pub fn check(data: &[u8]) {
    log_everything();
    let end = data.iter().position(|it| *it == 0).unwrap_or(data.len());
    let (remembered, body) = data.split_at(end);
    let coverage: Coverage = serde_json::from_slice(remembered).unwrap_or_default();
    let body = String::from_utf8_lossy(body.get(1..).unwrap_or_default());
    let answers: Map<String, Json> = DATABASES
        .iter()
        .map(|it| {
            (
                history_path(it.database),
                Json::String(body.clone().into_owned()),
            )
        })
        .collect();
    let client = client(answers);
    for age in [7 * DAY, 400 * DAY] {
        for database in DATABASES {
            is_filled(&client, database, coverage.clone(), age);
        }
    }
}

fn is_filled(client: &Client, database: &'static Database, mut coverage: Coverage, age: u64) {
    let places = ["a", "b"].map(str::to_owned);
    let past = Past::new(client, live(), NOW, false);
    let missing = coverage.missing(&places, database.name, NOW, age);
    is_past(&missing, age);
    let mut search = Search::new(missing.spans, missing.grain, missing.step);
    for _ in 0..ROUNDS {
        let mut note = Note {
            places: places.to_vec(),
            time: NOW,
            ..Note::default()
        };
        let before = search.clone();
        match past.ask(database, &mut search) {
            None => return,
            Some(Err(_)) => {
                note.answered.push((database.name, Answered::Failed));
                coverage.learn(&note);
                assert!(!coverage.may_ask(database.name, NOW));
                assert!(coverage.may_ask(database.name, NOW + 2 * DAY));
                return;
            }
            Some(Ok(None)) => {
                assert_eq!(search.missing, before.missing);
                let (wide, narrow) = (before.window(NOW), search.window(NOW));
                let narrow = narrow.expect("it is still missing");
                assert!(wide.is_some_and(|it| it.from < narrow.from));
            }
            Some(Ok(Some(told))) => {
                assert_ne!(search.missing, before.missing, "asked for again and again");
                let done = told.done.clone();
                is_of_the_gap(told, &before.missing);
                note.asked.push((database.name, done.clone()));
                note.answered.push((database.name, Answered::Yes));
                coverage.learn(&note);
                is_kept(&coverage);
                let after = coverage.missing(&places, database.name, NOW, age).spans;
                let again = overlap(&after, &done);
                assert!(again.is_empty(), "asked for again: {again:?}");
            }
        }
    }
}

fn is_past(missing: &Missing, age: u64) {
    are_apart(&missing.spans);
    let all = missing.spans.within((NOW - age, NOW));
    assert_eq!(all, missing.spans, "older, or not over");
    assert!(missing.grain > 0);
}

fn is_of_the_gap(told: Told, missing: &Spans) {
    let mut last = None;
    for moment in told.moments {
        assert!(
            missing.contain(moment.time),
            "{} was not missing",
            moment.time
        );
        assert!(moment.time <= NOW && Some(moment.time) > last);
        assert!(!moment.samples.is_empty());
        last = Some(moment.time);
        texts(&moment.samples, &Vec::new());
    }
    are_apart(&told.done);
    assert!(told.done.without(missing).is_empty(), "{:?}", told.done);
}

fn overlap(one: &Spans, other: &Spans) -> Spans {
    one.without(&one.without(other))
}

/// The oldest first, none empty, none touching the next.
fn are_apart(spans: &Spans) {
    let spans: Vec<_> = spans.iter().collect();
    assert!(spans.iter().all(|(from, until)| from < until), "{spans:?}");
    assert!(spans.windows(2).all(|two| two[0].1 < two[1].0), "{spans:?}");
}

/// What the next run reads is what this one knows.
fn is_kept(coverage: &Coverage) {
    let kept = serde_json::to_vec(coverage).expect("JSON");
    let read: Coverage = serde_json::from_slice(&kept).expect("what was written");
    assert!(read == *coverage);
}

/// The numbers of a box whose history is known.
fn live() -> &'static [Sample] {
    static LIVE: OnceLock<Vec<Sample>> = OnceLock::new();
    LIVE.get_or_init(|| recorded(include_str!("../../../../tests/boxes/revolution-xdsl.json")))
}
