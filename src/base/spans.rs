//! Stretches of time, and what is left of them when others are taken away.

use serde::{Deserialize, Serialize};

/// A stretch of time: from the first second on, up to the other one, which is not in it. Seconds
/// since 1970.
pub(crate) type Span = (u64, u64);

/// Stretches of time that do not touch each other, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Span>", into = "Vec<Span>")]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// Adds a stretch; what it touches becomes one with it.
    pub(crate) fn add(&mut self, span: Span) {
        let (mut from, mut until) = span;
        if from >= until {
            return;
        }
        self.0.retain(|&(start, end)| {
            let is_apart = end < from || until < start;
            if !is_apart {
                (from, until) = (from.min(start), until.max(end));
            }
            is_apart
        });
        let place = self.0.partition_point(|&(start, _)| start < from);
        self.0.insert(place, (from, until));
    }

    /// Adds the stretches of others.
    pub(crate) fn add_all(&mut self, others: &Spans) {
        *self = self.iter().chain(others.iter()).collect();
    }

    /// What is left when others are taken away.
    pub(crate) fn without(&self, others: &Spans) -> Self {
        let mut left = Vec::new();
        let mut cuts = others.0.as_slice();
        for (mut from, until) in self.iter() {
            while let [(start, end), rest @ ..] = cuts
                && *start < until
            {
                if *start > from {
                    left.push((from, *start));
                }
                from = from.max(*end);
                if *end > until {
                    // It goes on in the next one.
                    break;
                }
                cuts = rest;
            }
            if from < until {
                left.push((from, until));
            }
        }
        Spans(left)
    }

    /// What of them lies in a stretch.
    pub(crate) fn within(&self, (from, until): Span) -> Self {
        let cut = self
            .iter()
            .map(|(start, end)| (start.max(from), end.min(until)));
        cut.collect()
    }

    /// Those that last so long at least, in seconds.
    pub(crate) fn of_length(&self, least: u64) -> Self {
        let long = self.iter().filter(|(from, until)| until - from >= least);
        long.collect()
    }

    /// Whether a whole stretch is in one of them.
    pub(crate) fn contain_all(&self, (from, until): Span) -> bool {
        let place = self.0.partition_point(|&(start, _)| start <= from);
        place > 0 && until <= self.0[place - 1].1
    }

    /// Whether a moment is in one of them.
    pub(crate) fn contain(&self, time: u64) -> bool {
        self.contain_all((time, time + 1))
    }

    /// The first moment and the end of the last.
    pub(crate) fn ends(&self) -> Option<Span> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long they last together, in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        self.iter().map(|(from, until)| until - from).sum()
    }

    /// Each of them, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Span> {
        self.0.iter().copied()
    }

    /// Forgets the oldest where there are more than so many; whether there were.
    pub(crate) fn keep_newest(&mut self, most: usize) -> bool {
        let surplus = self.0.len().saturating_sub(most);
        self.0.drain(..surplus);
        surplus > 0
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut spans: Vec<Span> = spans
            .into_iter()
            .filter(|(from, until)| from < until)
            .collect();
        spans.sort_unstable();
        let mut all: Vec<Span> = Vec::new();
        for (from, until) in spans {
            match all.last_mut() {
                Some((_, end)) if from <= *end => *end = until.max(*end),
                _ => all.push((from, until)),
            }
        }
        Spans(all)
    }
}

/// Whatever a file says: in any order, one over the other.
impl From<Vec<Span>> for Spans {
    fn from(spans: Vec<Span>) -> Self {
        spans.into_iter().collect()
    }
}

