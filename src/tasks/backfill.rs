//! `--backfill`: what the box remembers, fetched and delivered at once, for a Graphite that has
//! nothing yet.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::Instant;

use super::run::{Run, destination};
use super::times::how_long;
use crate::api::RequestError;
use crate::base::clock::MINUTE;
use crate::base::deadline::{Deadline, USUAL_TIMEOUT};
use crate::base::error::{Error, Exit};
use crate::base::spans::Spans;
use crate::base::stderr::{say, show, takes_turns};
use crate::collect::Collected;
use crate::collect::past::{self, Past, Told, answered};
use crate::deliver::{Cargo, Delivery, Output};
use crate::encode::Batch;
use crate::history::{DATABASES, Database, Moment, Search};
use crate::state::coverage::{Answered, Coverage, Note};
use crate::state::rhythm::minute_of;
use crate::template::RunLabels;

/// How many bytes of lines are delivered at a time.
const PART: usize = 1 << 19;
/// How many moments are encoded at a time.
const MOMENTS: usize = 240;
/// How long after its newest point a recording was made, at the most, in seconds.
const AFTER_THE_LAST: u64 = 600;
/// How much has to be left as it is for somebody to hear what to do about it, in seconds.
const WORTH_A_WORD: u64 = 24 * 3600;
const NOT_ASKED: &str = "the box was not asked: give the command again when all is well";

impl Run<'_> {
    /// Fetches the history of so many seconds and delivers it. What could not be had is told; a
    /// failure of the box costs the rest of its database, one of a carbon what that would get.
    pub(super) fn backfill(
        &self,
        labels: &RunLabels,
        collected: &Collected,
        age: u64,
    ) -> Result<Exit, Error> {
        if let Some(verdict) = self.verdict.clone() {
            return Err(verdict.into());
        }
        let failed = collected.tell_failures(self.told);
        // Runs meanwhile leave the gaps to this one, or this one has what they have filled.
        let is_dry = self.settings.dry_run;
        let _turn = (!is_dry).then(|| self.folder.turn_to_fill());
        let coverage = self.folder.coverage();
        let (destination, spools) = (destination(self.settings), self.spools());
        let mut backfill = Backfill {
            run: self,
            labels,
            delivery: destination.open(spools.as_deref()),
            now: self.now(),
            coverage,
            note: Note {
                places: self.places.to_vec(),
                time: self.times.timestamp,
                ..Note::default()
            },
            text: String::new(),
            points: 0,
            exit: if failed { Exit::Partial } else { Exit::Done },
            declined: BTreeMap::new(),
            left_as_it_is: 0,
        };
        backfill.warn_of_the_unknown();
        if destination.is_carbon() {
            // What waits is in no box's memory: it comes before what can be had again at any time.
            backfill.deliver().inspect_err(|_| say(NOT_ASKED))?;
        }
        let (client, is_patched) = (self.client, self.settings.patch_upload);
        let past = Past::new(client, &collected.samples, backfill.now, is_patched);
        let known = DATABASES.iter().filter(|it| it.knows(&collected.samples));
        for database in known {
            backfill.fetch(&past, database, age)?;
        }
        backfill.deliver()?;
        backfill.summarize();
        Ok(backfill.exit)
    }

    /// Now, or when the recording was made.
    fn now(&self) -> u64 {
        let recorded = match self.client.is_replay() {
            true => past::newest_point(self.client).map(|it| it + AFTER_THE_LAST),
            false => None,
        };
        recorded.unwrap_or(self.times.timestamp)
    }
}

/// A backfill at work.
struct Backfill<'a> {
    run: &'a Run<'a>,
    labels: &'a RunLabels,
    delivery: Delivery<'a>,
    now: u64,
    /// What was delivered before.
    coverage: Coverage,
    /// What is to be remembered once the text is delivered.
    note: Note,
    /// The lines that are not delivered yet.
    text: String,
    /// How many points there are in all.
    points: usize,
    /// How it ends, as far as that is known.
    exit: Exit,
    /// Why the box does not want to tell, and what.
    declined: BTreeMap<String, Vec<&'static str>>,
    /// How much was delivered from the history before, in seconds, of all databases together.
    left_as_it_is: u64,
}

