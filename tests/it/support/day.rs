//! What InfluxDB and Prometheus are given in a day of the simulated households.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::dashboards::DAY;
use crate::monitor::{APP_ID, APP_TOKEN, Monitor};
use crate::simulated_freebox::households::{self, Household};
use crate::simulated_freebox::{App, Options, SimulatedFreebox};

/// How far apart the runs of the day are, in seconds.
const STEP: u64 = 600;
/// How often Prometheus asks for what the last run has left.
const SCRAPE: u64 = 60;
/// The sections that the overview shows.
const SECTIONS: [&str; 3] = ["-H", "--status-ipv6", "--status-nat"];
/// How the paths begin that those read. To live a day of all others would take a while.
const PATHS: [&str; 4] = ["connection", "system", "fw", "upnpigd"];

/// From when to when the boxes live: some days, and half the time to the next run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    start: u64,
    days: u64,
    /// The end, in seconds since 1970.
    pub(crate) end: u64,
}

impl Life {
    /// One that has just ended. No run is at the turn of an hour: what grows between the last number
    /// of one hour and the first of the next is in neither, as Prometheus counts.
    pub(crate) fn until(now: u64, days: u64) -> Self {
        let end = now - now % STEP - STEP / 2 + 90;
        let start = end - STEP / 2 - days * DAY;
        Life { start, days, end }
    }
}

/// Moments so far apart, up to the last.
fn steps(first: u64, last: u64, step: u64) -> impl Iterator<Item = u64> {
    (first..=last).step_by(usize::try_from(step).expect("a step"))
}

/// Where the numbers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Influxdb,
    Prometheus,
}

impl Home {
    /// Its name as a format, and as a kind of data source.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Home::Influxdb => "influxdb",
            Home::Prometheus => "prometheus",
        }
    }

    /// The options of a run for it.
    fn options(self, household: &Household) -> Vec<&'static str> {
        let time = (self == Home::Influxdb).then_some("--influx-timestamp");
        let mut options = vec!["-f", self.name(), "--name", household.name];
        options.extend(SECTIONS);
        options.extend(time);
        options
    }

    /// What the box of a household says on the last day of its life, as far as it is `wanted`: a
    /// measurement or a family.
    pub(crate) fn given(
        self,
        household: &Household,
        life: Life,
        wanted: &BTreeSet<String>,
    ) -> String {
        let monitor = Monitor::new().with(&self.options(household));
        let (of_run, when) = self.of_run(household);
        let mut text = String::new();
        let last_day = life.start + life.days * DAY - DAY;
        for at in steps(last_day, life.end, STEP) {
            let answers = household.at(life.start, at);
            let run = of_run.replace(&when, &at.to_string());
            let said = match &answers {
                None => is_away(&run),
                Some(answers) => {
                    let recording = monitor.write("box.json", &answers.to_string());
                    let replay = monitor.run(&["--replay", recording.to_str().expect("UTF-8")]);
                    replay.is_fine();
                    replay.stdout + &run
                }
            };
            for line in said.lines().filter(|it| is_of(it, wanted)) {
                self.put(line, (at, life.end), household, &mut text);
            }
        }
        text
    }

    /// What a real run says of itself, and its moment in there; a replay says nothing.
    fn of_run(self, household: &Household) -> (String, String) {
        let at = SimulatedFreebox::start(Options {
            recording: household.recording.clone(),
            apps: vec![App {
                app_id: APP_ID.to_owned(),
                app_token: APP_TOKEN.to_owned(),
                track_id: 1,
            }],
            ..Options::default()
        });
        let run = Monitor::registered(&at).run(&self.options(household));
        let lines = run
            .stdout
            .lines()
            .filter(|line| line.starts_with("freebox_exec"));
        let lines = lines.fold(String::new(), |text, line| text + line + "\n");
        let behind = |mark: &str| lines.split(mark).nth(1).map(str::to_owned);
        let started = match self {
            Home::Influxdb => behind("started_time="),
            Home::Prometheus => behind("freebox_exec_started_timestamp_seconds{").and_then(|it| {
                let (_, value) = it.split_once(' ')?;
                Some(value.to_owned())
            }),
        };
        let started = started.unwrap_or_else(|| panic!("{} {}", run.stderr, run.stdout));
        let digits = started.chars().take_while(char::is_ascii_digit);
        (lines, digits.collect())
    }

    /// Adds a line with its time.
    fn put(self, line: &str, (at, end): (u64, u64), household: &Household, text: &mut String) {
        match self {
            Home::Influxdb => {
                let (rest, _) = line.rsplit_once(' ').expect("a time");
                // Each box has an address of its own.
                let rest = rest.replace("mafreebox.freebox.fr", &address(household));
                writeln!(text, "{rest} {at}000000000").expect("a line");
            }
            Home::Prometheus => {
                for scraped in steps(at, end.min(at + STEP - SCRAPE), SCRAPE) {
                    writeln!(text, "{line} {scraped}").expect("a line");
                }
            }
        }
    }
}

/// The households, as far as their boxes are asked.
pub(crate) fn households() -> Vec<Household> {
    let mut households = households::all();
    for household in &mut households {
        let answers = household.recording["answers"].as_object_mut();
        let is_asked = |path: &str| PATHS.iter().any(|it| path.starts_with(it));
        answers.expect("answers").retain(|path, _| is_asked(path));
    }
    households.into()
}

/// Where a household's box is.
pub(crate) fn address(household: &Household) -> String {
    format!("{}.fbxos.example", household.name)
}

/// What a run says when the box is away.
fn is_away(run: &str) -> String {
    run.replace(" up=1", " up=0").replace("} 1\n", "} 0\n")
}

/// Whether a line is of such a measurement or family.
fn is_of(line: &str, wanted: &BTreeSet<String>) -> bool {
    let name = line.split([',', '{', ' ']).next();
    name.is_some_and(|it| wanted.contains(it))
}
