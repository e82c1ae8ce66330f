//! Gaps, and what the box remembers of them: real carbon with the settings of the appliance, a box
//! that lives, and runs by a clock of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::graphite::{Graphite, Options as CarbonOptions, Stored};
use crate::hour::set_clock;
use crate::monitor::{APP_ID, APP_TOKEN, Monitor, Run, project_file};
use crate::random::Random;
use crate::receiver::{Sink, closed_port};
use crate::session::known_app;
use crate::simulated_freebox::{Fault, History, Options, Refusal, SimulatedFreebox, households};
use crate::trials;
use crate::until::until;
use crate::whole_way::{carbon_with, now, relay};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        three_hours_off_leave_no_gap,
        a_box_and_a_carbon_that_were_away_leave_no_gap,
        runs_that_are_killed_lose_nothing_and_double_nothing,
        a_clock_that_was_set_back_doubles_nothing,
        a_change_to_winter_time_is_no_gap,
        a_day_is_filled_in_small_parts,
        who_runs_each_five_minutes_gets_five_minutes,
        who_runs_each_five_minutes_gets_an_outage_of_both_filled,
        two_runs_at_once_fill_a_gap_once,
        a_dry_run_shows_a_gap_and_leaves_it,
        what_one_line_of_a_crontab_has_written_another_does_not_overwrite,
        who_takes_the_lines_of_a_command_gets_them_with_their_times,
        who_sits_at_a_terminal_sees_the_present_only,
        a_section_that_fails_is_filled_when_it_is_back,
        a_box_that_declines_costs_one_word,
        a_history_that_fails_costs_no_live_line_and_is_asked_less_and_less,
        odd_answers_are_used_as_far_as_they_go,
        a_gap_is_filled_as_finely_as_the_box_can,
        what_cannot_be_used_costs_nothing_else,
        a_hole_is_not_asked_for_for_ever,
        a_permission_opens_the_other_way,
        older_boxes_and_copper_are_known_as_well,
        the_upload_of_a_patched_line_is_not_taken_from_the_history,
        runs_that_could_only_leave_their_time_are_no_gap,
        who_runs_each_twenty_minutes_has_no_gaps_between,
        a_point_is_never_put_where_something_live_is,
        two_lines_with_other_paths_are_filled_both,
        a_clock_that_was_ahead_costs_no_gap,
        one_part_that_hangs_costs_no_other,
        a_history_that_wants_another_session_costs_no_good_run,
        lines_that_wait_are_no_gap,
        only_what_is_collected_is_asked_for,
    ]
}

pub(crate) fn trials_with_web() -> Vec<Trial> {
    trials![what_graphite_web_shows_of_a_gap_is_done_with]
}

pub(crate) const MINUTE: u64 = 60;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;
/// What the tests collect.
const SECTIONS: [&str; 2] = ["-H", "-S"];

/// A box that has lived for some weeks, and somebody who collects from it.
pub(crate) struct Home {
    pub(crate) at: SimulatedFreebox,
    pub(crate) monitor: Monitor,
    /// The first minute of the test, in seconds since 1970.
    pub(crate) start: u64,
}

impl Home {
    /// The start is so many hours ago.
    pub(crate) fn hours_ago(hours: u64) -> Self {
        let now = u64::try_from(now()).expect("after 1970");
        Home::starting(now / HOUR * HOUR - hours * HOUR)
    }

    /// It is now what it is, for everybody.
    pub(crate) fn of_now() -> Self {
        Home::starting(u64::try_from(now()).expect("after 1970"))
    }

    fn starting(start: u64) -> Self {
        let [ultra, ..] = households::all();
        Home::of(ultra.recording, start, History::default())
    }

    /// A box that remembers in some other way.
    pub(crate) fn with(history: History) -> Self {
        let home = Home::hours_ago(6);
        home.at.set_history(history);
        home
    }

    /// The box of a household.
    pub(crate) fn of(recording: Json, start: u64, history: History) -> Self {
        let at = SimulatedFreebox::start(Options {
            recording,
            apps: vec![known_app()],
            alive_since: Some(start - 40 * DAY),
            history,
            ..Options::default()
        });
        let monitor = Monitor::trusting(&at).with(&SECTIONS);
        monitor.write_credentials(&json!({
            "app_id": APP_ID, "app_token": APP_TOKEN, "name": "home",
            "endpoint": format!("https://localhost:{}", at.https_port()),
        }));
        Home { at, monitor, start }
    }

    /// A run at a time.
    pub(crate) fn run(&self, time: u64, options: &[&str]) -> Run {
        self.at.set_time(time);
        self.monitor.run_at(time, options)
    }

    /// Runs at the first second of each of these minutes after the start, all of them fine.
    pub(crate) fn runs(&self, minutes: impl IntoIterator<Item = u64>, options: &[&str]) {
        for minute in minutes {
            self.run(self.start + minute * MINUTE + 1, options)
                .is_fine();
        }
    }

    /// A command that would run at a time of its own while the box has another one.
    pub(crate) fn command(&self, (time, of_box): (u64, u64), options: &[&str]) -> Command {
        self.at.set_time(of_box);
        let mut command = self.monitor.command(options);
        set_clock(&mut command, time);
        command
    }

    /// The time of a minute after the start.
    pub(crate) fn minute(&self, minute: u64) -> u64 {
        self.start + minute * MINUTE
    }

