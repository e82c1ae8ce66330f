//! What becomes of lines that carbon has not confirmed, or only once.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::kept::{
    LINES, a_minute_later, deliver, folder, now, put, put_run, recording, spools, waiting,
};
use crate::monitor::{Monitor, PROGRAM, Run, check_lines};
use crate::random::Random;
use crate::receiver::{FullQueue, Manner, Receiver, Sink, closed_port};
use crate::session::healthy;
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        lines_of_a_failed_run_go_first_in_the_next,
        a_confirmed_run_is_sent_once_more_and_then_forgotten,
        what_was_just_confirmed_rests,
        resend_0_forgets_at_once,
        resend_2_sends_three_times,
        a_confirmation_in_the_future_does_not_hold_lines_back,
        a_run_ahead_of_the_clock_is_held_back,
        a_torn_file_is_cut_back_to_its_last_line,
        strange_lines_are_not_sent,
        an_empty_file_harms_nothing,
        other_files_are_left_alone_and_told_once,
        a_pipe_in_the_spool_does_not_block,
        a_giant_file_is_left_alone,
        what_is_too_old_is_dropped_and_counted,
        what_is_too_much_is_dropped_and_counted,
        a_week_away_stays_within_bounds,
        a_hundred_runs_are_drained_at_once,
        a_backlog_of_megabytes_goes_in_several_connections,
        two_carbons_have_two_fates,
        a_stuck_carbon_delays_no_other,
        the_run_tells_what_waits,
        the_run_tells_what_was_dropped,
        an_early_close_is_no_confirmation,
        a_state_folder_that_is_a_file_stops_nothing,
        a_spool_that_is_a_file_stops_nothing,
        a_broken_note_is_as_good_as_none,
        nobody_else_can_read_what_waits,
        a_dry_run_touches_no_spool,
        sizes_and_ages_are_read_strictly,
        a_run_larger_than_the_spool_is_delivered,
        a_run_larger_than_the_spool_is_kept,
        a_spool_that_cannot_be_read_is_told,
        a_run_of_many_minutes_is_held_back_by_its_newest,
        what_killed_runs_left_goes_after_an_hour,
        a_spool_that_is_not_named_any_more_expires,
        a_spool_that_is_not_named_keeps_its_own_bounds,
        what_is_no_spool_is_left_alone,
        carbons_whose_names_look_alike_have_spools_of_their_own,
        a_spool_of_an_earlier_version_goes_on_under_its_new_name,
        a_spool_of_an_earlier_version_expires_when_it_is_not_named,
        killed_at_any_moment_nothing_is_torn_or_lost,
        nc_can_drain_it_by_hand,
    ]
}

fn lines_of_a_failed_run_go_first_in_the_next() {
    let monitor = Monitor::new();
    let address = closed_port();
    let run = deliver(&monitor, &address, &[]);
    run.failed(5, "Connection refused (os error 111); 52 lines are kept");
    assert_eq!(waiting(&monitor, &address).len(), 1);
    let again = deliver(&monitor, &address, &[]);
    again.failed(5, "; 104 lines are kept");
    let sink = Sink::at(&address);
    deliver(&monitor, &address, &[]).is_fine();
    let texts = sink.take();
    assert_eq!(texts.len(), 1, "one connection");
    let stamps: Vec<u64> = texts[0]
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(stamps.len(), 3 * 52);
    assert!(stamps.is_sorted(), "{stamps:?}");
}

fn a_confirmed_run_is_sent_once_more_and_then_forgotten() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let address = sink.address();
    deliver(&monitor, &address, &[]).is_fine();
    let first = sink.take().concat();
    assert_eq!(first.lines().count(), 52);
    a_minute_later(&monitor, &address);
    deliver(&monitor, &address, &[]).is_fine();
    let second = sink.take().concat();
    assert!(second.starts_with(&first), "{second}");
    assert_eq!(second.lines().count(), 2 * 52);
    // The first has been confirmed twice, the second once.
    assert_eq!(waiting(&monitor, &address).len(), 1);
    a_minute_later(&monitor, &address);
    deliver(&monitor, &address, &[]).is_fine();
    // The second for the second time, and its own.
    assert_eq!(sink.take().concat().lines().count(), 2 * 52);
    assert_eq!(waiting(&monitor, &address).len(), 1);
}

