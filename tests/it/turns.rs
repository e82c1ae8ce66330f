//! Several runs at once: everybody may collect and print, one at a time delivers to a carbon.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;

use crate::kept::{LINES, deliver, delivery, folder, now, put, recording, waiting};
use crate::monitor::{Monitor, check_lines};
use crate::receiver::{Manner, Receiver, Sink, closed_port};
use crate::session::known_app;
use crate::simulated_freebox::{Options, SimulatedFreebox};
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        commands_with_different_sections_started_together_all_print,
        a_slow_carbon_gets_the_lines_of_all_runs_once,
        a_carbon_that_hangs_makes_the_next_run_75,
        another_carbon_is_none_of_its_business,
        a_turn_ends_with_its_process,
        what_was_dropped_is_told_by_one_run,
        lines_that_cannot_be_kept_wait_for_nobody,
        a_confirmation_has_the_time_when_it_came,
        a_run_that_waited_long_sends_what_has_rested_meanwhile,
    ]
}

/// A box that takes a moment for each answer, so that runs overlap.
fn with_latency() -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        latency: Duration::from_millis(20),
        ..Options::default()
    })
}

fn commands_with_different_sections_started_together_all_print() {
    let at = with_latency();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    for _ in 0..3 {
        let start = |section| {
            let mut command = monitor.command(&[section]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the program")
        };
        let children = ["-H", "-W", "-S", "-H"].map(start);
        for child in children {
            let output = child.wait_with_output().expect("its end");
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), &*words), (Some(0), ""));
            check_lines(&String::from_utf8(output.stdout).expect("UTF-8"));
        }
    }
}

/// Starts a delivery of the recording.
fn start(monitor: &Monitor, to: &str, seconds: &str) -> Child {
    let recording = recording();
    let mut command = monitor.command(&delivery(&recording, to, seconds));
    command.stderr(Stdio::piped()).spawn().expect("the program")
}

/// The same, and waits until it has its turn.
fn start_first(monitor: &Monitor, to: &str) -> Child {
    let child = start(monitor, to, "30");
    let lock = folder(monitor, to).join(".lock");
    let process = child.id().to_string();
    until("no turn", || {
        fs::read_to_string(&lock).ok().as_deref() == Some(&process)
    });
    child
}

fn a_slow_carbon_gets_the_lines_of_all_runs_once() {
    let (monitor, sink) = (Monitor::new(), Sink::slow(Duration::from_millis(400)));
    let address = sink.address();
    let first = start_first(&monitor, &address);
    let others = [(); 3].map(|()| start(&monitor, &address, "30"));
    for child in [first].into_iter().chain(others) {
        let output = child.wait_with_output().expect("its end");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*words), (Some(0), ""));
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in sink.take().concat().lines() {
        let path = line.split(' ').next().expect("a path");
        *seen.entry(path.to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), LINES);
    assert!(seen.values().all(|count| *count == 4), "{seen:?}");
    let kept = waiting(&monitor, &address);
    assert!(
        kept.len() == 4 && kept.iter().all(|it| it.contains(".1-")),
        "{kept:?}"
    );
}

fn a_carbon_that_hangs_makes_the_next_run_75() {
    let (monitor, receiver) = (Monitor::new(), Receiver::start(Manner::NeverClose));
    let address = receiver.address();
    let mut first = start_first(&monitor, &address);
    let second = deliver(&monitor, &address, &["--spool-age", "1d"]);
    let words = format!(
        "carbon at {address}: another run (process {}) was still delivering when the time was \
         over; 104 lines are kept",
        first.id()
    );
    second.failed(75, &words);
    let took = second.took.as_secs_f64();
    assert!((4.9..6.5).contains(&took), "{took}");
    first.kill().expect("its end");
    first.wait().expect("its end");
    // Nothing is locked any more, and the next run brings it all.
    receiver.received();
    let sink = Sink::at(&address);
    let third = deliver(&monitor, &address, &[]);
    assert!(
        third.is_fine().took < Duration::from_secs(2),
        "{:?}",
        third.took
    );
    assert_eq!(sink.take().concat().lines().count(), 3 * LINES);
}

