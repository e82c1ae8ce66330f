//! Lines to a receiver: what counts as confirmed, and that nothing takes longer than it may.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::monitor::{Monitor, Run, check_lines, project_file};
use crate::receiver::{FullQueue, Manner, Receiver, Sink, closed_port};
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_good_receiver_confirms_in_silence,
        a_refused_connection_is_named,
        a_connection_that_hangs_is_given_up,
        a_receiver_that_closes_early_is_not_believed,
        a_receiver_that_never_closes_is_given_up,
        a_receiver_that_never_reads_is_given_up,
        a_slow_reader_is_given_up_within_the_time,
        something_that_speaks_is_no_carbon,
        a_name_that_does_not_resolve_is_named,
        all_addresses_of_a_name_are_tried,
        no_lines_make_no_connection,
        a_run_that_is_stopped_for_a_moment_waits_on,
    ]
}

/// Delivers the lines of a recording.
fn deliver(to: &str, more: &[&str]) -> Run {
    let recording = recording();
    Monitor::new().run(&[&["--carbon", to, "--replay", &recording], more].concat())
}

fn recording() -> String {
    let path = project_file("tests/boxes/revolution-xdsl.json");
    path.to_str().expect("UTF-8").to_owned()
}

#[track_caller]
fn took_at_most(run: &Run, seconds: u64) {
    assert!(run.took < Duration::from_secs(seconds), "{:?}", run.took);
}

fn a_good_receiver_confirms_in_silence() {
    let receiver = Receiver::start(Manner::Good);
    let run = deliver(&receiver.address(), &[]);
    assert_eq!(run.is_fine().stdout, "");
    let lines = receiver.received();
    check_lines(&lines);
    assert!(lines.contains(".connection.xdsl.down.snr 6.3 "), "{lines}");
}

fn a_refused_connection_is_named() {
    let address = closed_port();
    let run = deliver(&address, &[]);
    run.failed(
        5,
        &format!("carbon at {address}: no connection to {address}: Connection refused"),
    );
}

fn a_connection_that_hangs_is_given_up() {
    let queue = FullQueue::start();
    let run = deliver(&queue.address(), &["--timeout", "2"]);
    run.failed(5, "no connection to");
    took_at_most(&run, 3);
}

fn a_receiver_that_closes_early_is_not_believed() {
    for manner in [
        Manner::CloseAtOnce,
        Manner::CloseAfter(100),
        Manner::HalfCloseAtOnce,
    ] {
        let receiver = Receiver::start(manner);
        let run = deliver(&receiver.address(), &[]);
        assert_eq!(run.code, 5, "{}", run.stderr);
        let words = [
            "it closed the connection before the end",
            "the connection broke while",
        ];
        assert!(
            words.iter().any(|words| run.stderr.contains(words)),
            "{}",
            run.stderr
        );
    }
}

fn a_receiver_that_never_closes_is_given_up() {
    let receiver = Receiver::start(Manner::NeverClose);
    let run = deliver(&receiver.address(), &["--timeout", "2"]);
    run.failed(5, "time ran out while waiting for its confirmation");
    took_at_most(&run, 3);
    check_lines(&receiver.received());
}

fn a_receiver_that_never_reads_is_given_up() {
    let receiver = Receiver::start(Manner::NeverRead);
    let run = deliver(&receiver.address(), &["--timeout", "2"]);
    run.failed(5, "time ran out while waiting for its confirmation");
    took_at_most(&run, 3);
}

fn a_slow_reader_is_given_up_within_the_time() {
    let receiver = Receiver::start(Manner::ReadSlowly);
    let run = deliver(&receiver.address(), &["--timeout", "2"]);
    run.failed(5, "time ran out while");
    took_at_most(&run, 3);
}

fn something_that_speaks_is_no_carbon() {
    for manner in [Manner::Speak, Manner::AnswerAtTheEnd] {
        let receiver = Receiver::start(manner);
        deliver(&receiver.address(), &[]).failed(5, "something else answers there");
    }
}

fn a_name_that_does_not_resolve_is_named() {
    let run = deliver("carbon.invalid", &["--timeout", "20"]);
    run.failed(5, "carbon at carbon.invalid:2003: ");
    took_at_most(&run, 21);
}

fn all_addresses_of_a_name_are_tried() {
    // localhost is ::1 and 127.0.0.1 on most machines; only the second one has a listener.
    let receiver = Receiver::start(Manner::Good);
    let (_, port) = receiver
        .address()
        .rsplit_once(':')
        .map(|(h, p)| (h.to_owned(), p.to_owned()))
        .unwrap();
    deliver(&format!("localhost:{port}"), &[]).is_fine();
    check_lines(&receiver.received());
}

fn no_lines_make_no_connection() {
    let monitor = Monitor::new();
    let template = monitor.write("my.template", "** -\n");
    let recording = project_file("tests/boxes/ultra.json");
    let (template, recording) = (template.to_str().unwrap(), recording.to_str().unwrap());
    let address = closed_port();
    monitor
        .run(&["-t", template, "--replay", recording, "--carbon", &address])
        .is_fine();
}

/// Ctrl-Z and `fg`, or a container that is paused: the system call that waits ends at once then,
/// with nothing.
fn a_run_that_is_stopped_for_a_moment_waits_on() {
    let sink = Sink::slow(Duration::from_secs(1));
    let arguments = ["--carbon", &sink.address(), "--replay", &recording()];
    let monitor = Monitor::new();
    let mut command = monitor.command(&arguments);
    let child = command.stderr(Stdio::piped()).spawn();
    let child = child.expect("the program");
    let pid = Pid::from_child(&child);
    until("no lines", || !sink.take().is_empty());
    kill_process(pid, Signal::STOP).expect("our child");
    let state = format!("/proc/{}/stat", child.id());
    until("it runs on", || {
        fs::read_to_string(&state).is_ok_and(|it| it.contains(") T "))
    });
    kill_process(pid, Signal::CONT).expect("our child");
    let output = child.wait_with_output().expect("its end");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*words), (Some(0), ""));
}