impl Backfill<'_> {
    /// Fetches all of a database.
    fn fetch(&mut self, past: &Past, database: &'static Database, age: u64) -> Result<(), Error> {
        let (mut search, given) = self.missing(database, age);
        let mut reach = Reach::default();
        let mut outcome = Ok(());
        while let Some(asked) = ask(past, database, &mut search) {
            reach.questions += 1;
            let told = match asked {
                Ok(None) => continue,
                Ok(Some(told)) => told,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            };
            reach.begins = told.begins.or(reach.begins);
            reach.is_behind |= told.is_behind;
            if told.begins.is_some() {
                // Whatever kept it before: runs may ask again.
                self.note.answered.push((database.name, Answered::Yes));
            }
            let taken = self.take(database, told, &mut reach);
            self.progress(database, &reach);
            if let Err(error) = taken {
                self.say(database, &reach, given, &Ok(()));
                say("the rest was not asked for: give the command again when all is well");
                return Err(error);
            }
        }
        self.points += reach.points;
        self.say(database, &reach, given, &outcome);
        Ok(())
    }

    /// Whoever has filled that carbon by another name for it, as another user or with an earlier
    /// version has points there that nobody here knows of.
    fn warn_of_the_unknown(&self) {
        let is_known = |it: &Database| self.coverage.knows(&self.note.places, it.name);
        let destination = &self.run.settings.destination;
        if destination.is_carbon() && !DATABASES.iter().any(is_known) {
            say(&format!(
                "nothing is known here of what {destination} has of these paths: points that are \
                 there already are replaced"
            ));
        }
    }

    /// What is to be fetched of a database, and how many seconds of that time were delivered before.
    /// What has gone to stdout or into a file may be wanted once more.
    fn missing(&mut self, database: &Database, age: u64) -> (Search, u64) {
        // This minute is for a run of now.
        let (until, _) = minute_of(self.now);
        let (from, _) = minute_of(self.now.saturating_sub(age));
        let all: Spans = [(from, until)].into_iter().collect();
        let places = &self.note.places;
        let spans = match self.run.settings.destination.is_carbon() {
            true => {
                let spans = self
                    .coverage
                    .not_given(places, database.name, (from, until));
                let live = self.coverage.live(places, database.name);
                self.left_as_it_is += all.without(&live).without(&spans).seconds();
                spans
            }
            false => all.without(&self.coverage.live(places, database.name)),
        };
        let given = all.without(&spans).seconds();
        (Search::new(spans, MINUTE, None), given)
    }

    /// Takes what was told, some moments at a time, and delivers it as soon as that is enough.
    fn take(
        &mut self,
        database: &'static Database,
        told: Told,
        reach: &mut Reach,
    ) -> Result<(), Error> {
        let (mut moments, done) = (told.moments, told.done);
        loop {
            let some: Vec<Moment> = moments.by_ref().take(MOMENTS).collect();
            reach.points += self.encode(&some);
            let until = some.last().map_or(u64::MAX, |it| it.time + 1);
            let so_far = done.within((0, until));
            self.note.asked.push((database.name, so_far));
            if self.text.len() >= PART && self.delivery.takes_parts() {
                self.deliver()?;
            }
            if until == u64::MAX {
                return Ok(());
            }
        }
    }

    /// Adds some moments to the text; how many points that are.
    fn encode(&mut self, moments: &[Moment]) -> usize {
        let mut encoder = self.run.form.encoder(self.labels);
        for Moment { time, samples } in moments {
            let time = *time;
            encoder.add(Batch { time, samples });
        }
        let encoded = encoder.finish();
        if let Some(warning) = &encoded.warning {
            log::debug!("{warning}");
        }
        self.text.push_str(&encoded.text);
        encoded.counts.written
    }

    /// Delivers the text. A carbon that is stuck does not keep the rest for as long as all of it may
    /// take, and one that is away does not keep it from the others.
    fn deliver(&mut self) -> Result<(), Error> {
        let left = self.run.times.end.left().unwrap_or_default();
        let deadline = Deadline::after(Instant::now(), left.min(USUAL_TIMEOUT));
        let cargo = Cargo {
            timestamp: self.run.times.timestamp,
            text: &self.text,
        };
        let remember = || {
            if !self.run.settings.dry_run {
                let noted = self.run.folder.note(&self.note);
                let _ = noted.inspect_err(|error| log::debug!("{error}"));
            }
        };
        if let Err(undelivered) = self.delivery.deliver(cargo, deadline, remember) {
            if !self.delivery.leave_out(&undelivered) {
                return Err(undelivered.into());
            }
            undelivered.take_out_of(&mut self.note.places);
            log::error!("{}; the rest goes to the others", undelivered.error);
            self.exit = Exit::Undelivered;
        }
        self.text.clear();
        self.note.asked.clear();
        self.note.answered.clear();
        Ok(())
    }

    /// How far it has come, for somebody who looks.
    fn progress(&self, database: &Database, reach: &Reach) {
        if self.is_watched() {
            show(&format!("{}: {}", database.about, reach.words(self.now)));
        }
    }

    /// Whether somebody looks who does not look at the lines.
    fn is_watched(&self) -> bool {
        let shows_lines = matches!(self.delivery, Delivery::Output(Output::Stdout));
        takes_turns() && !(shows_lines && io::stdout().is_terminal())
    }

    /// What came of a database, of which so many seconds were `given` before.
    fn say(
        &mut self,
        database: &Database,
        reach: &Reach,
        given: u64,
        outcome: &Result<(), RequestError>,
    ) {
        if self.is_watched() {
            show("");
        }
        let about = database.about;
        match outcome {
            Ok(()) => {}
            Err(error) if answered(error) == Answered::No => {
                let why = error.reason.to_string();
                self.declined.entry(why).or_default().push(about);
            }
            Err(error) => {
                log::error!("{about}: {error}; the rest was not asked for: give the command again");
                if self.exit == Exit::Done {
                    self.exit = Exit::Partial;
                }
            }
        }
        let left = match given {
            0 => String::new(),
            seconds => format!(
                "; {} that were delivered before are left as they are",
                how_long(seconds)
            ),
        };
        if outcome.is_ok() || reach.begins.is_some() {
            say(&format!("{about}: {}{left}", reach.words(self.now)));
        }
    }

    fn summarize(&self) {
        for (why, about) in &self.declined {
            log::warn!("{}: {why}", about.join(", "));
        }
        let place = &self.run.settings.destination;
        let what = match (self.run.settings.dry_run, self.exit) {
            (true, _) => format!("for {place}; nothing sent, nothing written"),
            (false, Exit::Undelivered) => {
                "delivered, but not to all: give the command again when all is well".to_owned()
            }
            (false, _) => format!("delivered to {place}"),
        };
        say(&format!("{} points of the past {what}", self.points));
        if self.left_as_it_is > WORTH_A_WORD {
            let file = self.run.folder.coverage_file();
            say(&format!(
                "what was delivered before is not fetched again; if {place} has lost it, remove {}",
                file.display()
            ));
        }
    }
}

/// The next answer. One that did not come has a second chance.
fn ask<'a>(
    past: &'a Past,
    database: &Database,
    search: &mut Search,
) -> Option<Result<Option<Told<'a>>, RequestError>> {
    match past.ask(database, search)? {
        Err(error) if answered(&error) != Answered::No => {
            log::debug!("{error}; trying once more");
            past.ask(database, search)
        }
        other => Some(other),
    }
}

/// How far back the box knew a database.
#[derive(Debug, Default)]
struct Reach {
    /// The oldest that it knew of, in seconds since 1970.
    begins: Option<u64>,
    points: usize,
    questions: usize,
    /// Whether the box's clock has not come to some of that time.
    is_behind: bool,
}

impl Reach {
    fn words(&self, now: u64) -> String {
        match self.begins {
            None if self.questions == 0 => "there was nothing to ask for".to_owned(),
            None if self.is_behind => {
                "the box remembers nothing of it, and its clock is behind this machine's".to_owned()
            }
            None => "the box remembers nothing of it".to_owned(),
            Some(begins) => {
                let back = how_long(now.saturating_sub(begins));
                format!("{} points, the oldest {back} ago", self.points)
            }
        }
    }
}
