//! What to ask for at a time. How far back which step of the box reaches is not documented: the
//! older, the coarser, and what comes is taken. An hour at a time brings the finest that there is;
//! where that is not fine, more at a time brings it in fewer questions.

use crate::base::clock::MINUTE;
use crate::state::coverage::Missing;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How long before now the last step is over that the box has surely stored: it does so every ten
/// seconds, and a moment later.
const LAG: u64 = 11;

/// A stretch of time that is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Its first second, since 1970.
    pub(crate) from: u64,
    /// Its end, which is not in it.
    pub(crate) until: u64,
    /// The width of one point of ours, in seconds.
    pub(crate) grain: u64,
    /// How far apart the points of the box were when it was last asked for what is recent, in
    /// seconds.
    pub(crate) step: u64,
    /// How far apart they were in the answer that made this window wider than its age does; `None`
    /// where it is not wider.
    pub(crate) widened_by: Option<u64>,
}

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

/// The window for the newest of what a place is missing; `None` where that is nothing that the box
/// can have by now.
pub(crate) fn newest(missing: &Missing, now: u64) -> Option<Window> {
    // The newest point may lack its last step of ten seconds: it is there a run earlier.
    let stored = now.saturating_sub(LAG) / 10 * 10;
    let (_, last) = missing.spans.within((0, stored)).ends()?;
    let age = AGES.into_iter().find(|it| now - last < it.up_to)?;
    let grain = missing.grain.max(age.grain);
    let grid = common_multiple(age.grid, grain);
    let wide = missing.next.map_or(0, |step| step.saturating_mul(POINTS));
    let oldest = last.saturating_sub(age.width.max(wide));
    let on_grid = Some(oldest.next_multiple_of(grid)).filter(|it| *it < last);
    // Points of another width are for another window.
    let of_that_age = now.saturating_sub(age.up_to);
    let oldest = on_grid.unwrap_or(oldest).max(of_that_age);
    let (first, _) = missing.spans.within((oldest, last)).ends()?;
    Some(Window {
        from: first / grid * grid,
        until: last.next_multiple_of(grid).min(stored),
        grain,
        step: missing.step.unwrap_or(USUAL_STEP),
        widened_by: missing.next.filter(|_| last - first > age.width),
    })
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
    use super::*;
    use crate::base::spans::Span;

    /// A moment at the start of a day.
    const NOW: u64 = 1_700_000_000 / DAY * DAY;

    /// All windows, where the points of one of that age are so far apart.
    fn all_of(mut missing: Missing, now: u64, step: impl Fn(u64) -> Option<u64>) -> Vec<Window> {
        let mut windows = Vec::new();
        while let Some(window) = newest(&missing, now) {
            let told = [(window.from, u64::MAX)].into_iter().collect();
            missing.spans = missing.spans.without(&told);
            missing.next = step(now - window.from);
            windows.push(window);
        }
        windows
    }

    fn all(missing: Missing, now: u64) -> Vec<Window> {
        all_of(missing, now, |_| None)
    }

    fn missing(spans: &[Span]) -> Missing {
        Missing {
            spans: spans.iter().copied().collect(),
            grain: MINUTE,
            ..Missing::default()
        }
    }

    fn span(from: u64, until: u64) -> Missing {
        missing(&[(from, until)])
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
    fn small_gaps_of_an_hour_are_one_window() {
        let gaps = (1..10).map(|it| (NOW - 300 * it, NOW - 300 * it + 60));
        let windows = all(missing(&gaps.collect::<Vec<_>>()), NOW);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].from, NOW - 3000);
        // What is not missing before it does not count.
        let two = [(NOW - DAY, NOW - DAY + 60), (NOW - 600, NOW - 300)];
        let window = newest(&missing(&two), NOW).expect("a window");
        assert_eq!((window.from, window.until), (NOW - 600, NOW - 10 * 2));
    }

    #[test]
    fn what_the_box_cannot_have_is_not_asked_for() {
        assert_eq!(newest(&span(NOW - 5, NOW + 600), NOW), None);
        assert_eq!(newest(&Missing::default(), NOW), None);
        let last = newest(&span(NOW - 60, NOW), NOW + 1).expect("a window");
        assert_eq!((NOW - last.from, NOW - last.until), (600, 10));
        // A clock that has been set back.
        assert_eq!(newest(&span(NOW + 60, NOW + 120), NOW), None);
    }
}
