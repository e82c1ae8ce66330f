//! The real relay, both caches and graphite-web under faults: what a run had in hand is in whisper
//! afterwards, at its own second.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::graphite::{Graphite, Options as CarbonOptions, Web};
use crate::monitor::{APP_ID, APP_TOKEN, Monitor};
use crate::random::Random;
use crate::session::healthy;
use crate::simulated_freebox::SimulatedFreebox;
use crate::trials;
use crate::whole_way::{carbon, carbon_with, now, relay};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_relay_killed_right_after_it_confirmed_loses_nothing,
        caches_terminated_right_after_they_were_fed_lose_nothing,
        a_relay_killed_in_the_middle_loses_nothing,
        a_relay_that_was_only_stopped_gets_lines_twice,
        a_relay_that_was_away_gets_all_of_it,
        an_hour_of_faults_loses_nothing,
    ]
}

pub(crate) fn trials_with_web() -> Vec<Trial> {
    trials![
        what_graphite_web_shows_is_done_with,
        what_graphite_web_does_not_show_goes_again,
        a_graphite_web_that_is_away_is_told,
        what_a_slow_carbon_does_not_show_yet_goes_again_in_silence,
        an_hour_of_faults_with_read_back_loses_nothing,
    ]
}

/// How long a run waits for the next, in place of a minute: longer than carbon keeps lines in its
/// memory only.
const MINUTE: Duration = Duration::from_millis(1400);
/// How long everything may take to be stored in the end.
const SOON: Duration = Duration::from_secs(20);
/// The library that sets a process's clock.
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Where it is, or why there is none.
pub(crate) fn faketime() -> Result<&'static str, String> {
    let found = FAKETIME.into_iter().find(|path| Path::new(path).exists());
    found.ok_or_else(|| "there is no faketime on this machine".to_owned())
}

