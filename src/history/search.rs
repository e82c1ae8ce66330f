//! What to ask for, and when that is settled. How far back which step of the box reaches is not
//! documented: the older, the coarser, and what comes is taken. An hour at a time brings the finest
//! that there is; where that is not fine, more at a time brings it in fewer questions.

use super::answer::Answer;
use super::window::Window;
use crate::base::clock::MINUTE;
use crate::base::spans::Spans;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How long before now the last step is over that the box has surely stored: it does so every ten
/// seconds, and a moment later.
const LAG: u64 = 11;

/// What to take for [`Window::step`] where that is not known: the longest that was seen.
const USUAL_STEP: u64 = 120;

/// What is as old as this is asked for in one way.
#[derive(Clone, Copy)]
struct Age {
    /// Up to how old, in seconds.
    up_to: u64,
    /// How much at a time, at the least.
    width: u64,
    /// What windows begin on a multiple of, which is one of every step that was seen of that age: a
    /// step in two windows would be in neither.
    grid: u64,
    /// The least width of a point. Who keeps metrics for long keeps fewer points of what is older,
    /// as our own schema does, and of two points in one place the last would stay.
    grain: u64,
}

const fn age(up_to: u64, width: u64, grid: u64, grain: u64) -> Age {
    Age {
        up_to,
        width,
        grid,
        grain,
    }
}

const AGES: [Age; 4] = [
    age(DAY, HOUR, 10 * MINUTE, MINUTE),
    // A window may begin an hour before its age.
    age(8 * DAY - HOUR, DAY, HOUR, MINUTE),
    age(60 * DAY - HOUR, 2 * DAY, HOUR, 10 * MINUTE),
    age(u64::MAX, 30 * DAY, HOUR, HOUR),
];

/// How many points a box is known to tell at once: an hour of steps of ten seconds.
const POINTS: u64 = 360;

/// What is looked for in a database, question by question, the newest first.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// What is still missing.
    pub(crate) missing: Spans,
    /// How far apart our points are, in seconds.
    grain: u64,
    /// How far apart those of the box were when it was last asked for what is recent.
    step: u64,
    /// How far apart they were in the last answer, if it was full of them.
    next: Option<u64>,
    /// Of what is younger than this, more at a time brings coarser points.
    narrow_up_to: u64,
}

impl Search {
    /// For what is `missing`, with points `grain` seconds apart. `step` is how far apart those of the
    /// box were when it was last asked for what is recent, as far as that is known.
    pub(crate) fn new(missing: Spans, grain: u64, step: Option<u64>) -> Self {
        Search {
            missing,
            grain: grain.max(MINUTE),
            step: step.unwrap_or(USUAL_STEP),
            next: None,
            narrow_up_to: 0,
        }
    }

    /// The window for the newest of what is missing; `None` where that is nothing that the box can
    /// have by now.
    pub(crate) fn window(&self, now: u64) -> Option<Window> {
        // The newest point may lack its last step of ten seconds: it is there a run earlier.
        let stored = now.saturating_sub(LAG) / 10 * 10;
        let (_, last) = self.missing.within((0, stored)).ends()?;
        let age = AGES.into_iter().find(|it| now - last < it.up_to)?;
        let grain = self.grain.max(age.grain);
        let grid = common_multiple(age.grid, grain);
        let next = self.next.filter(|_| age.up_to > self.narrow_up_to);
        let wide = next.map_or(0, |step| step.saturating_mul(POINTS));
        let oldest = last.saturating_sub(age.width.max(wide));
        let on_grid = Some(oldest.next_multiple_of(grid)).filter(|it| *it < last);
        // Points of another width are for another window.
        let of_that_age = now.saturating_sub(age.up_to);
        let oldest = on_grid.unwrap_or(oldest).max(of_that_age);
        let (first, _) = self.missing.within((oldest, last)).ends()?;
        Some(Window {
            from: first / grid * grid,
            until: last.next_multiple_of(grid).min(stored),
            grain,
            step: self.step,
            up_to: age.up_to,
            widened_by: next.filter(|_| last - first > age.width),
        })
    }

    /// Takes out what need not be asked for again after an answer, or not now. What of it is done;
    /// `None` where the same is to be asked for again, less at a time.
    pub(crate) fn settle(&mut self, window: Window, answer: &Answer, now: u64) -> Option<Spans> {
        if answer.is_coarser_than(window) {
            // It may be the width that makes it so, and of what is about as old as well.
            self.narrow_up_to = window.up_to;
            return None;
        }
        let wanted = self.missing.within((window.from, window.until));
        let fate = answer.fate(window, &wanted, now);
        self.missing = self.missing.without(&fate.done).without(&fate.later);
        self.next = answer.step().filter(|step| answer.is_full(window, *step));
        Some(fate.done)
    }
}

