//! `--backfill`: a month at once, in every archive of a real carbon, broken off and started again,
//! and what it says to the person who waits for it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::graphite::Graphite;
use crate::history::{
    CPU, DAY, DOWN, HOUR, Home, MINUTE, Once, Points, all, appliance, as_words, at_a_terminal,
    minutes,
};
use crate::monitor::Run;
use crate::receiver::closed_port;
use crate::simulated_freebox::{Fault, History, Refusal};
use crate::trials;
use crate::until::until;
use crate::whole_way::relay;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_month_is_in_every_archive,
        what_is_live_stays,
        one_that_was_broken_off_goes_on,
        a_carbon_that_is_away_gets_it_later,
        it_is_shown_on_stdout_and_by_a_dry_run,
        the_upload_of_a_patched_line_is_left_out,
        in_influxdb_it_has_its_times,
        a_box_that_declines_is_told,
        a_box_that_fails_in_the_middle_is_told,
        a_box_that_is_away_is_told,
        how_far_back_the_box_knew_is_told,
        gaps_that_it_has_filled_are_not_asked_for_again,
        a_recording_has_an_hour_of_it,
        the_check_says_whether_there_is_any,
        somebody_who_waits_sees_how_far_it_is,
    ]
}

/// Nothing went wrong; the last of these lines is said.
#[track_caller]
fn went_well(run: &Run, last: &str) {
    assert_eq!(run.code, 0, "{}", run.stderr);
    let end = run.stderr.trim_end().lines().next_back();
    assert!(end.is_some_and(|it| it.ends_with(last)), "{}", run.stderr);
}

/// One of the archives of a series: the points by their time.
fn archive(carbon: &Graphite, path: &str, number: usize) -> Points {
    let points = carbon.archive(&format!("freebox.home.{path}"), number);
    let at = |time| u64::try_from(time).expect("after 1970");
    points
        .into_iter()
        .map(|(time, value)| (at(time), value))
        .collect()
}

fn a_month_is_in_every_archive() {
    let (home, carbon) = (Home::hours_ago(0), appliance());
    let now = home.start + 90;
    let run = home.run(
        now,
        &["--all", "--backfill", "30d", "--carbon", &relay(&carbon)],
    );
    went_well(
        &run,
        &format!(
            "points of the past delivered to carbon at {}",
            relay(&carbon)
        ),
    );
    let requests = home.at.requests().len();
    let questions = home.questions();
    println!("30 d of three databases: {requests} requests, {questions} of them for the history");
    assert!(
        requests <= 200 && questions <= 65,
        "{requests}, {questions}"
    );
    has_a_day_before(&carbon, DOWN, home.start);
    let oldest = home.start - 29 * DAY;
    until("nothing from a month ago", || {
        let stored = archive(&carbon, DOWN, 2);
        stored.first_key_value().is_some_and(|(at, _)| *at < oldest)
    });
    let ten = archive(&carbon, DOWN, 1);
    let hour = archive(&carbon, DOWN, 2);
    let mut checked = 0;
    // A slot of ten minutes is the average of the minutes below it, whatever the box had there.
    for age in ((2 * HOUR)..(8 * DAY)).step_by(6600) {
        let slot = (home.start - age) / 600 * 600;
        near(
            ten.get(&slot),
            home.average("net", "rate_down", slot, 600),
            0.01,
        );
        checked += 1;
    }
    // What is older is told by the hour, at the hour.
    for age in ((10 * DAY + 2 * HOUR)..(29 * DAY)).step_by(61_000) {
        let slot = (home.start - age) / HOUR * HOUR;
        let average = home.average("net", "rate_down", slot, HOUR);
        near(ten.get(&slot), average, 0.01);
        near(hour.get(&slot), average, 0.01);
        assert_eq!(ten.range(slot + 1..slot + HOUR).count(), 0);
        checked += 1;
    }
    assert!(checked > 120, "{checked}");
    // Of temperatures it is the highest.
    has_a_day_before(&carbon, CPU, home.start);
    let minute = archive(&carbon, CPU, 0);
    for (slot, highest) in archive(&carbon, CPU, 1).range(home.start - DAY..home.start - 600) {
        let below = minute.range(*slot..slot + 600).map(|(_, value)| *value);
        assert_eq!(below.fold(f64::MIN, f64::max).to_bits(), highest.to_bits());
    }
}

