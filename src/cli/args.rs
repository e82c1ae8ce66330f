//! The arguments as typed, and the one step from them to [`Settings`].

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::settings::{HostAge, Request, Settings, Target, Task, TemplateChoice};
use super::values::{self, Seconds};
use crate::api::{Address, HashType};
use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::http::Trust;
use crate::base::roots;
use crate::deliver::{Bounds, Carbon, Destination, GraphiteWeb, Output, Rules, USUAL_AGE};
use crate::encode::Format;
use crate::sections::{self, SECTIONS, Section};
use crate::template::Glob;

/// How many bytes of them unless `--spool-size` says.
const USUAL_SIZE: u64 = 64 << 20;

/// Sends the statistics of a Freebox to Graphite, InfluxDB or Prometheus.
#[derive(FromArgs, ArgsInfo)]
pub(super) struct Args {
    /// collect every section that this box and its permissions allow
    #[argh(switch, short = 'A')]
    all: bool,

    /// collect this section as well, by its name below; so do --status-NAME and the letters
    #[argh(option, arg_name = "name", from_str_fn(values::section))]
    status: Vec<&'static Section>,

    /// give no lines to hosts and leases that were not seen for so long, only count them: 12h, 30d,
    /// or all to have all of them (default 7d)
    #[argh(
        option,
        arg_name = "time",
        default = "values::USUAL_HOST_AGE",
        from_str_fn(values::host_age)
    )]
    host_age: HostAge,

    /// where the box is: HOST, HOST:PORT or URL (default: where it was registered, else
    /// mafreebox.freebox.fr)
    #[argh(option, short = 'e', arg_name = "box")]
    endpoint: Option<Address>,

    /// which of several registered boxes, and its name in paths
    #[argh(option, arg_name = "name")]
    name: Option<String>,

    /// the credentials file, this program's own or that of freebox_monitor.py (default: see Files)
    #[argh(option, short = 'c', arg_name = "file")]
    config: Option<PathBuf>,

    /// ask the box for access; somebody has to say yes on its front panel
    #[argh(switch, short = 'r')]
    register: bool,

    /// with --register: ask even if access is granted already
    #[argh(switch)]
    force: bool,

    /// say whether access is granted
    #[argh(switch, short = 's')]
    register_status: bool,

    /// the form of the text: graphite (default), influxdb as freebox_monitor.py writes it, or
    /// prometheus for the textfile collector of node_exporter
    #[argh(option, short = 'f', arg_name = "form", default = "Format::Graphite")]
    format: Format,

    /// with -f influxdb: end each line with its time, in nanoseconds (default: the time is that of
    /// whoever takes the lines)
    #[argh(switch)]
    influx_timestamp: bool,

    /// with -f influxdb: end with the usual exit code also when lines were printed (default: with
    /// 0 then, since Telegraf drops the lines of a command that fails)
    #[argh(switch)]
    strict_exit: bool,

    /// write to this file instead of to stdout; a regular one is replaced in one step, - is stdout
    #[argh(option, arg_name = "file")]
    output: Option<Output>,

    /// deliver to the carbon at HOST[:PORT] over TCP (default port 2003) instead of stdout; may be
    /// given more than once
    #[argh(option, arg_name = "host")]
    carbon: Vec<Carbon>,

    /// how often to send again, a minute apart, what carbon has confirmed (default 1; 0 for one
    /// that counts what it gets)
    #[argh(
        option,
        arg_name = "number",
        default = "1",
        from_str_fn(values::resend)
    )]
    resend: u32,

    /// forget lines only when this graphite-web shows them, such as http://localhost:8080
    #[argh(option, arg_name = "url")]
    verify: Option<GraphiteWeb>,

    /// how long lines wait for a carbon that is away: 90s, 30m, 12h, 7d (default 7d)
    #[argh(
        option,
        arg_name = "time",
        default = "USUAL_AGE",
        from_str_fn(values::age)
    )]
    spool_age: Duration,

    /// how much may wait: 500K, 64M, 1G (default 64M)
    #[argh(
        option,
        arg_name = "bytes",
        default = "USUAL_SIZE",
        from_str_fn(values::size)
    )]
    spool_size: u64,

    /// stay and run at each multiple of this many seconds, for containers
    #[argh(option, arg_name = "seconds", from_str_fn(values::period))]
    every: Option<u64>,

    /// for cron: say the same trouble when it begins and then once in this time, such as 1h, and
    /// its end once (default: every run says it)
    #[argh(option, arg_name = "time", from_str_fn(values::age))]
    repeat_after: Option<Duration>,

    /// fetch so much of the box's own history, such as 30d, and deliver it, once; what has been
    /// delivered to the same carbon before stays as it is
    #[argh(option, arg_name = "time", from_str_fn(values::past))]
    backfill: Option<Duration>,

    /// write into this file when the last good run began, in seconds since 1970: one that has
    /// collected and delivered; for the health check of a container
    #[argh(option, arg_name = "file")]
    heartbeat: Option<PathBuf>,

    /// the path template: a file, or dotted, sexigraf, tagged or flat, which come with the program
    /// (default: see Files)
    #[argh(option, short = 't', arg_name = "file")]
    template: Option<String>,

    /// print the template that would be used
    #[argh(switch)]
    print_template: bool,

    /// check the template and print the path of every metric
    #[argh(switch)]
    check_template: bool,

    /// print the lines that would be delivered; nothing is sent and nothing written
    #[argh(switch)]
    dry_run: bool,

    /// take the answers from a recording instead of a box
    #[argh(option, arg_name = "file")]
    replay: Option<PathBuf>,

    /// save every answer of the box in a file that can be shown to others: names, addresses,
    /// numbers and serials are replaced
    #[argh(option, arg_name = "file")]
    record: Option<Output>,

    /// with --record: leave names, addresses, numbers and serials as they are
    #[argh(switch)]
    record_raw: bool,

    /// go through everything step by step and say what to do where something is wrong
    #[argh(switch)]
    check: bool,

    /// list every metric there is, or those that a pattern such as 'connection.*' is about
    #[argh(option, arg_name = "glob")]
    list_metrics: Option<Glob>,

    /// how many requests to make at a time (default 4)
    #[argh(option, arg_name = "number", default = "4", from_str_fn(values::jobs))]
    jobs: usize,

    /// how long the whole run may take, in seconds (default 40)
    #[argh(option, arg_name = "seconds")]
    timeout: Option<Seconds>,

    /// the hash of the log-in: sha1 (default) or sha256
    #[argh(option, arg_name = "hash", default = "HashType::Sha1")]
    auth_hash_type: HashType,

    /// look for the box's API in every run (default: when it does not answer, and now and then)
    #[argh(switch)]
    api_endpoint_detect_force: bool,

    /// speak to the box under the domain it has from Free
    #[argh(switch)]
    api_endpoint_detect_ssl_domain: bool,

    /// use this major version of the API instead of the box's own
    #[argh(option, arg_name = "number", from_str_fn(values::api_version))]
    api_version_force: Option<u32>,

    /// take any certificate for the box's own
    #[argh(switch)]
    ssl_no_verify: bool,

    /// trust the certificates of this PEM file instead of Free's and the public ones
    #[argh(option, arg_name = "file")]
    ssl_ca_bundle_file: Option<PathBuf>,

    /// take the upload figures of the line from the ports of the switch, for a box that mixes up
    /// the directions; collects the switch as well
    #[argh(switch)]
    patch_rate_up_bytes_up: bool,

    /// say on stderr what happens
    #[argh(switch, short = 'd')]
    debug: bool,
}

