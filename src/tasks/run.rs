//! One run: template and credentials first, then the box, then the delivery.

use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant, SystemTime};

use directories::BaseDirs;

use crate::api::{self, Client, Limits, Recording, Transport};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit, one_line};
use crate::base::files;
use crate::base::stderr::say;
use crate::cli::{Settings, TemplateChoice};
use crate::collect::{Collected, collect};
use crate::deliver;
use crate::deliver::outbox::{Cargo, Outbox};
use crate::encode::graphite::Lines;
use crate::sections;
use crate::sections::exec::{self, Facts};
use crate::sections::patch;
use crate::state::lock::{self, Lock};
use crate::state::session::{Remembered, StateFolder};
use crate::tasks::every::every;
use crate::tasks::target::{self, Cache};
use crate::template::{RunLabels, SHIPPED, Template};

/// How long a run may take unless `--timeout` says: it has to be over when cron starts the next.
const USUAL_TIMEOUT: Duration = Duration::from_secs(40);
/// The start of 2020: a clock before that was never set.
const EARLIEST: u64 = 1_577_836_800;
/// What fits a point in whisper.
const LATEST: u64 = u32::MAX as u64;
const SYSTEM_TEMPLATE: &str = "/etc/freebox-monitor/template";

/// When a run began and when its parts have to be over.
pub(crate) struct Times {
    /// When it began.
    pub(crate) start: Instant,
    /// Seconds since 1970; the timestamp of all its lines.
    pub(crate) timestamp: u64,
    /// For the box; delivery has the rest of the time.
    pub(crate) collecting: Limits,
    /// For everything.
    pub(crate) end: Deadline,
}

/// Collects from the box and delivers, once or again and again.
///
/// # Errors
/// What kept the run from doing anything, or from delivering.
pub(crate) fn live(settings: &Settings) -> Result<Exit, Error> {
    let times = Times::start(settings)?;
    let mut monitor = Monitor::new(settings, &times)?;
    match settings.every {
        None => monitor.run(&times),
        Some(period) => every(period, || {
            let times = Times::start(settings)?;
            monitor.client.begin(times.collecting);
            monitor.run(&times)
        }),
    }
}

/// Everything that lasts from run to run of one process.
struct Monitor<'a> {
    settings: &'a Settings,
    template: Template,
    labels: RunLabels,
    client: Client,
    cache: Cache,
    remembered: Remembered,
    /// None where nothing can be written; `--dry-run` writes nothing.
    lock: Option<Lock>,
}

impl<'a> Monitor<'a> {
    /// Reads the files and takes the lock. Nothing is asked yet.
    fn new(settings: &'a Settings, times: &Times) -> Result<Self, Error> {
        let template = template(settings)?;
        let target = &settings.target;
        let (granted, search) = target::registered(target, settings.config.as_deref())?;
        let labels = run_labels(
            target.name.clone().or_else(|| granted.name.clone()),
            search.address.host().to_owned(),
        );
        let cache = target::cache(target, &granted, &search);
        let lock = match settings.dry_run {
            true => None,
            false => lock::take(&cache.folder.lock())?,
        };
        let remembered = cache.load();
        let transport = Transport::new(&target.trust, times.collecting);
        let app = target::app(target, &granted);
        let client = Client::new(transport, search, app, remembered.known.clone());
        Ok(Monitor {
            settings,
            template,
            labels,
            client,
            cache,
            remembered,
            lock,
        })
    }

    fn run(&mut self, times: &Times) -> Result<Exit, Error> {
        let collected = collected(self.settings, &self.client, times);
        let told = match self.client.verdict() {
            // A box that was away has not told anything new.
            Some(_) => self.remembered.told.clone(),
            None => kept_back(&collected),
        };
        let after = Remembered {
            known: self.client.known(),
            told,
        };
        let before = std::mem::replace(&mut self.remembered, after);
        if self.remembered != before && self.lock.is_some() {
            self.cache.keep(&self.remembered);
        }
        // Somebody who wants all there is need not hear every minute what is not for them.
        let told = match self.settings.all {
            true => before.told,
            false => Vec::new(),
        };
        let run = Run {
            settings: self.settings,
            template: &self.template,
            client: &self.client,
            times,
            folder: self.lock.as_ref().map(|_| &self.cache.folder),
            told: &told,
        };
        run.finish(self.labels.clone(), &collected)
    }
}

/// Collects from a recording and delivers.
///
/// # Errors
/// What kept the run from doing anything, or from delivering.
pub(crate) fn replay(settings: &Settings, recording: &Path) -> Result<Exit, Error> {
    let times = Times::start(settings)?;
    let template = template(settings)?;
    let client = Client::replay(Recording::load(recording)?);
    let address = target::search(&settings.target, None)?.address;
    let folder = target::folder(None, &address);
    let lock = match settings.dry_run || settings.carbons.is_empty() {
        true => None,
        false => lock::take(&folder.lock())?,
    };
    let labels = run_labels(settings.target.name.clone(), address.host().to_owned());
    let collected = collected(settings, &client, &times);
    let run = Run {
        settings,
        template: &template,
        client: &client,
        times: &times,
        folder: lock.as_ref().map(|_| &folder),
        told: &[],
    };
    run.finish(labels, &collected)
}

