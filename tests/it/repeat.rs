//! `--repeat-after`: the same trouble is said when it begins, then once in that time, and its end
//! once; the exit code is always the true one.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;

use crate::kept::{a_minute_later, deliver};
use crate::monitor::{APP_ID, Monitor, Run, project_file};
use crate::receiver::{self, Sink};
use crate::session::healthy;
use crate::simulated_freebox::{Fault, SimulatedFreebox};
use crate::trials;
use crate::until::until;
use crate::web::{Answer, StandIn};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_box_that_refuses_is_said_once_and_its_return_once,
        without_it_every_run_says_it,
        a_carbon_that_is_away_is_said_once,
        a_graphite_web_that_is_away_is_said_once,
        once_in_the_time_it_is_said_again,
        a_section_that_fails_ends_when_a_run_has_looked_at_it,
        a_missing_permission_is_not_well_again_because_it_was_said,
        a_permission_that_was_asked_for_is_said_once_and_when_it_is_there,
        a_template_that_is_broken_is_said_once_for_its_line_of_the_crontab,
        somebody_who_wants_to_see_everything_sees_everything,
        a_log_level_for_others_changes_nothing,
        a_recording_says_nothing_of_the_box,
        what_is_tried_by_hand_speaks_each_time,
        nowhere_to_remember_it_every_run_says_it,
        a_process_that_stays_says_it_once,
        of_runs_at_the_same_time_one_speaks,
    ]
}

const AFTER: [&str; 2] = ["--repeat-after", "1h"];

fn quiet(monitor: &Monitor, arguments: &[&str]) -> Run {
    monitor.run(&[&AFTER, arguments].concat())
}

/// It ended with this code and no word.
#[track_caller]
fn silent(run: &Run, code: i32) {
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (code, ""),
        "{}",
        run.stdout
    );
}

fn memory(monitor: &Monitor) -> PathBuf {
    monitor.path(".local/state/freebox-monitor/said.json")
}

/// Makes everything that is remembered older, as if so many seconds had passed.
fn wait(monitor: &Monitor, seconds: u64) {
    fn older(json: &mut Json, seconds: u64) {
        match json {
            Json::Number(number) => {
                let time = number.as_u64().expect("a time");
                *json = (time - seconds).into();
            }
            Json::Array(list) => list.iter_mut().for_each(|it| older(it, seconds)),
            Json::Object(fields) => fields.values_mut().for_each(|it| older(it, seconds)),
            _ => {}
        }
    }
    let path = memory(monitor);
    let text = fs::read_to_string(&path).expect("the memory");
    let mut json: Json = serde_json::from_str(&text).expect("JSON");
    older(&mut json, seconds);
    fs::write(&path, json.to_string()).expect("the memory");
}

/// A box that the user with this home can be refused by, and taken back.
fn refused(monitor: &Monitor, at: &SimulatedFreebox) {
    at.revoke(APP_ID);
    at.expire_sessions();
    quiet(monitor, &[]).complained(3, "login/session/: ");
}

fn a_box_that_refuses_is_said_once_and_its_return_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    quiet(&monitor, &[]).is_fine();
    at.fault("", Fault::Html { status: 502 });
    let first = quiet(&monitor, &[]);
    first.complained(4, "502");
    assert_eq!(first.value(".exec.up"), "0");
    silent(&quiet(&monitor, &[]), 4);
    silent(&quiet(&monitor, &["-H"]), 4);
    wait(&monitor, 125 * 60);
    at.clear_faults();
    quiet(&monitor, &[]).complained(0, "the box: all is well again after 2 h 5 min");
    quiet(&monitor, &[]).is_fine();
}

fn without_it_every_run_says_it() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    refused(&monitor, &at);
    for _ in 0..2 {
        monitor.run(&[]).complained(3, "login/session/: ");
    }
}

