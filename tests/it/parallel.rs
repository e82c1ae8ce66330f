//! Every section at once, over a few connections.

use std::collections::HashMap;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::monitor::{Monitor, check_lines};
use crate::session::{healthy, known_app};
use crate::simulated_freebox::{Fault, Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        every_path_is_asked_once,
        a_session_that_ends_in_the_middle_means_one_log_in,
        a_session_that_always_ends_is_not_chased,
        one_failing_section_costs_no_other,
        whatever_goes_wrong_in_the_middle_costs_one_section,
        jobs_bounds_the_connections,
        side_by_side_is_faster,
        the_upload_can_be_taken_from_the_switch,
        what_permissions_keep_back_is_said_once,
    ]
}

/// How often each path of the API was asked for since the last look.
fn asked(at: &SimulatedFreebox) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for request in at.requests() {
        *counts.entry(request.path).or_default() += 1;
    }
    counts
}

/// A box, a user with a session there, and what a run with every section says.
fn warmed_up(options: Options) -> (SimulatedFreebox, Monitor, String) {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        ..options
    });
    let monitor = Monitor::registered(&at).with(&["--all"]);
    monitor.run(&[]);
    let whole = monitor.run(&[]).is_fine().untimed();
    at.clear_requests();
    (at, monitor, whole)
}

fn every_path_is_asked_once() {
    let (at, monitor, _) = warmed_up(Options::default());
    let run = monitor.run(&[]);
    check_lines(&run.stdout);
    let asked = asked(&at);
    let twice: Vec<_> = asked.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(asked.len() > 40, "{}", asked.len());
    assert_eq!(run.value(".requests"), asked.len().to_string());
    assert_eq!(run.value(".logins"), "0");
}

fn a_session_that_ends_in_the_middle_means_one_log_in() {
    // With a little latency, several requests are under way when the session ends.
    let latency = Duration::from_millis(2);
    let (at, monitor, whole) = warmed_up(Options {
        latency,
        ..Options::default()
    });
    for requests in [0, 1, 5, 17, 30] {
        at.expire_sessions_after(requests);
        at.clear_requests();
        let run = monitor.run(&[]);
        assert_eq!(run.is_fine().untimed(), whole);
        assert_eq!(run.value(".logins"), "1", "after {requests}");
        let log_ins = at.requests().into_iter();
        let log_ins = log_ins
            .filter(|it| it.path.ends_with("login/session/"))
            .count();
        assert_eq!(log_ins, 1, "after {requests}");
    }
}

fn a_session_that_always_ends_is_not_chased() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        session_requests: Some(0),
        ..Options::default()
    });
    let run = Monitor::registered(&at).run(&["--all", "--timeout", "10"]);
    run.complained(3, "the box opens sessions and ends them at once");
    assert_eq!(run.value(".logins"), "2");
    assert_eq!(run.value("exec.up"), "0");
    let asked = asked(&at);
    let most = asked.iter().filter(|(path, _)| !path.contains("login"));
    assert!(most.clone().all(|(_, count)| *count <= 2), "{asked:?}");
}

fn one_failing_section_costs_no_other() {
    let (at, monitor, whole) = warmed_up(Options::default());
    for (path, words) in [
        (
            "lan/browser/interfaces",
            "section lan: lan/browser/interfaces/: ",
        ),
        ("system/", "section system: system/: "),
        ("wifi/bss", "section wifi: wifi/bss/: "),
    ] {
        at.fault(path, Fault::TruncatedJson);
        let run = monitor.run(&[]);
        run.complained(2, words);
        at.clear_faults();
        let node = words
            .trim_start_matches("section ")
            .split(':')
            .next()
            .unwrap();
        let others = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| !line.contains(&format!(".{node}.")));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(others(&run.untimed()), others(&whole));
        assert!(
            run.value(&format!(".section.{node}.ok")) == "0",
            "{}",
            run.stdout
        );
    }
}

fn whatever_goes_wrong_in_the_middle_costs_one_section() {
    let (at, monitor, whole) = warmed_up(Options::default());
    for fault in [
        "hang",
        "drip",
        "drip-headers",
        "truncated",
        "truncated-json",
        "stalled",
        "html:200",
        "html:502",
        "empty",
        "no-content",
        "wrong-type",
        "huge:9000000",
        "redirect:http://x.invalid/",
        "drop",
        "envelope:internal_error",
        "envelope:ratelimited",
        "broken-chunk",
    ] {
        at.fault("lan/browser/interfaces", fault.parse().expect(fault));
        let run = monitor.run(&["--timeout", "3"]);
        assert!(
            run.took < Duration::from_millis(3500),
            "{fault}: {:?}",
            run.took
        );
        assert!([0, 2].contains(&run.code), "{fault}: {}", run.stderr);
        assert!(run.stderr.lines().count() <= 1, "{fault}: {}", run.stderr);
        check_lines(&run.stdout);
        let without = |text: &str| {
            let lines = text.lines().filter(|line| !line.contains(".lan."));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(without(&run.untimed()), without(&whole), "{fault}");
        at.clear_faults();
    }
}

fn jobs_bounds_the_connections() {
    let (at, monitor, whole) = warmed_up(Options {
        latency: Duration::from_millis(3),
        ..Options::default()
    });
    for jobs in [1, 2, 4] {
        let before = at.connections();
        let run = monitor.run(&["--jobs", &jobs.to_string()]);
        assert_eq!(run.is_fine().untimed(), whole);
        assert_eq!(at.connections() - before, jobs);
    }
}

fn side_by_side_is_faster() {
    let (_at, monitor, _) = warmed_up(Options {
        latency: Duration::from_millis(20),
        ..Options::default()
    });
    let alone = monitor.run(&["--jobs", "1"]).took;
    let together = monitor.run(&["--jobs", "8"]).took;
    assert!(together * 2 < alone, "{together:?} against {alone:?}");
}

fn the_upload_can_be_taken_from_the_switch() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let run = monitor.run(&["--patch-rate-up-bytes-up"]);
    run.is_fine();
    let sum = |end: &str| -> i64 {
        let ports = run.stdout.lines().filter(|line| line.contains(end));
        let values = ports.map(|line| line.split(' ').nth(1).unwrap().parse::<i64>().unwrap());
        values.sum()
    };
    assert!(sum(".rx_good_bytes ") > 0, "{}", run.stdout);
    assert_eq!(
        run.value("connection.bytes_up"),
        sum(".rx_good_bytes ").to_string()
    );
    assert_eq!(
        run.value("connection.rate_up"),
        sum(".rx_bytes_rate ").to_string()
    );
    let unpatched = monitor.run(&["--status-switch"]);
    assert_ne!(
        unpatched.value("connection.bytes_up"),
        run.value("connection.bytes_up")
    );
}

fn what_permissions_keep_back_is_said_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["--all"]);
    let first = monitor.run(&[]);
    assert_eq!(
        (first.code, first.stderr.lines().count()),
        (0, 3),
        "{}",
        first.stderr
    );
    monitor.run(&[]).is_fine();
    at.refuse();
    assert_eq!(monitor.run(&[]).code, 4);
    at.accept_again();
    monitor.run(&[]).is_fine();
    // One more is news, the others are not.
    at.set_permission("calls", false);
    monitor.run(&[]).complained(0, "section call: ");
    // Who asks for one section hears of it each time.
    for _ in 0..2 {
        Monitor::registered(&at)
            .run(&["-C"])
            .complained(0, "the permission 'calls' is missing");
    }
}
