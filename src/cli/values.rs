//! What stands behind an option: how it is read, and the words for what it cannot be.

use std::time::Duration;

use super::settings::HostAge;
use crate::sections::{self, Section};

/// A section by its switch.
pub(super) fn section(switch: &str) -> Result<&'static Section, String> {
    sections::by_switch(switch).ok_or_else(|| "no section has this name".to_owned())
}

/// How many requests at a time.
pub(super) fn jobs(word: &str) -> Result<usize, String> {
    let number: Option<usize> = word.parse().ok();
    number
        .filter(|it| (1..=16).contains(it))
        .ok_or_else(|| "it is 1 to 16".to_owned())
}

/// How often to send again.
pub(super) fn resend(word: &str) -> Result<u32, String> {
    let number: Option<u32> = word.parse().ok();
    number
        .filter(|it| *it <= 100)
        .ok_or_else(|| "it is 0 to 100".to_owned())
}

/// A number of seconds between runs.
pub(super) fn period(word: &str) -> Result<u64, String> {
    let number: Option<u64> = word.parse().ok();
    number
        .filter(|it| (1..=86_400).contains(it))
        .ok_or_else(|| "it is a number of seconds, from 1 to a day".to_owned())
}

/// A length of time with its unit.
pub(super) fn age(word: &str) -> Result<Duration, String> {
    let units = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 24 * 3600),
        ("w", 7 * 24 * 3600),
    ];
    let seconds = with_unit(word, &units).filter(|it| *it > 0);
    let seconds = seconds.ok_or_else(|| "it is a time such as 90s, 30m, 12h or 7d".to_owned());
    seconds.map(Duration::from_secs)
}

/// How much of the past: what a box remembers is younger than ten years, and a minute at the least.
pub(super) fn past(word: &str) -> Result<Duration, String> {
    const LONGEST: u64 = 3653 * 24 * 3600;
    let time = age(word)?;
    match (60..=LONGEST).contains(&time.as_secs()) {
        true => Ok(time),
        false => Err("it is a time such as 12h or 30d, from a minute to ten years".to_owned()),
    }
}

/// Which hosts have lines unless `--host-age` says.
pub(super) const USUAL_HOST_AGE: HostAge = HostAge::Within(Duration::from_secs(7 * 24 * 3600));

/// Which hosts have lines.
pub(super) fn host_age(word: &str) -> Result<HostAge, String> {
    match word {
        "all" => Ok(HostAge::All),
        time => age(time)
            .map(HostAge::Within)
            .map_err(|words| format!("{words}, or all")),
    }
}

/// A number of bytes, with or without a unit.
pub(super) fn size(word: &str) -> Result<u64, String> {
    let word = word.to_ascii_lowercase();
    let word = word.trim_end_matches('b').trim_end_matches('i');
    let units = [("", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30)];
    let bytes = with_unit(word, &units).filter(|it| *it > 0);
    bytes.ok_or_else(|| "it is a size such as 500K, 64M or 1G".to_owned())
}

/// A whole number with a unit behind it.
fn with_unit(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = word
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A length of time that a run can have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Duration);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let seconds: Option<f64> = word.parse().ok();
        match seconds.filter(|it| (0.1..=86_400.0).contains(it)) {
            Some(seconds) => Ok(Seconds(Duration::from_secs_f64(seconds))),
            None => Err("it is a number of seconds, from 0.1 to a day".to_owned()),
        }
    }
}

/// A major version of the API.
pub(super) fn api_version(word: &str) -> Result<u32, String> {
    let number: Option<u32> = word.parse().ok();
    number
        .filter(|it| (1..=999).contains(it))
        .ok_or_else(|| "it is the major version of an API, 1 to 999".to_owned())
}
