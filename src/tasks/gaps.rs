//! What the collector has missed while it was off, or could not reach a box that was up: the next
//! good run has it from the box's own history, a few questions in a run.

use std::collections::VecDeque;

use crate::api::{Client, RequestError};
use crate::base::lock::Lock;
use crate::base::spans::Spans;
use crate::base::words::{about, looked_at};
use crate::cli::Settings;
use crate::collect::Collected;
use crate::collect::past::{self, Past, answered};
use crate::encode::{Batch, Encode, Form, Format, name_of_box};
use crate::history::{DATABASES, Database, Moment, Search, known_metrics};
use crate::metrics::sample::Sample;
use crate::state::coverage::{Answered, Coverage, Note};
use crate::state::folder::StateFolder;
use crate::state::rhythm::minute_of;
use crate::tasks::times::Times;
use crate::template::RunLabels;

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

/// What is missing of which database, in the order of the questions.
type Queue = VecDeque<(&'static Database, Search)>;

/// What a run fills gaps with, and where.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) settings: &'a Settings,
    pub(super) client: &'a Client,
    pub(super) times: &'a Times,
    /// Where runs leave things for each other.
    pub(super) folder: &'a StateFolder,
    /// Where the lines go, as that is remembered.
    pub(super) places: &'a [String],
}

/// Where the lines of a run go, as that is remembered: other paths in the same carbon are another
/// place. A template that was changed elsewhere gives the same.
pub(super) fn places(settings: &Settings, form: &Form, labels: &RunLabels) -> Vec<String> {
    let name = name_of_box(labels).unwrap_or_default();
    let form = match form {
        Form::Graphite(template) => format!("by paths {}", template.mark(known_metrics())),
        Form::Influxdb { .. } | Form::Prometheus => format!("as {}", settings.format),
    };
    let places = settings.destination.places(&settings.command_line);
    let of_box = |place| format!("{name} in {place} {form}");
    places.into_iter().map(of_box).collect()
}

/// Fills what is missing where the lines of this run go to, after a run that has reached the box.
pub(super) fn fill(job: &Job, collected: &Collected) -> Filled {
    let mut filled = nothing_told(job.settings, job.places, job.times);
    filled.note.live = live(collected);
    if !has_times(job.settings) || job.missing(&job.folder.coverage(), collected).is_empty() {
        return filled;
    }
    if !job.settings.dry_run {
        if let Err(error) = job.folder.must_take_notes() {
            log::warn!(target: &about(HISTORY), "{HISTORY}: {error}; gaps stay empty meanwhile");
            return filled;
        }
        let Some(turn) = job.folder.turn_to_fill() else {
            return filled;
        };
        filled._turn = Some(turn);
    }
    // What another run has filled meanwhile is not missing any more, nor is what waits for carbon.
    let coverage = job.folder.coverage();
    filled.note.in_hand = job.in_hand();
    let killed = coverage.killed(&filled.note.in_hand);
    let mut missing = job.missing(&coverage, collected);
    missing.retain_mut(|(_, search)| {
        search.missing = search.missing.without(&killed);
        !search.missing.is_empty()
    });
    let questions = Questions::new(job, &collected.samples, !coverage.was_given());
    let refusal = filled.ask(&questions, missing);
    let gives_any = || coverage.was_given() || questions.give_any(&collected.samples);
    let words = filled.trouble(refusal, gives_any);
    filled.tell(words, coverage.was_told());
    filled
}

/// What a run that has not reached the box leaves: that there was one.
pub(super) fn nothing_told(settings: &Settings, places: &[String], times: &Times) -> Filled {
    // A dry run leaves nothing.
    let places = if settings.dry_run { &[] } else { places };
    Filled {
        note: Note {
            places: places.to_vec(),
            time: times.timestamp,
            tried: tried(settings),
            ..Note::default()
        },
        ..Filled::default()
    }
}

/// The databases whose numbers a run would have.
fn tried(settings: &Settings) -> Vec<&'static str> {
    let is_chosen = |it: &&Database| {
        let mut sections = settings.sections.iter();
        sections.any(|section| section.name == it.section)
    };
    DATABASES
        .iter()
        .filter(is_chosen)
        .map(|it| it.name)
        .collect()
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
pub(super) fn has_times(settings: &Settings) -> bool {
    match settings.format {
        Format::Graphite => true,
        Format::Influxdb => settings.influx_timestamp,
        Format::Prometheus => false,
    }
}

impl Job<'_> {
    /// What is missing of which database, as far as the box may be asked for it; what was not given
    /// lately comes last.
    fn missing(&self, coverage: &Coverage, collected: &Collected) -> Queue {
        let destination = &self.settings.destination;
        let now = self.times.timestamp;
        // Who takes the lines of a command that somebody runs now and then does not wait for those of
        // the days between.
        if !destination.is_carbon() && !self.places.iter().any(|it| coverage.is_regular(it)) {
            return VecDeque::new();
        }
        let age = destination.age().as_secs();
        let of_database = |database: &'static Database| {
            let missing = coverage.missing(self.places, database.name, now, age);
            let search = Search::new(missing.spans, missing.grain, missing.step);
            (database, search)
        };
        let databases = DATABASES.iter().map(of_database);
        let wanted = databases.filter(|(database, search)| {
            !search.missing.is_empty()
                && coverage.may_ask(database.name, now)
                && database.knows(&collected.samples)
        });
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_by_key(|(database, _)| coverage.failures(database.name));
        wanted.into()
    }

    /// The minutes of runs whose lines wait.
    fn in_hand(&self) -> Spans {
        let runs = self
            .settings
            .destination
            .runs_in_hand(&self.folder.spools());
        runs.into_iter().map(minute_of).collect()
    }
}