fn what_was_just_confirmed_rests() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    for runs in 1..=3 {
        deliver(&monitor, &sink.address(), &[]).is_fine();
        assert_eq!(sink.take().concat().lines().count(), 52);
        assert_eq!(waiting(&monitor, &sink.address()).len(), runs);
    }
}

fn resend_0_forgets_at_once() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    assert!(waiting(&monitor, &sink.address()).is_empty());
}

fn resend_2_sends_three_times() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    put_run(&monitor, &sink.address(), now() - 500);
    let mut seen = 0;
    for _ in 0..5 {
        deliver(&monitor, &sink.address(), &["--resend", "2"]).is_fine();
        seen += sink.take().concat().matches("old.run").count();
        a_minute_later(&monitor, &sink.address());
    }
    assert_eq!(seen, 3);
}

fn a_confirmation_in_the_future_does_not_hold_lines_back() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let (then, future) = (now() - 100, now() + 86_400);
    let text = format!("old.run 1 {then}\n");
    let name = format!("{then:010}-7-1.1-{future}.lines");
    put(&monitor, &sink.address(), &name, &text);
    deliver(&monitor, &sink.address(), &[]).is_fine();
    assert!(sink.take().concat().starts_with(&text));
}

fn a_run_ahead_of_the_clock_is_held_back() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let tomorrow = now() + 86_400;
    put_run(&monitor, &sink.address(), tomorrow);
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    assert!(!sink.take().concat().contains("old.run"));
    // It is not dropped either: the clock may be what is wrong.
    assert_eq!(
        waiting(&monitor, &sink.address()),
        [format!("{tomorrow:010}-7-1.lines")]
    );
}

fn a_torn_file_is_cut_back_to_its_last_line() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let then = now() - 100;
    let text = format!("old.run 1 {then}\nold.other 2 {then}\nold.third 3 17");
    put(
        &monitor,
        &sink.address(),
        &format!("{then:010}-7-3.lines"),
        &text,
    );
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    let sent = sink.take().concat();
    assert!(
        sent.starts_with(&format!("old.run 1 {then}\nold.other 2 {then}\nfreebox")),
        "{sent}"
    );
    assert!(waiting(&monitor, &sink.address()).is_empty());
}

fn strange_lines_are_not_sent() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let then = now() - 100;
    let text = format!(
        "a.nan nan {then}\nb.inf inf {then}\nold.run 1 {then}\n\nc.é 1 {then}\nd 1\n\u{0}\u{0}\ne 1 {then} 5\nf 1 1e9\n"
    );
    put(
        &monitor,
        &sink.address(),
        &format!("{then:010}-7-9.lines"),
        &text,
    );
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    let sent = sink.take().concat();
    assert!(
        sent.starts_with(&format!("old.run 1 {then}\nfreebox.")),
        "{sent}"
    );
}

fn an_empty_file_harms_nothing() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    put(
        &monitor,
        &sink.address(),
        &format!("{:010}-7-9.lines", now() - 100),
        "",
    );
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    assert_eq!(sink.take().concat().lines().count(), 52);
    assert!(waiting(&monitor, &sink.address()).is_empty());
}

fn other_files_are_left_alone_and_told_once() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let address = sink.address();
    put(&monitor, &address, "README", "mine");
    put(&monitor, &address, "17-1.lines", "not.mine 1 17\n");
    let run = deliver(&monitor, &address, &[]);
    run.complained(
        0,
        "holds 17-1.lines and 1 more, which is not from here and is left alone",
    );
    deliver(&monitor, &address, &[]).is_fine();
    assert!(!sink.take().concat().contains("not.mine"));
    assert!(folder(&monitor, &address).join("README").exists());
    put(&monitor, &address, "notes.txt", "new");
    deliver(&monitor, &address, &[]).complained(0, "holds notes.txt, which");
}