    /// How many requests went out for the history since this was last asked.
    pub(crate) fn questions(&self) -> usize {
        let requests = self.at.requests();
        self.at.clear_requests();
        let asked = requests.iter().filter(|it| it.path.contains("/rrd/"));
        asked.count()
    }

    /// What the box had on the average in a time, second by second.
    pub(crate) fn average(&self, database: &str, field: &str, from: u64, length: u64) -> f64 {
        let at = |second| {
            let value = self.at.remembered(database, field, second);
            value.unwrap_or_else(|| panic!("{database} {field} {second}"))
        };
        // Between two seconds it is what lies between them.
        let sum: f64 = (from..from + length)
            .map(|second| f64::midpoint(at(second), at(second + 1)))
            .sum();
        sum / length as f64
    }
}

/// carbon as it is on an appliance after the installation.
pub(crate) fn appliance() -> Graphite {
    carbon_with(CarbonOptions {
        storage: Some(project_file("sexigraf")),
        ..CarbonOptions::default()
    })
}

/// A series, and what the box has it from: database, field, what makes it our unit, and how far
/// apart the steps are.
type Known = (&'static str, &'static str, &'static str, f64, u64);

const KNOWN: [Known; 12] = [
    ("connection.rate_down", "net", "rate_down", 1.0, MINUTE),
    ("connection.rate_up", "net", "rate_up", 1.0, MINUTE),
    ("connection.bandwidth_down", "net", "bw_down", 8.0, MINUTE),
    ("connection.bandwidth_up", "net", "bw_up", 8.0, MINUTE),
    ("switch.port.1.rx_bytes_rate", "switch", "rx_1", 1.0, MINUTE),
    ("switch.port.1.tx_bytes_rate", "switch", "tx_1", 1.0, MINUTE),
    ("switch.port.2.rx_bytes_rate", "switch", "rx_2", 1.0, MINUTE),
    ("switch.port.4.tx_bytes_rate", "switch", "tx_4", 1.0, MINUTE),
    (
        "system.sensor.cpu0.temperature",
        "temp",
        "temp_cpu0",
        1.0,
        120,
    ),
    ("system.sensor.t1.temperature", "temp", "temp_t1", 1.0, 120),
    (
        "system.sensor.hdd.temperature",
        "temp",
        "temp_hdd",
        1.0,
        120,
    ),
    ("system.fan.0.rpm", "temp", "fan0_speed", 1.0, 120),
];

/// All that carbon has, as soon as that has what a run brings that is as late as this: it writes one
/// series after the other.
fn stored_until(carbon: &Graphite, time: u64) -> Stored {
    let time = i64::try_from(time).expect("a time");
    let brought = || {
        KNOWN
            .iter()
            .map(|(path, ..)| path)
            .chain(&["exec.backfilled"])
    };
    carbon.read_until(Duration::from_secs(20), |stored| {
        brought().all(|path| {
            let points = stored.get(&format!("freebox.home.{path}"));
            points.is_some_and(|points| points.last().is_some_and(|(at, _)| *at >= time))
        })
    })
}

pub(crate) type Points = BTreeMap<u64, f64>;

fn points(carbon: &Graphite, path: &str) -> Points {
    let points = carbon.points(&format!("freebox.home.{path}")).into_iter();
    let at = |time| u64::try_from(time).expect("after 1970");
    points.map(|(time, value)| (at(time), value)).collect()
}

/// Holds the points of a time against what the box had: each step is there, and right, and there is
/// nothing between.
fn check_filled(home: &Home, carbon: &Graphite, known: &[Known], (from, until): (u64, u64)) {
    for (path, database, field, scale, step) in known {
        let stored = points(carbon, path);
        let expected: Vec<u64> = (from..until)
            .filter(|it| it % step == 0 && it % MINUTE == 0)
            .collect();
        let found: Vec<u64> = stored.range(from..until).map(|(time, _)| *time).collect();
        let after = |times: &[u64]| {
            times
                .iter()
                .map(|it| (it - from) / MINUTE)
                .collect::<Vec<_>>()
        };
        assert_eq!(after(&found), after(&expected), "{path}");
        for time in expected {
            // The newest minute may lack its last step.
            let lengths = [*step, (*step).min(until - 10 - time)];
            let averages = lengths.map(|it| scale * home.average(database, field, time, it));
            // What the box cuts, and what lies between two of its looks.
            let near = |it: &f64| (stored[&time] - it).abs() <= 0.01 * it.abs() + 0.1;
            assert!(
                averages.iter().any(near),
                "{path} {}: {} and not {averages:?}",
                time - from,
                stored[&time]
            );
        }
    }
}

fn three_hours_off_leave_no_gap() {
    let (home, carbon) = (Home::hours_ago(6), appliance());
    let to = ["--carbon", &relay(&carbon)];
    home.runs(0..60, &to);
    assert_eq!(home.questions(), 0, "a healthy run asks nothing");
    let last = home.start + 59 * MINUTE;
    let before = stored_until(&carbon, last);
    let on = 60 + 180;
    home.runs([on], &to);
    assert!((1..=10).contains(&home.questions()));
    home.runs(on + 1..on + 5, &to);
    home.questions();
    home.runs(on + 5..on + 8, &to);
    assert_eq!(home.questions(), 0, "all is filled");
    let (from, until) = (home.start + 60 * MINUTE, home.start + on * MINUTE);
    let after = stored_until(&carbon, home.start + (on + 7) * MINUTE);
    check_filled(&home, &carbon, &KNOWN, (from, until));
    // What was live is as it was, and what the history does not know is empty.
    for (path, live) in &before {
        let bits = |(time, value): &(i64, f64)| (*time, value.to_bits());
        let kept: BTreeSet<_> = after[path].iter().map(bits).collect();
        assert!(live.iter().all(|it| kept.contains(&bits(it))), "{path}");
    }
    let unknown = points(&carbon, "connection.bytes_down");
    assert_eq!(unknown.range(from..until).count(), 0);
    let backfilled = points(&carbon, "exec.backfilled");
    assert!(backfilled[&(home.start)] == 0.0 && backfilled[&until] > 1000.0);
}

/// A carbon that is given each line once.
pub(crate) struct Once(pub(crate) Sink);

impl Once {
    pub(crate) fn start() -> Self {
        Once(Sink::start())
    }

    pub(crate) fn options(&self) -> Vec<String> {
        ["--carbon", &self.0.address(), "--resend", "0"]
            .map(str::to_owned)
            .into()
    }

    /// The points that have come since this was last asked, by series. None has come twice.
    pub(crate) fn series(&self) -> BTreeMap<String, Points> {
        let mut series: BTreeMap<String, Points> = BTreeMap::new();
        for line in self.0.take().iter().flat_map(|text| text.lines()) {
            let fields: Vec<&str> = line.split(' ').collect();
            let (value, time) = (
                fields[1].parse().expect(line),
                fields[2].parse().expect(line),
            );
            let path = fields[0].trim_start_matches("freebox.home.").to_owned();
            let before = series.entry(path).or_default().insert(time, value);
            assert_eq!(before, None, "twice: {line}");
        }
        series
    }
}

pub(crate) fn as_words(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

/// The minutes after the start of which there are points, among these.
pub(crate) fn minutes(home: &Home, points: &Points, (from, until): (u64, u64)) -> Vec<u64> {
    let among = points.range(home.minute(from)..home.minute(until));
    among
        .map(|(time, _)| (time - home.start) / MINUTE)
        .collect()
}

pub(crate) fn all(from: u64, until: u64) -> Vec<u64> {
    (from..until).collect()
}

pub(crate) const DOWN: &str = "connection.rate_down";
pub(crate) const CPU: &str = "system.sensor.cpu0.temperature";

fn a_box_and_a_carbon_that_were_away_leave_no_gap() {
    let (home, carbon) = (Home::hours_ago(6), appliance());
    let to = ["--carbon", &relay(&carbon)];
    home.runs(0..20, &to);
    home.at.refuse();
    carbon.kill("relay", Signal::KILL);
    for minute in (20..200).step_by(15) {
        assert_eq!(home.run(home.minute(minute) + 1, &to).code, 4);
    }
    home.at.accept_again();
    for minute in 200..204 {
        assert_eq!(home.run(home.minute(minute) + 1, &to).code, 5);
    }
    carbon.restart("relay").expect("the relay");
    home.runs(204..210, &to);
    stored_until(&carbon, home.minute(209));
    check_filled(&home, &carbon, &KNOWN, (home.minute(20), home.minute(200)));
    let up = points(&carbon, "exec.up");
    let outage: Vec<f64> = up
        .range(home.minute(20)..home.minute(200))
        .map(|it| *it.1)
        .collect();
    assert_eq!(outage, [0.0; 12]);
}

fn runs_that_are_killed_lose_nothing_and_double_nothing() {
    let (home, carbon) = (Home::hours_ago(6), appliance());
    let to = ["--carbon", &relay(&carbon)];
    home.runs(0..5, &to);
    home.at
        .fault("rrd", Fault::Latency(Duration::from_millis(40)));
    let mut random = Random(11);
    let mut killed = 0;
    for minute in 185..205 {
        let time = home.minute(minute) + 1;
        let mut command = home.command((time, time), &to);
        let mut child = command.stderr(Stdio::null()).spawn().expect("the program");
        // Wherever it is: at a request, or what follows it.
        let wanted = home.at.requests().len() + 1 + random.below(20) as usize;
        until("it neither asks nor ends", || {
            let is_over = child.try_wait().is_ok_and(|it| it.is_some());
            is_over || home.at.requests().len() >= wanted
        });
        thread::sleep(Duration::from_millis(random.below(200)));
        // It may have ended by itself.
        let _ = child.kill();
        killed += usize::from(child.wait().expect("its end").code().is_none());
    }
    assert!(killed >= 5, "{killed} of 20 killed");
    home.at.clear_faults();
    home.runs(205..215, &to);
    home.questions();
    home.runs(215..217, &to);
    assert_eq!(home.questions(), 0, "all is filled");
    stored_until(&carbon, home.minute(216));
    let line: Vec<Known> = KNOWN[..8].to_vec();
    check_filled(&home, &carbon, &line, (home.minute(5), home.minute(185)));
    for (path, ..) in line {
        let stored = points(&carbon, path);
        assert_eq!(minutes(&home, &stored, (185, 230)), all(185, 217), "{path}");
    }
}

fn a_clock_that_was_set_back_doubles_nothing() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..60, &as_words(&to));
    carbon.series();
    let run = |minute, of_box| {
        let times = (home.minute(minute) + 1, home.minute(of_box) + 1);
        let status = home.command(times, &as_words(&to)).status();
        assert_eq!(status.expect("the program").code(), Some(0));
        let series = carbon.series();
        let now = home.minute(minute) + 1;
        let newest = series.values().flat_map(|points| points.keys()).max();
        assert_eq!(newest, Some(&now), "nothing is ahead of the clock");
        series
    };
    // Three hours off, and the clock an hour back: it is minute 240.
    let mut filled: Vec<u64> = Vec::new();
    for minute in 180..190 {
        let series = run(minute, minute + 60);
        filled.extend(minutes(&home, &series[DOWN], (0, minute)));
    }
    filled.sort_unstable();
    assert_eq!(filled, all(60, 180));
    // Right again: it has gone on for an hour without us.
    let mut filled: Vec<u64> = Vec::new();
    for minute in 250..255 {
        let series = run(minute, minute);
        filled.extend(minutes(&home, &series[DOWN], (0, minute)));
    }
    assert_eq!(filled, all(190, 250));
    // Far back: all that is known then lies ahead.
    let series = run(30, 255);
    assert_eq!(minutes(&home, &series[DOWN], (0, 300)), [30]);
}

