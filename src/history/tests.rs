//! The whole way of a gap: windows, answers, and the points that come of them, against what the box
//! has, computed from that alone.

use std::collections::BTreeMap;

use serde_json::json;

use super::series::DATABASES;
use super::window::Window;
use super::*;
use crate::base::clock::MINUTE;
use crate::base::spans::Spans;
use crate::metrics::sample::Sample;
use crate::sections::SECTIONS;
use crate::sections::ask::Answers;

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

/// All points of a gap that ends now, if each answer is taken so many points at a time and what
/// follows is lost with the process that had it, as often as there are `kills`.
fn filled(
    (gap, grain, step): (u64, u64, u64),
    now: u64,
    (some, mut kills): (usize, usize),
) -> BTreeMap<u64, f64> {
    let (live, net) = (live(), &DATABASES[0]);
    let all: Spans = [(now - gap, now / MINUTE * MINUTE)].into_iter().collect();
    let mut given = Spans::default();
    let mut points = BTreeMap::new();
    let mut search = Search::new(all.clone(), grain, None);
    while let Some(window) = search.window(now) {
        let answer = answer(window, step, now);
        let before = search.missing.clone();
        let Some(done) = search.settle(window, &answer, now) else {
            continue;
        };
        assert_ne!(search.missing, before, "asked for again and again");
        let mut last = None;
        let some = if kills > 0 { some } else { usize::MAX };
        for moment in moments(net, &live, &answer, window, (&done, &before)).take(some) {
            let value = moment.samples[0].values[0].value.as_f64();
            let before = points.insert(moment.time, value.expect("a number"));
            assert_eq!(before, None, "{} twice", moment.time);
            assert!(all.contain(moment.time));
            last = Some(moment.time);
        }
        let until = last.filter(|_| kills > 0).map_or(u64::MAX, |it| it + 1);
        given.add_all(&done.within((0, until)));
        if until < u64::MAX {
            kills -= 1;
            search = Search::new(all.without(&given), grain, None);
        }
    }
    points
}

/// What is lost on the way is had again, and nothing else.
#[test]
fn a_kill_in_the_middle_of_an_answer_costs_no_point() {
    for after in [1, 421, 3541] {
        let now = START + after;
        for (gap, step) in [
            (3 * HOUR, 10),
            (3 * HOUR, 120),
            (30 * HOUR, 60),
            (12 * DAY, 300),
            (70 * DAY, HOUR),
        ] {
            let gap = (gap, MINUTE, step);
            let whole = filled(gap, now, (0, 0));
            for some in [1, 7, 50] {
                let broken = filled(gap, now, (some, 15));
                assert_eq!(broken, whole, "{gap:?}, {some} at a time, {after} s");
            }
        }
    }
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
            let points = filled((gap, grain, step), now, (0, 0));
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
