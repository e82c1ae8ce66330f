//! Arguments, and the one step from them to [`Settings`]. Nobody else looks at arguments.

use std::path::PathBuf;
use std::time::Duration;

use argh::FromArgs;

use crate::api::{self, Address, HashType, Trust};
use crate::base::error::{Error, one_line};
use crate::deliver::carbon::Carbon;
use crate::deliver::graphite_web::GraphiteWeb;
use crate::deliver::outbox::Rules;
use crate::deliver::spool::Bounds;
use crate::sections::{self, SECTIONS, Section};
use crate::template;

/// Sends the statistics of a Freebox to Graphite. Without options: collect the connection section
/// and print `path value timestamp` lines on stdout.
#[derive(FromArgs)]
struct Args {
    /// collect every section that this box and its permissions allow
    #[argh(switch, short = 'A')]
    all: bool,

    /// collect this section as well as the connection; also --status-NAME and the letters below
    #[argh(option, arg_name = "name", from_str_fn(section))]
    status: Vec<&'static Section>,

    /// the box: HOST, HOST:PORT or URL (default mafreebox.freebox.fr)
    #[argh(option, short = 'e', arg_name = "box")]
    endpoint: Option<Address>,

    /// the name of the box in paths ({name} in templates)
    #[argh(option, arg_name = "name")]
    name: Option<String>,

    /// the credentials file, this program's own or that of freebox_monitor.py
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

    /// the form of the lines: graphite
    #[argh(option, short = 'f', arg_name = "form", default = "Format::Graphite")]
    format: Format,

    /// deliver to the carbon at HOST[:PORT] over TCP (default port 2003) instead of stdout; may be
    /// given more than once
    #[argh(option, arg_name = "host")]
    carbon: Vec<Carbon>,

    /// how often to send again, a minute apart, what carbon has confirmed (default 1; 0 for one
    /// that counts what it gets)
    #[argh(option, arg_name = "number", default = "1", from_str_fn(resend))]
    resend: u32,

    /// forget lines only when this graphite-web shows them, such as http://localhost:8080
    #[argh(option, arg_name = "url")]
    verify: Option<GraphiteWeb>,

    /// how long lines wait for a carbon that is away: 90s, 30m, 12h, 7d (default 7d)
    #[argh(option, arg_name = "time", default = "USUAL_AGE", from_str_fn(age))]
    spool_age: Duration,

    /// how much may wait: 500K, 64M, 1G (default 64M)
    #[argh(option, arg_name = "bytes", default = "USUAL_SIZE", from_str_fn(size))]
    spool_size: u64,

    /// stay and run at each multiple of this many seconds
    #[argh(option, arg_name = "seconds", from_str_fn(period))]
    every: Option<u64>,

    /// the path template: a file, or one of the shipped ones (dotted, tagged, flat)
    #[argh(option, short = 't', arg_name = "file")]
    template: Option<String>,

    /// print the template that would be used
    #[argh(switch)]
    print_template: bool,

    /// check the template and print the path of every metric
    #[argh(switch)]
    check_template: bool,

    /// print what would be delivered, and do not deliver it
    #[argh(switch)]
    dry_run: bool,

    /// take the answers from a recording instead of a box
    #[argh(option, arg_name = "file")]
    replay: Option<PathBuf>,

    /// save every answer of the box in a file that can be shown to others: names, addresses,
    /// numbers and serials are replaced
    #[argh(option, arg_name = "file")]
    record: Option<PathBuf>,

    /// with --record: leave names, addresses, numbers and serials as they are
    #[argh(switch)]
    record_raw: bool,

    /// go through everything step by step and say what to do where something is wrong
    #[argh(switch)]
    check: bool,

    /// list every metric there is
    #[argh(switch)]
    list_metrics: bool,

    /// how many requests to make at a time (default 4)
    #[argh(option, arg_name = "number", default = "4", from_str_fn(jobs))]
    jobs: usize,

