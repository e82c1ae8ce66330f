//! One run: template and credentials first, then the box, then the delivery.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use directories::BaseDirs;

use crate::api::{Client, Limits, Recording, Transport};
use crate::cli::{Settings, TemplateChoice};
use crate::collect::{Collected, collect};
use crate::credentials::Credentials;
use crate::deadline::Deadline;
use crate::deliver;
use crate::encode::{self, Lines};
use crate::error::{Error, Exit, one_line};
use crate::files;
use crate::sections;
use crate::stderr::say;
use crate::target;
use crate::template::{RunLabels, SHIPPED, Template};

/// How long a run may take unless `--timeout` says: it has to be over when cron starts the next.
const USUAL_TIMEOUT: Duration = Duration::from_secs(40);
const SYSTEM_TEMPLATE: &str = "/etc/freebox-monitor/template";

/// When a run began and when its parts have to be over.
struct Times {
    /// Seconds since 1970; the timestamp of all its lines.
    timestamp: u64,
    /// For the box; delivery has the rest of the time.
    collecting: Limits,
    /// For everything.
    end: Deadline,
}

/// Collects from the box and delivers.
///
/// # Errors
/// What kept the run from doing anything, or from delivering.
pub(crate) fn live(settings: &Settings) -> Result<Exit, Error> {
    let times = Times::start(settings)?;
    let template = template(settings)?;
    let credentials = Credentials::load(settings.config.as_deref())?;
    let target = &settings.target;
    let granted = credentials.pick(target.endpoint.as_ref(), target.name.as_deref())?;
    let search = target::search(target, Some(granted))?;
    let labels = run_labels(
        target.name.clone().or_else(|| granted.name.clone()),
        search.address.host().to_owned(),
    );
    let cache = target::cache(target, granted, &search);
    let before = cache.known();
    let transport = Transport::new(&target.trust, times.collecting);
    let client = Client::new(
        transport,
        search,
        target::app(target, granted),
        before.clone(),
    );
    let collected = collect(&client, settings.sections);
    let after = client
        .known()
        .filter(|known| before.as_ref() != Some(known));
    if let Some(known) = after.filter(|_| !settings.dry_run) {
        cache.keep(&known);
    }
    finish(settings, &template, &client, labels, collected, &times)
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
    let labels = run_labels(settings.target.name.clone(), address.host().to_owned());
    let collected = collect(&client, settings.sections);
    finish(settings, &template, &client, labels, collected, &times)
}

impl Times {
    fn start(settings: &Settings) -> Result<Self, Error> {
        let start = Instant::now();
        let timeout = settings.timeout.unwrap_or(USUAL_TIMEOUT);
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let timestamp = since_1970
            .map_err(|_| Error::misuse("the clock of this machine stands before 1970"))?
            .as_secs();
        Ok(Times {
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

/// Encodes and delivers what was collected, and says what went wrong.
fn finish(
    settings: &Settings,
    template: &Template,
    client: &Client,
    mut labels: RunLabels,
    collected: Collected,
    times: &Times,
) -> Result<Exit, Error> {
    if let Some(endpoint) = client.endpoint() {
        labels.push(("api_version", endpoint.api_version));
        labels.extend(endpoint.uid.map(|uid| ("uid", uid)));
        labels.extend(endpoint.model.map(|model| ("model", model)));
    }
    let lines = encode::graphite(&collected.samples, template, &labels, times.timestamp);
    for warning in &lines.warnings {
        log::warn!("{warning}");
    }
    let delivered = deliver(settings, &lines, times);
    if let Some(verdict) = client.verdict() {
        // What is wrong with the box itself outweighs everything that follows from it.
        if let Err(error) = delivered {
            log::error!("{error}");
        }
        return Err(verdict.into());
    }
    for (section, errors) in &collected.failures {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        log::error!("section {section}: {}", errors.join("; "));
    }
    delivered?;
    match collected.failures.is_empty() {
        true => Ok(Exit::Done),
        false => Ok(Exit::Partial),
    }
}

fn deliver(settings: &Settings, lines: &Lines, times: &Times) -> Result<(), Error> {
    match &settings.carbon {
        _ if settings.dry_run => {
            deliver::stdout::deliver(&lines.text)?;
            summarize(settings, lines);
            Ok(())
        }
        Some(carbon) => deliver::carbon::deliver(carbon, &lines.text, times.end),
        None => deliver::stdout::deliver(&lines.text),
    }
}

/// For the person who tries something out.
fn summarize(settings: &Settings, lines: &Lines) {
    let to = match &settings.carbon {
        Some(carbon) => format!("carbon at {carbon}"),
        None => "stdout".to_owned(),
    };
    say(&format!(
        "dry run: {} lines for {to}; {} more left out; nothing sent, nothing written",
        lines.count, lines.lost
    ));
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
        None => usual_files().into_iter().find(|path| path.exists()),
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
