//! What the arguments mean: nobody else looks at arguments.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::{Address, HashType};
use crate::base::http::Trust;
use crate::deliver::{Destination, Output};
use crate::encode::Format;
use crate::sections::Section;
use crate::template::{self, Glob};

/// What somebody wants.
#[derive(Debug)]
pub(crate) enum Request {
    /// To read this: help, or the version.
    Print(String),
    /// To have something done.
    Do(Box<Settings>),
}

/// What the arguments mean.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What to do.
    pub(crate) task: Task,
    /// Which box, and how to speak to it.
    pub(crate) target: Target,
    /// The credentials file, if one was named.
    pub(crate) config: Option<PathBuf>,
    /// Which sections to collect.
    pub(crate) sections: Vec<&'static Section>,
    /// Whether that is simply all of them.
    pub(crate) all: bool,
    /// Which were asked for by name.
    pub(crate) named: Vec<&'static Section>,
    /// Which hosts have lines.
    pub(crate) host_age: HostAge,
    /// Whether the upload figures of the line are to be taken from the switch.
    pub(crate) patch_upload: bool,
    /// How many requests to make at a time.
    pub(crate) jobs: usize,
    /// The template, if one was named.
    pub(crate) template: Option<TemplateChoice>,
    /// The form of the text.
    pub(crate) format: Format,
    /// Whether lines for InfluxDB have their moment.
    pub(crate) influx_timestamp: bool,
    /// Whether a run that has delivered something is a good one, whatever else: Telegraf throws
    /// away what a command printed that ends with another code than 0.
    pub(crate) lenient_exit: bool,
    /// Where the text goes.
    pub(crate) destination: Destination,
    /// Whether to run again and again, and how many seconds apart.
    pub(crate) every: Option<u64>,
    /// Once in how long the same trouble is said; each time, if that was not said.
    pub(crate) repeat_after: Option<Duration>,
    /// The file that says when the last good run began.
    pub(crate) heartbeat: Option<PathBuf>,
    /// The arguments as they were typed, by which one line of a crontab is told from another.
    pub(crate) command_line: String,
    /// Whether to show instead of doing.
    pub(crate) dry_run: bool,
    /// How long the task may take, if that was said.
    pub(crate) timeout: Option<Duration>,
    /// Whether to say what happens.
    pub(crate) debug: bool,
}

/// Which hosts, leases and switch clients have lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostAge {
    /// All that the box remembers.
    All,
    /// Those that were there within this time.
    Within(Duration),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Collect from the box and deliver.
    Collect,
    /// Collect from a recording and deliver.
    Replay(PathBuf),
    /// Fetch what the box remembers and deliver it.
    Backfill {
        /// How far back.
        age: Duration,
        /// The recording that stands in for the box.
        recording: Option<PathBuf>,
    },
    /// Save the answers of the box.
    Record {
        /// Where.
        output: Output,
        /// As they came.
        raw: bool,
    },
    /// Go through everything and say what is wrong.
    Check,
    /// Ask for access.
    Register {
        /// Even if it is granted already.
        force: bool,
    },
    /// Say whether access is granted.
    RegisterStatus,
    /// Print the template.
    PrintTemplate,
    /// Check the template and print every path.
    CheckTemplate,
    /// List the metrics with such names.
    ListMetrics(Glob),
}

/// Which box, and how to speak to it.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it is, if that was said.
    pub(crate) endpoint: Option<Address>,
    /// What its user calls it.
    pub(crate) name: Option<String>,
    /// Whether to use its domain.
    pub(crate) by_domain: bool,
    /// Whether to look for it in every run.
    pub(crate) detect_force: bool,
    /// The version of the API to use instead of its own.
    pub(crate) version: Option<u32>,
    /// The hash of the log-in.
    pub(crate) hash: HashType,
    /// What to trust.
    pub(crate) trust: Trust,
}

/// A template, as `--template` names it.
#[derive(Debug)]
pub(crate) enum TemplateChoice {
    /// A shipped one: its name and its text.
    Shipped(&'static str, &'static str),
    /// A file.
    File(PathBuf),
}

impl TemplateChoice {
    pub(super) fn named(word: String) -> Self {
        let shipped = template::SHIPPED.iter().find(|(name, _)| *name == word);
        match shipped {
            Some((name, text)) => TemplateChoice::Shipped(name, text),
            None => TemplateChoice::File(PathBuf::from(word)),
        }
    }
}
