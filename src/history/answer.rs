//! An answer of the history: its points, and which part of a window it is about.

use serde_json::Value as Json;

use super::window::Window;
use crate::base::spans::{Span, Spans};
use crate::metrics::lenient;
use crate::sections::ask::{is_empty, whole};

/// How long after the end of a step the box may take to tell of it, in seconds.
const PATIENCE: u64 = 120;
/// How far its clock, or its last look at what it remembers, may be behind, in seconds. An answer that
/// ends earlier was cut.
const BEHIND: u64 = 900;

/// What the box has told.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its points, each with its time, in the order of that.
    pub(super) points: Vec<(u64, Json)>,
    /// What the box says it ends with.
    end: Option<u64>,
}

/// What is to become of what was asked for. The rest may be there although it was not told: an answer
/// may be shorter than what was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// It need not be asked for any more.
    pub(super) done: Spans,
    /// It has just been, and may come yet.
    pub(super) later: Spans,
}

impl Answer {
    /// Takes a result apart. What is no point in it is passed over; nothing at all has as many
    /// disguises as everywhere.
    ///
    /// # Errors
    /// In words, when it is no such result.
    pub(crate) fn of(mut result: Json) -> Result<Self, String> {
        let data = match result.get_mut("data").map(Json::take) {
            Some(Json::Array(points)) => points,
            Some(other) if is_empty(&other) => Vec::new(),
            None if is_empty(&result) => Vec::new(),
            _ => return Err("there is no list 'data' in the result".to_owned()),
        };
        let at = |json: &Json, field| u64::try_from(whole(json, field)?).ok();
        let timed = |point: Json| Some((at(&point, "time")?, point));
        let mut points: Vec<(u64, Json)> = data.into_iter().filter_map(timed).collect();
        points.sort_by_key(|(time, _)| *time);
        points.dedup_by_key(|(time, _)| *time);
        let end = at(&result, "date_end");
        Ok(Answer { points, end })
    }

    /// How far apart the points are, in seconds; `None` for fewer than two.
    pub(crate) fn step(&self) -> Option<u64> {
        let pairs = self.points.windows(2).map(|pair| pair[1].0 - pair[0].0);
        pairs.min()
    }

    /// The time of its first point in a window.
    pub(crate) fn begins(&self, window: Window) -> Option<u64> {
        let mut times = self.points.iter().map(|(time, _)| *time);
        times.find(|it| (window.from..window.until).contains(it))
    }

    /// The time of its last point.
    pub(crate) fn ends(&self) -> Option<u64> {
        self.points.last().map(|(time, _)| *time)
    }

    /// Whether the box's clock has not come to a window yet: it has told nothing, and not because
    /// there was nothing.
    pub(crate) fn is_behind(&self, window: Window) -> bool {
        self.points.is_empty() && self.end.is_some_and(|end| end <= window.from)
    }

    /// Whether its points are further apart than those that made the window as wide as it is, or
    /// there are none.
    pub(super) fn is_coarser_than(&self, window: Window) -> bool {
        let is_coarser = |before| self.step().is_none_or(|step| step > before);
        window.widened_by.is_some_and(is_coarser)
    }

    /// Whether its points fill most of a window: those beside a hole tell of no step.
    pub(super) fn is_full(&self, window: Window, step: u64) -> bool {
        let length = window.until.saturating_sub(window.from);
        step.saturating_mul(self.points.len() as u64) >= length / 4 * 3
    }

    /// What becomes of what is `missing` in the window that was asked for at `now`.
    pub(super) fn fate(&self, window: Window, missing: &Spans, now: u64) -> Fate {
        let step = self.step().unwrap_or(window.step);
        let times = self.points.iter().map(|(time, _)| *time);
        let mut times = times.filter(|time| missing.contain(*time));
        let told: Option<Span> = times.next().map(|first| {
            let end = times.next_back().unwrap_or(first).saturating_add(step);
            if step >= window.grain {
                return (first, end);
            }
            // The other part of a point may be in the next answer.
            let end = match end < window.until {
                true => end / window.grain * window.grain,
                false => end,
            };
            (first.next_multiple_of(window.grain), end)
        });
        // Where that is nothing of what is missing, there is no more to come of it.
        let told = told.filter(|it| !missing.within(*it).is_empty());
        let rest = missing.without(&told.into_iter().collect());
        // A step that is not over is not there.
        let begins = told.map_or(window.from, |(_, end)| end);
        let coming =
            now.saturating_sub(step.saturating_add(PATIENCE)) / window.grain * window.grain;
        // Nor is what it says that it has not come to.
        let last_look = self.end.filter(|it| it.saturating_add(BEHIND) >= now);
        let coming = last_look.map_or(coming, |last_look| {
            let not_over = (last_look.min(now) + 1).saturating_sub(step);
            coming.min(not_over.next_multiple_of(window.grain))
        });
        let later = match self.is_behind(window) {
            true => rest.within((begins, u64::MAX)),
            false => rest.within((begins.max(coming), u64::MAX)),
        };
        let again = match told {
            Some(_) => rest.without(&later).of_length(step.max(window.grain)),
            None => Spans::default(),
        };
        Fate {
            done: missing.without(&again).without(&later),
            later,
        }
    }
}