fn a_pipe_in_the_spool_does_not_block() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    put_run(&monitor, &sink.address(), now() - 100);
    let pipe = folder(&monitor, &sink.address()).join(format!("{:010}-8-1.lines", now() - 99));
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let run = deliver(&monitor, &sink.address(), &[]);
    run.complained(0, "which is not from here and is left alone");
    assert!(sink.take().concat().starts_with("old.run"));
}

fn a_giant_file_is_left_alone() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    put_run(&monitor, &sink.address(), now() - 100);
    let name = format!("{:010}-7-1.lines", now() - 100);
    let path = folder(&monitor, &sink.address()).join(name);
    let file = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the file");
    file.set_len(2 << 30).expect("a sparse file");
    let run = deliver(&monitor, &sink.address(), &[]);
    run.complained(0, "is left alone");
    assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
}

fn what_is_too_old_is_dropped_and_counted() {
    let (monitor, address) = (Monitor::new(), closed_port());
    put_run(&monitor, &address, now() - 8 * 86_400);
    put_run(&monitor, &address, now() - 6 * 86_400);
    let run = deliver(&monitor, &address, &[]);
    assert_eq!(run.code, 5);
    assert!(
        run.stderr
            .contains("1 lines waited too long and were dropped"),
        "{}",
        run.stderr
    );
    assert_eq!(waiting(&monitor, &address).len(), 2);
    let run = deliver(&monitor, &address, &["--spool-age", "5d"]);
    assert!(
        run.stderr.contains("1 lines waited too long"),
        "{}",
        run.stderr
    );
    assert_eq!(waiting(&monitor, &address).len(), 2);
}

fn what_is_too_much_is_dropped_and_counted() {
    let (monitor, address) = (Monitor::new(), closed_port());
    for seconds in 1..=5 {
        put_run(&monitor, &address, now() - seconds * 60);
    }
    let run = deliver(&monitor, &address, &["--spool-size", "5K"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(!run.stderr.contains("dropped"), "{}", run.stderr);
    let run = deliver(&monitor, &address, &["--spool-size", "5K"]);
    assert!(
        run.stderr
            .contains("lines were dropped: more wait than --spool-size allows"),
        "{}",
        run.stderr
    );
    let sizes = waiting(&monitor, &address).into_iter().map(|name| {
        let path = folder(&monitor, &address).join(name);
        fs::metadata(path).expect("a file").len()
    });
    assert!(sizes.sum::<u64>() <= 5 * 1024);
    // The newest is what stays.
    assert!(
        !waiting(&monitor, &address)
            .iter()
            .any(|name| name.contains("-7-1."))
    );
}

fn a_week_away_stays_within_bounds() {
    let (monitor, address) = (Monitor::new(), closed_port());
    // As a week leaves them: one run a minute, and three days more.
    let minutes = 10 * 24 * 60;
    for minute in 1..=minutes {
        put_run(&monitor, &address, now() - minute * 60);
    }
    let run = deliver(&monitor, &address, &["--spool-size", "300K"]);
    assert_eq!(run.code, 5);
    assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
    let left = waiting(&monitor, &address).len();
    let week = 7 * 24 * 60;
    assert!((week - 2..=week + 1).contains(&left), "{left}");
    // And it all goes in one run when carbon is back.
    let sink = Sink::at(&address);
    let run = deliver(&monitor, &address, &["--resend", "0"]);
    run.is_fine();
    assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
    assert_eq!(sink.take().concat().matches("old.run").count(), left - 1);
    assert!(waiting(&monitor, &address).is_empty());
}

fn a_hundred_runs_are_drained_at_once() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    for minute in 1..=100 {
        put_run(&monitor, &sink.address(), now() - minute * 60);
    }
    deliver(&monitor, &sink.address(), &[]).is_fine();
    let texts = sink.take();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].matches("old.run").count(), 100);
}

fn a_backlog_of_megabytes_goes_in_several_connections() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    for minute in 1..=4 {
        let then = now() - minute * 60;
        let text = format!("old.run 1 {then}\n").repeat(30_000);
        put(
            &monitor,
            &sink.address(),
            &format!("{then:010}-7-30000.lines"),
            &text,
        );
    }
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    let texts = sink.take();
    assert_eq!(texts.len(), 4, "one confirmation for about a megabyte");
    assert_eq!(texts.concat().matches("old.run").count(), 120_000);
}

