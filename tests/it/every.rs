//! `--every`: a process that stays.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::monitor::Monitor;
use crate::receiver::Sink;
use crate::session::healthy;
use crate::simulated_freebox::SimulatedFreebox;
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        runs_begin_at_the_beat_over_one_connection,
        a_signal_ends_it_cleanly,
        a_signal_in_the_middle_of_a_run_waits_for_its_end,
        a_second_signal_ends_it_at_once,
        a_box_that_goes_and_comes_back_is_no_end,
        a_long_run_costs_a_beat_and_doubles_none,
        what_cannot_work_at_all_ends_at_once,
        another_run_may_print_meanwhile,
    ]
}

/// A process that stays, delivering to a sink.
struct Stays {
    child: Child,
}

impl Stays {
    fn start(monitor: &Monitor, sink: &Sink, every: &str) -> Self {
        let address = sink.address();
        let mut command = monitor.command(&["--every", every, "--carbon", &address]);
        let child = command.stderr(Stdio::piped()).spawn().expect("the program");
        Stays { child }
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill_process(process.expect("a pid"), signal).expect("a signal");
    }

    /// Its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        std::io::Read::read_to_string(&mut stderr, &mut words).expect("UTF-8");
        (self.child.wait().expect("its end").code(), words)
    }
}

/// Waits until so many runs have delivered, and gives the timestamp of each.
#[track_caller]
fn runs(sink: &Sink, count: usize) -> Vec<u64> {
    let mut stamps = Vec::new();
    let until = Instant::now() + Duration::from_secs(20);
    while stamps.len() < count {
        assert!(Instant::now() < until, "only {stamps:?}");
        for text in sink.take() {
            let last = text.lines().last().expect("a line");
            stamps.push(last.rsplit(' ').next().unwrap().parse().unwrap());
        }
        thread::sleep(Duration::from_millis(5));
    }
    stamps
}

fn set_up() -> (SimulatedFreebox, Monitor, Sink) {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["--resend", "0"]);
    (at, monitor, Sink::start())
}

fn runs_begin_at_the_beat_over_one_connection() {
    let (at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "2");
    let stamps = runs(&sink, 3);
    assert!(stamps.iter().all(|stamp| stamp % 2 == 0), "{stamps:?}");
    assert!(
        stamps.windows(2).all(|two| two[1] == two[0] + 2),
        "{stamps:?}"
    );
    stays.signal(Signal::TERM);
    assert_eq!(stays.end(), (Some(0), String::new()));
    let log_ins = at
        .requests()
        .into_iter()
        .filter(|it| it.path.ends_with("login/session/"));
    assert_eq!(log_ins.count(), 1);
    let connections: std::collections::HashSet<u64> = at
        .requests()
        .into_iter()
        .filter(|it| it.path.ends_with("connection/"))
        .map(|it| it.connection)
        .collect();
    assert_eq!(connections.len(), 1);
}

fn a_signal_ends_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let (_at, monitor, sink) = set_up();
        let stays = Stays::start(&monitor, &sink, "1");
        runs(&sink, 1);
        let start = Instant::now();
        stays.signal(signal);
        assert_eq!(stays.end(), (Some(0), String::new()));
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

fn a_signal_in_the_middle_of_a_run_waits_for_its_end() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.fault(
        "connection/ftth",
        crate::simulated_freebox::Fault::Latency(Duration::from_millis(800)),
    );
    let sink = Sink::start();
    at.clear_requests();
    let stays = Stays::start(&monitor, &sink, "1");
    let until = Instant::now() + Duration::from_secs(10);
    while at.requests().is_empty() {
        assert!(Instant::now() < until, "no run");
        thread::sleep(Duration::from_millis(5));
    }
    stays.signal(Signal::TERM);
    assert_eq!(stays.end(), (Some(0), String::new()));
    let text = sink.take().concat();
    assert!(text.contains(".connection.ftth.link 1 "), "{text}");
}

fn a_second_signal_ends_it_at_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    at.fault("", crate::simulated_freebox::Fault::Hang);
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    let until = Instant::now() + Duration::from_secs(10);
    while at.requests().is_empty() {
        assert!(Instant::now() < until, "no run");
        thread::sleep(Duration::from_millis(5));
    }
    let start = Instant::now();
    stays.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(100));
    stays.signal(Signal::TERM);
    let (code, _) = stays.end();
    assert_eq!(code, None, "it ended by the signal");
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

fn a_box_that_goes_and_comes_back_is_no_end() {
    let (at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "1");
    runs(&sink, 1);
    at.refuse();
    let until = Instant::now() + Duration::from_secs(10);
    while !sink.take().concat().contains(".exec.up 0 ") {
        assert!(Instant::now() < until, "no outage");
        thread::sleep(Duration::from_millis(10));
    }
    at.accept_again();
    while !sink.take().concat().contains(".exec.up 1 ") {
        assert!(Instant::now() < until, "no end of the outage");
        thread::sleep(Duration::from_millis(10));
    }
    stays.signal(Signal::INT);
    let (code, words) = stays.end();
    assert_eq!(code, Some(0));
    assert!(words.contains("connection refused"), "{words}");
    assert!(words.lines().count() < 10, "{words}");
}

fn a_long_run_costs_a_beat_and_doubles_none() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["--resend", "0"]);
    monitor.run(&[]).is_fine();
    at.fault_times(
        "connection/ftth",
        crate::simulated_freebox::Fault::Latency(Duration::from_millis(2300)),
        1,
    );
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    let stamps = runs(&sink, 4);
    assert!(stamps.windows(2).all(|two| two[0] < two[1]), "{stamps:?}");
    assert!(stamps[1] >= stamps[0] + 3, "{stamps:?}");
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(stamps[3].abs_diff(now) <= 3, "{stamps:?} {now}");
    stays.signal(Signal::TERM);
    assert_eq!(stays.end().0, Some(0));
}

fn what_cannot_work_at_all_ends_at_once() {
    let monitor = Monitor::new();
    monitor.run(&["--every", "60"]).failed(3, "--register");
    let template = monitor.write("my.template", "** {nothing}\n");
    let run = monitor.run(&["--every", "60", "-t", template.to_str().unwrap()]);
    run.failed(1, "unknown placeholder {nothing}");
}

fn another_run_may_print_meanwhile() {
    let (_at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "1");
    runs(&sink, 1);
    monitor.run(&[]).is_fine();
    stays.signal(Signal::TERM);
    assert_eq!(stays.end().0, Some(0));
    monitor.run(&[]).is_fine();
}