fn a_carbon_that_is_away_is_said_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let away = receiver::closed_port();
    let other = Sink::start();
    let other = other.address();
    let carbons = ["--carbon", &away, "--carbon", &other];
    quiet(&monitor, &carbons).complained(5, &format!("carbon at {away}: "));
    // More lines are kept each time.
    silent(&quiet(&monitor, &carbons), 5);
    // A run without that carbon ends nothing.
    quiet(&monitor, &["--carbon", &other]).is_fine();
    silent(&quiet(&monitor, &carbons), 5);
    let back = Sink::at(&away);
    let words = format!("carbon at {away}: all is well again after ");
    quiet(&monitor, &carbons).complained(0, &words);
    quiet(&monitor, &carbons).is_fine();
    drop(back);
}

fn a_graphite_web_that_is_away_is_said_once() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let web = StandIn::answering(Answer::Other("503 Service Unavailable", "X-Nothing: 1", ""));
    let (carbon, url) = (sink.address(), web.url());
    let run = || {
        deliver(
            &monitor,
            &carbon,
            &[&AFTER[..], &["--verify", &url]].concat(),
        )
    };
    // Nothing to ask for yet.
    run().is_fine();
    a_minute_later(&monitor, &carbon);
    run().complained(0, &format!("graphite-web at {url}: "));
    // What was just confirmed rests: this run has nothing to ask for, and ends nothing.
    run().is_fine();
    a_minute_later(&monitor, &carbon);
    silent(&run(), 0);
    web.answer(Answer::Shown);
    run().is_fine();
    a_minute_later(&monitor, &carbon);
    let words = format!("graphite-web at {url}: all is well again after ");
    run().complained(0, &words);
    a_minute_later(&monitor, &carbon);
    run().is_fine();
}

fn once_in_the_time_it_is_said_again() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    refused(&monitor, &at);
    wait(&monitor, 3500);
    silent(&quiet(&monitor, &[]), 3);
    wait(&monitor, 100);
    quiet(&monitor, &[]).complained(3, "login/session/: ");
    silent(&quiet(&monitor, &[]), 3);
}

fn a_section_that_fails_ends_when_a_run_has_looked_at_it() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    at.fault("dhcp/config", Fault::TruncatedJson);
    let with = ["--status-dhcp"];
    quiet(&monitor, &with).complained(2, "section dhcp: dhcp/config/: ");
    silent(&quiet(&monitor, &with), 2);
    at.clear_faults();
    quiet(&monitor, &["-H"]).is_fine();
    at.fault("dhcp/config", Fault::TruncatedJson);
    silent(&quiet(&monitor, &with), 2);
    // Another reason is another trouble.
    at.clear_faults();
    at.fault("dhcp/config", Fault::Html { status: 500 });
    quiet(&monitor, &with).complained(2, "section dhcp: dhcp/config/: ");
    silent(&quiet(&monitor, &with), 2);
    at.clear_faults();
    quiet(&monitor, &with).complained(0, "section dhcp: all is well again after ");
    quiet(&monitor, &with).is_fine();
}

fn a_missing_permission_is_not_well_again_because_it_was_said() {
    let at = healthy();
    for permission in ["vm", "home", "profile", "camera", "settings", "parental"] {
        at.set_permission(permission, true);
    }
    at.set_permission("calls", false);
    let monitor = Monitor::registered(&at);
    quiet(&monitor, &["--all"]).complained(0, "the permission 'calls' is missing");
    quiet(&monitor, &["--all"]).is_fine();
    quiet(&monitor, &["-H"]).is_fine();
    quiet(&monitor, &["--all"]).is_fine();
}

fn a_permission_that_was_asked_for_is_said_once_and_when_it_is_there() {
    let at = healthy();
    at.set_permission("calls", false);
    let monitor = Monitor::registered(&at);
    quiet(&monitor, &["-C"]).complained(0, "the permission 'calls' is missing");
    quiet(&monitor, &["-C"]).is_fine();
    monitor
        .run(&["-C"])
        .complained(0, "the permission 'calls' is missing");
    at.set_permission("calls", true);
    at.expire_sessions();
    let words = "permission for section call: all is well again after ";
    quiet(&monitor, &["-C"]).complained(0, words);
}