fn two_carbons_have_two_fates() {
    let (monitor, sink, dead) = (Monitor::new(), Sink::start(), closed_port());
    let run = deliver(&monitor, &dead, &["--carbon", &sink.address()]);
    run.failed(5, &format!("carbon at {dead}: no connection"));
    assert_eq!(sink.take().concat().lines().count(), 52);
    assert!(waiting(&monitor, &sink.address())[0].contains(".1-"));
    assert!(!waiting(&monitor, &dead)[0].contains(".1-"));
    // The same one twice is one.
    let before = waiting(&monitor, &sink.address()).len();
    deliver(&monitor, &sink.address(), &["--carbon", &sink.address()]).is_fine();
    assert_eq!(waiting(&monitor, &sink.address()).len(), before + 1);
    // Both dead: a line for each.
    let other = closed_port();
    let run = deliver(&monitor, &dead, &["--carbon", &other]);
    assert_eq!(
        (run.code, run.stderr.lines().count()),
        (5, 2),
        "{}",
        run.stderr
    );
}

fn a_stuck_carbon_delays_no_other() {
    let (monitor, stuck, good) = (Monitor::new(), FullQueue::start(), Sink::start());
    let recording = recording();
    let arguments = ["--replay", &recording, "--timeout", "3"];
    let carbons = ["--carbon", &stuck.address(), "--carbon", &good.address()];
    let start = Instant::now();
    let mut command = monitor.command(&[&arguments[..], &carbons].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program");
    while good.take().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "the good one waits"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.wait().expect("its end").code(), Some(5));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

fn the_run_tells_what_waits() {
    let at = healthy();
    let (monitor, dead, sink) = (Monitor::registered(&at), closed_port(), Sink::start());
    let count = |run: &Run, name: &str| run.stdout.contains(name);
    let first = monitor.run(&["--carbon", &dead]);
    assert_eq!(first.code, 5);
    assert!(!count(&first, "spooled"), "{}", first.stdout);
    let from = monitor.spool(&at, &dead);
    let to = monitor.spool(&at, &sink.address());
    fs::rename(from, to).expect("the spool of the other");
    monitor.run(&["--carbon", &sink.address()]).is_fine();
    let text = sink.take().concat();
    let spooled: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(".exec.spooled "))
        .collect();
    let value = |line: &str| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(spooled.len(), 2, "{text}");
    assert_eq!(value(spooled[0]), 0);
    assert!(value(spooled[1]) > 28, "{spooled:?}");
}