/// Lets a process begin at this time, in seconds since 1970.
pub(crate) fn set_clock(command: &mut Command, clock: impl std::fmt::Display) {
    command
        .env("LD_PRELOAD", faketime().expect("left out otherwise"))
        .env("FAKETIME", format!("@{clock}"))
        .env("FAKETIME_FMT", "%s")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// A box, a user with a clock of their own, and what the runs had in hand.
struct Minutes {
    at: SimulatedFreebox,
    monitor: Monitor,
    carbon: String,
    /// What the clock of the next run says, in seconds since 1970.
    clock: i64,
    /// How long it may take, in seconds.
    timeout: &'static str,
    /// Path and timestamp of every line that a run had in hand, with its value.
    expected: BTreeMap<(String, i64), String>,
    more: Vec<String>,
}

impl Minutes {
    fn new(carbon: &Graphite) -> Self {
        let at = healthy();
        let monitor = Monitor::trusting(&at);
        monitor.write_credentials(&json!({
            "app_id": APP_ID, "app_token": APP_TOKEN, "name": "home",
            "endpoint": format!("https://localhost:{}", at.https_port()),
        }));
        Minutes {
            at,
            monitor,
            carbon: relay(carbon),
            // The whole hour has to be over: render shows nothing that is ahead.
            clock: now() - 2 * 3600,
            timeout: "4",
            expected: BTreeMap::new(),
            more: Vec::new(),
        }
    }

    fn spool(&self) -> PathBuf {
        self.monitor.spool(&self.at, &self.carbon)
    }

    fn waiting(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.spool()).into_iter().flatten();
        let files = files.map(|it| it.expect("a file").path());
        files
            .filter(|path| path.extension().is_some_and(|it| it == "lines"))
            .collect()
    }

    /// One run, perhaps killed after a while. Whether it ended by itself, and how.
    fn run(&mut self, kill_after: Option<Duration>) -> Option<i32> {
        let mut command = self.command();
        let mut child = command.stderr(Stdio::null()).spawn().expect("the program");
        if let Some(after) = kill_after {
            thread::sleep(after);
            let process = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
            let _ = kill_process(process.expect("a pid"), Signal::KILL);
        }
        let code = child.wait().expect("its end").code();
        self.note();
        self.clock += 60;
        code
    }

    /// The next run, with its clock and a number of its own.
    fn command(&self) -> Command {
        // A number that tells this run from all others.
        let rate = self.clock % 1_000_000;
        let line = json!({"success": true, "result": {"state": "up", "media": "ftth",
            "type": "ethernet", "rate_down": rate, "rate_up": 1, "bytes_down": 2, "bytes_up": 3}});
        self.at.set_answer("connection/", line);
        let mut arguments = vec!["--carbon", &self.carbon, "--timeout", self.timeout];
        arguments.extend(self.more.iter().map(String::as_str));
        let mut command = self.monitor.command(&arguments);
        set_clock(&mut command, self.clock);
        command
    }

    /// One run, and what it says.
    fn run_and_hear(&mut self) -> (Option<i32>, String) {
        let output = self.command().output().expect("the program");
        self.note();
        self.clock += 60;
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), words)
    }

    /// Notes the lines of the newest run, if they are in hand.
    fn note(&mut self) {
        for path in self.waiting() {
            let name = path
                .file_name()
                .and_then(|it| it.to_str())
                .expect("a name")
                .to_owned();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let lines = name.split(['-', '.']).nth(2).and_then(|it| it.parse().ok());
            if lines != Some(text.lines().count()) || !text.ends_with('\n') {
                continue;
            }
            for line in text.lines() {
                let fields: Vec<&str> = line.split(' ').collect();
                let key = (fields[0].to_owned(), fields[2].parse().expect("a time"));
                self.expected.insert(key, fields[1].to_owned());
            }
        }
    }

    /// Waits until all is stored, and says what is not: expected, missing, wrong.
    fn compare(&self, carbon: &Graphite) -> (usize, Vec<String>, Vec<String>) {
        let deadline = Instant::now() + SOON;
        loop {
            let stored = carbon.read_all();
            let (mut missing, mut wrong) = (Vec::new(), Vec::new());
            for ((path, timestamp), value) in &self.expected {
                let points = stored.get(path).map(Vec::as_slice).unwrap_or_default();
                let sent: f64 = value.parse().expect("a number");
                match points.iter().find(|(at, _)| at == timestamp) {
                    None => missing.push(format!("{path} {timestamp}")),
                    Some((_, it)) if (it - sent).abs() > 1e-6 * sent.abs() => {
                        wrong.push(format!("{path} {timestamp}: {it}, not {sent}"));
                    }
                    Some(_) => {}
                }
            }
            // Nothing that no run ever said.
            let known: BTreeSet<i64> = self.expected.keys().map(|(_, at)| *at).collect();
            for (path, points) in &stored {
                let strange = points
                    .iter()
                    .filter(|(at, _)| (at - self.clock) % 60 != 0 && !known.contains(at));
                wrong.extend(strange.map(|(at, it)| format!("{path} {at}: {it} from nowhere")));
            }
            if missing.is_empty() && wrong.is_empty() || Instant::now() > deadline {
                return (self.expected.len(), missing, wrong);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A relay with its caches, and a graphite-web that shows what they have.
fn with_web() -> (Graphite, Web) {
    let carbon = carbon("1s:1d");
    let web = carbon.web();
    (carbon, web)
}

fn a_relay_killed_right_after_it_confirmed_loses_nothing() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    for _ in 0..3 {
        assert_eq!(minutes.run(None), Some(0));
        carbon.kill("relay", Signal::KILL);
        carbon.restart("relay").expect("the relay");
        assert_eq!(minutes.run(None), Some(0));
        thread::sleep(MINUTE);
    }
    let (expected, missing, wrong) = minutes.compare(&carbon);
    assert!(expected > 6 * 28, "{expected}");
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn caches_terminated_right_after_they_were_fed_lose_nothing() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    assert_eq!(minutes.run(None), Some(0));
    thread::sleep(MINUTE);
    for signal in [Signal::TERM, Signal::KILL] {
        assert_eq!(minutes.run(None), Some(0));
        for cache in ["a", "b"] {
            carbon.kill(cache, signal);
        }
        for cache in ["a", "b"] {
            carbon.restart(cache).expect("a cache");
        }
        wait_for_the_caches(&carbon);
        assert_eq!(minutes.run(None), Some(0));
        thread::sleep(MINUTE);
    }
    let (_, missing, wrong) = minutes.compare(&carbon);
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn a_relay_killed_in_the_middle_loses_nothing() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    assert_eq!(minutes.run(None), Some(0));
    // It has the lines in its socket and does not read them any more.
    carbon.kill("relay", Signal::STOP);
    let code = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(400));
            carbon.kill("relay", Signal::KILL);
        });
        minutes.run(None)
    });
    assert_eq!(code, Some(5));
    carbon.restart("relay").expect("the relay");
    assert_eq!(minutes.run(None), Some(0));
    let (expected, missing, wrong) = minutes.compare(&carbon);
    assert!(expected > 3 * 28, "{expected}");
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn a_relay_that_was_only_stopped_gets_lines_twice() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    carbon.kill("relay", Signal::STOP);
    assert_eq!(minutes.run(None), Some(5), "unknown is not confirmed");
    carbon.kill("relay", Signal::CONT);
    assert_eq!(minutes.run(None), Some(0));
    let (_, missing, wrong) = minutes.compare(&carbon);
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn a_relay_that_was_away_gets_all_of_it() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    carbon.kill("relay", Signal::KILL);
    for waiting in 1..=30 {
        assert_eq!(minutes.run(None), Some(5));
        assert_eq!(minutes.waiting().len(), waiting);
    }
    carbon.restart("relay").expect("the relay");
    assert_eq!(minutes.run(None), Some(0));
    let (expected, missing, wrong) = minutes.compare(&carbon);
    assert!(expected > 31 * 28, "{expected}");
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn wait_for_the_caches(carbon: &Graphite) {
    let until = Instant::now() + Duration::from_secs(15);
    while !["a", "b"].iter().all(|cache| carbon.relay_reaches(cache)) {
        assert!(Instant::now() < until, "the relay does not find its caches");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sixty runs with faults between and during them.
fn an_hour(mut minutes: Minutes, carbon: &Graphite, seed: u64) {
    let mut random = Random(seed);
    let (mut faults, mut kills, mut ended) = (0, 0, 0);
    for run in 0..62 {
        let start = Instant::now();
        let kill = random.below(6) == 0;
        let after = Duration::from_millis(random.below(60));
        match minutes.run(kill.then_some(after)) {
            None => kills += 1,
            Some(_) => ended += 1,
        }
        // Every third run a fault, at once after the confirmation or a little later; it is over
        // before the next run but one.
        if run % 3 == 1 {
            faults += 1;
            thread::sleep(Duration::from_millis(random.one_of(&[0, 0, 2, 50, 400])));
            let victims: &[&str] =
                random.one_of(&[&["relay"][..], &["a"], &["b"], &["a", "b"], &["relay", "a"]]);
            let fault = random.one_of(&["kill", "terminate", "stop"]);
            for victim in victims {
                match fault {
                    "kill" => carbon.kill(victim, Signal::KILL),
                    "terminate" => carbon.kill(victim, Signal::TERM),
                    _ => carbon.kill(victim, Signal::STOP),
                }
            }
            thread::sleep(Duration::from_millis(300));
            for victim in victims {
                match fault {
                    "stop" => carbon.kill(victim, Signal::CONT),
                    _ => carbon.restart(victim).expect("a restart"),
                }
            }
        }
        if run % 3 == 2 {
            wait_for_the_caches(carbon);
        }
        thread::sleep(MINUTE.saturating_sub(start.elapsed()));
    }
    // What is still to be sent again.
    wait_for_the_caches(carbon);
    for _ in 0..3 {
        assert_eq!(minutes.run(None), Some(0));
        thread::sleep(MINUTE);
    }
    let (expected, missing, wrong) = minutes.compare(carbon);
    let present = expected - missing.len();
    println!(
        "{} runs ended, {kills} killed, {faults} faults: {expected} points expected, {present} present, {} missing",
        ended + 3,
        missing.len()
    );
    assert!(faults >= 15 && kills >= 3, "{faults} faults, {kills} kills");
    assert!(
        missing.is_empty(),
        "{} missing: {:?}",
        missing.len(),
        &missing[..missing.len().min(5)]
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(minutes.waiting().len() <= 3, "{:?}", minutes.waiting());
}

fn an_hour_of_faults_loses_nothing() {
    let carbon = carbon("1s:1d");
    an_hour(Minutes::new(&carbon), &carbon, 2026);
}

fn an_hour_of_faults_with_read_back_loses_nothing() {
    let (carbon, web) = with_web();
    let mut minutes = Minutes::new(&carbon);
    minutes.more = vec!["--verify".to_owned(), web.url()];
    an_hour(minutes, &carbon, 1984);
}

fn what_graphite_web_shows_is_done_with() {
    let (carbon, web) = with_web();
    let mut minutes = Minutes::new(&carbon);
    minutes.more = vec!["--verify".to_owned(), web.url()];
    for waiting in [1, 1, 1] {
        assert_eq!(minutes.run(None), Some(0));
        assert_eq!(minutes.waiting().len(), waiting);
        thread::sleep(MINUTE);
    }
    let (_, missing, wrong) = minutes.compare(&carbon);
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn what_graphite_web_does_not_show_goes_again() {
    let (carbon, web) = with_web();
    let mut minutes = Minutes::new(&carbon);
    // A graphite-web that is slow for once is none that does not show something.
    minutes.timeout = "30";
    minutes.more = vec![
        "--verify".to_owned(),
        web.url(),
        "--resend".to_owned(),
        "0".to_owned(),
    ];
    // A cache that is killed while it makes a file leaves half of one, for good.
    assert_eq!(minutes.run(None), Some(0));
    let (_, missing, _) = minutes.compare(&carbon);
    assert!(missing.is_empty(), "{missing:?}");
    thread::sleep(MINUTE);
    assert_eq!(minutes.run(None), Some(0));
    // All of it is in the memory of the caches, or on its way there.
    for process in ["relay", "a", "b"] {
        carbon.kill(process, Signal::KILL);
    }
    for process in ["a", "b", "relay"] {
        carbon.restart(process).expect("a restart");
    }
    assert_eq!(minutes.waiting().len(), 1, "not forgotten");
    assert_eq!(minutes.run(None), Some(0));
    thread::sleep(MINUTE);
    let (_, missing, wrong) = minutes.compare(&carbon);
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{missing:?} {wrong:?}"
    );
}

fn a_graphite_web_that_is_away_is_told() {
    let carbon = carbon("1s:1d");
    let mut minutes = Minutes::new(&carbon);
    minutes.more = vec![
        "--verify".to_owned(),
        format!("http://{}", crate::receiver::closed_port()),
    ];
    for waiting in [1, 1, 1] {
        assert_eq!(minutes.run(None), Some(0));
        // Twice confirmed is done with all the same.
        assert_eq!(minutes.waiting().len(), waiting);
        thread::sleep(MINUTE);
    }
    let run = minutes
        .monitor
        .run(&["--carbon", &minutes.carbon, "--verify", &minutes.more[1]]);
    run.complained(0, "graphite-web at http://127.0.0.1:");
}

fn what_a_slow_carbon_does_not_show_yet_goes_again_in_silence() {
    let carbon = carbon_with(CarbonOptions {
        schema: "1s:1d".to_owned(),
        updates: Some(1),
        ..CarbonOptions::default()
    });
    let web = carbon.web();
    for template in ["dotted", "tagged"] {
        let mut minutes = Minutes::new(&carbon);
        // Two hours apart, so that neither meets the other.
        minutes.clock -= if template == "tagged" { 7200 } else { 0 };
        minutes.more = ["--verify", &web.url(), "-t", template]
            .map(str::to_owned)
            .to_vec();
        let (start, until) = (minutes.clock, Instant::now() + Duration::from_secs(150));
        let third = (start + 120).to_string();
        loop {
            let (code, words) = minutes.run_and_hear();
            assert_eq!((code, words.as_str()), (Some(0), ""), "{template}");
            let name = |path: &PathBuf| path.file_name().map(|it| it.to_owned());
            let oldest = minutes.waiting().iter().filter_map(name).min();
            // Tagged series are shown only when they are written, two a second.
            let first = oldest.is_some_and(|it| it.to_string_lossy()[..10] < *third);
            if minutes.clock > start + 180 && !first {
                break;
            }
            assert!(
                Instant::now() < until,
                "{template}: {:?}",
                minutes.waiting()
            );
            thread::sleep(Duration::from_secs(5));
        }
    }
}
