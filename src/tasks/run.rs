//! One run: template and credentials first, then the box, then the delivery.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::gaps::{self, Filled};
use super::speaker::Speaker;
use super::stale;
use super::target::{self, Handover};
use super::templates;
use super::times::Times;
use crate::api::{Client, Known, Reason, Recording, RequestError, Transport};
use crate::base::error::{Error, Exit};
use crate::base::files;
use crate::base::stderr::say;
use crate::base::words::{self, BOX, THE_REST};
use crate::cli::{HostAge, Settings, Task};
use crate::collect::{Collected, Outcome, about, collect};
use crate::deliver::{Backlog, Carbon, Cargo, Destination, Output};
use crate::encode::{API_MAJOR, API_URL, BOARD, Batch, Counts, Encoded, Form};
use crate::sections::exec::{self, Facts, SectionFacts};
use crate::sections::{SECTIONS, left_out, patch};
use crate::state::folder::StateFolder;
use crate::state::memory::{Lesson, Memory};
use crate::tasks::every::every;
use crate::template::{RunLabels, label};

/// Collects from the box and delivers, once or again and again.
///
/// # Errors
/// What kept the run from doing anything, or from delivering.
pub(crate) fn live(settings: &Settings) -> Result<Exit, Error> {
    let times = times(settings)?;
    let monitor = Monitor::new(settings, &times);
    let mut monitor = monitor.inspect_err(|_| stale::nothing_stale(settings, &times))?;
    match settings.every {
        None => monitor.run(&times),
        Some(period) => {
            let mut speaker = Speaker::new(settings);
            every(period, |is_told_to| {
                speaker.told(|| {
                    let times = Times::start(settings.timeout)?;
                    monitor.begin(is_told_to, &times);
                    monitor.run(&times)
                });
            })
        }
    }
}

fn times(settings: &Settings) -> Result<Times, Error> {
    match settings.task {
        Task::Backfill { .. } => Times::start_long(settings.timeout),
        _ => Times::start(settings.timeout),
    }
}

/// Everything that lasts from run to run of one process.
struct Monitor<'a> {
    settings: &'a Settings,
    form: Form,
    labels: RunLabels,
    client: Client,
    handover: Handover,
    /// What was last left for others, or found.
    known: Option<Known>,
    memory: Memory,
}

impl<'a> Monitor<'a> {
    /// Reads the files. Nothing is asked yet.
    fn new(settings: &'a Settings, times: &Times) -> Result<Self, Error> {
        let form = templates::form(settings, times.end)?;
        let target = &settings.target;
        let (granted, search) = target::registered(target, settings.config.as_deref(), times.end)?;
        destination(settings).must_be_open()?;
        heartbeat(settings).map_or(Ok(()), files::must_take_output)?;
        let mut labels = run_labels(granted.name.clone(), search.address.place());
        if let Some(url) = target::written_url(target, &granted) {
            labels.extend(of_api(url));
        }
        if !settings.dry_run {
            target::take_over(granted.uid.as_deref(), &search.address);
        }
        let handover = target::handover(target, &granted, &search);
        let (known, memory) = (handover.session(), handover.folder.memory());
        let transport = Transport::new(&target.trust, times.collecting);
        let app = target::app(target, &granted);
        let shared = handover.shared(!settings.dry_run);
        let client = Client::new(transport, search, app, known.clone()).sharing(Box::new(shared));
        Ok(Monitor {
            settings,
            form,
            labels,
            client,
            handover,
            known,
            memory,
        })
    }

    /// Begins another run. After a refusal the files are read again, as when somebody says so:
    /// access may have been granted anew.
    fn begin(&mut self, is_told_to: bool, times: &Times) {
        let verdict = self.client.verdict();
        let is_refused = verdict.is_some_and(|it| matches!(it.reason, Reason::Refused(_)));
        if is_told_to || is_refused {
            match Monitor::new(self.settings, times) {
                // Where nothing can be kept, what this process has found out is all there is.
                Ok(anew) if anew.memory == Memory::default() => {
                    let memory = std::mem::take(&mut self.memory);
                    *self = Monitor { memory, ..anew };
                }
                Ok(anew) => *self = anew,
                Err(error) => log::error!("{error}; going on with what was read before"),
            }
        }
        let trust = &self.settings.target.trust;
        self.client.begin(times.collecting, trust);
    }