impl Filled {
    /// Asks for the newest of each database in turn, as long as there is time. What kept the box
    /// from telling, if something did.
    fn ask(&mut self, questions: &Questions, mut queue: Queue) -> Option<RequestError> {
        let mut refusal = None;
        while let Some((database, mut search)) = queue.pop_front() {
            if !questions.are_left() {
                break;
            }
            let answered = match questions.past.ask(database, &mut search) {
                None => continue,
                Some(Ok(None)) => {
                    queue.push_front((database, search));
                    continue;
                }
                // Its clock is behind ours: it may be asked again, and not each minute.
                Some(Ok(Some(told))) if told.is_behind => Answered::Failed,
                Some(Ok(Some(told))) => {
                    let is_empty = told.begins.is_none();
                    self.learn_step(database, told.step);
                    self.moments.extend(told.moments);
                    self.note.asked.push((database.name, told.done));
                    queue.push_back((database, search));
                    if is_empty {
                        Answered::Empty
                    } else {
                        Answered::Yes
                    }
                }
                Some(Err(error)) => {
                    let answered = answered(&error);
                    if answered == Answered::Silent {
                        // Nobody waits for the same again and again.
                        queue.clear();
                    }
                    refusal = refusal.or(Some(error));
                    answered
                }
            };
            self.note.answered.push((database.name, answered));
        }
        self.moments.sort_by_key(|it| it.time);
        refusal
    }

    /// The first answer of a run is about the newest points, if any.
    fn learn_step(&mut self, database: &Database, step: Option<u64>) {
        let is_first = !self
            .note
            .asked
            .iter()
            .any(|(name, _)| *name == database.name);
        let step = step.filter(|_| is_first);
        self.note.steps.extend(step.map(|it| (database.name, it)));
    }

    /// What is to be said of the history. Of a box that lacks a part of it, or was off itself, there
    /// is nothing to be said, unless a permission would help; whether it gives any is found out where
    /// that is in doubt.
    fn trouble(
        &self,
        refusal: Option<RequestError>,
        gives_any: impl FnOnce() -> bool,
    ) -> Option<String> {
        let is = |wanted| self.note.answered.iter().any(|(_, it)| *it == wanted);
        let (has_told, has_nothing) = (is(Answered::Yes), is(Answered::Empty));
        let is_part = |it: &RequestError| {
            let gives = has_told || has_nothing;
            gives && answered(it) == Answered::No && it.missing_right().is_none()
        };
        match refusal.filter(|it| !is_part(it)) {
            Some(error) => {
                let (trouble, consequence) = past::consequence(&error);
                Some(format!("{HISTORY}: {trouble}; {consequence}"))
            }
            None if has_nothing && !has_told && !gives_any() => {
                Some(format!("{HISTORY}: it remembers nothing; gaps stay empty"))
            }
            None => {
                if has_told || has_nothing {
                    looked_at(HISTORY);
                }
                None
            }
        }
    }

    /// Says it once.
    fn tell(&mut self, words: Option<String>, was_told: bool) {
        let Some(words) = words else { return };
        self.note.told = true;
        match was_told {
            true => log::debug!("{words}"),
            false => log::warn!(target: &about(HISTORY), "{words}"),
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

/// The questions that a run may ask more than usual.
struct Questions<'a> {
    job: &'a Job<'a>,
    past: Past<'a>,
    /// How many requests there were before.
    before: u64,
    /// How many requests more than that there may be.
    most: u64,
}

impl<'a> Questions<'a> {
    /// Where it `is_in_doubt` whether the box remembers anything, one question is left for that.
    fn new(job: &'a Job<'a>, live: &'a [Sample], is_in_doubt: bool) -> Self {
        let (before, _) = job.client.efforts();
        let (now, is_patched) = (job.times.timestamp, job.settings.patch_upload);
        Questions {
            job,
            past: Past::new(job.client, live, now, is_patched),
            before,
            most: MOST_QUESTIONS - u64::from(is_in_doubt),
        }
    }

    /// Whether there may be another one, which leaves time for the delivery even if it is not
    /// answered.
    fn are_left(&self) -> bool {
        let (asked, _) = self.job.client.efforts();
        asked - self.before < self.most && self.leave_time()
    }

    fn leave_time(&self) -> bool {
        let limits = self.job.times.collecting;
        limits.deadline.left().unwrap_or_default() > limits.request
    }

    /// Whether the box remembers anything of the last minutes, of which it has told live. Where there
    /// is no time left to ask it is given the benefit of the doubt.
    fn give_any(&self, live: &[Sample]) -> bool {
        let now = self.job.times.timestamp;
        let last_minutes = (now.saturating_sub(600), now);
        let known = DATABASES.iter().find(|it| it.knows(live));
        let Some(database) = known.filter(|_| self.leave_time()) else {
            return true;
        };
        let told = past::answer(self.job.client, database, last_minutes);
        told.is_ok_and(|it| it.ends().is_some())
    }
}