/// Waits until carbon has written every step of a day: it writes one series after the other.
#[track_caller]
fn has_a_day_before(carbon: &Graphite, path: &str, end: u64) {
    // Temperatures come every other minute.
    let step = if path == CPU { 2 * MINUTE } else { MINUTE };
    let file = format!("freebox.home.{path}");
    until(&format!("{path}: nothing at all"), || {
        carbon.files().contains(&file)
    });
    until(&format!("{path}: not each step of a day"), || {
        let stored = archive(carbon, path, 0);
        stored.range(end - DAY..end).count() as u64 == DAY / step
    });
}

#[track_caller]
fn near(stored: Option<&f64>, expected: f64, share: f64) {
    let stored = stored.copied().unwrap_or_default();
    assert!(
        (stored - expected).abs() <= share * expected,
        "{stored} and not {expected}"
    );
}

fn what_is_live_stays() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs([100, 101, 102, 105], &as_words(&to));
    carbon.series();
    let backfill = [as_words(&to), vec!["--backfill", "30m"]].concat();
    let dry = [backfill.clone(), vec!["--dry-run"]].concat();
    let shown = home.run(home.minute(110) + 1, &dry);
    let run = home.run(home.minute(110) + 1, &backfill);
    went_well(
        &run,
        &format!("delivered to carbon at {}", carbon.0.address()),
    );
    assert!(
        run.stderr
            .contains("; 5 min that were delivered before are left as they are"),
        "{}",
        run.stderr
    );
    // A dry run has shown just that.
    let series = carbon.series();
    let delivered: usize = series.values().map(Points::len).sum();
    assert_eq!(shown.stdout.lines().count(), delivered);
    // The last of those runs has filled two.
    let expected = [all(80, 100), all(106, 110)].concat();
    assert_eq!(minutes(&home, &series[DOWN], (0, 200)), expected);
    assert!(!series.contains_key("exec.up"), "it is no run of its own");
}

fn one_that_was_broken_off_goes_on() {
    let (home, carbon) = (Home::hours_ago(6), appliance());
    let backfill = ["--backfill", "3d", "--carbon", &relay(&carbon)];
    home.at
        .fault("rrd", Fault::Latency(Duration::from_millis(100)));
    let now = home.minute(60) + 1;
    for wanted in [1, 7, 13] {
        home.questions();
        let mut command = home.command((now, now), &backfill);
        let mut child = command.stderr(Stdio::null()).spawn().expect("the program");
        until("it asks no more", || {
            let requests = home.at.requests();
            requests
                .iter()
                .filter(|it| it.path.contains("/rrd/"))
                .count()
                >= wanted
        });
        child.kill().expect("it is at work");
        assert_eq!(
            child.wait().expect("its end").code(),
            None,
            "it ended by itself"
        );
    }
    home.at.clear_faults();
    // It goes on where it was, and says what to do if that is not wanted.
    let run = home.run(now, &backfill);
    went_well(&run, "history.json");
    let left = "the line: there was nothing to ask for; 2 d 23 h that were delivered before";
    assert!(run.stderr.contains(left), "{}", run.stderr);
    for path in [DOWN, "switch.port.1.tx_bytes_rate"] {
        has_a_day_before(&carbon, path, home.minute(60));
        let minute = archive(&carbon, path, 0);
        assert!(minute.keys().all(|time| *time < now), "nothing is ahead");
    }
}

fn a_carbon_that_is_away_gets_it_later() {
    let home = Home::hours_ago(6);
    let address = closed_port();
    let to = ["--carbon", &address, "--resend", "0"];
    let backfill = [&to[..], &["--backfill", "2h"]].concat();
    let run = home.run(home.minute(0) + 1, &backfill);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("lines are kept"), "{}", run.stderr);
    let carbon = Once(crate::receiver::Sink::at(&address));
    home.runs([1], &to);
    let series = carbon.series();
    let before = series[DOWN].range(..home.start).count();
    assert_eq!(before, 120);
}

