//! What is known of the past: which minutes have points, and where. A gap is what nobody has given a
//! place, and nothing else.

use std::collections::BTreeMap;
use std::fs;

use libtest_mimic::Trial;

use crate::disk::Mount;
use crate::history::{CPU, DOWN, HOUR, Home, MINUTE, Once, all, as_words, minutes};
use crate::receiver::{Sink, closed_port};
use crate::simulated_freebox::{History, Refusal};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        between_a_backfill_and_the_first_run_there_is_no_hole,
        other_words_in_a_template_are_no_other_place,
        what_a_killed_run_has_delivered_is_live,
        what_was_delivered_is_not_fetched_again,
        a_carbon_that_is_away_keeps_nothing_from_the_others,
        what_waits_for_carbon_is_not_pushed_out_by_the_past,
        a_permission_that_was_given_counts_at_once,
        what_is_live_after_the_clock_was_set_back_stays,
        who_runs_each_ninety_seconds_has_no_gaps_between,
    ]
}

pub(crate) fn trials_with_mounts() -> Vec<Trial> {
    trials![where_nothing_can_be_noted_nothing_is_filled]
}

/// As README teaches it: a month at once, and then a line for cron.
fn between_a_backfill_and_the_first_run_there_is_no_hole() {
    for first in [1, 2, 45] {
        let (home, carbon) = (Home::hours_ago(6), Once::start());
        let to = carbon.options();
        let backfill = [as_words(&to), vec!["--backfill", "1h"]].concat();
        assert_eq!(home.run(home.minute(0) + 20, &backfill).code, 0);
        home.runs(first..first + 5, &as_words(&to));
        let series = carbon.series();
        let before = series[DOWN].range(..home.start).count();
        let after = minutes(&home, &series[DOWN], (0, 100));
        assert_eq!((before, after), (60, all(0, first + 5)), "{first}");
    }
}

/// An upgrade, or somebody who tells why a rule is there.
fn other_words_in_a_template_are_no_other_place() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let printed = home.monitor.run(&["--print-template"]);
    let template = home.monitor.write("template", &printed.stdout);
    let path = template.to_str().expect("UTF-8");
    let to = carbon.options();
    let to = [as_words(&to), vec!["-t", path]].concat();
    home.runs(0..4, &to);
    let changed = format!(
        "# why\nlan.host.** {{prefix}}.{{host}}.x.{{default}}\n{}",
        printed.stdout
    );
    fs::write(&template, changed).expect("written");
    home.runs([20, 21], &to);
    let backfill = [to.clone(), vec!["--backfill", "20m"]].concat();
    assert_eq!(home.run(home.minute(21) + 30, &backfill).code, 0);
    // None has come twice.
    let series = carbon.series();
    assert_eq!(minutes(&home, &series[DOWN], (0, 30)), all(0, 22));
    // Other paths are another place, in which nothing is missing.
    let other = printed.stdout.replace("prefix = freebox", "prefix = other");
    fs::write(&template, other).expect("written");
    home.at.clear_requests();
    home.runs(40..43, &to);
    assert_eq!(home.questions(), 0);
}

/// Killed when its lines were safe, and nothing was noted: they are live, also when they do not wait
/// any more.
fn what_a_killed_run_has_delivered_is_live() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = ["--carbon", &carbon.0.address()];
    home.runs(0..4, &to);
    let file = home.monitor.state(&home.at).join("history.json");
    let before = fs::read(&file).expect("the state");
    home.runs([4], &to);
    fs::write(&file, before).expect("as if it had not been written");
    home.runs(5..12, &to);
    let text = carbon.0.take().concat();
    let of_minute = |line: &&str| {
        let time = line
            .rsplit(' ')
            .next()
            .and_then(|it| it.parse::<u64>().ok());
        let minute = home.minute(4)..home.minute(5);
        line.contains(DOWN) && time.is_some_and(|it| minute.contains(&it))
    };
    let mut lines: Vec<&str> = text.lines().filter(of_minute).collect();
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with(&format!(" {}", home.minute(4) + 1)),
        "{lines:?}"
    );
}

fn what_was_delivered_is_not_fetched_again() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    let backfill = |age| [as_words(&to), vec!["--backfill", age]].concat();
    let first = home.run(home.minute(0) + 1, &backfill("30h"));
    assert_eq!(first.code, 0, "{}", first.stderr);
    // Four hours later the box has coarser points of that time, and more is wanted.
    home.questions();
    let second = home.run(home.minute(240) + 1, &backfill("3d"));
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(home.questions() < 40);
    let left = "; 1 d 5 h that were delivered before are left as they are";
    assert!(second.stderr.contains(left), "{}", second.stderr);
    let file = home.monitor.state(&home.at).join("history.json");
    let advice = format!("has lost it, remove {}", file.display());
    assert!(second.stderr.contains(&advice), "{}", second.stderr);
    // None has come twice.
    let points = &carbon.series()[DOWN];
    let since = home.start - 30 * HOUR;
    assert_eq!(points.range(since..).count(), 34 * 60);
    assert!(points.range(..since).count() > 450);
    // As it says.
    fs::remove_file(file).expect("removed");
    let third = home.run(home.minute(240) + 30, &backfill("3d"));
    assert_eq!(third.code, 0);
    assert!(carbon.series()[DOWN].len() > 2000);
}

