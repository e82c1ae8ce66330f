//! What the collector has missed while it was off, or could not reach a box that was up: the next
//! good run has it from the box's own history, a few questions in a run.

use std::collections::VecDeque;

use crate::api::{Client, Meaning, Reason, RequestError};
use crate::base::lock::Lock;
use crate::base::words::{about, looked_at};
use crate::cli::Settings;
use crate::collect::{Collected, past};
use crate::encode::{Batch, Encode, Format};
use crate::history::{DATABASES, Database, Moment};
use crate::sections::patch;
use crate::state::coverage::{Answered, Coverage, Missing, Note};
use crate::state::folder::StateFolder;
use crate::tasks::times::Times;

/// How many questions a run may ask more than usual.
const MOST_QUESTIONS: u64 = 10;
/// What troubles with the history are about.
const HISTORY: &str = "the box's own history";

/// What a run fills in.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// What the box has told, in the order of time.
    pub(super) moments: Vec<Moment>,
    /// What is to be remembered of it, and of the run itself.
    note: Note,
    /// Another run at the same time fills nothing.
    _turn: Option<Lock>,
}

/// Fills what is missing where the lines of this run go to, after a run that has reached the box.
pub(super) fn fill(
    settings: &Settings,
    client: &Client,
    times: &Times,
    folder: &StateFolder,
    collected: &Collected,
) -> Filled {
    let mut filled = Filled {
        note: Note {
            places: settings.destination.places(&settings.command_line),
            time: times.timestamp,
            live: live(collected),
            ..Note::default()
        },
        ..Filled::default()
    };
    if client.verdict().is_some() || !has_times(settings) {
        return filled;
    }
    let coverage = folder.coverage();
    if missing(settings, &coverage, &filled.note, collected).is_empty() {
        return filled;
    }
    // What another run has filled meanwhile is not missing any more.
    filled._turn = match settings.dry_run {
        true => None,
        false => match folder.turn_to_fill() {
            None => return filled,
            turn => turn,
        },
    };
    let coverage = folder.coverage();
    let missing = missing(settings, &coverage, &filled.note, collected);
    filled.ask(client, times, collected, missing, coverage.was_told());
    if settings.patch_upload {
        let samples = filled.moments.iter_mut().map(|it| &mut it.samples);
        samples.for_each(patch::without_upload);
    }
    filled
}

/// The databases whose numbers are live in a run: a section that has told all that it has is as good
/// as its numbers.
fn live(collected: &Collected) -> Vec<&'static str> {
    let is_ok = |database: &Database| {
        let mut outcomes = collected.outcomes.iter();
        outcomes.any(|it| it.section == database.section && it.failures.is_empty())
    };
    let live = DATABASES
        .iter()
        .filter(|it| is_ok(it) || it.knows(&collected.samples));
    live.map(|it| it.name).collect()
}

/// Whether lines have times of their own: without, they would be about now.
fn has_times(settings: &Settings) -> bool {
    match settings.format {
        Format::Graphite => true,
        Format::Influxdb => settings.influx_timestamp,
        Format::Prometheus => false,
    }
}

/// What is missing of which database, as far as the box may be asked for it.
fn missing(
    settings: &Settings,
    coverage: &Coverage,
    note: &Note,
    collected: &Collected,
) -> VecDeque<(&'static Database, Missing)> {
    // Who takes the lines of a command that somebody runs now and then does not wait for those of
    // the days between.
    if !settings.destination.is_carbon() && !note.places.iter().any(|it| coverage.is_regular(it)) {
        return VecDeque::new();
    }
    let age = settings.destination.age().as_secs();
    let of_database = |database: &'static Database| {
        let missing = coverage.missing(&note.places, database.name, note.time, age);
        (database, missing)
    };
    let databases = DATABASES.iter().map(of_database);
    let wanted = databases.filter(|(database, missing)| {
        !missing.spans.is_empty()
            && coverage.may_ask(database.name, note.time)
            && database.knows(&collected.samples)
    });
    wanted.collect()
}

impl Filled {
    /// Asks for the newest of each database in turn, as long as there is time.
    fn ask(
        &mut self,
        client: &Client,
        times: &Times,
        collected: &Collected,
        mut queue: VecDeque<(&'static Database, Missing)>,
        was_told: bool,
    ) {
        let before = client.efforts().0;
        let mut refusal = None;
        while let Some((database, mut missing)) = queue.pop_front() {
            if client.efforts().0 - before >= MOST_QUESTIONS || !has_time(times) {
                break;
            }
            let now = times.timestamp;
            match past::ask(client, database, &collected.samples, &missing, now) {
                None => {}
                Some(Ok(told)) => {
                    self.moments.extend(told.moments);
                    missing.spans = missing.spans.without(&told.done).without(&told.later);
                    self.note.asked.push((database.name, told.done));
                    self.note.answered.push((database.name, Answered::Yes));
                    queue.push_back((database, missing));
                }
                Some(Err(error)) => {
                    self.note.answered.push((database.name, answered(&error)));
                    refusal = refusal.or(Some(error));
                }
            }
        }
        self.moments.sort_by_key(|it| it.time);
        self.tell(refusal, was_told);
    }

    /// Says once that the box does not give its history. One that lacks a part of it has nothing to
    /// be said of.
    fn tell(&mut self, refusal: Option<RequestError>, was_told: bool) {
        let has_answered = self
            .note
            .answered
            .iter()
            .any(|(_, it)| *it == Answered::Yes);
        let Some(error) = refusal.filter(|it| !has_answered || answered(it) == Answered::Failed)
        else {
            if has_answered {
                looked_at(HISTORY);
            }
            return;
        };
        self.note.told = true;
        match was_told {
            true => log::debug!("{HISTORY}: {error}"),
            false => log::warn!(target: &about(HISTORY), "{}", words(&error)),
        }
    }

    /// Writes it, before what is live.
    pub(super) fn add_to<'a>(&'a self, encoder: &mut (dyn Encode<'a> + 'a)) {
        for Moment { time, samples } in &self.moments {
            let time = *time;
            encoder.add(Batch { time, samples });
        }
    }

    /// Leaves what is known now for the runs to come. They can do without: a gap stays then.
    pub(super) fn remember(&self, folder: &StateFolder) {
        if self.note.places.is_empty() {
            return;
        }
        if let Err(error) = folder.note(&self.note) {
            log::debug!("{error}");
        }
    }
}

/// Whether another question would leave time for the delivery, even if it is not answered.
fn has_time(times: &Times) -> bool {
    let left = times.collecting.deadline.left();
    left.is_some_and(|left| left > times.collecting.request)
}

/// What an error means for those to come.
pub(super) fn answered(error: &RequestError) -> Answered {
    let is_no = match error.meaning() {
        Meaning::Forbidden | Meaning::NotHere => true,
        // An unknown database has no code.
        Meaning::Unclear => matches!(&error.reason, Reason::Declined(it) if it.code.is_empty()),
        Meaning::Broken => false,
    };
    match is_no {
        true => Answered::No,
        false => Answered::Failed,
    }
}

/// What to say of an error.
fn words(error: &RequestError) -> String {
    match answered(error) {
        Answered::Failed => format!("{HISTORY}: {error}; gaps are filled later"),
        _ => format!("{HISTORY}: {error}; gaps stay empty"),
    }
}