    fn run(&mut self, times: &Times) -> Result<Exit, Error> {
        let collected = collected(self.settings, &self.client, times, &self.memory);
        // Somebody who wants all there is need not hear every minute what is not for them.
        let told = match self.settings.all {
            // Where it cannot be remembered that it was said once, it would be each minute.
            true if self.handover.folder.is_nowhere() => {
                SECTIONS.iter().map(|it| it.name.to_owned()).collect()
            }
            true => self.memory.told().clone(),
            false => BTreeSet::new(),
        };
        self.leave(&collected);
        let verdict = self.client.verdict();
        let places = gaps::places(self.settings, &self.form, &self.labels);
        let folder = &self.handover.folder;
        let filled = match (&self.settings.task, &verdict) {
            (Task::Collect, None) => {
                let job = gaps::Job {
                    settings: self.settings,
                    client: &self.client,
                    times,
                    folder,
                    places: &places,
                };
                gaps::fill(&job, &collected)
            }
            (Task::Collect, Some(_)) => gaps::nothing_told(self.settings, &places, times),
            _ => Filled::default(),
        };
        // A session that was opened meanwhile is good for the next run.
        self.keep_known();
        let folder = &self.handover.folder;
        let run = Run {
            settings: self.settings,
            form: &self.form,
            client: &self.client,
            times,
            folder,
            filled: &filled,
            places: &places,
            verdict,
            told: &told,
            known_board: self.memory.board().map(str::to_owned),
        };
        run.perform(self.labels.clone(), &collected)
    }

    /// Leaves what is known of the box for the next run, if that has changed.
    fn kept_known(&mut self) -> Result<(), Error> {
        let is_new = std::mem::replace(&mut self.known, self.client.known()) != self.known;
        match &self.known {
            Some(known) if is_new && !self.settings.dry_run => self.handover.keep(known),
            _ => Ok(()),
        }
    }

    /// The same once more, where a failure has been told.
    fn keep_known(&mut self) {
        let _ = (self.kept_known()).inspect_err(|error| log::debug!("{error}"));
    }

    /// Leaves for the next run what has changed. That one can do without, so that a failure is only
    /// told.
    fn leave(&mut self, collected: &Collected) {
        let lesson = lesson(&self.client, collected);
        let memory = self.memory.clone();
        if let Some(lesson) = &lesson {
            self.memory.learn(lesson);
        }
        let kept = self.kept_known();
        if self.settings.dry_run {
            return;
        }
        let remembered = match &lesson {
            Some(lesson) if self.memory != memory => self.handover.folder.remember(lesson),
            _ => Ok(()),
        };
        match kept.and(remembered) {
            Err(error) if self.handover.folder.is_nowhere() => log::debug!("{error}"),
            Err(error) => {
                log::warn!("{error}; each run has to log in and learns what this box has");
            }
            Ok(()) => {}
        }
    }
}

/// Collects from a recording and delivers.
///
/// # Errors
/// What kept the run from doing anything, or from delivering.
pub(crate) fn replay(settings: &Settings, recording: &Path) -> Result<Exit, Error> {
    let times = times(settings)?;
    let form = templates::form(settings, times.end)?;
    destination(settings).must_be_open()?;
    let client = Client::replay(Recording::load(recording, times.end)?);
    let address = target::search(&settings.target, None)?.address;
    if !settings.dry_run {
        target::take_over(None, &address);
    }
    let folder = target::folder(None, &address);
    let family = || client.endpoint().map(|it| it.family);
    let name = settings.target.name.clone().or_else(family);
    let mut labels = run_labels(name, address.place());
    let major = client.endpoint().and_then(|it| it.major());
    labels.extend(
        major
            .into_iter()
            .flat_map(|major| of_api(&address.api_url(major))),
    );
    let collected = collected(settings, &client, &times, &Memory::default());
    let run = Run {
        settings,
        form: &form,
        client: &client,
        times: &times,
        folder: &folder,
        filled: &Filled::default(),
        places: &[],
        verdict: None,
        told: &BTreeSet::new(),
        known_board: None,
    };
    run.perform(labels, &collected)
}

/// Where this run's lines go.
pub(super) fn destination(settings: &Settings) -> &Destination {
    match settings.dry_run {
        true => &Destination::Output(Output::Stdout),
        false => &settings.destination,
    }
}