impl From<Spans> for Vec<Span> {
    fn from(spans: Spans) -> Self {
        spans.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn spans(spans: &[Span]) -> Spans {
        spans.iter().copied().collect()
    }

    #[test]
    fn what_touches_becomes_one() {
        let cases: [(&[Span], &[Span]); 5] = [
            (&[(0, 60), (60, 120)], &[(0, 120)]),
            (&[(120, 180), (0, 60)], &[(0, 60), (120, 180)]),
            (&[(0, 60), (120, 180), (30, 150)], &[(0, 180)]),
            (&[(0, 60), (10, 20)], &[(0, 60)]),
            (&[(60, 60), (70, 60)], &[]),
        ];
        for (given, expected) in cases {
            assert_eq!(spans(given).0, expected, "{given:?}");
        }
    }

    #[test]
    fn what_is_taken_away_is_gone() {
        let day = spans(&[(0, 100), (200, 300)]);
        let cases: [(&[Span], &[Span]); 5] = [
            (&[], &[(0, 100), (200, 300)]),
            (&[(50, 250)], &[(0, 50), (250, 300)]),
            (
                &[(10, 20), (30, 40)],
                &[(0, 10), (20, 30), (40, 100), (200, 300)],
            ),
            (&[(0, 400)], &[]),
            (&[(100, 200)], &[(0, 100), (200, 300)]),
        ];
        for (taken, expected) in cases {
            assert_eq!(day.without(&spans(taken)).0, expected, "{taken:?}");
        }
        assert_eq!(day.within((90, 210)).0, [(90, 100), (200, 210)]);
        assert_eq!(spans(&[(0, 59), (100, 160)]).of_length(60).0, [(100, 160)]);
        assert_eq!((day.ends(), day.seconds()), (Some((0, 300)), 200));
    }

    /// The seconds of an hour or so that are in some spans, a bit each.
    fn bits(spans: &Spans) -> u64 {
        let times = spans.iter().flat_map(|(from, until)| from..until);
        times.fold(0, |bits, time| bits | 1 << time)
    }

    fn span_bits((from, until): Span) -> u64 {
        (from..until).fold(0, |bits, time| bits | 1 << time)
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (0..60_u64, 0..20_u64).prop_map(|(from, length)| (from, (from + length).min(63)))
    }

    proptest! {
        #[test]
        fn they_are_sets_of_seconds(
            one in vec(any_span(), 0..8), other in vec(any_span(), 0..8), span in any_span(),
            length in 0..8_u64,
        ) {
            let (one, other): (Spans, Spans) = (spans(&one), spans(&other));
            let mut added = one.clone();
            added.add(span);
            let mut all = one.clone();
            all.add_all(&other);
            let results = [
                (&added, bits(&one) | span_bits(span)),
                (&all, bits(&one) | bits(&other)),
                (&one.without(&other), bits(&one) & !bits(&other)),
                (&one.within(span), bits(&one) & span_bits(span)),
            ];
            for (result, expected) in results {
                prop_assert_eq!(bits(result), expected);
                let apart = result.0.windows(2).all(|two| two[0].1 < two[1].0);
                prop_assert!(apart && result.iter().all(|(from, until)| from < until), "{:?}", result);
            }
            prop_assert_eq!(one.seconds(), u64::from(bits(&one).count_ones()));
            prop_assert_eq!(one.is_empty(), bits(&one) == 0);
            let contained = span_bits(span) & !bits(&one) == 0;
            prop_assert!(span.0 >= span.1 || one.contain_all(span) == contained);
            let long: Spans = one.iter().filter(|(from, until)| until - from >= length).collect();
            prop_assert_eq!(one.of_length(length), long);
            let ends = (bits(&one) > 0)
                .then(|| (u64::from(bits(&one).trailing_zeros()), u64::from(64 - bits(&one).leading_zeros())));
            prop_assert_eq!(one.ends(), ends);
            let mut newest = one.clone();
            let were_more = newest.keep_newest(2);
            prop_assert_eq!(were_more, one.0.len() > 2);
            prop_assert_eq!(&newest.0[..], &one.0[one.0.len().saturating_sub(2)..]);
        }
    }

    #[test]
    fn the_end_is_not_in_it() {
        let one = spans(&[(60, 120)]);
        let inside = [59, 60, 119, 120].map(|time| one.contain(time));
        assert_eq!(inside, [false, true, true, false]);
    }

    #[test]
    fn a_file_may_say_them_in_any_way() {
        let read: Spans = serde_json::from_str("[[60,120],[0,70],[9,3]]").expect("spans");
        assert_eq!(read.0, [(0, 120)]);
        assert_eq!(serde_json::to_string(&read).expect("JSON"), "[[0,120]]");
    }
}