fn the_run_tells_what_was_dropped() {
    let at = healthy();
    let (monitor, dead) = (Monitor::registered(&at), closed_port());
    let folder = monitor.spool(&at, &dead);
    let folder = folder.to_str().unwrap();
    let then = now() - 1000;
    let name = format!("{folder}/{then:010}-7-2.lines");
    monitor.write(&name, &format!("old.run 1 {then}\nold.other 1 {then}\n"));
    let arguments = ["--carbon", &dead, "--spool-age", "10m"];
    assert_eq!(monitor.run(&arguments).code, 5);
    assert_eq!(monitor.run(&arguments).code, 5);
    assert_eq!(monitor.run(&arguments).code, 5);
    let mut files: Vec<_> = fs::read_dir(monitor.path(folder))
        .expect("the spool")
        .map(|it| it.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|it| it == "lines"))
        .collect();
    files.sort_by_key(|path| {
        fs::metadata(path)
            .and_then(|it| it.modified())
            .expect("a time")
    });
    let dropped: Vec<String> = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("lines"))
        .map(|text| {
            text.split(".exec.dropped ")
                .nth(1)
                .expect("it")
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    // Dropped by the first, told by the second, once.
    assert_eq!(dropped, ["0", "2", "0"]);
}

fn an_early_close_is_no_confirmation() {
    for manner in [
        Manner::CloseAtOnce,
        Manner::CloseAfter(100),
        Manner::Speak,
        Manner::AnswerAtTheEnd,
    ] {
        let (monitor, receiver) = (Monitor::new(), Receiver::start(manner));
        let run = deliver(&monitor, &receiver.address(), &[]);
        run.failed(5, "; 52 lines are kept");
        assert_eq!(waiting(&monitor, &receiver.address()).len(), 1);
    }
}

fn a_state_folder_that_is_a_file_stops_nothing() {
    let sink = Sink::start();
    let monitor = Monitor::new();
    monitor.write(".local/state", "a file");
    let run = deliver(&monitor, &sink.address(), &[]);
    run.complained(0, " cannot be kept in ");
    assert_eq!(sink.take().concat().lines().count(), 52);
    let run = deliver(&monitor, &closed_port(), &[]);
    assert_eq!(run.code, 5);
    assert!(run.stderr.contains("; lines are lost"), "{}", run.stderr);
}

fn a_spool_that_is_a_file_stops_nothing() {
    let (sink, monitor) = (Sink::start(), Monitor::new());
    monitor.write(
        ".local/state/freebox-monitor/mafreebox.freebox.fr/spool",
        "a file",
    );
    let run = deliver(&monitor, &sink.address(), &[]);
    run.complained(0, " cannot be kept in ");
    assert_eq!(sink.take().concat().lines().count(), 52);
}

fn a_broken_note_is_as_good_as_none() {
    let (sink, monitor) = (Sink::start(), Monitor::new());
    put(
        &monitor,
        &sink.address(),
        "notes.json",
        "{\"dropped\": \"many\"",
    );
    deliver(&monitor, &sink.address(), &[]).is_fine();
    assert_eq!(sink.take().concat().lines().count(), 52);
}

fn nobody_else_can_read_what_waits() {
    use std::os::unix::fs::PermissionsExt;
    let (monitor, address) = (Monitor::new(), closed_port());
    let recording = recording();
    let mut command = Command::new("sh");
    let script = format!("umask 000; exec {PROGRAM} --carbon {address} --replay {recording}");
    let home = monitor.path("");
    let run = command
        .args(["-c", &script])
        .env("HOME", home)
        .output()
        .expect("sh");
    assert_eq!(run.status.code(), Some(5));
    for (path, mode) in monitor.files() {
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
    }
    let mode = fs::metadata(folder(&monitor, &address))
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

fn a_dry_run_touches_no_spool() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    put_run(&monitor, &sink.address(), now() - 100);
    let before = monitor.files();
    let run = deliver(&monitor, &sink.address(), &["--dry-run"]);
    assert_eq!(run.code, 0);
    check_lines(&run.stdout);
    assert_eq!(monitor.files(), before);
    assert!(sink.take().is_empty());
}

fn sizes_and_ages_are_read_strictly() {
    let monitor = Monitor::new();
    for bad in [
        ["--spool-age", "7"],
        ["--spool-age", "0d"],
        ["--spool-age", "d"],
        ["--spool-size", "64X"],
        ["--spool-size", "-1"],
        ["--resend", "-1"],
        ["--resend", "x"],
        ["--every", "0"],
        ["--every", "soon"],
        ["--verify", "localhost"],
    ] {
        monitor.run(&bad).failed(1, bad[0]);
    }
    monitor
        .run(&["--verify", "http://x"])
        .failed(1, "--verify goes with one --carbon only");
    let every = ["--every", "60", "--dry-run"];
    monitor
        .run(&every)
        .failed(1, "--every goes with collecting only");
    monitor
        .run(&["--backfill", "1h", "--heartbeat", "/tmp/x"])
        .failed(1, "--heartbeat goes with collecting only");
}

fn a_run_larger_than_the_spool_is_delivered() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    for _ in 0..3 {
        deliver(&monitor, &sink.address(), &["--spool-size", "1K"]).is_fine();
        assert_eq!(sink.take().concat().lines().count(), LINES);
        a_minute_later(&monitor, &sink.address());
        // It is sent once more, as any other is.
        deliver(&monitor, &sink.address(), &["--spool-size", "1K"]).is_fine();
        assert_eq!(sink.take().concat().lines().count(), 2 * LINES);
        a_minute_later(&monitor, &sink.address());
        deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
        sink.take();
    }
}