/// What the chosen sections give.
fn collected(settings: &Settings, client: &Client, times: &Times) -> Collected {
    let mut collected = collect(client, &settings.sections, settings.jobs, times.timestamp);
    if settings.patch_upload {
        patch::rate_up_bytes_up(&mut collected.samples);
    }
    collected
}

/// The sections that want a permission, for the next run to know that this was said.
fn kept_back(collected: &Collected) -> Vec<String> {
    let kept_back = collected
        .outcomes
        .iter()
        .filter(|outcome| !outcome.forbidden.is_empty());
    kept_back
        .map(|outcome| outcome.section.to_owned())
        .collect()
}

impl Times {
    /// A run that begins now.
    ///
    /// # Errors
    /// When the clock cannot be right.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Error> {
        let start = Instant::now();
        let timeout = settings.timeout.unwrap_or(USUAL_TIMEOUT);
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let timestamp = since_1970.map_or(0, |it| it.as_secs());
        if !(EARLIEST..=LATEST).contains(&timestamp) {
            let words =
                "the clock of this machine cannot be right: it stands before 2020 or after 2106";
            return Err(Error::misuse(words));
        }
        Ok(Times {
            start,
            timestamp,
            collecting: Limits {
                deadline: Deadline::after(start, timeout * 4 / 5),
                request: timeout / 3,
            },
            end: Deadline::after(start, timeout),
        })
    }
}

/// What templates may say about any metric of this run.
fn run_labels(name: Option<String>, endpoint: String) -> RunLabels {
    let name = name.map(|name| ("name", name));
    name.into_iter().chain([("endpoint", endpoint)]).collect()
}

/// A run whose answers are in.
struct Run<'a> {
    settings: &'a Settings,
    template: &'a Template,
    client: &'a Client,
    times: &'a Times,
    /// Where lines wait, if they can.
    folder: Option<&'a StateFolder>,
    /// The sections of which an earlier run has said that they want a permission.
    told: &'a [String],
}

impl Run<'_> {
    /// Encodes and delivers what was collected, and says what went wrong.
    fn finish(&self, mut labels: RunLabels, collected: &Collected) -> Result<Exit, Error> {
        if let Some(endpoint) = self.client.endpoint() {
            labels.push(("api_version", endpoint.api_version));
            labels.extend(endpoint.uid.map(|uid| ("uid", uid)));
            labels.extend(endpoint.model.map(|model| ("box_model", model)));
        }
        let outboxes = self.outboxes();
        let mut lines = Lines::new(self.template, &labels, self.times.timestamp);
        lines.add(&collected.samples);
        let of_the_run = match self.client.is_replay() {
            true => Vec::new(),
            false => exec::samples(&self.facts(&lines, collected, &outboxes)),
        };
        lines.add(&of_the_run);
        if let Some(warning) = lines.warning() {
            log::warn!("{warning}");
        }
        let delivered = self.deliver(&lines, &outboxes);
        if let Some(verdict) = self.client.verdict() {
            // What is wrong with the box itself outweighs everything that follows from it.
            if let Err(error) = delivered {
                log::error!("{error}");
            }
            return Err(verdict.into());
        }
        let failures = tell_failures(collected, self.told);
        delivered?;
        Ok(if failures { Exit::Partial } else { Exit::Done })
    }

    /// How the run itself went.
    fn facts(&self, lines: &Lines, collected: &Collected, outboxes: &[Outbox]) -> Facts {
        let (requests, logins) = self.client.efforts();
        let spools = outboxes.iter().map(Outbox::state);
        let (spooled, dropped) = spools.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let outcomes = &collected.outcomes;
        Facts {
            up: self.client.verdict().is_none(),
            duration: self.times.start.elapsed(),
            requests,
            logins,
            errors: outcomes.iter().map(|it| it.failures.len()).sum(),
            samples: lines.count(),
            dropped: dropped + lines.lost() as u64,
            spooled,
            sections: outcomes
                .iter()
                .map(|it| (it.section, it.failures.is_empty(), it.duration))
                .collect(),
        }
    }

    /// One for each carbon.
    fn outboxes(&self) -> Vec<Outbox<'_>> {
        let carbons = match self.settings.dry_run {
            true => &[],
            false => self.settings.carbons.as_slice(),
        };
        let spool = |carbon| self.folder.map(|folder| folder.spool(carbon));
        let outbox = |carbon| Outbox::open(carbon, spool(carbon), &self.settings.rules);
        carbons.iter().map(outbox).collect()
    }

    fn deliver(&self, lines: &Lines, outboxes: &[Outbox]) -> Result<(), Error> {
        if outboxes.is_empty() {
            deliver::stdout::deliver(lines.text())?;
            if self.settings.dry_run {
                self.summarize(lines);
            }
            return Ok(());
        }
        let cargo = Cargo {
            timestamp: self.times.timestamp,
            text: lines.text(),
        };
        // Each has its own fate: one that is stuck delays no other.
        let outcomes: Vec<Result<(), Error>> = thread::scope(|scope| {
            let send = |outbox| move || Outbox::deliver(outbox, cargo, self.times.end);
            let sending: Vec<_> = outboxes.iter().map(|it| scope.spawn(send(it))).collect();
            sending.into_iter().map(joined).collect()
        });
        let mut failed = outcomes.into_iter().filter_map(Result::err);
        let first = failed.next();
        for error in failed {
            log::error!("{error}");
        }
        first.map_or(Ok(()), Err)
    }

    /// For the person who tries something out.
    fn summarize(&self, lines: &Lines) {
        let carbons = self.settings.carbons.iter();
        let carbons: Vec<String> = carbons.map(|it| format!("carbon at {it}")).collect();
        let to = match carbons.is_empty() {
            true => "stdout".to_owned(),
            false => carbons.join(" and "),
        };
        say(&format!(
            "dry run: {} lines for {to}; {} more left out; nothing sent, nothing written",
            lines.count(),
            lines.lost()
        ));
    }
}