impl Args {
    /// What they mean; `command_line` is how they were typed.
    ///
    /// # Errors
    /// A misuse.
    pub(super) fn request(self, command_line: &str) -> Result<Request, Error> {
        self.settings(command_line)
            .map(|settings| Request::Do(Box::new(settings)))
    }

    fn settings(self, command_line: &str) -> Result<Settings, Error> {
        let trust = self.trust()?;
        self.must_fit_the_format()?;
        Ok(Settings {
            task: self.task()?,
            destination: self.destination(&trust)?,
            sections: self.sections(),
            target: Target {
                trust,
                endpoint: self.endpoint,
                name: self.name,
                by_domain: self.api_endpoint_detect_ssl_domain,
                detect_force: self.api_endpoint_detect_force,
                version: self.api_version_force,
                hash: self.auth_hash_type,
            },
            config: self.config,
            all: self.all,
            named: self.status,
            host_age: self.host_age,
            patch_upload: self.patch_rate_up_bytes_up,
            jobs: self.jobs,
            template: self.template.map(TemplateChoice::named),
            format: self.format,
            // What was, has its time.
            influx_timestamp: self.influx_timestamp || self.backfill.is_some(),
            lenient_exit: self.format == Format::Influxdb && !self.strict_exit,
            every: self.every,
            repeat_after: self.repeat_after,
            heartbeat: self.heartbeat,
            command_line: command_line.to_owned(),
            dry_run: self.dry_run,
            timeout: self.timeout.map(|Seconds(timeout)| timeout),
            debug: self.debug,
        })
    }