fn it_is_shown_on_stdout_and_by_a_dry_run() {
    let home = Home::hours_ago(6);
    let run = home.run(home.start + 1, &["--backfill", "2h"]);
    went_well(&run, "points of the past delivered to stdout");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let of_line = lines.iter().filter(|it| it.contains(DOWN));
    assert_eq!(of_line.count(), 120);
    let count = format!("{} points of the past", lines.len());
    assert!(run.stderr.contains(&count), "{}", run.stderr);
    let carbon = closed_port();
    let dry = home.run(
        home.start + 1,
        &["--backfill", "2h", "--carbon", &carbon, "--dry-run"],
    );
    let words = format!("{count} for carbon at {carbon}; nothing sent, nothing written");
    went_well(&dry, &words);
    assert_eq!(dry.stdout, run.stdout);
    assert!(!home.monitor.state(&home.at).join("spool").exists());
    // Into a file it goes as a whole.
    let file = home.monitor.path("month.txt");
    let path = file.to_str().expect("UTF-8");
    went_well(
        &home.run(home.start + 1, &["--backfill", "30d", "--output", path]),
        path,
    );
    let written = std::fs::read_to_string(&file).expect("the file");
    assert!(
        written.lines().count() > 30_000,
        "{}",
        written.lines().count()
    );
}

fn the_upload_of_a_patched_line_is_left_out() {
    let home = Home::hours_ago(6);
    let options = ["--backfill", "1h", "--patch-rate-up-bytes-up"];
    let run = home.run(home.start + 1, &options);
    went_well(&run, "delivered to stdout");
    assert!(run.stdout.contains(DOWN) && !run.stdout.contains("connection.rate_up"));
}

fn in_influxdb_it_has_its_times() {
    let home = Home::hours_ago(6);
    let run = home.run(home.start + 1, &["--backfill", "1h", "-f", "influxdb"]);
    went_well(&run, "delivered to stdout");
    let of_line = run.stdout.lines().filter(|it| it.contains(" rate_down="));
    let times = of_line.map(|line| {
        assert!(
            line.contains(",conn_media=") && line.contains("bandwidth_up="),
            "{line}"
        );
        let (_, time) = line.rsplit_once(' ').expect("a time");
        time.parse::<u64>().expect("a number") / 1_000_000_000
    });
    let expected: Vec<u64> = (1..=60)
        .map(|it| home.start - HOUR + (it - 1) * MINUTE)
        .collect();
    assert_eq!(times.collect::<Vec<_>>(), expected);
}

fn a_box_that_declines_is_told() {
    let cases = [
        (
            Refusal::InsufficientRights,
            "the permission 'settings' is missing; tick it in Freebox OS",
        ),
        (Refusal::NotFound, "the box says invalid_request"),
        (
            Refusal::Nothing,
            "the line: the box remembers nothing of it",
        ),
    ];
    for (refusal, words) in cases {
        let home = Home::with(History {
            refusal: Some(refusal),
            ..History::default()
        });
        let run = home.run(home.start + 1, &["--backfill", "2h"]);
        went_well(&run, "0 points of the past delivered to stdout");
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

fn a_box_that_fails_in_the_middle_is_told() {
    let home = Home::hours_ago(6);
    home.at.fault_after("rrd", Fault::Html { status: 502 }, 3);
    let run = home.run(home.start + 1, &["--backfill", "2d"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let words = "the line: rrd/?db=net: HTTP status 502";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert!(
        run.stderr.contains("give the command again"),
        "{}",
        run.stderr
    );
    // Twice an hour and, of what is as coarse as that, six.
    let told = run.stdout.lines().filter(|it| it.contains(DOWN)).count();
    assert!((479..=480).contains(&told), "{told}");
    // A single failure costs nothing.
    home.at.clear_faults();
    home.at.fault_times("rrd", Fault::Html { status: 502 }, 1);
    let run = home.run(home.start + 1, &["--backfill", "5h"]);
    went_well(&run, "delivered to stdout");
}

fn a_box_that_is_away_is_told() {
    let home = Home::hours_ago(6);
    home.at.refuse();
    let run = home.run(home.start + 1, &["--backfill", "5h"]);
    run.complained(4, "connection refused");
    assert_eq!(run.stdout, "");
}

fn how_far_back_the_box_knew_is_told() {
    let mut home = Home::hours_ago(6);
    let since = home.start - 5 * HOUR;
    home = Home::with(History {
        since,
        ..History::default()
    });
    let run = home.run(home.start + 1, &["--backfill", "30d"]);
    went_well(&run, "delivered to stdout");
    for database in [
        "the line: 1200 points",
        "temperatures and fans: ",
        "the ports of the switch: ",
    ] {
        let line = run.stderr.lines().find(|it| it.starts_with(database));
        let line = line.unwrap_or_else(|| panic!("{database}: {}", run.stderr));
        assert!(line.ends_with("the oldest 5 h 0 min ago"), "{line}");
    }
}

fn gaps_that_it_has_filled_are_not_asked_for_again() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    home.runs([0], &as_words(&to));
    let backfill = [as_words(&to), vec!["--backfill", "3h"]].concat();
    let run = home.run(home.minute(90) + 30, &backfill);
    went_well(&run, &carbon.0.address());
    home.questions();
    home.runs([91, 92, 93, 94], &as_words(&to));
    // The last steps of the temperatures were not over.
    assert!(home.questions() <= 4);
    let series: BTreeMap<String, Points> = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 100)), all(0, 95));
}

