//! What to ask for at a time. How far back which step of the box reaches is not documented: the
//! older, the coarser, and what comes is taken. An hour at a time brings the finest that there is.

use crate::base::spans::Spans;

/// The width of a point, in seconds: what is live comes once a minute.
pub(crate) const MINUTE: u64 = 60;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How long before now the last step is over that the box has surely stored: it does so every ten
/// seconds, and a moment later.
const LAG: u64 = 11;
/// Windows begin and end on a multiple of this, which is one of every fine step.
const GRID: u64 = 120;

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
}

/// What to take for [`Window::step`] where that is not known: the longest that was seen.
const USUAL_STEP: u64 = 120;

/// By age: up to which one, how much is asked for at a time, and the least width of a point. Who
/// keeps metrics for long keeps fewer points of what is older, as our own schema does, and of two
/// points in one place the last would stay.
const BY_AGE: [(u64, u64, u64); 4] = [
    (DAY, HOUR, MINUTE),
    (8 * DAY, DAY, MINUTE),
    (60 * DAY, 2 * DAY, 10 * MINUTE),
    (u64::MAX, 30 * DAY, HOUR),
];

/// The window for the newest of what is missing; `None` where nothing is missing that the box can
/// have by now. Its points are `grain` wide at least; `step` is what is known of the box's.
pub(crate) fn newest(missing: &Spans, now: u64, grain: u64, step: Option<u64>) -> Option<Window> {
    let stored = now.saturating_sub(LAG) / 10 * 10;
    let (_, last) = missing.within((0, stored)).ends()?;
    let age = now - last;
    let (_, width, least) = BY_AGE.into_iter().find(|(up_to, ..)| age < *up_to)?;
    let (first, _) = missing.within((last.saturating_sub(width), last)).ends()?;
    Some(Window {
        from: first / GRID * GRID,
        until: last.next_multiple_of(GRID).min(stored),
        grain: grain.max(least),
        step: step.unwrap_or(USUAL_STEP),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment at the start of a day.
    const NOW: u64 = 1_700_000_000 / DAY * DAY;

    fn all(mut missing: Spans, now: u64) -> Vec<Window> {
        let mut windows = Vec::new();
        while let Some(window) = newest(&missing, now, MINUTE, None) {
            missing = missing.without(&[(window.from, u64::MAX)].into_iter().collect());
            windows.push(window);
        }
        windows
    }

    fn span(from: u64, until: u64) -> Spans {
        [(from, until)].into_iter().collect()
    }

    #[test]
    fn three_hours_are_three_windows_of_which_the_last_ends_before_now() {
        let windows = all(span(NOW - 3 * HOUR + 60, NOW), NOW + 1);
        let ends: Vec<_> = windows
            .iter()
            .map(|it| (NOW - it.from, NOW - it.until))
            .collect();
        assert_eq!(ends, [(3720, 10), (7320, 3720), (10_800, 7320)]);
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
                .all(|it| it.from % GRID == 0 && it.from < it.until)
        );
    }

    #[test]
    fn small_gaps_of_an_hour_are_one_window() {
        let gaps: Spans = (1..10)
            .map(|it| (NOW - 300 * it, NOW - 300 * it + 60))
            .collect();
        let windows = all(gaps, NOW);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].from, (NOW - 2700) / GRID * GRID);
        // What is not missing before it does not count.
        let two = [(NOW - DAY, NOW - DAY + 60), (NOW - 600, NOW - 300)];
        let window = newest(&two.into_iter().collect(), NOW, MINUTE, None).expect("a window");
        assert_eq!((window.from, window.until), (NOW - 600, NOW - 240));
    }

    #[test]
    fn what_the_box_cannot_have_is_not_asked_for() {
        assert_eq!(newest(&span(NOW - 5, NOW + 600), NOW, MINUTE, None), None);
        assert_eq!(newest(&Spans::default(), NOW, MINUTE, None), None);
        let last = newest(&span(NOW - 60, NOW), NOW + 1, MINUTE, None).expect("a window");
        assert_eq!((NOW - last.from, NOW - last.until), (120, 10));
        // A clock that has been set back.
        assert_eq!(newest(&span(NOW + 60, NOW + 120), NOW, MINUTE, None), None);
    }
}