fn a_change_to_winter_time_is_no_gap() {
    // At one o'clock UTC of 25 October 2026, three o'clock becomes two o'clock.
    let mut home = Home::starting(1_792_890_000 - HOUR);
    home.monitor = home.monitor.with_variable("TZ", "Europe/Paris");
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..10, &as_words(&to));
    home.runs(130..134, &as_words(&to));
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 200)), all(0, 134));
}

fn a_day_is_filled_in_small_parts() {
    let (home, carbon) = (Home::hours_ago(30), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    let on = 5 + 24 * 60;
    let mut runs = 0;
    for minute in on.. {
        let run = home.run(home.minute(minute) + 1, &as_words(&to));
        run.is_fine();
        let questions = home.questions();
        assert!(questions <= 10, "{questions}");
        if questions == 0 {
            break;
        }
        runs += 1;
    }
    println!("a day of three databases: {runs} runs");
    assert!((2..=3).contains(&runs), "{runs} runs");
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (5, on)), all(5, on));
    assert_eq!(
        minutes(&home, &series["switch.port.1.rx_bytes_rate"], (5, on)),
        all(5, on)
    );
    let every_other: Vec<u64> = all(5, on).into_iter().filter(|it| it % 2 == 0).collect();
    assert_eq!(minutes(&home, &series[CPU], (5, on)), every_other);
}