    /// how long the whole run may take, in seconds (default 40)
    #[argh(option, arg_name = "seconds")]
    timeout: Option<Seconds>,

    /// the hash of the log-in: sha1 (default) or sha256
    #[argh(option, arg_name = "hash", default = "HashType::Sha1")]
    auth_hash_type: HashType,

    /// look for the box's API in every run
    #[argh(switch)]
    api_endpoint_detect_force: bool,

    /// speak to the box under the domain it has from Free
    #[argh(switch)]
    api_endpoint_detect_ssl_domain: bool,

    /// use this major version of the API instead of the box's own
    #[argh(option, arg_name = "number")]
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

    /// print the version
    #[argh(switch, short = 'v')]
    version: bool,
}

fn section(switch: &str) -> Result<&'static Section, String> {
    sections::by_switch(switch).ok_or_else(|| "no section has this name".to_owned())
}

fn jobs(word: &str) -> Result<usize, String> {
    let number: Option<usize> = word.parse().ok();
    number
        .filter(|it| (1..=16).contains(it))
        .ok_or_else(|| "it is 1 to 16".to_owned())
}

/// How long lines wait unless `--spool-age` says.
const USUAL_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many bytes of them unless `--spool-size` says.
const USUAL_SIZE: u64 = 64 << 20;

fn resend(word: &str) -> Result<u32, String> {
    let number: Option<u32> = word.parse().ok();
    number
        .filter(|it| *it <= 100)
        .ok_or_else(|| "it is 0 to 100".to_owned())
}

fn period(word: &str) -> Result<u64, String> {
    let number: Option<u64> = word.parse().ok();
    number
        .filter(|it| (1..=86_400).contains(it))
        .ok_or_else(|| "it is a number of seconds, from 1 to a day".to_owned())
}

fn age(word: &str) -> Result<Duration, String> {
    let units = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 24 * 3600),
        ("w", 7 * 24 * 3600),
    ];
    let seconds = with_unit(word, &units).filter(|it| *it > 0);
    let seconds = seconds.ok_or_else(|| "it is a time such as 90s, 30m, 12h or 7d".to_owned());
    seconds.map(Duration::from_secs)
}

fn size(word: &str) -> Result<u64, String> {
    let word = word.to_ascii_lowercase();
    let word = word.trim_end_matches('b').trim_end_matches('i');
    let units = [("", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30)];
    let bytes = with_unit(word, &units).filter(|it| *it > 0);
    bytes.ok_or_else(|| "it is a size such as 500K, 64M or 1G".to_owned())
}

/// A whole number with a unit behind it.
fn with_unit(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = word
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Two ways to the same spool would get in each other's way.
fn each_once(carbons: Vec<Carbon>) -> Vec<Carbon> {
    let mut once: Vec<Carbon> = Vec::new();
    for carbon in carbons {
        if !once.contains(&carbon) {
            once.push(carbon);
        }
    }
    once
}

/// The short options that take a value.
const SHORT_WITH_VALUE: [char; 4] = ['c', 'e', 'f', 't'];
/// The long ones.
const LONG_WITH_VALUE: [&str; 19] = [
    "--status",
    "--endpoint",
    "--name",
    "--config",
    "--format",
    "--carbon",
    "--resend",
    "--verify",
    "--spool-age",
    "--spool-size",
    "--every",
    "--template",
    "--replay",
    "--record",
    "--jobs",
    "--timeout",
    "--auth-hash-type",
    "--api-version-force",
    "--ssl-ca-bundle-file",
];

/// The form of the lines.
#[derive(Clone, Copy, Debug)]
enum Format {
    Graphite,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "graphite" => Ok(Format::Graphite),
            _ => Err("graphite is the only one there is".to_owned()),
        }
    }
}