fn a_template_that_is_broken_is_said_once_for_its_line_of_the_crontab() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let template = monitor.write("my.template", "** {nothing}\n");
    let broken = ["-t", template.to_str().unwrap()];
    quiet(&monitor, &broken).complained(1, "line 1, column 4");
    silent(&quiet(&monitor, &broken), 1);
    // Another line has another template, and cannot say that this one is well again.
    quiet(&monitor, &[]).is_fine();
    silent(&quiet(&monitor, &broken), 1);
    monitor.write("my.template", "** {endpoint}.{default}\n");
    quiet(&monitor, &broken).complained(0, "my.template: all is well again after ");
    quiet(&monitor, &broken).is_fine();
}

fn somebody_who_wants_to_see_everything_sees_everything() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    refused(&monitor, &at);
    for _ in 0..2 {
        let run = quiet(&monitor, &["--debug"]);
        assert!(
            run.stderr.contains("login/session/: the box"),
            "{}",
            run.stderr
        );
    }
}

fn a_log_level_for_others_changes_nothing() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with_variable("RUST_LOG", "ureq=debug,info");
    refused(&monitor, &at);
    silent(&quiet(&monitor, &[]), 3);
    let off = Monitor::registered(&at).with_variable("RUST_LOG", "off");
    silent(&quiet(&off, &[]), 3);
}

fn a_recording_says_nothing_of_the_box() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    refused(&monitor, &at);
    let recording = project_file("tests/boxes/ultra.json");
    quiet(&monitor, &["--replay", recording.to_str().unwrap()]).is_fine();
    silent(&quiet(&monitor, &[]), 3);
}

fn what_is_tried_by_hand_speaks_each_time() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    refused(&monitor, &at);
    for _ in 0..2 {
        let run = quiet(&monitor, &["--dry-run"]);
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains("login/session/: "), "{}", run.stderr);
    }
}

fn nowhere_to_remember_it_every_run_says_it() {
    let at = healthy();
    // Nothing can be made below what is no folder.
    let monitor = Monitor::registered(&at).with_variable("XDG_STATE_HOME", "/dev/null/state");
    at.revoke(APP_ID);
    for _ in 0..2 {
        let run = quiet(&monitor, &[]);
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains("login/session/: "), "{}", run.stderr);
    }
}

/// Waits until so many runs more have delivered.
#[track_caller]
fn beats(sink: &Sink, count: usize) {
    let mut seen = 0;
    until("too few runs", || {
        seen += sink.take().len();
        seen >= count
    });
}

fn a_process_that_stays_says_it_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let sink = Sink::start();
    at.fault("", Fault::Html { status: 502 });
    let address = sink.address();
    let stay = ["--every", "1", "--resend", "0", "--carbon", &address];
    let mut command = monitor.command(&[&AFTER, &stay[..]].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program");
    beats(&sink, 2);
    at.clear_faults();
    // The first of these may have been under way.
    beats(&sink, 3);
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    kill_process(process.expect("a pid"), Signal::TERM).expect("a signal");
    let mut words = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut words).expect("UTF-8");
    assert_eq!(child.wait().expect("its end").code(), Some(0), "{words}");
    let lines: Vec<&str> = words.lines().collect();
    let [trouble, end] = lines[..] else {
        panic!("{words}");
    };
    assert!(trouble.contains("502"), "{words}");
    assert!(end.contains("the box: all is well again after "), "{words}");
}

fn of_runs_at_the_same_time_one_speaks() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let template = monitor.write("my.template", "** {nothing}\n");
    let broken = ["-t", template.to_str().unwrap()];
    let runs: Vec<Run> = thread::scope(|scope| {
        let run = || quiet(&monitor, &broken);
        let running: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        let ended = running.into_iter().map(|it| it.join().expect("a run"));
        ended.collect()
    });
    assert!(runs.iter().all(|run| run.code == 1));
    let spoke = runs.iter().filter(|run| !run.stderr.is_empty());
    assert_eq!(spoke.count(), 1);
}
