//! What a box tells and what is left out all the same, because there is no end to it: hosts that
//! were last seen long ago, of which a box forgets none, and what belongs to strangers.

use std::time::Duration;

use crate::metrics::group::Group;
use crate::metrics::sample::{Sample, Seen};
use crate::sections::Section;

/// How far the box's clock may be behind ours and still be the one to count by.
const LITTLE: i64 = 3600;

/// Leaves out what was not seen for longer than `age` (`--host-age`).
///
/// `now` is our clock, `None` for a recording, which is of another time. Moments are the box's own:
/// where its clock is ahead, or behind by a little, it is the one that counts. A box that tells no
/// moments at all has nothing to go by, and all stays.
pub(crate) fn long_gone(samples: &mut Vec<Sample>, age: Duration, now: Option<u64>) {
    let told = samples.iter().filter_map(|sample| match sample.seen? {
        Seen::Now(moment) => moment,
        Seen::At(moment) => Some(moment),
    });
    let Some(latest) = told.filter(|moment| *moment > 0).max() else {
        return;
    };
    let ours = now.map_or(latest, |now| i64::try_from(now).unwrap_or(i64::MAX));
    let now = match ours.saturating_sub(latest) <= LITTLE {
        true => latest,
        false => ours,
    };
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    samples.retain(|sample| match sample.seen {
        None | Some(Seen::Now(_)) => true,
        Some(Seen::At(moment)) => now.saturating_sub(moment) <= age,
    });
}

/// Leaves out what belongs to strangers, unless its section was asked for by name.
pub(crate) fn strangers(samples: &mut Vec<Sample>, named: &[&'static Section]) {
    let is_of = |group: &Group, section: &Section| {
        let mut groups = section.groups.iter();
        groups.any(|it| it.name == group.name)
    };
    let is_asked_for = |group: &Group| named.iter().any(|section| is_of(group, section));
    samples.retain(|sample| !sample.group.of_strangers || is_asked_for(sample.group));
}

#[cfg(test)]
mod tests {
    use super::*;

    static HOST: Group = Group::new("host", "host.{mac}", &[]);

    /// Which of these moments are left, with this clock of ours; 0 is active, -1 is not told.
    fn left(moments: &[i64], now: Option<u64>) -> Vec<i64> {
        let seen = |moment: i64| match moment {
            -1 => None,
            0 => Some(Seen::Now(None)),
            moment => Some(Seen::At(moment)),
        };
        let sample = |moment: &i64| Sample::new(&HOST).seen(seen(*moment));
        let mut samples: Vec<Sample> = moments.iter().map(sample).collect();
        long_gone(&mut samples, Duration::from_secs(1000), now);
        let moment = |sample: &Sample| match sample.seen {
            None => -1,
            Some(Seen::Now(_)) => 0,
            Some(Seen::At(moment)) => moment,
        };
        samples.iter().map(moment).collect()
    }

    #[test]
    fn what_is_there_stays_and_what_was_last_seen_long_ago_does_not() {
        let moments = [-1, 0, 100_000, 99_000, 98_999, 1];
        assert_eq!(left(&moments, Some(100_000)), [-1, 0, 100_000, 99_000]);
    }

    #[test]
    fn a_clock_that_is_a_little_off_does_not_matter() {
        for clock in [99_000, 99_900, 100_000, 100_100, 103_600] {
            let moments = [0, 100_000, 99_000, 98_999];
            assert_eq!(left(&moments, Some(clock)), [0, 100_000, 99_000], "{clock}");
        }
    }

    #[test]
    fn a_house_that_was_empty_for_long_has_nobody_in_it() {
        assert_eq!(left(&[100_000, 99_000], Some(200_000)), [0; 0]);
        assert_eq!(left(&[0, 100_000], Some(200_000)), [0]);
        assert_eq!(left(&[i64::MAX, i64::MIN], Some(u64::MAX)), [i64::MAX]);
        assert_eq!(left(&[], Some(0)), [0; 0]);
    }

    #[test]
    fn a_box_without_moments_has_nobody_who_is_gone() {
        let never = i64::MIN;
        assert_eq!(left(&[0, -1, never], Some(100_000)), [0, -1, never]);
        assert_eq!(left(&[99_999, -1, never], Some(100_000)), [99_999, -1]);
    }

    #[test]
    fn a_recording_has_its_own_time() {
        assert_eq!(left(&[100_000, 99_000, 98_999], None), [100_000, 99_000]);
    }
}