fn who_runs_each_five_minutes_gets_five_minutes() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs((0..6).map(|it| it * 5), &as_words(&to));
    carbon.series();
    home.questions();
    home.runs([30, 35], &as_words(&to));
    assert_eq!(home.questions(), 0, "nothing is missing between");
    home.runs([65, 70], &as_words(&to));
    let series = carbon.series();
    assert_eq!(
        minutes(&home, &series[DOWN], (0, 100)),
        [30, 35, 40, 45, 50, 55, 60, 65, 70]
    );
    let at = home.minute(45);
    let average = home.average("net", "rate_down", at, 300);
    let told = series[DOWN][&at];
    assert!(
        (told - average).abs() < 0.02 * average,
        "{told} and not {average}"
    );
}

/// The lines of the runs that did not reach the box wait for carbon meanwhile.
fn who_runs_each_five_minutes_gets_an_outage_of_both_filled() {
    for carbon_is_away in [false, true] {
        let home = Home::hours_ago(6);
        let address = closed_port();
        let to = ["--carbon", &address];
        let carbon = (!carbon_is_away).then(|| Sink::at(&address));
        let run = |minute| home.run(home.minute(minute) + 1, &to).code;
        for minute in (0..30).step_by(5) {
            assert_eq!(run(minute), if carbon_is_away { 5 } else { 0 });
        }
        home.at.refuse();
        for minute in (30..90).step_by(5) {
            assert_eq!(run(minute), 4);
        }
        home.at.accept_again();
        let carbon = carbon.unwrap_or_else(|| Sink::at(&address));
        home.runs((18..24).map(|it| it * 5), &to);
        let text = carbon.take().concat();
        let of_line = text.lines().filter(|it| it.contains(DOWN));
        let times = of_line.filter_map(|it| it.rsplit(' ').next()?.parse::<u64>().ok());
        let minutes: BTreeSet<u64> = times.map(|it| (it - home.start) / MINUTE).collect();
        let expected: BTreeSet<u64> = (0..24).map(|it| it * 5).collect();
        let missing: Vec<_> = expected.difference(&minutes).collect();
        assert!(missing.is_empty(), "{carbon_is_away}: {missing:?}");
    }
}

fn two_runs_at_once_fill_a_gap_once() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    carbon.series();
    home.questions();
    home.at
        .fault("rrd", Fault::Latency(Duration::from_millis(300)));
    let time = home.minute(60) + 1;
    let start = || {
        let mut command = home.command((time, time), &as_words(&to));
        command.stderr(Stdio::piped()).spawn().expect("the program")
    };
    for child in [start(), start()] {
        let output = child.wait_with_output().expect("its end");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
    assert!(home.questions() <= 4);
    let text = carbon.0.take().concat();
    let of_minute =
        |line: &&str| line.contains(DOWN) && line.ends_with(&format!(" {}", home.minute(30)));
    assert_eq!(text.lines().filter(of_minute).count(), 1);
}

fn a_dry_run_shows_a_gap_and_leaves_it() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    carbon.series();
    let dry = [as_words(&to), vec!["--dry-run"]].concat();
    let shown = home.run(home.minute(10) + 1, &dry);
    assert_eq!(shown.code, 0);
    let of_line = |line: &&str| line.contains(DOWN);
    assert_eq!(shown.stdout.lines().filter(of_line).count(), 6);
    home.runs([10], &as_words(&to));
    assert_eq!(minutes(&home, &carbon.series()[DOWN], (0, 20)), all(5, 11));
}