fn a_run_larger_than_the_spool_is_kept() {
    let (monitor, address) = (Monitor::new(), closed_port());
    let run = deliver(&monitor, &address, &["--spool-size", "1K"]);
    run.failed(5, "Connection refused (os error 111); 52 lines are kept");
    let first = waiting(&monitor, &address);
    assert_eq!(first.len(), 1);
    // The next takes its place, and what is said is what is on the disk then.
    let run = deliver(&monitor, &address, &["--spool-size", "1K"]);
    assert_eq!(run.code, 5);
    let words = [
        "52 lines were dropped: more wait than --spool-size allows\n",
        "; 52 lines are kept\n",
    ];
    assert!(
        words.iter().all(|it| run.stderr.contains(it)),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    let second = waiting(&monitor, &address);
    assert!(second.len() == 1 && second != first, "{second:?}");
    let sink = Sink::at(&address);
    deliver(&monitor, &address, &["--spool-size", "1K"]).is_fine();
    assert_eq!(sink.take().concat().lines().count(), 2 * LINES);
}

fn a_spool_that_cannot_be_read_is_told() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    // So few open files that the run can be written and the folder not be listed.
    let recording = recording();
    let arguments = ["--carbon", &sink.address(), "--replay", &recording];
    deliver(&monitor, &sink.address(), &[]).is_fine();
    let mut words = String::new();
    for files in 4..12 {
        let mut command = Command::new("prlimit");
        let ours = monitor.command(&arguments);
        command.arg(format!("--nofile={files}")).arg(PROGRAM);
        command.args(ours.get_args()).env("HOME", monitor.path(""));
        sink.take();
        let output = command.output().expect("prlimit");
        let sent = !sink.take().concat().is_empty();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        // 127: the system has not even started it.
        let is_told = output.status.code() != Some(0) && !stderr.is_empty();
        assert!(sent || is_told, "{files}: {:?} {stderr}", output.status);
        words.push_str(&stderr);
    }
    assert!(words.contains("Too many open files"), "{words}");
}

fn a_run_of_many_minutes_is_held_back_by_its_newest() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let then = now() - 3600;
    let past = format!("old.run 1 {}\nold.run 2 {then}\n", then - 86_400);
    let ahead = format!("new.run 1 {then}\nnew.run 2 {}\n", now() + 86_400);
    put(
        &monitor,
        &sink.address(),
        &format!("{then:010}-7-2.lines"),
        &past,
    );
    put(
        &monitor,
        &sink.address(),
        &format!("{then:010}-8-2.lines"),
        &ahead,
    );
    deliver(&monitor, &sink.address(), &["--resend", "0"]).is_fine();
    let sent = sink.take().concat();
    assert!(
        sent.starts_with(&past) && !sent.contains("new.run"),
        "{sent}"
    );
    // It is old by its run, whatever is in it.
    let left = waiting(&monitor, &sink.address());
    assert_eq!(left, [format!("{then:010}-8-2.lines")]);
}

fn what_killed_runs_left_goes_after_an_hour() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let (address, gone) = (sink.address(), "gone:2003");
    let left = |carbon: &str, name: &str, hours: u64| {
        put(&monitor, carbon, name, "half a ru");
        let path = folder(&monitor, carbon).join(name);
        let file = fs::File::options().write(true).open(&path).expect("it");
        let then = std::time::SystemTime::now() - Duration::from_secs(hours * 3600 + 60);
        file.set_modified(then).expect("a time");
        path
    };
    let old = left(&address, ".freebox-monitor-old", 2);
    let new = left(&address, ".freebox-monitor-new", 0);
    // Nor does it keep a spool that nobody needs any more.
    left(gone, ".freebox-monitor-old", 2);
    let then = now() - 8 * 86_400;
    let name = format!("{then:010}-7-1.1-{then}.lines");
    put(&monitor, gone, &name, &format!("old.run 1 {then}\n"));
    deliver(&monitor, &address, &[]).is_fine();
    assert!(!old.exists() && new.exists());
    assert!(!folder(&monitor, gone).exists());
}