fn another_carbon_is_none_of_its_business() {
    let (monitor, receiver) = (Monitor::new(), Receiver::start(Manner::NeverClose));
    let mut first = start_first(&monitor, &receiver.address());
    let sink = Sink::start();
    let second = deliver(&monitor, &sink.address(), &[]);
    assert!(
        second.is_fine().took < Duration::from_secs(2),
        "{:?}",
        second.took
    );
    first.kill().expect("its end");
    first.wait().expect("its end");
}

fn a_turn_ends_with_its_process() {
    let (monitor, receiver) = (Monitor::new(), Receiver::start(Manner::NeverClose));
    let address = receiver.address();
    let mut first = start_first(&monitor, &address);
    let second = start(&monitor, &address, "30");
    // It waits for the first, which is killed, and gets its turn then; nobody listens any more.
    until("it has kept nothing", || {
        waiting(&monitor, &address).len() >= 2
    });
    receiver.received();
    let sink = Sink::at(&address);
    first.kill().expect("kill -9");
    first.wait().expect("its end");
    let output = second.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(sink.take().concat().lines().count(), 2 * LINES);
}

fn what_was_dropped_is_told_by_one_run() {
    let at = with_latency();
    let (monitor, sink) = (Monitor::registered(&at), Sink::start());
    monitor.run(&[]).is_fine();
    let address = sink.address();
    let notes = monitor.spool(&at, &address).join("notes.json");
    monitor.write(notes.to_str().expect("UTF-8"), r#"{"dropped": 5}"#);
    let start = |_| {
        let mut command = monitor.command(&["--carbon", &address]);
        command.spawn().expect("the program")
    };
    for mut child in [1, 2, 3].map(start) {
        assert_eq!(child.wait().expect("its end").code(), Some(0));
    }
    let text = sink.take().concat();
    let dropped = text.lines().filter(|it| it.contains(".exec.dropped "));
    let dropped = dropped.map(|line| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap());
    let dropped: Vec<u64> = dropped.collect();
    assert_eq!((dropped.len(), dropped.iter().sum()), (3, 5), "{dropped:?}");
}

fn lines_that_cannot_be_kept_wait_for_nobody() {
    let (monitor, sink) = (Monitor::new(), Sink::start());
    // A spool that is nobody's: a file in its place.
    let place = folder(&monitor, &sink.address());
    put(&monitor, "127.0.0.1:1", "README", "");
    fs::write(place, "a file").expect("a file");
    let run = deliver(&monitor, &sink.address(), &[]);
    run.complained(0, " cannot be kept in ");
    assert_eq!(sink.take().concat().lines().count(), LINES);
    let dead = closed_port();
    fs::write(folder(&monitor, &dead), "a file").expect("a file");
    let run = deliver(&monitor, &dead, &[]);
    assert!(run.stderr.contains("; lines are lost"), "{}", run.stderr);
}

fn a_confirmation_has_the_time_when_it_came() {
    let (monitor, sink) = (Monitor::new(), Sink::slow(Duration::from_millis(2100)));
    deliver(&monitor, &sink.address(), &[]).is_fine();
    let kept = waiting(&monitor, &sink.address());
    let (run, state) = kept[0].split_once('.').expect("it was confirmed");
    let number = |text: &str| text.parse::<u64>().expect("a time");
    let began = number(run.split('-').next().unwrap());
    let confirmed = state.split(['-', '.']).nth(1).expect("when");
    assert!(number(confirmed) >= began + 2, "{kept:?}");
}

fn a_run_that_waited_long_sends_what_has_rested_meanwhile() {
    let (monitor, sink) = (Monitor::new(), Sink::slow(Duration::from_secs(5)));
    let address = sink.address();
    // A little too fresh for runs that begin now, and not any more when the second has its turn.
    let (then, confirmed) = (now() - 100, now() - 41);
    let name = format!("{then:010}-7-1.1-{confirmed}.lines");
    put(&monitor, &address, &name, &format!("old.run 1 {then}\n"));
    let first = start_first(&monitor, &address);
    let second = start(&monitor, &address, "30");
    for child in [first, second] {
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert_eq!(sink.take().concat().matches("old.run").count(), 1);
    assert!(
        !waiting(&monitor, &address)
            .iter()
            .any(|it| it.contains("-7-1."))
    );
}
