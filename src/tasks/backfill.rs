//! `--backfill`: what the box remembers, fetched and delivered at once, for a Graphite that has
//! nothing yet.

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use super::run::{Run, destination};
use super::times::how_long;
use crate::api::RequestError;
use crate::base::deadline::{Deadline, USUAL_TIMEOUT};
use crate::base::error::{Error, Exit};
use crate::base::spans::Spans;
use crate::base::stderr::{say, write};
use crate::collect::Collected;
use crate::collect::past::{self, Past};
use crate::deliver::{Cargo, Delivery, Output};
use crate::encode::Batch;
use crate::history::{DATABASES, Database, MINUTE};
use crate::state::coverage::{Answered, Missing, Note};
use crate::tasks::gaps;
use crate::template::RunLabels;

/// How many bytes of lines are delivered at a time.
const PART: usize = 1 << 20;
/// How long after its newest point a recording was made, at the most, in seconds.
const AFTER_THE_LAST: u64 = 600;

impl Run<'_> {
    /// Fetches the history of so many seconds and delivers it. What could not be had is told; a
    /// failure of the box costs the rest of its database.
    pub(super) fn backfill(
        &self,
        labels: &RunLabels,
        collected: &Collected,
        age: u64,
    ) -> Result<Exit, Error> {
        if let Some(verdict) = self.verdict.clone() {
            return Err(verdict.into());
        }
        let mut failed = collected.tell_failures(self.told);
        let spools = self.folder.map(|it| it.spools());
        let mut backfill = Backfill {
            run: self,
            labels,
            collected,
            delivery: destination(self.settings).open(spools.as_deref()),
            now: self.now(),
            note: Note {
                places: self.places.to_vec(),
                time: self.times.timestamp,
                ..Note::default()
            },
            text: String::new(),
            points: 0,
        };
        backfill.warn_of_the_unknown();
        // Runs meanwhile leave the gaps to this one.
        let _turn = self.folder.and_then(|it| it.turn_to_fill());
        let known = DATABASES.iter().filter(|it| it.knows(&collected.samples));
        for database in known {
            failed |= backfill.fetch(database, age)?;
        }
        backfill.deliver()?;
        backfill.summarize();
        Ok(if failed { Exit::Partial } else { Exit::Done })
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
    collected: &'a Collected,
    delivery: Delivery<'a>,
    now: u64,
    /// What is to be remembered once the text is delivered.
    note: Note,
    /// The lines that are not delivered yet.
    text: String,
    /// How many points there are in all.
    points: usize,
}