fn a_spool_that_is_not_named_any_more_expires() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let (gone, away) = ("gone:2003", "away:2003");
    put_run(&monitor, gone, now() - 8 * 86_400);
    put_run(&monitor, away, now() - 8 * 86_400);
    put_run(&monitor, away, now() - 6 * 86_400);
    let run = deliver(&monitor, &sink.address(), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = "1 lines waited too long for a carbon that is not named any more";
    assert_eq!(run.stderr.matches(words).count(), 2, "{}", run.stderr);
    assert!(!folder(&monitor, gone).exists());
    assert_eq!(waiting(&monitor, away).len(), 1);
    // Nothing of it goes elsewhere, and nothing more is said.
    deliver(&monitor, &sink.address(), &[]).is_fine();
    assert!(!sink.take().concat().contains("old.run"));
    // When it is named again it gets what is left.
    let from = folder(&monitor, away);
    fs::rename(from, folder(&monitor, "127.0.0.1:9")).expect("another name");
    let run = deliver(&monitor, "127.0.0.1:9", &[]);
    assert!(run.stderr.contains("; 53 lines are kept"), "{}", run.stderr);
}

fn a_spool_that_is_not_named_keeps_its_own_bounds() {
    let (monitor, sink, dead) = (Monitor::new(), Sink::start(), closed_port());
    let other = closed_port();
    // Two lines of a crontab, each with a carbon and bounds of its own.
    assert_eq!(deliver(&monitor, &dead, &["--spool-age", "30d"]).code, 5);
    assert_eq!(deliver(&monitor, &other, &["--spool-age", "2h"]).code, 5);
    for carbon in [&dead, &other] {
        put_run(&monitor, carbon, now() - 10 * 86_400);
    }
    let run = deliver(&monitor, &sink.address(), &["--spool-age", "1h"]);
    run.complained(0, "1 lines waited too long for a carbon that is not named");
    assert_eq!(waiting(&monitor, &dead).len(), 2);
    assert_eq!(waiting(&monitor, &other).len(), 1);
}

fn carbons_whose_names_look_alike_have_spools_of_their_own() {
    let monitor = Monitor::new();
    let (one, other) = ("x-y.invalid:2003", "x_y.invalid:2003");
    let run = deliver(&monitor, one, &["--carbon", other]);
    assert_eq!(run.code, 5);
    for carbon in [one, other] {
        let words = format!("carbon at {carbon}: ");
        let line = run.stderr.lines().find(|it| it.contains(&words));
        let line = line.unwrap_or_else(|| panic!("{}", run.stderr));
        assert!(line.ends_with("; 52 lines are kept"), "{line}");
    }
    assert_eq!(
        fs::read_dir(spools(&monitor)).expect("the spools").count(),
        2
    );
}

/// Where an earlier version kept the lines for a carbon, with a run in it.
fn former(monitor: &Monitor, carbon: &str, timestamp: u64) -> PathBuf {
    put_run(monitor, carbon, timestamp);
    let former = spools(monitor).join(carbon.replace(':', "_"));
    fs::rename(folder(monitor, carbon), &former).expect("its former name");
    former
}

fn a_spool_of_an_earlier_version_goes_on_under_its_new_name() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let former = former(&monitor, &sink.address(), now() - 500);
    // Whoever only looks moves nothing.
    deliver(&monitor, &sink.address(), &["--dry-run"]);
    assert!(former.exists());
    deliver(&monitor, &sink.address(), &[]).is_fine();
    assert!(sink.take().concat().starts_with("old.run"));
    assert!(!former.exists());
    assert_eq!(waiting(&monitor, &sink.address()).len(), 2);
}

fn a_spool_of_an_earlier_version_expires_when_it_is_not_named() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let old = former(&monitor, "gone:2003", now() - 8 * 86_400);
    let young = former(&monitor, "away:2003", now() - 6 * 86_400);
    deliver(&monitor, &sink.address(), &[]).complained(0, "1 lines waited too long");
    assert!(!old.exists() && young.exists());
}

