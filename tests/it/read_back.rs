//! `--verify`: lines are done with when graphite-web shows them.

use std::fs;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::kept::{LINES, a_minute_later, deliver, folder, now, put, waiting};
use crate::monitor::Monitor;
use crate::receiver::{Sink, closed_port};
use crate::simulated_freebox::Certificate;
use crate::trials;
use crate::web::{Answer, StandIn};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        what_is_shown_over_tls_is_done_with,
        a_bad_certificate_is_told_in_words,
        without_verification_any_certificate_will_do,
        what_does_not_answer_properly_is_told_in_words,
        each_line_is_judged_at_its_own_time,
        what_is_not_shown_yet_goes_again_in_silence,
        what_is_not_shown_after_half_an_hour_is_said,
    ]
}

/// A user who trusts this stand-in.
fn trusting(web: &StandIn) -> Monitor {
    let monitor = Monitor::new();
    let bundle = monitor.write("authority.pem", &web.authority);
    monitor.with(&["--ssl-ca-bundle-file", bundle.to_str().expect("UTF-8")])
}

fn what_is_shown_over_tls_is_done_with() {
    let (web, sink) = (StandIn::certified(Certificate::Good), Sink::start());
    let monitor = trusting(&web);
    let (carbon, url) = (sink.address(), web.url());
    deliver(&monitor, &carbon, &["--verify", &url]).is_fine();
    let first = waiting(&monitor, &carbon);
    web.show(&sink.take().concat());
    a_minute_later(&monitor, &carbon);
    deliver(&monitor, &carbon, &["--verify", &url]).is_fine();
    // The first is not sent again, and gone.
    assert_eq!(sink.take().concat().lines().count(), LINES);
    let second = waiting(&monitor, &carbon);
    assert!(second.len() == 1 && second != first, "{second:?}");
}

/// Sends a run, and a minute later another, which asks for the first.
fn verified(monitor: &Monitor, url: &str) -> crate::monitor::Run {
    let sink = Sink::start();
    deliver(monitor, &sink.address(), &[]).is_fine();
    a_minute_later(monitor, &sink.address());
    let run = deliver(monitor, &sink.address(), &["--verify", url]);
    // It is sent once more instead.
    assert_eq!(sink.take().concat().lines().count(), 3 * LINES);
    assert_eq!(waiting(monitor, &sink.address()).len(), 1);
    run
}

fn a_bad_certificate_is_told_in_words() {
    for (kind, words) in [
        (
            Certificate::Expired,
            "its certificate has expired; lines are",
        ),
        (Certificate::NotYetValid, "its certificate is not valid yet"),
        (
            Certificate::WrongHost,
            "its certificate is for another host",
        ),
        (
            Certificate::ForeignCa,
            "--ssl-ca-bundle-file names those to trust",
        ),
        (Certificate::SelfSigned, "its certificate is not"),
    ] {
        let web = StandIn::certified(kind);
        let run = verified(&trusting(&web), &web.url());
        run.complained(0, words);
        run.complained(0, &format!("graphite-web at {}: ", web.url()));
    }
    // Nobody knows it without the bundle.
    let web = StandIn::certified(Certificate::Good);
    let run = verified(&Monitor::new(), &web.url());
    run.complained(0, "is not from an authority that is trusted here");
}

fn without_verification_any_certificate_will_do() {
    let (web, sink) = (StandIn::certified(Certificate::SelfSigned), Sink::start());
    let monitor = Monitor::new().with(&["--ssl-no-verify", "--verify"]);
    let monitor = monitor.with(&[&web.url()]);
    deliver(&monitor, &sink.address(), &[]).is_fine();
    web.show(&sink.take().concat());
    a_minute_later(&monitor, &sink.address());
    deliver(&monitor, &sink.address(), &[]).is_fine();
    assert_eq!(sink.take().concat().lines().count(), LINES);
}