/// Where a good run leaves its time.
fn heartbeat(settings: &Settings) -> Option<&Path> {
    let path = settings.heartbeat.as_deref();
    path.filter(|_| !settings.dry_run)
}

/// What the chosen sections give.
fn collected(settings: &Settings, client: &Client, times: &Times, memory: &Memory) -> Collected {
    let sections = &settings.sections;
    let mut collected = collect(client, sections, settings.jobs, times.timestamp, memory);
    if settings.patch_upload {
        patch::rate_up_bytes_up(&mut collected.samples);
    }
    left_out::strangers(&mut collected.samples, &settings.named);
    if let HostAge::Within(age) = settings.host_age {
        let now = (!client.is_replay()).then_some(times.timestamp);
        left_out::long_gone(&mut collected.samples, age, now);
    }
    label::give(&mut collected.samples);
    collected
}

/// What a run has found out, for those to come. A box that was away has not told anything.
fn lesson(client: &Client, collected: &Collected) -> Option<Lesson> {
    let about = about(client).filter(|_| client.verdict().is_none())?;
    let outcomes = collected.outcomes.iter();
    Some(Lesson {
        about,
        brought: collected.brought.clone(),
        told: outcomes
            .map(|it| (it.section, !it.forbidden.is_empty()))
            .collect(),
        board: told_board(collected),
    })
}

/// The board, as the box has told it in this run.
fn told_board(collected: &Collected) -> Option<String> {
    let mut told = collected.samples.iter().filter_map(|it| it.text(BOARD));
    told.next().map(str::to_owned)
}

/// How many answers could not be used. One that two sections asked for is one.
fn unusable(outcomes: &[Outcome]) -> usize {
    let failures = outcomes.iter().flat_map(|it| &it.failures);
    let paths: BTreeSet<&str> = failures.map(|it| it.endpoint.as_str()).collect();
    paths.len()
}

/// What templates may say about any metric of this run.
fn run_labels(name: Option<String>, endpoint: String) -> RunLabels {
    let name = name.map(|name| ("name", name));
    name.into_iter().chain([("endpoint", endpoint)]).collect()
}

/// What the lines of 0.9.1 say of the API, for one at this URL.
fn of_api(url: &str) -> RunLabels {
    let major = url.trim_end_matches('/').rsplit_once("/v");
    let major = major.map(|(_, major)| (API_MAJOR, major.to_owned()));
    [(API_URL, url.to_owned())]
        .into_iter()
        .chain(major)
        .collect()
}

/// A run whose answers are in.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) form: &'a Form,
    pub(super) client: &'a Client,
    pub(super) times: &'a Times,
    /// Where runs leave things for each other, unless it is a dry run.
    pub(super) folder: &'a StateFolder,
    /// What goes before its own lines.
    filled: &'a Filled,
    /// Where its lines go, as that is remembered.
    pub(super) places: &'a [String],
    /// Why the box could not be used, if that is so. What is wrong with its history alone is no
    /// verdict.
    pub(super) verdict: Option<RequestError>,
    /// The sections of which an earlier run has said that they want a permission.
    pub(super) told: &'a BTreeSet<String>,
    /// The board that an earlier run has learned.
    known_board: Option<String>,
}