fn what_is_no_spool_is_left_alone() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let elsewhere = tempfile::tempdir().expect("a folder");
    let strange = folder(&monitor, "strange:2003");
    fs::create_dir_all(&strange).expect("a folder");
    fs::create_dir(strange.join("1")).expect("a folder");
    fs::write(folder(&monitor, "README"), "mine").expect("a file");
    let old = format!("{:010}-7-1.lines", now() - 8 * 86_400);
    fs::write(elsewhere.path().join(&old), "old.run 1 1\n").expect("a file");
    std::os::unix::fs::symlink(elsewhere.path(), folder(&monitor, "link")).expect("a link");
    // One of ours with something else in it stays with that.
    put(&monitor, "mixed:2003", &old, "old.run 1 1\n");
    put(&monitor, "mixed:2003", "README", "mine");
    let run = deliver(&monitor, &sink.address(), &[]);
    assert_eq!(
        (run.code, run.stderr.lines().count()),
        (0, 1),
        "{}",
        run.stderr
    );
    assert!(strange.join("1").exists() && folder(&monitor, "README").exists());
    assert!(elsewhere.path().join(&old).exists());
    assert!(!folder(&monitor, "mixed:2003").join(&old).exists());
    assert!(folder(&monitor, "mixed:2003").join("README").exists());
    deliver(&monitor, &sink.address(), &[]).is_fine();
}

fn killed_at_any_moment_nothing_is_torn_or_lost() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    let (address, recording) = (sink.address(), recording());
    let arguments = [
        "--all", "--carbon", &address, "--replay", &recording, "--resend", "0",
    ];
    let mut random = Random(4711);
    let (mut killed, mut finished) = (0, 0);
    let mut kept = std::collections::BTreeSet::new();
    for _ in 0..220 {
        let mut child = monitor
            .command(&arguments)
            .stderr(Stdio::null())
            .spawn()
            .expect("it");
        // Before the lines are sent, or around the confirmation: it listens for 100 ms in between.
        let after = random.one_of(&[0, 100_000]) + random.below(14_000);
        std::thread::sleep(Duration::from_micros(after));
        let process = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        let _ = kill_process(process, Signal::KILL);
        match child.wait().expect("its end").code() {
            Some(code) => {
                assert_eq!(code, 0);
                finished += 1;
            }
            None => killed += 1,
        }
        // What has all its lines in a file is in hand.
        for name in waiting(&monitor, &address) {
            let text = fs::read_to_string(folder(&monitor, &address).join(&name));
            if text.is_ok_and(|text| text.lines().count() == 52 && text.ends_with('\n')) {
                kept.insert(name.split('.').next().expect("a name").to_owned());
            }
        }
    }
    println!(
        "{killed} runs killed, {finished} finished, {} in hand",
        kept.len()
    );
    assert!(
        killed > 100 && kept.len() > 50,
        "{killed} killed, {finished} finished"
    );
    deliver(&monitor, &address, &["--resend", "0"]).is_fine();
    assert!(waiting(&monitor, &address).is_empty());
    let mut whole = std::collections::BTreeMap::new();
    for text in sink.take() {
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let (path, rest) = line.split_once(' ').expect("a path");
            let timestamp = rest
                .trim_end()
                .rsplit(' ')
                .next()
                .expect("a time")
                .to_owned();
            let paths: &mut std::collections::BTreeSet<String> =
                whole.entry(timestamp).or_default();
            paths.insert(path.to_owned());
        }
    }
    for name in &kept {
        let timestamp = name
            .split('-')
            .next()
            .expect("a time")
            .trim_start_matches('0');
        let lines = whole
            .get(timestamp)
            .map_or(0, std::collections::BTreeSet::len);
        assert_eq!(lines, 52, "{name}: of {kept:?}");
    }
}

fn nc_can_drain_it_by_hand() {
    let (monitor, address) = (Monitor::new(), closed_port());
    deliver(&monitor, &address, &[]);
    let [name] = &waiting(&monitor, &address)[..] else {
        panic!("not one file");
    };
    let text = fs::read_to_string(folder(&monitor, &address).join(name)).expect("lines");
    // What nc sends is the file as it is: plain lines, each whole.
    check_lines(&text);
    assert_eq!(text.lines().count(), 52);
}