/// The least number that both divide, neither of which is 0.
fn common_multiple(one: u64, other: u64) -> u64 {
    let (mut a, mut b) = (one, other);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    one / a * other
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::spans::Span;

    /// A moment at the start of a day.
    const NOW: u64 = 1_700_000_000 / DAY * DAY;

    /// All windows, where the points of one of that age are so far apart.
    fn all_of(mut search: Search, now: u64, step: impl Fn(u64) -> Option<u64>) -> Vec<Window> {
        let mut windows = Vec::new();
        while let Some(window) = search.window(now) {
            let told = [(window.from, u64::MAX)].into_iter().collect();
            search.missing = search.missing.without(&told);
            search.next = step(now - window.from);
            windows.push(window);
        }
        windows
    }

    fn all(search: Search, now: u64) -> Vec<Window> {
        all_of(search, now, |_| None)
    }

    fn search(spans: &[Span]) -> Search {
        Search::new(spans.iter().copied().collect(), MINUTE, None)
    }

    fn span(from: u64, until: u64) -> Search {
        search(&[(from, until)])
    }

    #[test]
    fn three_hours_are_three_windows_of_which_the_last_ends_before_now() {
        let windows = all(span(NOW - 3 * HOUR + 60, NOW), NOW + 1);
        let ends: Vec<_> = windows
            .iter()
            .map(|it| (NOW - it.from, NOW - it.until))
            .collect();
        assert_eq!(ends, [(3600, 10), (7200, 3600), (10_800, 7200)]);
    }

    #[test]
    fn a_month_is_not_many() {
        let windows = all(span(NOW - 30 * DAY, NOW), NOW);
        assert!((30..=45).contains(&windows.len()), "{}", windows.len());
        let grains: Vec<u64> = windows.iter().map(|it| it.grain).collect();
        assert!(grains.is_sorted() && grains.contains(&600), "{grains:?}");
        assert!(windows.windows(2).all(|pair| pair[1].until >= pair[0].from));
        assert!(
            windows
                .iter()
                .all(|it| it.from % (10 * MINUTE) == 0 && it.from < it.until)
        );
    }

    #[test]
    fn coarse_points_come_in_few_windows() {
        let coarse = |age| match age {
            age if age > DAY => Some(HOUR),
            age if age > HOUR => Some(60),
            _ => Some(10),
        };
        let windows = all_of(span(NOW - 30 * DAY, NOW), NOW, coarse);
        let hours = |it: &Window| ((it.until - it.from).div_ceil(HOUR), it.widened_by);
        let hours: Vec<_> = windows.iter().map(hours).collect();
        let fine = [
            (1, None),
            (1, None),
            (6, Some(60)),
            (6, Some(60)),
            (6, Some(60)),
            (4, Some(60)),
        ];
        assert_eq!(hours[..6], fine);
        let coarse = [
            (24, None),
            (143, Some(HOUR)),
            (360, Some(HOUR)),
            (169, Some(HOUR)),
        ];
        assert_eq!(hours[6..], coarse);
        // What is older than a week has points of another width.
        let edge = NOW - 8 * DAY + HOUR;
        assert!(!windows.iter().any(|it| it.from < edge && edge < it.until));
    }

    #[test]
    fn points_beside_a_hole_tell_of_no_step() {
        let now = NOW - 60;
        let mut search = span(now - 23 * HOUR, now);
        let window = search.window(now).expect("a window");
        let times = [600, 1800].map(|it| json!({"time": window.from + it}));
        let lone = Answer::of(json!({"data": times})).expect("an answer");
        assert!(search.settle(window, &lone, now).is_some());
        let next = search.window(now).expect("a window");
        assert_eq!((next.until - next.from, next.widened_by), (HOUR, None));
    }

    /// Asked for much, it tells coarser points; it is asked for little then.
    #[test]
    fn a_box_that_thins_is_found_out_once_for_each_age() {
        let mut search = span(NOW - 30 * DAY, NOW);
        let (mut questions, mut refused) = (0, 0);
        while let Some(window) = search.window(NOW) {
            let step = match (NOW - window.until, window.widened_by) {
                (age, None) if age < DAY => 60,
                (_, None) => HOUR,
                (_, Some(step)) => 2 * step,
            };
            let times = (window.from..window.until).step_by(step as usize);
            let points: Vec<_> = times.map(|it| json!({"time": it})).collect();
            let answer = Answer::of(json!({"data": points})).expect("an answer");
            let before = search.missing.clone();
            refused += usize::from(search.settle(window, &answer, NOW).is_none());
            assert!(window.widened_by.is_some() || search.missing != before);
            questions += 1;
        }
        assert_eq!(refused, 3);
        assert!(questions <= 46, "{questions}");
    }

    #[test]
    fn small_gaps_of_an_hour_are_one_window() {
        let gaps = (1..10).map(|it| (NOW - 300 * it, NOW - 300 * it + 60));
        let windows = all(search(&gaps.collect::<Vec<_>>()), NOW);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].from, NOW - 3000);
        // What is not missing before it does not count.
        let two = [(NOW - DAY, NOW - DAY + 60), (NOW - 600, NOW - 300)];
        let window = search(&two).window(NOW).expect("a window");
        assert_eq!((window.from, window.until), (NOW - 600, NOW - 10 * 2));
    }

    #[test]
    fn what_the_box_cannot_have_is_not_asked_for() {
        assert_eq!(span(NOW - 5, NOW + 600).window(NOW), None);
        assert_eq!(search(&[]).window(NOW), None);
        let last = span(NOW - 60, NOW).window(NOW + 1).expect("a window");
        assert_eq!((NOW - last.from, NOW - last.until), (600, 10));
        // A clock that has been set back.
        assert_eq!(span(NOW + 60, NOW + 120).window(NOW), None);
    }
}