impl Backfill<'_> {
    /// Fetches all of a database; whether something went wrong.
    fn fetch(&mut self, database: &'static Database, age: u64) -> Result<bool, Error> {
        let (mut missing, live) = self.missing(database, age);
        let mut reach = Reach::default();
        let mut outcome = Ok(());
        while let Some(asked) = self.ask(database, &mut missing) {
            reach.questions += 1;
            let told = match asked {
                Ok(told) => told,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            };
            reach.points += self.encode(&told);
            reach.begins = told.begins.or(reach.begins);
            self.note.asked.push((database.name, told.done));
            self.progress(database, &reach);
            if let Err(error) = self.deliver_part() {
                self.say(database, &reach, &live, &Ok(()));
                say("the rest was not asked for: give the command again when all is well");
                return Err(error);
            }
        }
        self.points += reach.points;
        self.say(database, &reach, &live, &outcome);
        let is_failure = |error: RequestError| gaps::answered(&error) != Answered::No;
        Ok(outcome.err().is_some_and(is_failure))
    }

    /// Whoever has filled that carbon by another name for it, as another user or with an earlier
    /// version has points there that nobody here knows of.
    fn warn_of_the_unknown(&self) {
        let coverage = self.run.folder.map(|it| it.coverage()).unwrap_or_default();
        let is_known = |it: &Database| !coverage.live(&self.note.places, it.name).is_empty();
        let destination = &self.run.settings.destination;
        let is_in_doubt = destination.is_carbon() && !self.run.settings.dry_run;
        if is_in_doubt && !DATABASES.iter().any(is_known) {
            say(&format!(
                "no run has delivered these paths to {destination} before, as far as is known here: \
                 what it has of that time is replaced"
            ));
        }
    }

    /// The next answer. One that did not come has a second chance.
    fn ask(
        &self,
        database: &Database,
        missing: &mut Missing,
    ) -> Option<Result<past::Told, RequestError>> {
        let past = Past {
            client: self.run.client,
            live: &self.collected.samples,
            now: self.now,
            is_patched: self.run.settings.patch_upload,
        };
        let mut ask = || past.ask(database, missing);
        match ask()? {
            Err(error) if gaps::answered(&error) != Answered::No => {
                log::debug!("{error}; trying once more");
                ask()
            }
            other => Some(other),
        }
    }

    /// What is to be fetched of a database, and what of that time is live.
    fn missing(&self, database: &Database, age: u64) -> (Missing, Spans) {
        // This minute is for a run of now.
        let until = self.now / MINUTE * MINUTE;
        let from = self.now.saturating_sub(age) / MINUTE * MINUTE;
        let all: Spans = [(from, until)].into_iter().collect();
        let coverage = self.run.folder.map(|it| it.coverage()).unwrap_or_default();
        let live = coverage.live(&self.note.places, database.name);
        let missing = Missing {
            spans: all.without(&live),
            grain: MINUTE,
            ..Missing::default()
        };
        (missing, live.within((from, until)))
    }

    /// Adds what was told to the text; how many points that were.
    fn encode(&mut self, told: &past::Told) -> usize {
        let mut encoder = self.run.form.encoder(self.labels);
        for moment in &told.moments {
            encoder.add(Batch {
                time: moment.time,
                samples: &moment.samples,
            });
        }
        let encoded = encoder.finish();
        if let Some(warning) = &encoded.warning {
            log::debug!("{warning}");
        }
        self.text.push_str(&encoded.text);
        encoded.counts.written
    }

    /// Delivers the text as soon as it is long enough.
    fn deliver_part(&mut self) -> Result<(), Error> {
        match self.text.len() >= PART && self.delivery.takes_parts() {
            true => self.deliver(),
            false => Ok(()),
        }
    }

    /// Delivers the text. A carbon that is stuck does not keep the rest for as long as all of it may
    /// take.
    fn deliver(&mut self) -> Result<(), Error> {
        let left = self.run.times.end.left().unwrap_or_default();
        let deadline = Deadline::after(Instant::now(), left.min(USUAL_TIMEOUT));
        let cargo = Cargo {
            timestamp: self.run.times.timestamp,
            text: &self.text,
        };
        let remember = || {
            if let Some(folder) = self.run.folder {
                let _ = (folder.note(&self.note)).inspect_err(|error| log::debug!("{error}"));
            }
        };
        self.delivery.deliver(cargo, deadline, remember)?;
        self.text.clear();
        self.note.asked.clear();
        Ok(())
    }

    /// How far it has come, for somebody who looks.
    fn progress(&self, database: &Database, reach: &Reach) {
        if self.is_watched() {
            let line = format!("{}: {}", database.about, reach.words(self.now));
            write(&format!("\r\x1b[K{line}"));
        }
    }

    /// Whether somebody looks who does not look at the lines.
    fn is_watched(&self) -> bool {
        let shows_lines = matches!(self.delivery, Delivery::Output(Output::Stdout));
        io::stderr().is_terminal() && !(shows_lines && io::stdout().is_terminal())
    }

    /// What came of a database.
    fn say(
        &self,
        database: &Database,
        reach: &Reach,
        live: &Spans,
        outcome: &Result<(), RequestError>,
    ) {
        if self.is_watched() {
            write("\r\x1b[K");
        }
        let about = database.about;
        match outcome {
            Ok(()) => {}
            Err(error) if gaps::answered(error) == Answered::No => {
                log::warn!("{about}: {error}");
            }
            Err(error) => {
                log::error!("{about}: {error}; the rest was not asked for: give the command again");
            }
        }
        let left = match live.seconds() {
            0 => String::new(),
            seconds => format!(
                "; {} that runs have delivered are left as they are",
                how_long(seconds)
            ),
        };
        if outcome.is_ok() || reach.begins.is_some() {
            say(&format!("{about}: {}{left}", reach.words(self.now)));
        }
    }

    fn summarize(&self) {
        let place = &self.run.settings.destination;
        let what = match self.run.settings.dry_run {
            true => format!("for {place}; nothing sent, nothing written"),
            false => format!("delivered to {place}"),
        };
        say(&format!("{} points of the past {what}", self.points));
    }
}

/// How far back the box knew a database.
#[derive(Debug, Default)]
struct Reach {
    /// The oldest that it knew of, in seconds since 1970.
    begins: Option<u64>,
    points: usize,
    questions: usize,
}

impl Reach {
    fn words(&self, now: u64) -> String {
        match self.begins {
            None if self.questions == 0 => "there was nothing to ask for".to_owned(),
            None => "the box remembers nothing of it".to_owned(),
            Some(begins) => {
                let back = how_long(now.saturating_sub(begins));
                format!("{} points, the oldest {back} ago", self.points)
            }
        }
    }
}