fn what_does_not_answer_properly_is_told_in_words() {
    let to_tls = "Location: https://localhost/render";
    for (answer, words) in [
        (
            Answer::Other("301 Moved", to_tls, ""),
            "it redirects to https://localhost/render, which is not followed",
        ),
        (
            Answer::Other("404 Not Found", "X-Nothing: 1", "nothing"),
            "it answers with status 404",
        ),
        (
            Answer::Other("200 OK", "X-Nothing: 1", "<html>"),
            "its answer is not JSON",
        ),
        (Answer::Silence, "it did not answer in time"),
    ] {
        let web = StandIn::answering(answer);
        let run = verified(&Monitor::new(), &web.url());
        run.complained(0, words);
        assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
    }
    let plain = StandIn::start();
    let url = plain.url().replace("http:", "https:");
    let run = verified(&Monitor::new(), &url);
    run.complained(0, "it does not speak TLS");
    let run = verified(&Monitor::new(), &format!("http://{}", closed_port()));
    run.complained(0, "Connection refused");
    run.complained(0, "; lines are confirmed twice instead");
    let run = verified(&Monitor::new(), "https://carbon.invalid");
    run.complained(0, "graphite-web at https://carbon.invalid: ");
}

fn each_line_is_judged_at_its_own_time() {
    let (web, sink, monitor) = (StandIn::start(), Sink::start(), Monitor::new());
    let minute = now() / 60 * 60;
    // Two days in one file, as a gap that the box's own memory has filled.
    let lines: Vec<String> = (1..=2880)
        .map(|it| format!("old.run {it} {}\n", minute - 60 * it))
        .collect();
    let name = format!("{:010}-7-2880.1-{}.lines", minute - 60, minute - 60);
    put(&monitor, &sink.address(), &name, &lines.concat());
    let lost = [&lines[0], &lines[1439], &lines[2879]];
    let shown = lines.iter().filter(|line| !lost.contains(line));
    web.show(&shown.cloned().collect::<String>());
    deliver(&monitor, &sink.address(), &["--verify", &web.url()]).is_fine();
    let sent = sink.take().concat();
    let sent: Vec<&str> = sent
        .split_inclusive('\n')
        .filter(|line| line.starts_with("old.run"))
        .collect();
    assert_eq!(sent, lost);
}

fn what_is_not_shown_yet_goes_again_in_silence() {
    let (web, sink, monitor) = (StandIn::start(), Sink::start(), Monitor::new());
    let (carbon, url) = (sink.address(), web.url());
    deliver(&monitor, &carbon, &["--verify", &url]).is_fine();
    let first = sink.take().concat();
    // All but a few are shown a minute later, as by a carbon that writes slowly.
    let slow: String = first.split_inclusive('\n').take(5).collect();
    web.show(first.strip_prefix(&slow).expect("the rest"));
    a_minute_later(&monitor, &carbon);
    deliver(&monitor, &carbon, &["--verify", &url]).is_fine();
    let second = sink.take().concat();
    let fresh = second.strip_prefix(&slow).expect("those few first");
    assert_eq!(fresh.lines().count(), LINES);
    // Now they are.
    web.show(&(first + fresh));
    a_minute_later(&monitor, &carbon);
    deliver(&monitor, &carbon, &["--verify", &url]).is_fine();
    assert_eq!(sink.take().concat().lines().count(), LINES);
    assert_eq!(waiting(&monitor, &carbon).len(), 1);
}

fn what_is_not_shown_after_half_an_hour_is_said() {
    let (web, sink, monitor) = (StandIn::start(), Sink::start(), Monitor::new());
    let (then, seconds) = (now() - 1900, |ago: u64| now() - ago);
    let names = [
        // Sent again and again for that long; a minute ago; carbon was away until just now; nobody
        // has looked since, as after a night in which the whole machine slept.
        format!("{then:010}-7-1.3-{}-{then}.lines", seconds(1000)),
        format!("{:010}-8-1.1-{}.lines", seconds(61), seconds(60)),
        format!("{then:010}-9-1.1-{}.lines", seconds(60)),
        format!("{then:010}-10-1.1-{then}.lines"),
    ];
    for (number, name) in names.iter().enumerate() {
        let line = format!("old.run.{number} 1 {then}\n");
        put(&monitor, &sink.address(), name, &line);
    }
    let run = deliver(&monitor, &sink.address(), &["--verify", &web.url()]);
    run.complained(
        0,
        "1 lines are not shown that carbon confirmed half an hour ago",
    );
    assert_eq!(sink.take().concat().matches("old.run").count(), 4);
    // What was dropped before it was shown counts as lost.
    let spool = folder(&monitor, &sink.address());
    a_minute_later(&monitor, &sink.address());
    let aged = ["--verify", &web.url(), "--spool-age", "20m"];
    let run = deliver(&monitor, &sink.address(), &aged);
    assert!(
        run.stderr.contains("3 lines waited too long"),
        "{}",
        run.stderr
    );
    assert!(fs::read_dir(spool).expect("the spool").count() > 0);
}
