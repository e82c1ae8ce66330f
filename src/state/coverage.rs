//! Which minutes have live points, by the place that the lines went to and the database of the box
//! that would know them as well; and which others were asked for since. What is in neither is a gap.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::folder::StateFolder;
use super::rhythm::{LONGEST_USUAL, Runs, minute_of, rounded};
use crate::base::clock::MINUTE;
use crate::base::error::Error;
use crate::base::files;
use crate::base::lock::Lock;
use crate::base::spans::{Span, Spans};

const FILE: &str = "history.json";
/// The time of the last run that could not leave more, always as long, so that it can be written where
/// there is no room.
const PULSE: &str = ".pulse";
/// What stands there where there was no such run.
const NEVER: u64 = 0;
/// Who fills a gap.
const FILLING: &str = ".filling.lock";

/// For how many places this is remembered: those of a crontab, and of who tries something out.
const MOST_PLACES: usize = 16;
/// How many stretches without a gap are remembered of one database. Before the oldest nothing is
/// known, so that nothing is missing.
const MOST_SPANS: usize = 400;
/// How long the box is left alone after it has declined, in seconds, and after the first failure.
/// Somebody may be ticking a permission.
const AFTER_A_NO: u64 = 60 * MINUTE;
const AFTER_A_FAILURE: u64 = MINUTE;
/// How long it counts that the box has declined or failed, and that runs came again and again.
const OLD_NEWS: u64 = 7 * 24 * 60 * MINUTE;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    #[serde(default)]
    places: BTreeMap<String, Place>,
    #[serde(default)]
    pauses: BTreeMap<String, Pause>,
    /// How long nothing is asked for, after the box did not answer at all.
    #[serde(default)]
    silence: Pause,
    /// Whether the box has ever told anything.
    #[serde(default)]
    given: bool,
    /// Whether it was said that the box does not give its history.
    #[serde(default)]
    told: bool,
}

/// One place that lines go to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The minutes of the runs that have left a note, whatever they have told.
    #[serde(default)]
    noted: Spans,
    /// By the name of the database.
    #[serde(default)]
    databases: BTreeMap<String, Minutes>,
}

/// The minutes of one database in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Minutes {
    /// Since when anything is known. Nothing is missing of the time before: a clock that is set back
    /// for a moment makes no gap.
    #[serde(default)]
    since: Option<u64>,
    /// Those with live points.
    #[serde(default)]
    live: Spans,
    /// Those that the history was asked for.
    #[serde(default)]
    asked: Spans,
    /// When the last runs began that have told some.
    #[serde(default)]
    recent: Runs,
    /// When those began that tried to: while a box cannot be reached, few have told some.
    #[serde(default)]
    tried: Runs,
    /// How far apart the box's points were when it was last asked for what is recent.
    #[serde(default)]
    step: Option<u64>,
}

/// How long a database is not asked for, after a box did not give it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    #[serde(default)]
    until: u64,
    /// How often in a row it was not given.
    #[serde(default)]
    failures: u32,
}

/// What a place lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// When.
    pub(crate) spans: Spans,
    /// How far apart its points are, in seconds.
    pub(crate) grain: u64,
    /// How far apart the box's were, as far as that is known.
    pub(crate) step: Option<u64>,
}

/// What became of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The box has told something.
    Yes,
    /// The box has nothing to tell.
    Empty,
    /// The box does not want to tell.
    No,
    /// Something went wrong, or its clock has not come so far.
    Failed,
    /// No answer came.
    Silent,
}