fn a_carbon_that_is_away_keeps_nothing_from_the_others() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let away = closed_port();
    let to = carbon.options();
    let both = [as_words(&to), vec!["--carbon", &away]].concat();
    let backfill = [both.clone(), vec!["--backfill", "10d"]].concat();
    let run = home.run(home.minute(0) + 1, &backfill);
    assert_eq!(run.code, 5, "{}", run.stderr);
    let words = format!("carbon at {away}: no connection");
    assert!(run.stderr.contains(&words), "{}", run.stderr);
    assert!(
        run.stderr.contains("; the rest goes to the others"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("delivered, but not to all"),
        "{}",
        run.stderr
    );
    let series = carbon.series();
    for path in [DOWN, "switch.port.1.rx_bytes_rate"] {
        let ends = [series[path].keys().next(), series[path].keys().next_back()];
        let ages = ends.map(|it| (home.start - it.expect("a point")) / HOUR);
        assert!(ages[0] >= 239 && ages[1] == 0, "{path}: {ages:?}");
    }
    // Given again, the one gets nothing twice, and the other what it has not.
    let late = Once(Sink::at(&away));
    assert_eq!(home.run(home.minute(1) + 1, &backfill).code, 0);
    let series = late.series();
    assert!(series[DOWN].len() > 3000 && series[CPU].len() > 2000);
}

/// What a run has told live is in no box's memory, or not as well.
fn what_waits_for_carbon_is_not_pushed_out_by_the_past() {
    let home = Home::hours_ago(6);
    let away = closed_port();
    let to = ["--carbon", &away, "--resend", "0", "--spool-size", "1M"];
    for minute in 0..3 {
        assert_eq!(home.run(home.minute(minute) + 1, &to).code, 5);
    }
    let backfill = [&to[..], &["--backfill", "30d"]].concat();
    home.at.clear_requests();
    let run = home.run(home.minute(3) + 1, &backfill);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(!run.stderr.contains("dropped"), "{}", run.stderr);
    assert!(run.stderr.ends_with("are kept\n"), "{}", run.stderr);
    assert!(
        run.stderr.contains("the box was not asked"),
        "{}",
        run.stderr
    );
    assert_eq!(home.questions(), 0);
    let carbon = Once(Sink::at(&away));
    home.runs([5], &to);
    assert_eq!(
        minutes(&home, &carbon.series()[DOWN], (0, 10))[..3],
        [0, 1, 2]
    );
}

fn a_permission_that_was_given_counts_at_once() {
    let home = Home::with(History {
        refusal: Some(Refusal::InsufficientRights),
        ..History::default()
    });
    let carbon = Once::start();
    let to = carbon.options();
    home.runs(0..3, &as_words(&to));
    let run = home.run(home.minute(30) + 1, &as_words(&to));
    run.complained(0, "to have gaps filled, tick it in Freebox OS");
    home.at.set_history(History::default());
    // Somebody who tries it by hand need not wait for the hour to be over.
    let backfill = [as_words(&to), vec!["--backfill", "10m"]].concat();
    assert_eq!(home.run(home.minute(30) + 30, &backfill).code, 0);
    home.runs(31..34, &as_words(&to));
    assert_eq!(minutes(&home, &carbon.series()[DOWN], (0, 40)), all(0, 34));
}

/// Lines that were sent once wait to be sent once more, while the clock goes through their time again.
fn what_is_live_after_the_clock_was_set_back_stays() {
    let (home, carbon) = (Home::hours_ago(6), Sink::start());
    let to = ["--carbon", &carbon.address()];
    home.runs(0..3, &to);
    home.runs([60], &to);
    home.runs(40..70, &to);
    // What carbon keeps: of each minute the last.
    let mut kept: BTreeMap<u64, u64> = BTreeMap::new();
    for line in carbon
        .take()
        .concat()
        .lines()
        .filter(|it| it.contains(DOWN))
    {
        let time: u64 = line
            .rsplit(' ')
            .next()
            .and_then(|it| it.parse().ok())
            .expect(line);
        kept.insert((time - home.start) / MINUTE, time % MINUTE);
    }
    let live: Vec<u64> = (0..3).chain(40..70).collect();
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), all(0, 70));
    for (minute, second) in kept {
        assert_eq!(second, u64::from(live.contains(&minute)), "{minute}");
    }
}

fn who_runs_each_ninety_seconds_has_no_gaps_between() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let to = carbon.options();
    for run in 0..20 {
        home.run(home.start + 90 * run, &as_words(&to)).is_fine();
    }
    assert_eq!(home.questions(), 0);
}

fn where_nothing_can_be_noted_nothing_is_filled() {
    let (home, carbon) = (Home::hours_ago(6), Once::start());
    let state = home.monitor.path(".local/state");
    fs::create_dir_all(&state).expect("a folder");
    let mount = Mount::at(&state, "size=1m").expect("left out otherwise");
    let to = carbon.options();
    home.runs(0..4, &as_words(&to));
    mount.read_only();
    home.at.clear_requests();
    for minute in [20, 21, 22] {
        let run = home.run(home.minute(minute) + 1, &as_words(&to));
        let words = "the box's own history: cannot write";
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(
            run.stderr.contains("gaps stay empty meanwhile"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(home.questions(), 0);
    let live = [0, 1, 2, 3, 20, 21, 22];
    assert_eq!(minutes(&home, &carbon.series()[DOWN], (0, 30)), live);
}