/// What a thread that delivers has come to.
fn joined(thread: ScopedJoinHandle<'_, Result<(), Error>>) -> Result<(), Error> {
    let fell_over = |_| Err(Error::new(Exit::Undelivered, "a delivery fell over"));
    thread.join().unwrap_or_else(fell_over)
}

/// One line for each section that failed, or was kept back and is not in `told` yet; whether one
/// failed.
pub(crate) fn tell_failures(collected: &Collected, told: &[String]) -> bool {
    let mut one_failed = false;
    for outcome in &collected.outcomes {
        let section = outcome.section;
        let is_told = told.iter().any(|it| it == section);
        if let (Some(first), false) = (outcome.forbidden.first(), is_told) {
            log::warn!("section {section}: {first}");
        }
        if !outcome.failures.is_empty() {
            log::error!("section {section}: {}", in_words(&outcome.failures));
            one_failed = true;
        }
    }
    one_failed
}

/// Several failures on one line; what happened to several paths alike is said once.
fn in_words(failures: &[api::Error]) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for failure in failures {
        let reason = failure.kind.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, paths)) => paths.push(&failure.endpoint),
            None => reasons.push((reason, vec![&failure.endpoint])),
        }
    }
    let words = reasons
        .iter()
        .map(|(reason, paths)| match paths.as_slice() {
            [first, _, _, _, ..] => format!("{first} and {} more: {reason}", paths.len() - 1),
            few => format!("{}: {reason}", few.join(", ")),
        });
    words.collect::<Vec<_>>().join("; ")
}

/// The template that a run would use, read and checked.
///
/// # Errors
/// When it cannot be read or cannot work.
pub(crate) fn template(settings: &Settings) -> Result<Template, Error> {
    let (name, text) = template_text(settings)?;
    let metrics: Vec<_> = sections::metrics().collect();
    let refused = |refusal| Error::misuse(format!("template {name}: {refusal}"));
    let template = Template::read(&text, &metrics).map_err(refused)?;
    for warning in &template.warnings {
        log::warn!("template {name}: {warning}");
    }
    Ok(template)
}

/// The text of the template that a run would use, and what to call it: the one that `--template`
/// names, or the first of the usual files that exists, or the built-in one.
///
/// # Errors
/// When its file cannot be read.
pub(crate) fn template_text(settings: &Settings) -> Result<(String, String), Error> {
    let file = match &settings.template {
        Some(TemplateChoice::Shipped(name, text)) => {
            return Ok(((*name).to_owned(), (*text).to_owned()));
        }
        Some(TemplateChoice::File(path)) => Some(path.clone()),
        None => usual_files().into_iter().find(|path| files::is_there(path)),
    };
    let Some(path) = file else {
        let [(name, text), ..] = SHIPPED;
        return Ok((name.to_owned(), text.to_owned()));
    };
    let name = one_line(&path.display().to_string());
    match String::from_utf8(files::read(&path)?) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let good =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
            let line = good.matches('\n').count() + 1;
            let column = good.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let words = format!("template {name}: line {line}, column {column}: this is not UTF-8");
            Err(Error::misuse(words))
        }
    }
}

fn usual_files() -> Vec<PathBuf> {
    let user = BaseDirs::new().map(|it| it.config_dir().join("freebox-monitor/template"));
    user.into_iter()
        .chain([PathBuf::from(SYSTEM_TEMPLATE)])
        .collect()
}
