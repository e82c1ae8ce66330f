//! A box that changes: updated, reset, replaced. It is looked for anew where that may have been.

use std::fs;
use std::time::SystemTime;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::absent::recording;
use crate::monitor::Monitor;
use crate::session::{count, known_app, paths, session_file};
use crate::simulated_freebox::{Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        an_update_over_a_restart_is_spoken_after_it,
        an_update_between_two_runs_is_spoken_at_once,
        a_version_that_goes_down_is_spoken,
        a_run_that_did_not_reach_the_box_keeps_the_session,
        the_box_is_looked_for_once_a_day,
        a_box_replaced_at_the_same_address_is_noticed,
        a_replaced_box_of_credentials_without_a_uid_is_registered_anew,
        a_replaced_box_that_knows_the_application_is_spoken_to_in_its_version,
    ]
}

/// A Delta that speaks 10.2 until it is updated.
fn before_the_update() -> (SimulatedFreebox, Monitor) {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        recording: recording("delta-xdsl-4g"),
        ..Options::default()
    });
    let monitor = Monitor::registered(&at).with(&["--all"]);
    monitor.run(&[]);
    let run = monitor.run(&[]);
    let lines = run.is_fine().untimed();
    assert!(!lines.contains(".update.") && !lines.contains(".standby."));
    (at, monitor)
}

fn update(at: &SimulatedFreebox) {
    at.set_version("14.0");
    at.expire_sessions();
    let new = recording("ultra");
    for path in ["update/", "standby/status"] {
        at.set_answer(path, new["answers"][path].clone());
    }
}

#[track_caller]
fn speaks_14(at: &SimulatedFreebox, monitor: &Monitor) {
    let run = monitor.run(&[]);
    let lines = run.is_fine().untimed();
    assert!(lines.contains(".update."), "{lines}");
    assert!(lines.contains(".standby."), "{lines}");
    // From then on a steady run asks for nothing but numbers.
    at.clear_requests();
    monitor.run(&[]).is_fine();
    assert_eq!((count(at, "login"), count(at, "api_version")), (0, 0));
    assert!(
        paths(at).iter().all(|path| path.starts_with("/api/v14/")),
        "{:?}",
        paths(at)
    );
}

fn an_update_over_a_restart_is_spoken_after_it() {
    let (at, monitor) = before_the_update();
    at.refuse();
    assert_eq!(monitor.run(&[]).code, 4);
    update(&at);
    at.accept_again();
    speaks_14(&at, &monitor);
}

fn an_update_between_two_runs_is_spoken_at_once() {
    let (at, monitor) = before_the_update();
    update(&at);
    speaks_14(&at, &monitor);
}

fn a_version_that_goes_down_is_spoken() {
    for (words, session_lives) in [
        ("invalid_api_version", true),
        ("invalid_api_version", false),
        // As a box says of whatever it does not know.
        ("invalid_request", true),
        ("invalid_request", false),
    ] {
        let (at, monitor) = before_the_update();
        update(&at);
        speaks_14(&at, &monitor);
        at.set_version("10.2");
        at.set_words_for_unknown_versions(words);
        if !session_lives {
            at.expire_sessions();
        }
        let run = monitor.run(&[]);
        let lines = run.is_fine().untimed();
        assert!(!lines.contains(".update."), "{lines}");
        at.clear_requests();
        monitor.run(&[]).is_fine();
        assert_eq!((count(&at, "login"), count(&at, "api_version")), (0, 0));
        assert!(
            paths(&at).iter().all(|path| path.starts_with("/api/v10/")),
            "{:?}",
            paths(&at)
        );
    }
}

fn a_run_that_did_not_reach_the_box_keeps_the_session() {
    let (at, monitor) = before_the_update();
    at.refuse();
    assert_eq!(monitor.run(&[]).code, 4);
    at.accept_again();
    at.clear_requests();
    monitor.run(&[]).is_fine();
    assert_eq!((count(&at, "login"), count(&at, "api_version")), (0, 1));
}

/// Moves the moment when the box was found.
fn found_earlier_by(monitor: &Monitor, seconds: i64) {
    let path = session_file(monitor);
    let mut file: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = i64::try_from(now.unwrap().as_secs()).unwrap() - seconds;
    file["sessions"][0]["known"]["endpoint"]["found"] = json!(then);
    fs::write(&path, file.to_string()).unwrap();
}

fn the_box_is_looked_for_once_a_day() {
    let (at, monitor) = before_the_update();
    let day = 24 * 3600;
    for (seconds, times) in [
        (day - 60, 0),
        (day + 60, 1),
        // The clock was set back since, or far ahead then.
        (-600, 1),
        (-400 * day, 1),
    ] {
        found_earlier_by(&monitor, seconds);
        at.clear_requests();
        monitor.run(&[]).is_fine();
        assert_eq!(
            (count(&at, "login"), count(&at, "api_version")),
            (0, times),
            "{seconds}"
        );
        at.clear_requests();
        monitor.run(&[]).is_fine();
        assert_eq!(count(&at, "api_version"), 0);
    }
}

const OTHER: &str = "ffffffffffffffffffffffffffffffff";

fn a_box_replaced_at_the_same_address_is_noticed() {
    let at = SimulatedFreebox::start(Options::default());
    let monitor = Monitor::trusting(&at);
    let place = format!("localhost:{}", at.https_port());
    let run = monitor.run(&["--register", "-e", &place]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    monitor.run(&[]).is_fine();
    at.set_uid(OTHER);
    for _ in 0..2 {
        monitor.run(&[]).failed(3, "this is another box (uid ffff");
    }
    let run = monitor.run(&["--register", "-e", &place]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    monitor.run(&[]).is_fine();
}

fn a_replaced_box_of_credentials_without_a_uid_is_registered_anew() {
    let (at, monitor) = before_the_update();
    at.set_uid(OTHER);
    monitor
        .run(&[])
        .failed(3, "register again with --register --force");
}

/// The session that an earlier run has left is of the box that was there then.
fn a_replaced_box_that_knows_the_application_is_spoken_to_in_its_version() {
    let (at, monitor) = before_the_update();
    at.set_in_document("uid", json!(OTHER));
    at.set_version("4.0");
    at.expire_sessions();
    for _ in 0..2 {
        at.clear_requests();
        let run = monitor.run(&[]);
        assert_eq!(run.value("connection.state"), "1");
    }
    let paths = paths(&at);
    let is_its_own = |path: &String| path.starts_with("/api/v4/");
    assert!(paths.iter().all(is_its_own), "{paths:?}");
}