    /// The sections that were chosen, in the order of the table.
    fn sections(&self) -> Vec<&'static Section> {
        let is_chosen = |section: &&Section| {
            self.all
                || section.name == sections::ALWAYS
                || self.patch_rate_up_bytes_up && section.name == "switch"
                || self.status.iter().any(|chosen| chosen.name == section.name)
        };
        SECTIONS.iter().filter(is_chosen).collect()
    }

    /// The options that ask for something else than to collect, each with what it asks for, if it
    /// was given.
    fn asked(&self) -> [(&'static str, Option<Task>); 9] {
        [
            (
                "--register",
                self.register
                    .then_some(Task::Register { force: self.force }),
            ),
            (
                "--register-status",
                self.register_status.then_some(Task::RegisterStatus),
            ),
            (
                "--print-template",
                self.print_template.then_some(Task::PrintTemplate),
            ),
            (
                "--check-template",
                self.check_template.then_some(Task::CheckTemplate),
            ),
            (
                "--list-metrics",
                self.list_metrics.clone().map(Task::ListMetrics),
            ),
            (
                "--backfill",
                self.backfill.map(|age| Task::Backfill {
                    age,
                    recording: self.replay.clone(),
                }),
            ),
            (
                "--replay",
                // With --backfill it stands in for the box of that.
                self.replay
                    .clone()
                    .filter(|_| self.backfill.is_none())
                    .map(Task::Replay),
            ),
            (
                "--record",
                self.record.clone().map(|output| Task::Record {
                    output,
                    raw: self.record_raw,
                }),
            ),
            ("--check", self.check.then_some(Task::Check)),
        ]
    }

    /// The one thing to do: options that ask for different things exclude each other.
    fn task(&self) -> Result<Task, Error> {
        let asked = self.asked().into_iter();
        let mut asked = asked.filter_map(|(name, task)| Some((name, task?)));
        let first = asked.next();
        if let (Some((one, _)), Some((other, _))) = (&first, asked.next()) {
            return Err(Error::misuse(format!(
                "{one} and {other} exclude each other"
            )));
        }
        let task = first.map_or(Task::Collect, |(_, task)| task);
        match task {
            _ if self.force && !self.register => {
                Err(Error::misuse("--force goes with --register only"))
            }
            _ if self.every.is_some() && (task != Task::Collect || self.dry_run) => {
                Err(Error::misuse("--every goes with collecting only"))
            }
            _ if self.heartbeat.is_some() && !matches!(task, Task::Collect | Task::Replay(_)) => {
                Err(Error::misuse("--heartbeat goes with collecting only"))
            }
            _ if self.dry_run && !shows_lines(&task) => {
                Err(Error::misuse("--dry-run goes with collecting only"))
            }
            _ if self.record_raw && self.record.is_none() => {
                Err(Error::misuse("--record-raw goes with --record only"))
            }
            _ => Ok(task),
        }
    }

    /// What goes with some forms of the text only.
    fn must_fit_the_format(&self) -> Result<(), Error> {
        let needs = [
            ("--carbon", !self.carbon.is_empty(), Format::Graphite),
            ("--verify", self.verify.is_some(), Format::Graphite),
            ("--template", self.template.is_some(), Format::Graphite),
            ("--print-template", self.print_template, Format::Graphite),
            ("--check-template", self.check_template, Format::Graphite),
            (
                "--influx-timestamp",
                self.influx_timestamp,
                Format::Influxdb,
            ),
            ("--strict-exit", self.strict_exit, Format::Influxdb),
        ];
        let is_out_of_place =
            |(_, is_there, format): &&(_, bool, _)| *is_there && *format != self.format;
        match needs.iter().find(is_out_of_place) {
            Some((option, _, format)) => Err(Error::misuse(format!(
                "{option} goes with -f {format} only"
            ))),
            None if self.backfill.is_some() && self.format == Format::Prometheus => {
                Err(Error::misuse(
                    "--backfill goes with -f graphite or influxdb only: the lines of prometheus \
                     have no time",
                ))
            }
            None => Ok(()),
        }
    }

    /// Where the text goes.
    fn destination(&self, trust: &Trust) -> Result<Destination, Error> {
        let rules = Rules {
            resend: self.resend,
            bounds: Bounds {
                age: self.spool_age,
                size: self.spool_size,
            },
            verify: self.verify.clone(),
            trust: trust.clone(),
        };
        match (self.carbon.as_slice(), &self.output) {
            // It shows what one carbon has stored, and says nothing of another.
            ([] | [_, _, ..], _) if self.verify.is_some() => {
                Err(Error::misuse("--verify goes with one --carbon only"))
            }
            ([_, ..], Some(_)) => Err(Error::misuse("--carbon and --output exclude each other")),
            ([], Some(output)) => Ok(Destination::Output(output.clone())),
            ([], None) => Ok(Destination::Output(Output::Stdout)),
            (carbons, None) => Ok(Destination::Carbons(each_once(carbons), rules)),
        }
    }

    /// When what is read with the arguments has to be there.
    fn deadline(&self) -> Deadline {
        Deadline::of_run(self.timeout.map(|Seconds(timeout)| timeout))
    }

    fn trust(&self) -> Result<Trust, Error> {
        match (&self.ssl_ca_bundle_file, self.ssl_no_verify) {
            (_, true) => Ok(Trust::Anything),
            (Some(path), false) => Ok(Trust::Only(roots::read_bundle(path, self.deadline())?)),
            (None, false) => Ok(Trust::BuiltIn),
        }
    }
}

/// Whether something is delivered that could be shown instead.
fn shows_lines(task: &Task) -> bool {
    matches!(
        task,
        Task::Collect | Task::Replay(_) | Task::Backfill { .. }
    )
}

/// Two ways to the same spool would get in each other's way.
fn each_once(carbons: &[Carbon]) -> Vec<Carbon> {
    let mut once: Vec<Carbon> = Vec::new();
    for carbon in carbons {
        if !once.contains(carbon) {
            once.push(carbon.clone());
        }
    }
    once
}