fn a_recording_has_an_hour_of_it() {
    let home = Home::hours_ago(6);
    let file = home.monitor.path("box.json");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(home.run(home.start + 1, &["--record", path]).code, 0);
    let text = std::fs::read_to_string(&file).expect("a recording");
    for database in ["net", "temp", "switch", "dsl"] {
        assert!(
            text.contains(&format!("\"rrd/?db={database}\"")),
            "{database}"
        );
    }
    let replay = home.monitor.run(&["--replay", path, "--backfill", "1d"]);
    went_well(&replay, "delivered to stdout");
    let of_line: Vec<&str> = replay
        .stdout
        .lines()
        .filter(|it| it.contains(DOWN))
        .collect();
    assert!((59..=61).contains(&of_line.len()), "{}", of_line.len());
    // A replay itself is about now, and about nothing else.
    let run = home.monitor.run(&["--replay", path]);
    let times: std::collections::BTreeSet<&str> = run
        .stdout
        .lines()
        .filter_map(|it| it.rsplit(' ').next())
        .collect();
    assert_eq!(times.len(), 1);
}

fn the_check_says_whether_there_is_any() {
    let cases = [
        (
            None,
            "✓ history: the box remembers the line, temperatures and fans, the ports of the switch",
        ),
        (
            Some(Refusal::InsufficientRights),
            "- history: the permission 'settings' is missing\n  → to have gaps filled, tick it in",
        ),
        (
            Some(Refusal::NotFound),
            "- history: rrd/?db=net: the box says invalid_request",
        ),
        (
            Some(Refusal::Nothing),
            "- history: the box remembers nothing of these sections",
        ),
    ];
    for (refusal, words) in cases {
        let home = Home::with(History {
            refusal,
            ..History::default()
        });
        let run = home.run(home.start + 1, &["--check"]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    // What a part lacks is said beside what the others have, and what comes of it as a run says it.
    let home = Home::hours_ago(6);
    let fault = Fault::Envelope {
        status: 200,
        error_code: "internal_error".to_owned(),
    };
    home.at.fault("rrd/?db=temp", fault);
    let run = home.run(home.start + 1, &["--check"]);
    for words in [
        "✓ history: the box remembers the line, the ports of the switch; gaps are filled\n",
        "- history: rrd/?db=temp: the box says internal_error",
        "; gaps are filled later\n",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let run = home.run(home.start + 1, &["--check", "-f", "influxdb"]);
    let words = "- history: gaps stay empty: the lines of -f influxdb have no time\n";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}

/// In one line that is never wider than the terminal; where there is no such thing, in none.
fn somebody_who_waits_sees_how_far_it_is() {
    let home = Home::hours_ago(6);
    let carbon = Once::start();
    let to = carbon.options();
    let to = [as_words(&to), vec!["--backfill", "3h"]].concat();
    let shown = |terminal| {
        let command = home.command((home.start, home.start), &to);
        let output = at_a_terminal(&command).env("TERM", terminal).output();
        String::from_utf8_lossy(&output.expect("script starts").stdout).into_owned()
    };
    let text = shown("xterm");
    let progress = "\r\u{1b}[K\u{1b}[?7lthe line: ";
    assert!(text.contains(progress), "{text:?}");
    assert!(!shown("dumb").contains('\u{1b}'));
}
