//! Lines to a receiver: what counts as confirmed, and that nothing takes longer than it may.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::monitor::{Monitor, Run, check_lines, project_file};
use crate::receiver::{FullQueue, Manner, Receiver, closed_port};
use crate::trials;

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
    ]
}

/// Delivers the lines of a recording.
fn deliver(to: &str, more: &[&str]) -> Run {
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let arguments = ["--carbon", to, "--replay", recording.to_str().unwrap()];
    Monitor::new().run(&[&arguments, more].concat())
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