/// A length of time that a run can have.
#[derive(Clone, Copy, Debug)]
struct Seconds(Duration);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let seconds: Option<f64> = word.parse().ok();
        match seconds.filter(|it| (0.1..=86_400.0).contains(it)) {
            Some(seconds) => Ok(Seconds(Duration::from_secs_f64(seconds))),
            None => Err("it is a number of seconds, from 0.1 to a day".to_owned()),
        }
    }
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
    /// Whether the upload figures of the line are to be taken from the switch.
    pub(crate) patch_upload: bool,
    /// How many requests to make at a time.
    pub(crate) jobs: usize,
    /// The template, if one was named.
    pub(crate) template: Option<TemplateChoice>,
    /// Where the lines go; nowhere is stdout.
    pub(crate) carbons: Vec<Carbon>,
    /// How they get there.
    pub(crate) rules: Rules,
    /// Whether to run again and again, and how many seconds apart.
    pub(crate) every: Option<u64>,
    /// Whether to show instead of doing.
    pub(crate) dry_run: bool,
    /// How long the task may take, if that was said.
    pub(crate) timeout: Option<Duration>,
    /// Whether to say what happens.
    pub(crate) debug: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Print this and do nothing else.
    Print(String),
    /// Collect from the box and deliver.
    Collect,
    /// Collect from a recording and deliver.
    Replay(PathBuf),
    /// Save the answers of the box.
    Record {
        /// Where.
        file: PathBuf,
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
    /// List every metric.
    ListMetrics,
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

/// Reads the arguments, without the program's name.
///
/// # Errors
/// A misuse, in one line.
pub(crate) fn settings(args: impl Iterator<Item = std::ffi::OsString>) -> Result<Settings, Error> {
    let utf8 = |arg: std::ffi::OsString| {
        arg.into_string().map_err(|arg| {
            Error::misuse(format!(
                "the argument {} is not UTF-8",
                arg.to_string_lossy()
            ))
        })
    };
    let args: Vec<String> = args.map(utf8).collect::<Result<_, _>>()?;
    let args = normalised(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match Args::from_args(&["freebox-monitor"], &args) {
        Ok(args) => args.settings(),
        Err(early) => match early.status {
            Ok(()) => Ok(Settings::printing(early.output + &sections_help())),
            Err(()) => Err(Error::misuse(format!(
                "{} (--help lists the options)",
                one_line(&without_password(&early.output))
            ))),
        },
    }
}

/// A message without the `user:password@` that somebody wrote into an address.
fn without_password(words: &str) -> String {
    match (words.find("value '"), words.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            let start = start + "value '".len();
            format!("{}…{}", &words[..start], &words[end..])
        }
        _ => words.to_owned(),
    }
}

/// Lets the habits from the Python script work: `--name=value`, `-HSW`, `-cFILE`.
fn normalised(args: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        let wants_value = LONG_WITH_VALUE.contains(&arg.as_str())
            || SHORT_WITH_VALUE
                .iter()
                .any(|letter| arg == format!("-{letter}"));
        if wants_value {
            out.push(arg);
            out.extend(rest.next());
            continue;
        }
        match arg.strip_prefix("--").and_then(|long| long.split_once('=')) {
            Some((name, value)) => out.extend([format!("--{name}"), value.to_owned()]),
            None if is_cluster(&arg) => out.extend(unclustered(&arg)),
            None => out.extend(switch_of_section(arg)),
        }
    }
    out.extend(rest);
    out
}

/// `-HSW`, and not `-15`.
fn is_cluster(arg: &str) -> bool {
    let second = arg.strip_prefix('-').and_then(|rest| rest.chars().next());
    second.is_some_and(|c| c != '-' && !c.is_ascii_digit())
}

/// `--status-sys` is `--status sys`, and what 0.9.1 had a switch of its own for is a part of the
/// disks.
fn switch_of_section(arg: String) -> Vec<String> {
    let switch = match arg.as_str() {
        "--internal-disk-usage" => Some("disk"),
        other => other.strip_prefix("--status-"),
    };
    match switch {
        Some(switch) => vec!["--status".to_owned(), switch.to_owned()],
        None => vec![arg],
    }
}