fn what_one_line_of_a_crontab_has_written_another_does_not_overwrite() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    let other = [as_words(&to), vec!["--status", "dhcp"]].concat();
    home.runs(0..5, &as_words(&to));
    home.runs([6, 8], &other);
    carbon.series();
    home.runs([10], &as_words(&to));
    // The first line of the other has filled minute 5, its second one minute 7.
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 20)), [9, 10]);
}

fn who_takes_the_lines_of_a_command_gets_them_with_their_times() {
    let home = Home::hours_ago(6);
    let telegraf = ["-f", "influxdb", "--influx-timestamp"];
    let count = |minute, options: &[&str]| {
        let run = home.run(home.minute(minute) + 1, options);
        run.is_fine();
        let lines = run.stdout.lines().filter(|it| it.contains("rate_down="));
        lines.count()
    };
    for minute in 0..5 {
        assert_eq!(count(minute, &telegraf), 1);
    }
    let run = home.run(home.minute(20) + 1, &telegraf);
    let times: Vec<&str> = run
        .is_fine()
        .stdout
        .lines()
        .filter(|it| it.starts_with("freebox,") && it.contains("rate_down="))
        .filter_map(|it| it.rsplit(' ').next())
        .collect();
    let expected: Vec<String> = (5..20)
        .map(|it| format!("{}000000000", home.minute(it)))
        .chain([format!("{}000000000", home.minute(20) + 1)])
        .collect();
    assert_eq!(times, expected);
    // Without times there is nothing to be said of the past, nor to somebody who looks now and then.
    for minute in [30, 31, 32, 33, 60] {
        assert_eq!(count(minute, &["-f", "influxdb"]), 1);
    }
    let seldom = |minute| {
        let run = home.run(home.minute(minute) + 1, &[]);
        run.is_fine();
        run.stdout.lines().filter(|it| it.contains(DOWN)).count()
    };
    assert_eq!([70, 130, 190, 250, 310].map(seldom), [1; 5]);
}

/// The same command where stdout and stderr are a terminal.
pub(crate) fn at_a_terminal(command: &Command) -> Command {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<String> = words.map(|it| format!("'{}'", it.display())).collect();
    let variables = command
        .get_envs()
        .filter_map(|(name, it)| Some((name, it?)));
    let mut script = Command::new("script");
    script.args(["-qec", &words.join(" "), "/dev/null"]);
    script.env_clear().envs(variables).stdin(Stdio::null());
    script
}

fn who_sits_at_a_terminal_sees_the_present_only() {
    let home = Home::hours_ago(6);
    let shown = |minute| {
        let time = home.minute(minute) + 1;
        let mut script = at_a_terminal(&home.command((time, time), &[]));
        let output = script.output().expect("script starts");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter(|it| it.contains(DOWN)).count()
    };
    assert_eq!([0, 1, 2, 3, 4, 20].map(shown), [1; 6]);
}

fn a_section_that_fails_is_filled_when_it_is_back() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    home.at.fault("system", Fault::Html { status: 502 });
    for minute in 5..9 {
        assert_eq!(home.run(home.minute(minute) + 1, &as_words(&to)).code, 2);
    }
    assert_eq!(home.questions(), 0);
    home.at.clear_faults();
    home.runs(9..13, &as_words(&to));
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 20)), all(0, 13));
    let expected = [0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 12];
    assert_eq!(minutes(&home, &series[CPU], (0, 20)), expected);
}

fn a_box_that_declines_costs_one_word() {
    let cases = [
        (
            Refusal::InsufficientRights,
            "the permission 'settings' is missing; to have gaps filled, tick it in Freebox OS",
        ),
        (Refusal::NotFound, "the box says invalid_request"),
        (Refusal::Nothing, "it remembers nothing; gaps stay empty"),
    ];
    for (refusal, words) in cases {
        let home = Home::with(History {
            refusal: Some(refusal),
            ..History::default()
        });
        let carbon = Once::start();
        let to = carbon.options();
        home.runs(0..3, &as_words(&to));
        assert_eq!(home.questions(), 0);
        let run = home.run(home.minute(33) + 1, &as_words(&to));
        run.complained(0, words);
        assert!(home.questions() <= 10);
        home.runs(34..38, &as_words(&to));
        home.questions();
        home.runs(38..42, &as_words(&to));
        assert_eq!(home.questions(), 0, "{words}");
        // Another gap in the same hour.
        home.runs([60, 61], &as_words(&to));
        // It is asked again after that, and nothing is said any more.
        home.runs([110, 111, 180], &as_words(&to));
        let series = carbon.series();
        let live = [all(0, 3), all(33, 42), vec![60, 61]].concat();
        assert_eq!(minutes(&home, &series[DOWN], (0, 100)), live);
    }
}