/// What one run adds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// The places that it delivers to.
    pub(crate) places: Vec<String>,
    /// When it began, in seconds since 1970.
    pub(crate) time: u64,
    /// The databases of which it would have live points, if the box told it everything.
    pub(crate) tried: Vec<&'static str>,
    /// Those of which it has some.
    pub(crate) live: Vec<&'static str>,
    /// The minutes of the runs whose lines wait.
    pub(crate) in_hand: Spans,
    /// What it has asked for, by database.
    pub(crate) asked: Vec<(&'static str, Spans)>,
    /// How far apart the box's newest points were.
    pub(crate) steps: Vec<(&'static str, u64)>,
    /// With what success it has done so last.
    pub(crate) answered: Vec<(&'static str, Answered)>,
    /// Whether it has said that the box does not give its history.
    pub(crate) told: bool,
}

impl Coverage {
    /// What all of these places lack of a database, of the time before `now` that is not older than
    /// `age`. A place that nothing is known of lacks nothing.
    pub(crate) fn missing(&self, places: &[String], database: &str, now: u64, age: u64) -> Missing {
        let known = || self.of(places, database);
        let mut spans = Spans::default();
        known().for_each(|minutes| spans.add_all(&minutes.missing(now, age)));
        let least = known().map(Minutes::least_gap).max().unwrap_or(MINUTE);
        Missing {
            spans: spans.without(&self.live(places, database)).of_length(least),
            grain: known().map(Minutes::grain).max().unwrap_or(MINUTE),
            step: known().filter_map(|minutes| minutes.step).max(),
        }
    }

    /// Whether anything is known of a database in any of these places.
    pub(crate) fn knows(&self, places: &[String], database: &str) -> bool {
        self.of(places, database).next().is_some()
    }

    /// Which minutes have live points in any of these places.
    pub(crate) fn live(&self, places: &[String], database: &str) -> Spans {
        let mut live = Spans::default();
        self.of(places, database)
            .for_each(|minutes| live.add_all(&minutes.live));
        live
    }

    /// What of a stretch of time one of these places at least was not given, neither by a run nor
    /// from the history, and none was by a run.
    pub(crate) fn not_given(&self, places: &[String], database: &str, span: Span) -> Spans {
        let all: Spans = [span].into_iter().collect();
        let mut spans = Spans::default();
        for place in places {
            let place = self.places.get(place);
            match place.and_then(|it| it.databases.get(database)) {
                Some(minutes) => spans.add_all(&all.without(&minutes.asked)),
                None => spans.add_all(&all),
            }
        }
        spans.without(&self.live(places, database))
    }

    /// Whether runs for a place come again and again, and not only when somebody thinks of it.
    pub(crate) fn is_regular(&self, place: &str) -> bool {
        self.places.get(place).is_some_and(Place::is_regular)
    }

    /// Whether the box may be asked for a database.
    pub(crate) fn may_ask(&self, database: &str, now: u64) -> bool {
        // A clock that was set back ends a pause that could last for ever.
        let is_over = |it: &Pause| now >= it.until || it.until > now + AFTER_A_NO;
        is_over(&self.silence) && self.pauses.get(database).is_none_or(is_over)
    }

    /// How often in a row a database was not given.
    pub(crate) fn failures(&self, database: &str) -> u32 {
        self.pauses.get(database).map_or(0, |it| it.failures)
    }

    /// Notes runs that could only leave their time: what they have told is not known, and not
    /// missing.
    fn learn_pulse(&mut self, pulse: u64) {
        let places = self.places.values_mut();
        for minutes in places.flat_map(|it| it.databases.values_mut()) {
            if let Some((_, end)) = minutes.live.within((0, pulse)).ends() {
                minutes.live.add((end, minute_of(pulse).1));
            }
        }
    }

    /// Whether the box has ever told anything.
    pub(crate) fn was_given(&self) -> bool {
        self.given
    }

    /// Whether it was said that the box does not give its history.
    pub(crate) fn was_told(&self) -> bool {
        self.told
    }

    fn of<'a>(&'a self, places: &'a [String], database: &str) -> impl Iterator<Item = &'a Minutes> {
        let places = places.iter();
        places.filter_map(move |place| self.places.get(place)?.databases.get(database))
    }

    /// Adds what a run has done.
    pub(crate) fn learn(&mut self, note: &Note) {
        let killed = self.killed(&note.in_hand);
        for place in &note.places {
            let place = self.places.entry(place.clone()).or_default();
            place.learn(note, &killed);
        }
        for (database, answered) in &note.answered {
            let pause = self.pauses.entry((*database).to_owned()).or_default();
            pause.learn(*answered, note.time);
            self.silence.learn(answered.of_box(), note.time);
        }
        // What was not asked for since is not of this line any more.
        let is_news = |it: &Pause| it.until.saturating_add(OLD_NEWS) > note.time;
        self.pauses
            .retain(|_, it| *it != Pause::default() && is_news(it));
        let is_given = note.answered.iter().any(|(_, it)| *it == Answered::Yes);
        self.given |= is_given;
        // It is well again where it gives all that it is asked for.
        let is_well = is_given && self.pauses.is_empty();
        self.told = (self.told || note.told) && !is_well;
        self.forget(note);
    }

    /// The minutes of the runs whose lines wait, and that have left no note: they were killed in
    /// between. The places of one carbon have one spool.
    pub(crate) fn killed(&self, in_hand: &Spans) -> Spans {
        let noted = self.places.values().map(|it| &it.noted);
        noted.fold(in_hand.clone(), |killed, noted| killed.without(noted))
    }

    /// Forgets the places that were not used for the longest time, and first those that somebody
    /// has only tried, but none of those that are used now.
    fn forget(&mut self, note: &Note) {
        let last = |it: &Place| it.noted.ends().map_or(0, |(_, end)| end);
        let is_in_use =
            |it: &Place| it.is_regular() && last(it).saturating_add(OLD_NEWS) > note.time;
        while self.places.len() > MOST_PLACES {
            let others = self.places.iter();
            let others = others.filter(|(name, _)| !note.places.contains(name));
            let oldest = others.min_by_key(|(_, it)| (is_in_use(it), last(it)));
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else {
                return;
            };
            self.places.remove(&oldest);
        }
    }
}

/// Adds the minute of a run, and what lies between it and the one before, if that is shorter than the
/// `least` gap.
fn add_run(minutes: &mut Spans, time: u64, least: Option<u64>) {
    let (begin, end) = minute_of(time);
    let before = minutes.within((0, begin)).ends().map(|(_, end)| end);
    let is_close = |it: &u64| least.is_some_and(|least| begin - it < least);
    minutes.add((before.filter(is_close).unwrap_or(begin), end));
}

impl Place {
    /// Adds what a run has done. What runs have told that were `killed` is live.
    fn learn(&mut self, note: &Note, killed: &Spans) {
        for minutes in self.databases.values_mut() {
            minutes.live.add_all(killed);
        }
        for database in &note.tried {
            self.minutes_of(database).tried.add(note.time);
        }
        let least = self.databases.values().filter_map(Minutes::least).min();
        add_run(&mut self.noted, note.time, least);
        self.noted.keep_newest(MOST_SPANS);
        for database in &note.live {
            self.minutes_of(database).note_live(note.time);
        }
        for (database, spans) in &note.asked {
            self.minutes_of(database).note_asked(spans);
        }
        for (database, step) in &note.steps {
            self.minutes_of(database).step = Some(*step);
        }
    }

    fn minutes_of(&mut self, database: &str) -> &mut Minutes {
        self.databases.entry(database.to_owned()).or_default()
    }

    /// Whether runs come again and again.
    fn is_regular(&self) -> bool {
        self.databases.values().any(|it| it.recent.are_regular())
    }
}

impl Minutes {
    /// How far apart runs usually are, in seconds, as soon as that can be told.
    fn usual(&self) -> Option<u64> {
        let usual = [&self.recent, &self.tried].map(Runs::usual);
        usual.into_iter().flatten().min()
    }

    /// How far apart points are, in seconds, in whole minutes.
    fn grain(&self) -> u64 {
        let usual = self.usual().unwrap_or(MINUTE);
        rounded(usual).clamp(MINUTE, LONGEST_USUAL)
    }

    /// How long a gap is at the least, in seconds, as soon as that can be told: what lies between two
    /// runs is none.
    fn least(&self) -> Option<u64> {
        let usual = self.usual()?.min(LONGEST_USUAL);
        // Runs do not begin to the second.
        let usual = usual.saturating_sub(MINUTE / 10).max(1);
        Some(usual.next_multiple_of(MINUTE))
    }

    /// The same where nothing can be told yet.
    fn least_gap(&self) -> u64 {
        self.least().unwrap_or(LONGEST_USUAL)
    }

    fn missing(&self, now: u64, age: u64) -> Spans {
        let Some(since) = self.since(now) else {
            return Spans::default();
        };
        let (this_minute, _) = minute_of(now);
        let from = since.max(now.saturating_sub(age).next_multiple_of(MINUTE));
        let all: Spans = [(from, this_minute)].into_iter().collect();
        all.without(&self.live).without(&self.asked)
    }

    /// Since when anything is known, unless the clock was ahead then.
    fn since(&self, now: u64) -> Option<u64> {
        let of_live = || self.live.ends().map(|(first, _)| first);
        self.since.filter(|it| *it <= now).or_else(of_live)
    }

    fn note_live(&mut self, time: u64) {
        self.recent.add(time);
        let least = self.least();
        add_run(&mut self.live, time, least);
        self.since.get_or_insert(minute_of(time).0);
        if self.live.keep_newest(MOST_SPANS) {
            // What is forgotten of that time is not missing.
            self.since = self.since.max(self.live.ends().map(|(first, _)| first));
        }
    }

    fn note_asked(&mut self, spans: &Spans) {
        if let Some((first, _)) = spans.ends() {
            self.since.get_or_insert(first);
        }
        self.asked.add_all(spans);
        self.asked = self.asked.without(&self.live);
        self.asked.keep_newest(2 * MOST_SPANS);
    }
}

impl Answered {
    /// What it says of the box, whatever was asked for.
    fn of_box(self) -> Self {
        match self {
            Answered::Silent => Answered::Silent,
            Answered::Yes | Answered::Empty | Answered::No | Answered::Failed => Answered::Yes,
        }
    }
}

impl Pause {
    fn learn(&mut self, answered: Answered, now: u64) {
        match answered {
            Answered::Yes | Answered::Empty => *self = Pause::default(),
            Answered::No => self.until = now + AFTER_A_NO,
            Answered::Failed | Answered::Silent => {
                let longer = AFTER_A_FAILURE << self.failures.min(10);
                self.until = now + longer.min(AFTER_A_NO);
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

impl StateFolder {
    /// Which minutes have live points.
    pub(crate) fn coverage(&self) -> Coverage {
        let mut coverage: Coverage = self.read(FILE);
        if let Some(pulse) = self.pulse() {
            coverage.learn_pulse(pulse);
        }
        coverage
    }

    /// Adds what a run has done.
    ///
    /// # Errors
    /// When the folder or the file cannot be written. At least its time is left then, so that what it
    /// has told is not taken for a gap: that takes no room on a full disk.
    pub(crate) fn note(&self, note: &Note) -> Result<(), Error> {
        let pulse = self.pulse();
        let noted = self.update(FILE, |coverage: &mut Coverage| {
            if let Some(pulse) = pulse {
                coverage.learn_pulse(pulse);
            }
            coverage.learn(note);
        });
        match (&noted, pulse) {
            (Ok(()), Some(NEVER)) => {}
            (Ok(()), _) => self.leave_pulse(NEVER),
            (Err(_), _) => self.leave_pulse(note.time),
        }
        noted
    }

    /// The file that says it, for people.
    pub(crate) fn coverage_file(&self) -> PathBuf {
        self.path().join(FILE)
    }

    /// Makes sure that what is filled can be noted: each run would fill it again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn must_take_notes(&self) -> Result<(), Error> {
        files::must_be_writable(&self.coverage_file())
    }

    /// The time of the last run that could leave nothing else.
    fn pulse(&self) -> Option<u64> {
        let content = files::read_own(&self.path().join(PULSE)).ok()?;
        std::str::from_utf8(&content).ok()?.trim().parse().ok()
    }

    fn leave_pulse(&self, time: u64) {
        let path = self.path().join(PULSE);
        let written = files::overwrite(&path, format!("{time:010}\n").as_bytes());
        if let Err(error) = written {
            log::debug!("{}: {error}", path.display());
        }
    }

    /// The right to fill gaps, until it is dropped; `None` while another run does.
    pub(crate) fn turn_to_fill(&self) -> Option<Lock> {
        self.turn_now(FILLING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_040;
    const DAY: u64 = 24 * 60 * MINUTE;
    const WEEK: u64 = 7 * DAY;

    fn places(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    /// A run at a time that has told all, or, of a box that was away, only tried to.
    fn note(names: &[&str], time: u64, has_told: bool) -> Note {
        Note {
            places: places(names),
            time,
            tried: vec!["net"],
            live: if has_told { vec!["net"] } else { Vec::new() },
            ..Note::default()
        }
    }

    /// Runs at these minutes after the start, each a second later.
    fn live(coverage: &mut Coverage, names: &[&str], minutes: impl IntoIterator<Item = u64>) {
        for minute in minutes {
            coverage.learn(&note(names, START + minute * MINUTE + 1, true));
        }
    }

    /// What is missing, in minutes after the start.
    fn missing(coverage: &Coverage, names: &[&str], minute: u64) -> Vec<(u64, u64)> {
        let now = START + minute * MINUTE + 1;
        let missing = coverage.missing(&places(names), "net", now, WEEK);
        let after = |time: u64| (time - START) / MINUTE;
        let spans = missing.spans.iter();
        spans
            .map(|(from, until)| (after(from), after(until)))
            .collect()
    }

    #[test]
    fn what_no_run_has_told_is_missing_until_it_was_asked_for() {
        let mut coverage = Coverage::default();
        assert!(missing(&coverage, &["a"], 0).is_empty());
        live(&mut coverage, &["a"], 0..5);
        assert!(missing(&coverage, &["a"], 5).is_empty());
        assert_eq!(missing(&coverage, &["a"], 8), [(5, 8)]);
        live(&mut coverage, &["a"], [8]);
        assert_eq!(missing(&coverage, &["a"], 9), [(5, 8)]);
        let part = [(START + 5 * MINUTE, START + 7 * MINUTE)];
        coverage.learn(&Note {
            places: places(&["a"]),
            asked: vec![("net", part.into_iter().collect())],
            ..Note::default()
        });
        assert_eq!(missing(&coverage, &["a"], 9), [(7, 8)]);
        assert!(missing(&coverage, &["b"], 9).is_empty());
        let age = |age| {
            let now = START + 100 * MINUTE;
            let missing = coverage.missing(&places(&["a"]), "net", now, age);
            missing.spans.seconds() / MINUTE
        };
        assert_eq!((age(WEEK), age(10 * MINUTE)), (92, 10));
    }

    #[test]
    fn what_lies_between_a_backfill_and_the_first_run_is_missing() {
        let mut coverage = Coverage::default();
        let asked = [(START - 30 * DAY, START + 3 * MINUTE)];
        coverage.learn(&Note {
            places: places(&["a"]),
            time: START + 3 * MINUTE,
            asked: vec![("net", asked.into_iter().collect())],
            ..Note::default()
        });
        live(&mut coverage, &["a"], [5, 6]);
        assert_eq!(missing(&coverage, &["a"], 7), [(3, 5)]);
    }

    #[test]
    fn what_is_forgotten_is_not_missing() {
        let mut coverage = Coverage::default();
        coverage.learn(&Note {
            places: places(&["a"]),
            asked: vec![("net", [(START, START + MINUTE)].into_iter().collect())],
            ..Note::default()
        });
        let minutes = (1..3 * MOST_SPANS as u64).flat_map(|it| [3 * it, 3 * it + 1]);
        live(&mut coverage, &["a"], minutes);
        let minutes = &coverage.places["a"].databases["net"];
        let since = minutes.live.ends().map(|(since, _)| since);
        assert_eq!(minutes.since, since);
        let now = START + 9 * MOST_SPANS as u64 * MINUTE;
        let missing = coverage
            .missing(&places(&["a"]), "net", now, 400 * DAY)
            .spans;
        assert!(missing.ends().map(|(from, _)| from) > since);
    }

    #[test]
    fn a_clock_that_was_years_ahead_costs_nothing() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 0..5);
        live(&mut coverage, &["a"], [10 * 365 * 24 * 60]);
        live(&mut coverage, &["a"], 20..22);
        assert_eq!(missing(&coverage, &["a"], 22), [(5, 20)]);
    }

    #[test]
    fn a_clock_that_was_back_for_a_moment_makes_no_gap() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 100_000..100_003);
        live(&mut coverage, &["a"], [0]);
        live(&mut coverage, &["a"], 100_003..100_005);
        assert!(missing(&coverage, &["a"], 100_005).is_empty());
    }

    #[test]
    fn who_runs_in_other_steps_than_minutes_has_no_gaps() {
        for every in [20, 60, 75, 80, 90, 150, 299, 300] {
            let mut coverage = Coverage::default();
            for run in 0..200 {
                let time = START + 1 + run * every;
                let missing = coverage.missing(&places(&["a"]), "net", time, WEEK).spans;
                assert!(missing.is_empty(), "{every}, {run}: {missing:?}");
                coverage.learn(&note(&["a"], time, true));
            }
        }
    }

    #[test]
    fn a_run_that_was_killed_when_its_lines_were_safe_is_no_gap() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 0..5);
        // The box was away.
        coverage.learn(&note(&["a"], START + 5 * MINUTE, false));
        let in_hand = [(START + 4 * MINUTE, START + 7 * MINUTE)];
        coverage.learn(&Note {
            in_hand: in_hand.into_iter().collect(),
            ..note(&["a"], START + 7 * MINUTE, true)
        });
        assert_eq!(missing(&coverage, &["a"], 8), [(5, 6)]);
    }

    #[test]
    fn the_places_of_one_carbon_share_what_waits() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 0..20);
        live(&mut coverage, &["b"], 0..5);
        let in_hand = [(START + 5 * MINUTE, START + 20 * MINUTE)];
        coverage.learn(&Note {
            in_hand: in_hand.into_iter().collect(),
            ..note(&["b"], START + 20 * MINUTE, true)
        });
        assert_eq!(missing(&coverage, &["b"], 21), [(5, 20)]);
    }

    #[test]
    fn days_of_seldom_runs_without_a_box_are_no_killed_ones() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], (0..6).map(|it| it * 5));
        let mut in_hand = Spans::default();
        for run in 6..1200 {
            let time = START + run * 5 * MINUTE + 1;
            in_hand.add(minute_of(time));
            coverage.learn(&note(&["a"], time, false));
        }
        assert!(coverage.killed(&in_hand).is_empty());
        assert_eq!(missing(&coverage, &["a"], 6000), [(26, 6000)]);
    }

    #[test]
    fn places_that_were_regular_once_do_not_push_out_a_new_one() {
        let mut coverage = Coverage::default();
        for number in 0..MOST_PLACES {
            live(&mut coverage, &[&format!("old {number}")], 0..5);
        }
        live(&mut coverage, &["new"], 100_000..100_010);
        assert_eq!(missing(&coverage, &["new"], 100_020), [(100_010, 100_020)]);
        // Nor does what is used at this moment go.
        let mut coverage = Coverage::default();
        for number in 0..MOST_PLACES {
            live(&mut coverage, &[&format!("in use {number}")], 0..5);
        }
        live(&mut coverage, &["new"], 5..7);
        assert_eq!(missing(&coverage, &["new"], 20), [(7, 20)]);
    }

    /// Runs that did not reach the box came as often as the others, and what comes seldom for a while
    /// does not make a gap of it.
    #[test]
    fn a_flaky_box_is_no_slower_crontab() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 0..60);
        for minute in 60..120 {
            if minute % 5 == 0 {
                live(&mut coverage, &["a"], [minute]);
            } else {
                coverage.learn(&note(&["a"], START + minute * MINUTE + 1, false));
            }
        }
        let expected: Vec<(u64, u64)> = (12..24).map(|it| (5 * it + 1, 5 * it + 5)).collect();
        assert_eq!(missing(&coverage, &["a"], 120), expected);
        // A host that is up for a moment each hour, and then for good.
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 0..11);
        live(&mut coverage, &["a"], [71, 131, 191]);
        live(&mut coverage, &["a"], 281..290);
        let gaps = [(11, 71), (72, 131), (132, 191), (192, 281)];
        assert_eq!(missing(&coverage, &["a"], 290), gaps);
        live(&mut coverage, &["a"], [350]);
        assert_eq!(missing(&coverage, &["a"], 351)[4..], [(290, 350)]);
    }

    #[test]
    fn what_somebody_tries_does_not_push_out_what_is_regular() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["regular"], 0..5);
        for number in 0..40 {
            live(&mut coverage, &[&format!("tried {number}")], [100 + number]);
        }
        assert_eq!(missing(&coverage, &["regular"], 200), [(5, 200)]);
    }

    #[test]
    fn who_runs_each_five_minutes_has_no_gap_between() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], (0..6).map(|it| it * 5));
        assert!(missing(&coverage, &["a"], 30).is_empty());
        assert!(coverage.is_regular("a"));
        live(&mut coverage, &["a"], [30, 45, 50]);
        assert_eq!(missing(&coverage, &["a"], 55), [(31, 45)]);
        let grain = coverage
            .missing(&places(&["a"]), "net", START + 3301, WEEK)
            .grain;
        assert_eq!(grain, 300);
    }

    #[test]
    fn who_runs_now_and_then_is_not_regular() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], [0, 700, 2000, 2001, 5000]);
        assert!(!coverage.is_regular("a") && !coverage.is_regular("b"));
    }

    #[test]
    fn what_is_live_in_one_place_is_not_overwritten_for_another() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a", "b"], 0..5);
        live(&mut coverage, &["b"], [6]);
        assert_eq!(missing(&coverage, &["a", "b"], 9), [(5, 6), (7, 9)]);
        assert_eq!(missing(&coverage, &["a"], 9), [(5, 9)]);
        assert_eq!(missing(&coverage, &["a", "c"], 9), [(5, 9)]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_gap() {
        let mut coverage = Coverage::default();
        live(&mut coverage, &["a"], 60..120);
        live(&mut coverage, &["a"], 61..80);
        assert!(missing(&coverage, &["a"], 80).is_empty());
        assert!(missing(&coverage, &["a"], 120).is_empty());
        assert_eq!(missing(&coverage, &["a"], 130), [(120, 130)]);
    }

    #[test]
    fn a_box_that_declines_is_left_alone_for_an_hour() {
        let mut coverage = Coverage::default();
        let mut learn = |answered, time| {
            coverage.learn(&Note {
                answered: vec![("net", answered)],
                told: answered != Answered::Yes,
                time,
                ..Note::default()
            });
            let waits = (0..).find(|it| coverage.may_ask("net", time + it * MINUTE));
            (waits.unwrap_or_default(), coverage.was_told())
        };
        assert_eq!(learn(Answered::No, START), (60, true));
        assert_eq!(learn(Answered::Yes, START), (0, false));
        let failures: Vec<u64> = (0..12).map(|_| learn(Answered::Failed, START).0).collect();
        assert_eq!(failures, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
        assert!(
            coverage.may_ask("net", START - 2 * DAY),
            "the clock was wrong"
        );
        assert!(coverage.may_ask("temp", START));
    }

    #[test]
    fn little_is_remembered() {
        let mut coverage = Coverage::default();
        for number in 0..40 {
            live(&mut coverage, &[&format!("place {number}")], [number]);
        }
        live(&mut coverage, &["place 39"], (0..4000).map(|it| it * 30));
        assert_eq!(coverage.places.len(), MOST_PLACES);
        let text = serde_json::to_string(&coverage).expect("JSON");
        assert!(text.len() < 40_000, "{}", text.len());
    }
}
