//! The whole way of a gap: windows, answers, and the points that come of them, against what the box
//! has, computed from that alone.

use std::collections::BTreeMap;

use serde_json::json;

use super::series::DATABASES;
use super::*;
use crate::base::clock::MINUTE;
use crate::base::spans::Spans;
use crate::metrics::sample::Sample;
use crate::sections::SECTIONS;
use crate::sections::ask::Answers;
use crate::state::coverage::Missing;

const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The start of a day.
const START: u64 = 1_700_000_000 / DAY * DAY;

/// What the box has at a second.
fn at(second: u64) -> u64 {
    second % 7919
}

/// What it has on the average from a second on.
fn average(from: u64, length: u64) -> f64 {
    (from..from + length).map(at).sum::<u64>() as f64 / length as f64
}

/// What a box of which all steps are so long answers.
fn answer(window: Window, step: u64, now: u64) -> Answer {
    let first = window.from / step * step;
    let times = (first..window.until.min(now)).step_by(step as usize);
    let points = times.filter(|it| it + step <= now);
    let point = |time| json!({"time": time, "rate_down": average(time, step)});
    let data: Vec<_> = points.map(point).collect();
    Answer::of(json!({"data": data, "date_end": window.until})).expect("an answer")
}

fn live() -> Vec<Sample> {
    let line = json!({"state": "up", "media": "ftth", "rate_down": 1});
    let mut answers = Answers::default();
    answers.by_path.insert("connection/".to_owned(), line);
    let section = SECTIONS.iter().find(|it| it.name == "connection");
    (section.expect("a section").map)(&answers)
}

/// All points of a gap that ends now.
fn filled(gap: u64, grain: u64, step: u64, now: u64) -> BTreeMap<u64, f64> {
    let (live, net) = (live(), &DATABASES[0]);
    let mut missing = Missing {
        spans: [(now - gap, now / MINUTE * MINUTE)].into_iter().collect(),
        grain,
        ..Missing::default()
    };
    let all = missing.spans.clone();
    let mut points = BTreeMap::new();
    while let Some(window) = newest(&missing, now) {
        let answer = answer(window, step, now);
        let wanted = missing.spans.within((window.from, window.until));
        let fate = answer.fate(window, &wanted, now);
        for moment in moments(net, &live, &answer, window, (&fate.done, &missing.spans)) {
            let value = moment.samples[0].values[0].value.as_f64();
            let before = points.insert(moment.time, value.expect("a number"));
            assert_eq!(before, None, "{} twice", moment.time);
            assert!(all.contain(moment.time));
        }
        let before = std::mem::take(&mut missing.spans);
        missing.spans = before.without(&fate.done).without(&fate.later);
        assert_ne!(missing.spans, before, "asked for again and again");
    }
    points
}

/// Each point that there can be is there, wherever in the hour the gap and its windows end, and is
/// what the box has of that time.
#[test]
fn every_point_of_a_gap_is_what_the_box_has() {
    for after in [1, 421, 901, 3541] {
        let now = START + after;
        for (gap, grain, step) in [
            (3 * HOUR, MINUTE, 10),
            (3 * HOUR, MINUTE, 120),
            (3 * HOUR, 5 * MINUTE, 10),
            (3 * HOUR, 5 * MINUTE, 60),
            (7 * HOUR, 7 * MINUTE, 60),
            (7 * HOUR, 10 * MINUTE, 300),
            (30 * HOUR, 60 * MINUTE, 300),
            (5 * DAY, MINUTE, 300),
            (5 * DAY, 20 * MINUTE, 300),
            (30 * DAY, MINUTE, 300),
            (30 * DAY, MINUTE, HOUR),
            (90 * DAY, MINUTE, HOUR),
        ] {
            let words = format!("{gap} s in {grain} s of {step} s, {after} s after the hour");
            let points = filled(gap, grain, step, now);
            let expected = expected(gap, grain, step, now);
            let times = |points: &BTreeMap<u64, f64>| -> Vec<u64> {
                let ages = points.keys().map(|it| now - it);
                ages.collect()
            };
            assert_eq!(times(&points), times(&expected), "{words}");
            for (time, value) in expected {
                let told = points[&time];
                assert!(
                    (told - value).abs() < 0.001,
                    "{words}: {told} and not {value}"
                );
            }
        }
    }
}

/// The points that there can be of a gap: the places in it that are over, and are not before it.
fn expected(gap: u64, grain: u64, step: u64, now: u64) -> BTreeMap<u64, f64> {
    let spans: Spans = [(now - gap, now / MINUTE * MINUTE)].into_iter().collect();
    let mut points = BTreeMap::new();
    let mut time = (now - gap) / HOUR * HOUR;
    while time < now {
        // What is older than a week, or than two months, by the hour that this is in.
        let is_older = |days| time < (now - days * DAY + HOUR) / HOUR * HOUR;
        let least = match (is_older(60), is_older(8)) {
            (true, _) => HOUR,
            (false, true) => 10 * MINUTE,
            (false, false) => MINUTE,
        };
        let width = grain.max(least);
        let place = (time / width * width, time / width * width + width);
        let is_whole = step >= width || time.is_multiple_of(width);
        if time.is_multiple_of(step) && is_whole && spans.contain_all(place) && time + step <= now {
            // The newest steps are left out, which the box may not have stored yet.
            let stored = ((now - 11) / 10 * 10).next_multiple_of(step);
            let end = (time + step.max(width)).min(stored).min(now / step * step);
            points.insert(time, average(time, end - time));
        }
        time += step.min(MINUTE);
    }
    points
}