fn a_history_that_fails_costs_no_live_line_and_is_asked_less_and_less() {
    let home = Home::hours_ago(6);
    let carbon = Once::start();
    let to = [
        carbon.options(),
        vec!["--timeout".to_owned(), "3".to_owned()],
    ]
    .concat();
    home.runs(0..3, &as_words(&to));
    home.at.fault("rrd", Fault::Hang);
    let run = home.run(home.minute(20) + 1, &as_words(&to));
    run.complained(
        0,
        "the box's own history: rrd/?db=net: no complete answer within 1.0 s",
    );
    assert!(
        run.stderr.contains("gaps are filled later"),
        "{}",
        run.stderr
    );
    let asked: Vec<usize> = (21..30)
        .map(|minute| {
            home.questions();
            home.runs([minute], &as_words(&to));
            home.questions()
        })
        .collect();
    assert!(asked.iter().filter(|it| **it > 0).count() <= 5, "{asked:?}");
    home.at.clear_faults();
    home.runs(40..60, &as_words(&to));
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 60)), all(0, 60));
}

/// The points of a gap of an hour and a half, filled by a box that remembers in some way.
fn filled_by(history: History) -> (Home, BTreeMap<String, Points>) {
    let home = Home::with(history);
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..3, &as_words(&to));
    home.runs(93..110, &as_words(&to));
    home.questions();
    home.runs(110..112, &as_words(&to));
    assert_eq!(home.questions(), 0, "it is not asked for for ever");
    (home, carbon.series())
}

fn odd_answers_are_used_as_far_as_they_go() {
    let short = |honest_end, newest_only| History {
        most_points: Some(100),
        honest_end,
        newest_only,
        ..History::default()
    };
    let whole = [
        short(true, false),
        short(false, false),
        short(false, true),
        History {
            texts: true,
            shuffled: true,
            ..History::default()
        },
        History {
            clock_offset: -25,
            ..History::default()
        },
        History {
            clock_offset: 25,
            ..History::default()
        },
        History {
            old_names: true,
            ..History::default()
        },
    ];
    for history in whole {
        let words = format!("{history:?}");
        let (home, series) = filled_by(history);
        assert_eq!(
            minutes(&home, &series[DOWN], (3, 93)),
            all(3, 93),
            "{words}"
        );
        let temperatures = minutes(&home, &series[CPU], (3, 93));
        assert!(temperatures.len() >= 40, "{words}: {temperatures:?}");
    }
    // Where the box has no finer steps than a minute, one in six has no rate.
    let absent = History {
        absent_every: Some(3),
        ..History::default()
    };
    let (home, series) = filled_by(absent);
    let told = minutes(&home, &series[DOWN], (3, 93));
    assert!((80..90).contains(&told.len()), "{told:?}");
    // A step that is longer than a minute is one point at its own time.
    let coarse = History {
        archives: Some(vec![(300, 10 * DAY)]),
        ..History::default()
    };
    let (home, series) = filled_by(coarse);
    let expected: Vec<u64> = (3..93).filter(|it| it % 5 == 0).collect();
    assert_eq!(minutes(&home, &series[DOWN], (3, 93)), expected);
}

/// A box that tells coarser points of more time is asked for less at a time.
fn a_gap_is_filled_as_finely_as_the_box_can() {
    let home = Home::hours_ago(30);
    home.at.set_history(History {
        coarser_beyond: Some(100),
        ..History::default()
    });
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..3, &as_words(&to));
    for minute in 1200..1300 {
        home.runs([minute], &as_words(&to));
        if home.questions() == 0 {
            break;
        }
    }
    assert_eq!(
        minutes(&home, &carbon.series()[DOWN], (3, 1200)),
        all(3, 1200)
    );
}

/// An answer that ends anywhere is none, a database that is lacking keeps no other back, and one that
/// fails for a while is asked again.
fn what_cannot_be_used_costs_nothing_else() {
    for bytes in [0, 10, 200, 5000] {
        let home = Home::with(History {
            cut_at: Some(bytes),
            ..History::default()
        });
        let carbon = Once::start();
        let to = carbon.options();
        home.runs(0..3, &as_words(&to));
        let run = home.run(home.minute(93) + 1, &as_words(&to));
        run.complained(0, "gaps are filled later");
        home.at.set_history(History::default());
        home.runs(94..104, &as_words(&to));
        assert_eq!(
            minutes(&home, &carbon.series()[DOWN], (0, 104)),
            all(0, 104),
            "{bytes}"
        );
    }
    let (home, series) = filled_by(History {
        lacks: vec!["temp".to_owned()],
        ..History::default()
    });
    assert_eq!(minutes(&home, &series[DOWN], (3, 93)), all(3, 93));
    assert!(minutes(&home, &series[CPU], (3, 93)).is_empty());
    let home = Home::with(History {
        refusal: Some(Refusal::ErrorCode("internal_error".to_owned())),
        ..History::default()
    });
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..3, &as_words(&to));
    home.run(home.minute(30) + 1, &as_words(&to))
        .complained(0, "the box says internal_error");
    home.runs(31..50, &as_words(&to));
    home.at.set_history(History::default());
    home.runs(50..100, &as_words(&to));
    assert_eq!(
        minutes(&home, &carbon.series()[DOWN], (0, 100)),
        all(0, 100)
    );
}

fn a_hole_is_not_asked_for_for_ever() {
    let mut home = Home::hours_ago(6);
    for (from, until) in [(3, 40), (30, 60), (60, 93), (3, 93)] {
        let history = History {
            holes: vec![(home.minute(from), home.minute(until))],
            ..History::default()
        };
        let (again, series) = filled_by(history);
        let expected: Vec<u64> = (3..93).filter(|it| !(from..until).contains(it)).collect();
        assert_eq!(minutes(&again, &series[DOWN], (3, 93)), expected);
        home = again;
    }
}