impl Run<'_> {
    /// Does with the answers what is to be done.
    fn perform(&self, labels: RunLabels, collected: &Collected) -> Result<Exit, Error> {
        let labels = self.labels(labels, collected);
        match self.settings.task {
            Task::Backfill { age, .. } => self.backfill(&labels, collected, age.as_secs()),
            _ => self.finish(&labels, collected),
        }
    }

    /// All that templates may say about any metric of this run.
    fn labels(&self, mut labels: RunLabels, collected: &Collected) -> RunLabels {
        if let Some(endpoint) = self.client.endpoint() {
            if !labels.iter().any(|(name, _)| *name == API_URL) {
                labels.extend(of_api(endpoint.url()));
            }
            labels.push(("api_version", endpoint.api_version));
            labels.extend(endpoint.uid.map(|uid| ("uid", uid)));
            labels.extend(endpoint.model.map(|model| ("box_model", model)));
        }
        labels.extend(self.board(collected).map(|board| (BOARD, board)));
        labels
    }

    /// Encodes and delivers what was collected, and says what went wrong.
    fn finish(&self, labels: &RunLabels, collected: &Collected) -> Result<Exit, Error> {
        let delivered = self.deliver(labels, collected);
        let is_lenient = self.settings.lenient_exit && delivered.is_ok();
        if let Destination::Carbons(carbons, _) = &self.settings.destination {
            let carbon = |carbon: &Carbon| words::looked_at(&format!("carbon at {carbon}"));
            carbons.iter().for_each(carbon);
        }
        if let Some(verdict) = self.verdict.clone() {
            // What is wrong with the box itself outweighs everything that follows from it.
            if let Err(error) = delivered {
                log::error!("{error}");
            }
            let error = Error::from(verdict);
            return Err(if is_lenient { error.forgiven() } else { error });
        }
        words::looked_at(BOX);
        words::looked_at(THE_REST);
        let failures = collected.tell_failures(self.told);
        delivered?;
        self.beat();
        match failures && !is_lenient {
            true => Ok(Exit::Partial),
            false => Ok(Exit::Done),
        }
    }

    /// The board, in a run that asks for it: where the box fails to tell, all series would be others
    /// for a minute.
    fn board(&self, collected: &Collected) -> Option<String> {
        let mut sections = self.settings.sections.iter();
        let is_asked =
            sections.any(|it| it.groups.iter().any(|group| group.label(BOARD).is_some()));
        told_board(collected).or_else(|| self.known_board.clone().filter(|_| is_asked))
    }

    /// Leaves the time for whoever looks after the program.
    fn beat(&self) {
        let Some(path) = heartbeat(self.settings) else {
            return;
        };
        let content = format!("{}\n", self.times.timestamp);
        let written = files::write_for_all(path, content.as_bytes(), self.times.end);
        if let Err(error) = written {
            log::warn!("{error}; nobody learns that this run was a good one");
        }
    }

    /// Where lines wait, if they may.
    pub(super) fn spools(&self) -> Option<PathBuf> {
        (!self.settings.dry_run).then(|| self.folder.spools())
    }

    fn deliver(&self, labels: &RunLabels, collected: &Collected) -> Result<(), Error> {
        let spools = self.spools();
        let delivery = destination(self.settings).open(spools.as_deref());
        let batch = |samples| Batch {
            time: self.times.timestamp,
            samples,
        };
        let about_itself;
        let mut encoder = self.form.encoder(labels);
        self.filled.add_to(&mut *encoder);
        let past = encoder.counts();
        encoder.add(batch(&collected.samples));
        if !self.client.is_replay() {
            let counts = [past, encoder.counts().since(past)];
            about_itself = self.about_itself(counts, collected, delivery.backlog());
            encoder.add(batch(&about_itself));
        }
        let encoded = encoder.finish();
        if let Some(warning) = &encoded.warning {
            log::warn!("{warning}");
        }
        let cargo = Cargo {
            timestamp: self.times.timestamp,
            text: &encoded.text,
        };
        let remember = || self.filled.remember(self.folder);
        delivery.deliver(cargo, self.times.end, remember)?;
        if self.settings.dry_run {
            self.summarize(&encoded);
        }
        Ok(())
    }

    /// How the run itself went, as metrics; `past` and `counts` are the numbers of the history and
    /// its own.
    fn about_itself(
        &self,
        [past, counts]: [Counts; 2],
        collected: &Collected,
        backlog: Backlog,
    ) -> Vec<crate::metrics::sample::Sample> {
        let (requests, logins) = self.client.efforts();
        let outcomes = &collected.outcomes;
        let mut samples = exec::samples(&Facts {
            up: self.verdict.is_none(),
            started: self.times.timestamp,
            duration: self.times.start.elapsed(),
            requests,
            logins,
            errors: unusable(outcomes),
            samples: counts.written,
            backfilled: past.written,
            dropped: backlog.dropped + counts.lost as u64,
            spooled: backlog.spooled,
            sections: outcomes
                .iter()
                .map(|it| SectionFacts {
                    name: it.section,
                    ok: it.failures.is_empty(),
                    forbidden: !it.forbidden.is_empty(),
                    duration: it.duration,
                })
                .collect(),
        });
        label::give(&mut samples);
        samples
    }

    /// For the person who tries something out.
    fn summarize(&self, encoded: &Encoded) {
        let is_data = |line: &&str| !line.starts_with('#');
        say(&format!(
            "dry run: {} lines for {}; {} more left out; nothing sent, nothing written",
            encoded.text.lines().filter(is_data).count(),
            self.settings.destination,
            encoded.counts.lost
        ));
    }
}