/// A number of a point, as the box tells it.
pub(super) fn number(point: &Json, field: &str) -> Option<f64> {
    lenient::number(point.get(field)?)?.as_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const WINDOW: Window = Window {
        from: 1_000_020,
        until: 1_003_620,
        grain: 60,
        step: 120,
        up_to: u64::MAX,
        widened_by: None,
    };

    fn answer(times: &[u64]) -> Answer {
        let points: Vec<Json> = times.iter().map(|it| json!({"time": it, "x": 1})).collect();
        Answer::of(json!({"data": points})).expect("an answer")
    }

    fn steps(from: u64, until: u64, step: usize) -> Vec<u64> {
        (from..until).step_by(step).collect()
    }

    fn spans(spans: &[Span]) -> Spans {
        spans.iter().copied().collect()
    }

    #[test]
    fn points_come_in_any_order_and_nothing_in_any_disguise() {
        let told = answer(&[30, 10, 20, 10]);
        assert_eq!(told.points.len(), 3);
        let window = |from| Window { from, ..WINDOW };
        let begins = [0, 11, 31].map(|from| told.begins(window(from)));
        assert_eq!(begins, [Some(10), Some(20), None]);
        assert_eq!(told.step(), Some(10));
        for nothing in [
            json!({"data": {}}),
            json!({"data": []}),
            json!({"data": null}),
            json!({"data": [7, "x", {"x": 1}, {"time": -5}]}),
            json!({}),
            json!([]),
            Json::Null,
        ] {
            assert_eq!(Answer::of(nothing).expect("nothing").ends(), None);
        }
        for strange in [json!({"data": 7}), json!({"x": 1}), json!("x")] {
            assert!(Answer::of(strange).is_err());
        }
    }

    #[test]
    fn numbers_are_told_in_several_ways_and_beyond_32_bits() {
        let point = json!({"temp": 590, "bw": 10_000_000_000_u64, "text": "71", "none": null});
        let numbers = ["temp", "bw", "text", "none", "x"].map(|field| number(&point, field));
        assert_eq!(numbers, [Some(590.0), Some(1e10), Some(71.0), None, None]);
    }

    /// What becomes of a whole window: what is done, what may come, what is to be asked for again.
    fn fate(told: &Answer, now: u64) -> [Spans; 3] {
        let all = spans(&[(WINDOW.from, WINDOW.until)]);
        let Fate { done, later } = told.fate(WINDOW, &all, now);
        let again = all.without(&done).without(&later);
        [done, later, again]
    }

    #[test]
    fn a_whole_answer_settles_its_window() {
        let told = answer(&steps(WINDOW.from, WINDOW.until, 10));
        let all = spans(&[(WINDOW.from, WINDOW.until)]);
        assert_eq!(fate(&told, NOW), [all, spans(&[]), spans(&[])]);
    }

    #[test]
    fn a_short_answer_leaves_its_ends_to_be_asked_for_again() {
        let (from, until) = (WINDOW.from + 600, WINDOW.until - 1200);
        let told = answer(&steps(from, until, 10));
        let again = spans(&[(WINDOW.from, from), (until, WINDOW.until)]);
        let expected = [spans(&[(from, until)]), spans(&[]), again];
        assert_eq!(fate(&told, NOW), expected);
        // Nothing comes of it: that was all.
        let [done, ..] = fate(&answer(&[]), NOW);
        assert_eq!(done, spans(&[(WINDOW.from, WINDOW.until)]));
    }

    #[test]
    fn a_point_is_made_of_one_answer() {
        let told = answer(&steps(WINDOW.from + 40, WINDOW.until - 590, 10));
        let [done, _, again] = fate(&told, NOW);
        let (from, until) = (WINDOW.from + 60, WINDOW.until - 600);
        assert_eq!(done, spans(&[(from, until)]));
        assert_eq!(again, spans(&[(WINDOW.from, from), (until, WINDOW.until)]));
        // Nothing more comes of it.
        let rest = spans(&[(until, WINDOW.until)]);
        let told = answer(&[until, until + 10]);
        assert_eq!(told.fate(WINDOW, &rest, NOW).done, rest);
    }

    #[test]
    fn points_that_nobody_misses_settle_what_is_missing() {
        let missing = spans(&[(WINDOW.until - 60, WINDOW.until)]);
        let told = answer(&steps(WINDOW.from, WINDOW.until - 60, 10));
        assert_eq!(told.fate(WINDOW, &missing, NOW).done, missing);
    }

    #[test]
    fn points_that_make_no_whole_one_settle_the_gaps_that_they_are_in() {
        let (first, last) = (WINDOW.from + 600, WINDOW.until - 600);
        let missing = spans(&[(WINDOW.from, first), (last, WINDOW.until)]);
        let told = answer(&[first - 20, last - 100, last - 80, last]);
        assert_eq!(told.fate(WINDOW, &missing, NOW).done, missing);
    }

    #[test]
    fn a_box_whose_clock_is_behind_is_waited_for() {
        let points: Vec<Json> = steps(WINDOW.from, WINDOW.until - 300, 10)
            .iter()
            .map(|it| json!({"time": it, "x": 1}))
            .collect();
        let told = |end| Answer::of(json!({"data": points, "date_end": end})).expect("an answer");
        let (before, behind) = (
            spans(&[(WINDOW.from, WINDOW.until - 300)]),
            spans(&[(WINDOW.until - 300, WINDOW.until)]),
        );
        let now = WINDOW.until + 11;
        let of_honest = fate(&told(WINDOW.until - 299), now);
        assert_eq!(of_honest, [before.clone(), behind.clone(), spans(&[])]);
        // It says that it has told all there is, or that it has told little.
        let again = [before, spans(&[]), behind];
        for end in [WINDOW.until, WINDOW.from + 600] {
            let [done, later, rest] = fate(&told(end), now + 300);
            assert_eq!([done, later, rest], again, "{end}");
        }
    }

    #[test]
    fn the_newest_gap_is_waited_for_whatever_is_told_of_an_older_one() {
        let (old, new) = (
            (WINDOW.from, WINDOW.from + 600),
            (WINDOW.until - 60, WINDOW.until),
        );
        let missing = spans(&[old, new]);
        let told = answer(&steps(WINDOW.from, WINDOW.until - 120, 120));
        let expected = Fate {
            done: spans(&[old]),
            later: spans(&[new]),
        };
        assert_eq!(told.fate(WINDOW, &missing, WINDOW.until + 1), expected);
    }

    #[test]
    fn coarser_points_than_before_may_come_of_a_wide_window() {
        let told = [
            &[][..],
            &[WINDOW.from],
            &steps(WINDOW.from, WINDOW.until, 120),
        ]
        .map(answer);
        let are_coarser = |widened_by| {
            let window = Window {
                widened_by,
                ..WINDOW
            };
            [0, 1, 2].map(|it| told[it].is_coarser_than(window))
        };
        assert_eq!(are_coarser(None), [false; 3]);
        assert_eq!(are_coarser(Some(60)), [true; 3]);
        assert_eq!(are_coarser(Some(120)), [true, true, false]);
    }

    #[test]
    fn an_absurd_step_is_no_trouble() {
        let missing = spans(&[(WINDOW.from, WINDOW.until)]);
        let step = u64::MAX;
        let window = Window { step, ..WINDOW };
        let told = answer(&[WINDOW.from + 60]);
        assert_eq!(told.fate(window, &missing, NOW).done, missing);
    }

    #[test]
    fn a_step_that_is_not_over_is_waited_for_and_not_for_ever() {
        let last = WINDOW.until - 120;
        let told = answer(&steps(WINDOW.from, last, 120));
        let (before, behind) = (
            spans(&[(WINDOW.from, last)]),
            spans(&[(last, WINDOW.until)]),
        );
        let soon = fate(&told, WINDOW.until + 11);
        assert_eq!(soon, [before.clone(), behind.clone(), spans(&[])]);
        assert_eq!(fate(&told, last + 360), [before, spans(&[]), behind]);
        let [done, later, _] = fate(&answer(&[]), WINDOW.from + 30);
        assert!(done.is_empty() && !later.is_empty());
    }
}