fn a_permission_opens_the_other_way() {
    let history = || History {
        no_get: true,
        ..History::default()
    };
    let home = Home::with(history());
    home.at.set_permission("settings", true);
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..3, &as_words(&to));
    home.runs([30], &as_words(&to));
    assert!(home.questions() <= 10);
    home.runs([31, 32], &as_words(&to));
    assert_eq!(minutes(&home, &carbon.series()[DOWN], (0, 40)), all(0, 33));
    // Without it, the word is the one that helps.
    let home = Home::with(history());
    home.runs(0..3, &as_words(&to));
    let run = home.run(home.minute(30) + 1, &as_words(&to));
    run.complained(0, "the permission 'settings' is missing");
    // Given later, it is noticed within an hour, without anybody's help.
    home.at.set_permission("settings", true);
    home.runs(31..100, &as_words(&to));
    assert_eq!(
        minutes(&home, &carbon.series()[DOWN], (0, 100)),
        all(0, 100)
    );
}

/// The box of a household, and the series of an hour in which half is a gap.
fn half_an_hour(
    recording: Json,
    history: History,
    more: &[&str],
) -> (Home, BTreeMap<String, Points>) {
    let start = u64::try_from(now()).expect("after 1970") / HOUR * HOUR - 6 * HOUR;
    let home = Home::of(recording, start, history);
    let carbon = Once::start();
    let to = [as_words(&carbon.options()), more.to_vec()]
        .concat()
        .join(" ");
    let to: Vec<&str> = to.split(' ').collect();
    home.runs(0..10, &to);
    home.runs(40..60, &to);
    (home, carbon.series())
}

fn older_boxes_and_copper_are_known_as_well() {
    for dsl_in_kilobits in [false, true] {
        let [_, revolution, _] = households::all();
        let history = History {
            old_names: true,
            dsl_in_kilobits,
            ..History::default()
        };
        let (home, series) = half_an_hour(revolution.recording, history, &[]);
        for (path, moving) in [
            ("connection.rate_up", Some(("net", "rate_up"))),
            ("connection.xdsl.down.bitrate", None),
            ("connection.xdsl.up.bitrate", None),
            ("connection.xdsl.down.snr", None),
            ("switch.port.2.tx_bytes_rate", Some(("switch", "tx_2"))),
        ] {
            let points = &series[path];
            assert_eq!(minutes(&home, points, (0, 60)), all(0, 60), "{path}");
            let (live, filled) = (points[&(home.minute(9) + 1)], points[&home.minute(10)]);
            let average = |(database, field)| home.average(database, field, home.minute(10), 60);
            let expected = moving.map_or(live, average);
            assert!(
                (filled - expected).abs() <= 0.03 * expected + 0.2,
                "{path}: {filled} and not {expected}"
            );
        }
        for path in ["system.sensor.cpum.temperature", "system.fan.0.rpm"] {
            let filled = minutes(&home, &series[path], (10, 40));
            assert_eq!(filled.len(), 15, "{path}");
        }
    }
}

fn the_upload_of_a_patched_line_is_not_taken_from_the_history() {
    let [ultra, ..] = households::all();
    let options = ["--patch-rate-up-bytes-up"];
    let (home, series) = half_an_hour(ultra.recording, History::default(), &options);
    assert_eq!(minutes(&home, &series[DOWN], (10, 40)), all(10, 40));
    assert!(minutes(&home, &series["connection.rate_up"], (10, 40)).is_empty());
}

fn what_graphite_web_shows_of_a_gap_is_done_with() {
    let (home, carbon) = (Home::hours_ago(40), appliance());
    let (web, relay) = (carbon.web(), relay(&carbon));
    let url = web.url();
    let to = ["--carbon", &relay, "--verify", &url];
    home.runs(0..3, &to);
    // More than a day, so that confirmations have to do for the older part.
    let on = 3 + 26 * 60;
    home.runs(on..on + 10, &to);
    stored_until(&carbon, home.minute(on + 9));
    // A line on its way from carbon's cache to the file is not shown for a moment, and goes again.
    let spool = home.monitor.spool(&home.at, &relay);
    let is_done = |minute: u64| {
        home.runs([minute], &to);
        let names = std::fs::read_dir(&spool).expect("the spool");
        let names = names.map(|it| it.expect("a file").file_name());
        let lines = names.filter(|it| it.to_string_lossy().ends_with(".lines"));
        lines.count() <= 1
    };
    assert!((on + 10..on + 20).any(is_done));
    let stored = points(&carbon, DOWN);
    assert_eq!(minutes(&home, &stored, (3, on)), all(3, on));
}

fn runs_that_could_only_leave_their_time_are_no_gap() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    let state = home.monitor.state(&home.at);
    let file = state.join("history.json");
    let kept = std::fs::read(&file).expect("the state");
    for minute in 5..10 {
        home.runs([minute], &as_words(&to));
        std::fs::write(&file, &kept).expect("as if it had not been written");
        let pulse = format!("{:010}\n", home.minute(minute) + 1);
        std::fs::write(state.join(".pulse"), pulse).expect("what is left of a run");
        // A run that could leave its lines has left more than that.
        std::fs::remove_dir_all(state.join("spool")).expect("the spool");
    }
    carbon.series();
    assert_eq!(home.questions(), 0);
    home.runs([10, 13], &as_words(&to));
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 20)), [10, 11, 12, 13]);
}