/// The end of `--help`: what the table of sections has.
fn sections_help() -> String {
    let mut text = "\nSections:\n".to_owned();
    for section in SECTIONS {
        let letter = section
            .letter
            .map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        let permission = section
            .permission
            .map(|it| format!("  (permission '{it}')"));
        let permission = permission.unwrap_or_default();
        text.push_str(&format!(
            "  {letter}--status-{}{permission}\n",
            section.switch
        ));
    }
    text
}

fn unclustered(arg: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut letters = arg.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        let section = SECTIONS
            .iter()
            .find(|section| section.letter == Some(letter));
        match (section, letter) {
            (Some(section), _) => out.extend(["--status".to_owned(), section.switch.to_owned()]),
            (None, 'P') => out.extend(["--status".to_owned(), "disk".to_owned()]),
            (None, 'h') => out.push("--help".to_owned()),
            (None, _) => out.push(format!("-{letter}")),
        }
        let value = letters.as_str();
        if SHORT_WITH_VALUE.contains(&letter) && !value.is_empty() {
            out.push(value.to_owned());
            break;
        }
    }
    match out.is_empty() {
        true => vec![arg.to_owned()],
        false => out,
    }
}

impl Args {
    fn settings(self) -> Result<Settings, Error> {
        let Format::Graphite = self.format;
        Ok(Settings {
            task: self.task()?,
            sections: self.sections(),
            target: Target {
                trust: self.trust()?,
                endpoint: self.endpoint,
                name: self.name,
                by_domain: self.api_endpoint_detect_ssl_domain,
                detect_force: self.api_endpoint_detect_force,
                version: self.api_version_force,
                hash: self.auth_hash_type,
            },
            config: self.config,
            all: self.all,
            patch_upload: self.patch_rate_up_bytes_up,
            jobs: self.jobs,
            template: self.template.map(TemplateChoice::named),
            carbons: each_once(self.carbon),
            rules: Rules {
                resend: self.resend,
                bounds: Bounds {
                    age: self.spool_age,
                    size: self.spool_size,
                },
                verify: self.verify,
            },
            every: self.every,
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

    /// The one thing to do: options that ask for different things exclude each other.
    fn task(&self) -> Result<Task, Error> {
        let version = concat!("freebox-monitor ", env!("CARGO_PKG_VERSION"), "\n");
        let asked = [
            (
                "--version",
                self.version.then(|| Task::Print(version.to_owned())),
            ),
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
                self.list_metrics.then_some(Task::ListMetrics),
            ),
            ("--replay", self.replay.clone().map(Task::Replay)),
            (
                "--record",
                self.record.clone().map(|file| Task::Record {
                    file,
                    raw: self.record_raw,
                }),
            ),
            ("--check", self.check.then_some(Task::Check)),
        ];
        let mut asked = asked
            .into_iter()
            .filter_map(|(name, task)| Some((name, task?)));
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
            // It shows what one carbon has stored, and says nothing of another.
            _ if self.carbon.len() != 1 && self.verify.is_some() => {
                Err(Error::misuse("--verify goes with one --carbon only"))
            }
            _ if self.dry_run && !matches!(task, Task::Collect | Task::Replay(_)) => {
                Err(Error::misuse("--dry-run goes with collecting only"))
            }
            _ if self.record_raw && self.record.is_none() => {
                Err(Error::misuse("--record-raw goes with --record only"))
            }
            _ => Ok(task),
        }
    }

    fn trust(&self) -> Result<Trust, Error> {
        match (&self.ssl_ca_bundle_file, self.ssl_no_verify) {
            (_, true) => Ok(Trust::Anything),
            (Some(path), false) => Ok(Trust::Only(api::read_bundle(path)?)),
            (None, false) => Ok(Trust::BuiltIn),
        }
    }
}

impl TemplateChoice {
    fn named(word: String) -> Self {
        let shipped = template::SHIPPED.iter().find(|(name, _)| *name == word);
        match shipped {
            Some((name, text)) => TemplateChoice::Shipped(name, text),
            None => TemplateChoice::File(PathBuf::from(word)),
        }
    }
}

impl Settings {
    fn printing(text: String) -> Self {
        Settings {
            task: Task::Print(text),
            target: Target {
                endpoint: None,
                name: None,
                by_domain: false,
                detect_force: false,
                version: None,
                hash: HashType::Sha1,
                trust: Trust::BuiltIn,
            },
            config: None,
            sections: Vec::new(),
            all: false,
            patch_upload: false,
            jobs: 1,
            template: None,
            carbons: Vec::new(),
            rules: Rules {
                resend: 1,
                bounds: Bounds {
                    age: USUAL_AGE,
                    size: USUAL_SIZE,
                },
                verify: None,
            },
            every: None,
            dry_run: false,
            timeout: None,
            debug: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Result<Settings, Error> {
        settings(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn habits_from_the_python_script_work() {
        let cases = [
            ("--name=a=b --dry-run", "--name a=b --dry-run"),
            ("-HSW", "--status sys --status switch --status wifi"),
            ("-P --internal-disk-usage", "--status disk --status disk"),
            ("--status-vpnsrv", "--status vpnsrv"),
            ("-h", "--help"),
            ("--name -HS -c --status-sys", "--name -HS -c --status-sys"),
            ("-Ac.credentials", "-A -c .credentials"),
            (
                "-c .credentials -- -HS --a=b",
                "-c .credentials -- -HS --a=b",
            ),
            ("-", "-"),
        ];
        for (line, expected) in cases {
            let args = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(normalised(args).join(" "), expected);
        }
        let settings = given("-Ade box:8443 --config=file").expect("settings");
        assert!(settings.debug);
        assert_eq!(
            settings.target.endpoint.map(|it| it.to_string()).as_deref(),
            Some("box:8443")
        );
        assert_eq!(settings.config, Some(PathBuf::from("file")));
    }

    #[test]
    fn every_option_with_a_value_is_known_as_such() {
        let help = Args::from_args(&["freebox-monitor"], &["--help"]);
        let usage = help.err().map(|early| early.output).unwrap_or_default();
        let usage = usage.lines().next().unwrap_or_default().replace("...", "");
        let with_value = |option: &&str| option.contains('<');
        let options: Vec<&str> = usage.split('[').filter(with_value).collect();
        assert_eq!(options.len(), LONG_WITH_VALUE.len(), "{usage}");
        for option in options {
            let name = option.split(' ').next().unwrap_or_default();
            let short = name
                .chars()
                .nth(1)
                .is_some_and(|it| SHORT_WITH_VALUE.contains(&it));
            assert!(short || LONG_WITH_VALUE.contains(&name), "{name}");
        }
    }

    #[test]
    fn one_thing_at_a_time() {
        assert_eq!(
            given("-r --force").expect("settings").task,
            Task::Register { force: true }
        );
        assert_eq!(given("").expect("settings").task, Task::Collect);
        let error = given("--register --list-metrics").expect_err("both");
        assert_eq!(
            error.to_string(),
            "--register and --list-metrics exclude each other"
        );
        assert!(given("--force").is_err());
    }

    #[test]
    fn misuse_is_one_line() {
        for line in [
            "--nothing",
            "extra",
            "--timeout 0",
            "--timeout",
            "-e http://",
            "--carbon :1",
            "-f html",
            "--auth-hash-type md5",
            "-x",
            "--name a --name b",
            "--ssl-ca-bundle-file /nonexistent",
            "--api-version-force x",
        ] {
            let error = given(line).expect_err(line).to_string();
            assert!(!error.contains('\n') && error.len() > 10, "{line}: {error}");
        }
    }
}