fn who_runs_each_twenty_minutes_has_no_gaps_between() {
    let (home, carbon) = (Home::hours_ago(8), Once::start());
    let to = carbon.options();
    home.runs((0..8).map(|it| it * 20), &as_words(&to));
    assert_eq!(home.questions(), 0);
    home.runs([220], &as_words(&to));
    let series = carbon.series();
    let expected: Vec<u64> = (0..12).map(|it| it * 20).collect();
    assert_eq!(minutes(&home, &series[DOWN], (0, 300)), expected);
}

fn a_point_is_never_put_where_something_live_is() {
    let (home, carbon) = (Home::hours_ago(8), Once::start());
    let to = carbon.options();
    home.runs([2, 7, 12, 17], &as_words(&to));
    home.runs([47, 52], &as_words(&to));
    let series = carbon.series();
    // Slots of five minutes, none with two points.
    let slots: Vec<u64> = minutes(&home, &series[DOWN], (0, 60))
        .iter()
        .map(|it| it / 5)
        .collect();
    assert_eq!(slots, all(0, 11));
}

fn two_lines_with_other_paths_are_filled_both() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    let other = [as_words(&to), vec!["-t", "flat"]].concat();
    for minute in [0, 1, 2, 3, 30, 31] {
        home.runs([minute], &as_words(&to));
        home.runs([minute], &other);
    }
    let series = carbon.series();
    let mut others = series
        .keys()
        .filter(|it| it.ends_with("rate_down") && *it != DOWN);
    let flat = &series[others.next().expect("the path of the other template")];
    for points in [&series[DOWN], flat] {
        assert_eq!(minutes(&home, points, (0, 60)), all(0, 32));
    }
}

fn a_clock_that_was_ahead_costs_no_gap() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs(0..5, &as_words(&to));
    carbon.series();
    // A day ahead for one run, at minute 5.
    let wrong = (home.minute(5 + 24 * 60) + 1, home.minute(5) + 1);
    let status = home.command(wrong, &as_words(&to)).status();
    assert!(status.expect("the program").success());
    assert!(home.questions() <= 10);
    home.runs(6..10, &as_words(&to));
    home.runs(60..66, &as_words(&to));
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 100)), all(5, 66));
}

fn one_part_that_hangs_costs_no_other() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = [
        carbon.options(),
        vec!["--timeout".to_owned(), "3".to_owned()],
    ]
    .concat();
    home.runs(0..4, &as_words(&to));
    home.at.fault("rrd/?db=net", Fault::Hang);
    let run = home.run(home.minute(20) + 1, &as_words(&to));
    run.complained(0, "rrd/?db=net: no complete answer");
    home.runs(21..30, &as_words(&to));
    let series = carbon.series();
    let port = &series["switch.port.1.rx_bytes_rate"];
    assert_eq!(minutes(&home, port, (0, 40)), all(0, 30));
    assert!(minutes(&home, &series[DOWN], (4, 20)).is_empty());
}

fn a_history_that_wants_another_session_costs_no_good_run() {
    let codes = [
        "auth_required",
        "invalid_session",
        "busy",
        "internal_error",
        "ratelimited",
    ];
    for code in codes {
        let (home, carbon) = (Home::hours_ago(6), Once::start());
        let to = carbon.options();
        home.runs(0..4, &as_words(&to));
        let fault = Fault::Envelope {
            status: 403,
            error_code: code.to_owned(),
        };
        home.at.fault("rrd", fault);
        let run = home.run(home.minute(20) + 1, &as_words(&to));
        run.complained(0, code);
        assert!(
            run.stderr.contains("gaps are filled later"),
            "{}",
            run.stderr
        );
        assert!(home.questions() <= 10);
        let up = &carbon.series()["exec.up"];
        assert!(up.values().all(|it| it.to_bits() == 1.0_f64.to_bits()));
        home.at.clear_faults();
        home.runs(30..34, &as_words(&to));
        let filled = minutes(&home, &carbon.series()[DOWN], (4, 34));
        assert_eq!(filled.len(), 29, "{code}");
    }
}

fn lines_that_wait_are_no_gap() {
    let home = Home::hours_ago(6);
    let address = closed_port();
    let to = ["--carbon", &address, "--resend", "0"];
    let away = |minute| assert_eq!(home.run(home.minute(minute) + 1, &to).code, 5);
    (0..4).for_each(away);
    // One that was killed when its lines were in hand and nothing else was.
    let file = home.monitor.state(&home.at).join("history.json");
    let kept = std::fs::read(&file).expect("the state");
    away(4);
    std::fs::write(&file, kept).expect("as if it had not been written");
    let carbon = Once(Sink::at(&address));
    home.runs([6], &to);
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 10)), all(0, 7));
    assert!(series[DOWN].contains_key(&(home.minute(4) + 1)));
    assert!(!series[DOWN].contains_key(&home.minute(4)));
}

fn only_what_is_collected_is_asked_for() {
    let (mut home, carbon) = (Home::hours_ago(6), Once::start());
    home.monitor = home.monitor.without_options(&SECTIONS);
    let to = carbon.options();
    home.runs(0..4, &as_words(&to));
    home.at.clear_requests();
    home.runs([30, 31], &as_words(&to));
    let requests = home.at.requests();
    let asked: Vec<&str> = requests
        .iter()
        .filter_map(|it| it.path.split_once("/rrd/?db="))
        .map(|(_, query)| query.split('&').next().expect("a name"))
        .collect();
    assert_eq!(asked, ["net"]);
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 40)), all(0, 32));
    assert!(!series.contains_key(CPU) && !series.contains_key("switch.port.1.rx_bytes_rate"));
}
