//! Deliveries to receivers of several kinds, without the rest of the program.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::line::lines;
use super::spool::Spool;
use super::*;
use crate::base::clock;
use crate::base::error::Exit;
use crate::base::http::Trust;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(400);

fn within(limit: Duration) -> Deadline {
    Deadline::after(Instant::now(), limit)
}

/// What some threads tell the test.
type Shared<T> = Arc<Mutex<T>>;

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no thread has failed")
}

/// The port of somebody who does this with each connection, one after the other.
fn listening(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    port
}

fn carbon_at(port: u16) -> Carbon {
    format!("127.0.0.1:{port}").parse().expect("a carbon")
}

/// A carbon that is away. A port that was free a moment ago may be that of another test by now.
fn nobody() -> Carbon {
    "127.0.0.2:1".parse().expect("a carbon")
}

/// A carbon that takes everything, and what it was given, connection by connection.
fn sink() -> (Carbon, Shared<Vec<String>>) {
    let heard: Shared<Vec<String>> = Shared::default();
    let all = Arc::clone(&heard);
    let port = listening(move |mut stream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        lock(&all).push(text);
    });
    (carbon_at(port), heard)
}

/// A graphite-web that answers with a status and a text, and the forms that it was sent.
fn web(
    answer: impl Fn(&str) -> (&'static str, String) + Send + 'static,
) -> (GraphiteWeb, Shared<Vec<String>>) {
    let forms: Shared<Vec<String>> = Shared::default();
    let all = Arc::clone(&forms);
    let port = listening(move |stream| {
        let mut reader = BufReader::new(&stream);
        let (mut line, mut length) = (String::from("-"), 0);
        while !line.trim().is_empty() {
            line.clear();
            reader.read_line(&mut line).expect("a header");
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).expect("a form");
        let form = String::from_utf8(form).expect("text");
        let (status, body) = answer(&form);
        lock(&all).push(form);
        let length = body.len();
        write!(
            &stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("somebody who listens");
    });
    let url = format!("http://127.0.0.1:{port}");
    (url.parse().expect("a URL"), forms)
}

/// A field of a form.
fn field<'a>(form: &'a str, name: &str) -> &'a str {
    let fields = form.split('&').filter_map(|it| it.split_once('='));
    let mut values = fields.filter_map(|(key, value)| (key == name).then_some(value));
    values.next().unwrap_or_else(|| panic!("{name} in {form}"))
}

/// The answer of a graphite-web that shows some lines, to the minute, to whoever asks for their
/// paths.
fn showing(text: &str, form: &str) -> (&'static str, String) {
    let mut series: BTreeMap<&str, Vec<(f64, u64)>> = BTreeMap::new();
    for line in lines(text) {
        let target = format!("target={}", line.path);
        if form.split('&').any(|it| it == target) {
            let points = series.entry(line.path).or_default();
            points.push((line.value, line.time / 60 * 60));
        }
    }
    let one = |(path, points)| json!({"target": path, "datapoints": points});
    let all: Vec<Json> = series.into_iter().map(one).collect();
    ("200 OK", Json::from(all).to_string())
}

pub(super) fn rules(verify: Option<GraphiteWeb>) -> Rules {
    Rules {
        resend: 1,
        bounds: Bounds {
            age: Duration::from_secs(1000),
            size: 1 << 30,
        },
        verify,
        trust: Trust::BuiltIn,
    }
}

fn to_carbons(carbons: &[&Carbon], verify: Option<GraphiteWeb>) -> Destination {
    let carbons = carbons.iter().map(|it| (*it).clone());
    Destination::Carbons(carbons.collect(), rules(verify))
}

/// Delivers a text as a run that began at a time: how it ended, and whether it was in hand then.
fn run(
    to: &Destination,
    folder: Option<&Path>,
    timestamp: u64,
    text: &str,
) -> (Result<(), Error>, bool) {
    let in_hand = Cell::new(false);
    let cargo = Cargo { timestamp, text };
    let outcome = to
        .open(folder)
        .deliver(cargo, within(LONG), || in_hand.set(true));
    (outcome.map_err(Error::from), in_hand.get())
}

/// As if so many seconds had gone by since the runs below a folder were confirmed.
fn later(folder: &Path, carbon: &Carbon, seconds: u64) {
    let spool = spools::place(folder, carbon);
    for entry in Spool::left_in(&spool).expect("a spool").entries() {
        let mut then = entry.clone();
        then.at = then.at.saturating_sub(seconds);
        then.unshown = then.unshown.saturating_sub(seconds);
        fs::rename(spool.join(entry.name()), spool.join(then.name())).expect("a name");
    }
}

#[test]
fn what_a_receiver_does_is_told_in_words() {
    let short = "a.b 1 5\n".repeat(9);
    // More than the system keeps for somebody who does not read.
    let long = "a.b 1 5\n".repeat(4 << 20);
    let held: Shared<Vec<TcpStream>> = Shared::default();
    let (never_reads, never_closes) = (Arc::clone(&held), Arc::clone(&held));
    let closes_first = |mut stream: TcpStream| {
        stream.shutdown(Shutdown::Write).expect("our half");
        let _ = stream.read_to_end(&mut Vec::new());
    };
    let closes_unread = |stream: TcpStream| drop(stream.peek(&mut [0]));
    let speaks = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    };
    let speaks_at_the_end = |mut stream: TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new());
        let _ = stream.write_all(b"thank you");
    };
    let closed = "it closed the connection before the end of the lines";
    let cases: [(u16, &str, Duration, &str); 7] = [
        (listening(closes_first), &short, LONG, closed),
        (listening(closes_unread), &short, LONG, closed),
        (listening(closes_unread), &long, LONG, closed),
        (
            listening(speaks),
            &short,
            LONG,
            "something else answers there",
        ),
        (
            listening(speaks_at_the_end),
            &short,
            LONG,
            "something else answers there",
        ),
        (
            listening(move |mut stream| {
                let _ = stream.read_to_end(&mut Vec::new());
                lock(&never_closes).push(stream);
            }),
            &short,
            SHORT,
            "time ran out while waiting for its confirmation",
        ),
        (
            listening(move |stream| lock(&never_reads).push(stream)),
            &long,
            SHORT,
            "time ran out while sending",
        ),
    ];
    for (number, (port, text, limit, expected)) in cases.into_iter().enumerate() {
        let (carbon, start) = (carbon_at(port), Instant::now());
        let error = carbon::deliver(&carbon, text, within(limit)).expect_err("not confirmed");
        let words = error.to_string();
        let beginning = format!("carbon at 127.0.0.1:{port}: {expected}");
        assert!(words.starts_with(&beginning), "{number}: {words}");
        assert_eq!(error.exit(), Exit::Undelivered);
        // Nobody is waited for who has said enough.
        assert!(limit == SHORT || start.elapsed() < LONG / 2, "{number}");
    }
}

#[test]
fn what_is_confirmed_has_arrived_whole() {
    let (carbon, heard) = sink();
    let text = "a.b 1 5\n".repeat(100_000);
    carbon::deliver(&carbon, &text, within(LONG)).expect("a confirmation");
    carbon::deliver(&carbon, "", within(LONG)).expect("nothing to do");
    probe(&carbon, within(LONG)).expect("a carbon");
    assert_eq!(*lock(&heard), [text.as_str(), ""], "and none for no lines");
    for (over, expected) in [
        (Duration::ZERO, "time ran out"),
        (LONG, "Connection refused"),
    ] {
        let error = probe(&nobody(), within(over)).expect_err("nobody");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_run_is_sent_again_once_after_a_while_and_is_done_then() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let to = to_carbons(&[&carbon], None);
    assert!(to.is_carbon() && to.open(None).takes_parts());
    assert_eq!(to.to_string(), format!("carbon at {carbon}"));
    assert_eq!(to.places("any"), [format!("carbon at {carbon}")]);
    assert_eq!(to.age(), Duration::from_secs(1000));
    to.must_be_open().expect("it may be away");
    for (minute, expected) in [
        (0, "a 1 1000\n"),
        (60, "a 1 1060\n"),
        (120, "a 1 1000\na 1 1060\na 1 1120\n"),
    ] {
        let text = format!("a 1 {}\n", 1000 + minute);
        if minute == 120 {
            later(folder, &carbon, 45);
        }
        let (outcome, in_hand) = run(&to, Some(folder), 1000 + minute, &text);
        outcome.expect("a confirmation");
        assert!(in_hand);
        assert_eq!(lock(&heard).last().expect("a connection"), expected);
    }
    assert_eq!(to.runs_in_hand(folder), [1120]);
    assert_eq!(to.open(Some(folder)).backlog(), Backlog::default());
    assert!(waiting(folder).is_empty(), "it was confirmed");
}

#[test]
fn what_does_not_arrive_waits_and_comes_first() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let away = nobody();
    let to = to_carbons(&[&away, &carbon], None);
    for (timestamp, text, kept) in [(1000, "a 1 1000\nb 2 1000\n", 2), (1060, "a 1 1060\n", 3)] {
        let (outcome, in_hand) = run(&to, Some(folder), timestamp, text);
        let error = outcome.expect_err("one is away");
        let words = error.to_string();
        assert!(words.starts_with(&format!("carbon at {away}: ")), "{words}");
        assert!(
            words.ends_with(&format!("; {kept} lines are kept")),
            "{words}"
        );
        assert_eq!(error.exit(), Exit::Undelivered);
        assert!(in_hand);
        assert_eq!(*lock(&heard).last().expect("the other"), text);
    }
    let backlog = |spooled, dropped| Backlog { spooled, dropped };
    assert_eq!(to.open(Some(folder)).backlog(), backlog(3, 0));
    let [waiting] = waiting(folder).try_into().expect("one waits");
    assert_eq!((waiting.lines, waiting.since), (3, 1000));
    assert!(waiting.is_for(&away) && !waiting.is_for(&carbon));
    // It comes back under the same name, and too late for the first.
    let there = spools::place(folder, &away);
    let (back, heard) = sink();
    fs::remove_dir_all(spools::place(folder, &carbon)).expect("the other's");
    fs::rename(there, spools::place(folder, &back)).expect("a name");
    let to = to_carbons(&[&back], None);
    run(&to, Some(folder), 2001, "").0.expect("a confirmation");
    assert_eq!(*lock(&heard), ["a 1 1000\nb 2 1000\na 1 1060\n"]);
    assert_eq!(to.runs_in_hand(folder), [1060], "older than --spool-age");
    assert_eq!(to.open(Some(folder)).backlog(), backlog(0, 0));
}

#[test]
fn what_waits_too_long_is_dropped_and_counted_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, away) = (folder.path(), nobody());
    let to = to_carbons(&[&away], None);
    for timestamp in [1000, 2001] {
        let (outcome, in_hand) = run(&to, Some(folder), timestamp, "a 1 1000\nb 1 1000\n");
        outcome.expect_err("away");
        assert!(in_hand, "it waits");
    }
    let backlog = |spooled, dropped| Backlog { spooled, dropped };
    assert_eq!(to.open(Some(folder)).backlog(), backlog(2, 2));
    assert_eq!(to.open(Some(folder)).backlog(), backlog(2, 0));
    // A carbon that is not named any more is forgotten in the same way.
    let (carbon, _) = sink();
    let other = to_carbons(&[&carbon], None);
    run(&other, Some(folder), 3001, "a 1 3001\n").0.expect("it");
    assert!(spools::place(folder, &away).exists(), "a second too young");
    run(&other, Some(folder), 3002, "").0.expect("it");
    assert!(!spools::place(folder, &away).exists());
}

#[test]
fn without_a_place_to_wait_lines_are_sent_or_lost() {
    let (carbon, heard) = sink();
    let (outcome, in_hand) = run(&to_carbons(&[&carbon], None), None, 1000, "a 1 1000\n");
    outcome.expect("a confirmation");
    assert!(in_hand);
    assert_eq!(*lock(&heard), ["a 1 1000\n"]);
    let away = nobody();
    let (outcome, in_hand) = run(&to_carbons(&[&away, &away], None), None, 1000, "a 1 1000\n");
    let words = outcome.expect_err("away").to_string();
    assert!(words.ends_with("; lines are lost"), "{words}");
    assert!(!in_hand);
}

#[test]
fn who_does_not_get_a_turn_leaves_its_lines() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, to) = (folder.path(), to_carbons(&[&carbon], None));
    let spool = Spool::open(&spools::place(folder, &carbon)).expect("a spool");
    let turn = spool.turn_now().expect("a turn");
    let cargo = Cargo {
        timestamp: 1000,
        text: "a 1 1000\n",
    };
    let delivered = to.open(Some(folder)).deliver(cargo, within(SHORT), || {});
    let error = Error::from(delivered.expect_err("somebody else has it"));
    let me = std::process::id();
    assert_eq!(
        error.to_string(),
        format!(
            "carbon at {carbon}: another run (process {me}) was still delivering when the time \
             was over; 1 lines are kept"
        )
    );
    assert_eq!(error.exit(), Exit::Busy);
    assert!(lock(&heard).is_empty());
    drop(turn);
    run(&to, Some(folder), 1060, "").0.expect("a confirmation");
    assert_eq!(*lock(&heard), ["a 1 1000\n"]);
}

#[test]
fn a_connection_has_a_megabyte_and_nothing_of_the_future() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, to) = (folder.path(), to_carbons(&[&carbon], None));
    let spool = Spool::open(&spools::place(folder, &carbon)).expect("a spool");
    let lines = |count: usize, time: u64| format!("a.b 1 {time}\n").repeat(count);
    // More than half a megabyte, twice; a line; more than a megabyte at once; a line.
    let sizes = [(32 << 10, 1), (32 << 10, 2), (1, 3), (100 << 10, 4), (1, 5)];
    for (count, number) in sizes {
        let text = lines(count, 1_000_000_000 + number);
        spool.add(1000 + number, &text).expect("a file");
    }
    spool.add(9000, "future 1 9000\n").expect("a file");
    let (early, late) = ("early 1 1000\n", "late 1 9000\n");
    spool.add(1005, &format!("{early}{late}")).expect("a file");
    run(&to, Some(folder), 1010, "").0.expect("a confirmation");
    assert!(lock(&heard).is_empty(), "everything is ahead of 1010");
    run(&to, Some(folder), 1_000_000_009, "").0.expect("it");
    let sent: Vec<usize> = lock(&heard).iter().map(|it| it.lines().count()).collect();
    assert_eq!(sent, [32 << 10, (32 << 10) + 1, 100 << 10, 4]);
}

#[test]
fn what_graphite_web_shows_is_done_with_and_the_rest_goes_again() {
    let (carbon, heard) = sink();
    let shown: Shared<String> = Shared::default();
    let there = Arc::clone(&shown);
    let (web, forms) = web(move |form| showing(&lock(&there), form));
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, to) = (folder.path(), to_carbons(&[&carbon], Some(web)));
    let text = "a 1 1000\nb 2 1000\nc 3 1000\n";
    run(&to, Some(folder), 1000, text).0.expect("it");
    assert!(lock(&forms).is_empty(), "nothing was confirmed");
    later(folder, &carbon, 60);
    "a 1 1000\nb 9 1000\n".clone_into(&mut lock(&shown));
    run(&to, Some(folder), 1060, "").0.expect("it");
    assert_eq!(lock(&heard)[1..], ["b 2 1000\nc 3 1000\n"]);
    assert_eq!(lock(&forms).len(), 1);
    later(folder, &carbon, 60);
    text.clone_into(&mut lock(&shown));
    run(&to, Some(folder), 1120, "").0.expect("it");
    assert_eq!(lock(&heard).len(), 2, "nothing is due");
    assert!(to.runs_in_hand(folder).is_empty());
}

#[test]
fn what_graphite_web_cannot_be_asked_for_is_confirmed_twice() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let now = clock::now();
    let (refusing, _) = web(|_| ("503 Busy", String::new()));
    let (showing_nothing, forms) = web(|_| ("200 OK", "[]".to_owned()));
    // Nine days old, it may lie in a coarse archive: two confirmations are asked for.
    let days_ago = |days: u64| format!("a 1 {}\n", now - days * 24 * 3600);
    for (web, text, left) in [
        (refusing, days_ago(0), [0, 0]),
        (showing_nothing.clone(), days_ago(9), [1, 0]),
        (showing_nothing, days_ago(7), [1, 1]),
    ] {
        let to = to_carbons(&[&carbon], Some(web));
        run(&to, Some(folder), now, &text).0.expect("it");
        for left in left {
            later(folder, &carbon, 60);
            run(&to, Some(folder), now, "").0.expect("it");
            assert_eq!(to.runs_in_hand(folder).len(), left, "{text}");
        }
        assert_eq!(lock(&heard)[..2], [text.as_str(), &text]);
        lock(&heard).clear();
        fs::remove_dir_all(spools::place(folder, &carbon)).expect("a spool");
    }
    // For the last of them, twice.
    assert_eq!(lock(&forms).len(), 2);
}

#[test]
fn graphite_web_is_asked_for_a_few_hundred_series_of_a_few_hours() {
    let text = |count: usize, time: u64| -> String {
        let lines = (0..count).map(|number| format!("a.n{number} 7 {time}\n"));
        lines.collect()
    };
    let window = 6 * 3600;
    let first = 82_000 * window;
    let sent = [
        text(250, first + 30),
        text(1, first + window - 1),
        text(1, first + window),
    ]
    .concat();
    let shown = sent.replace("a.n7 7", "a.n7 8").replace("a.n240 ", "b ");
    let (web, forms) = web(move |form| showing(&shown, form));
    let reader = web.reader(&Trust::BuiltIn);
    let missing = reader.missing(&sent, within(LONG)).expect("an answer");
    let time = first + 30;
    assert_eq!(missing, format!("a.n7 7 {time}\na.n240 7 {time}\n"));
    let asked = |form: &String| {
        let time = |name| field(form, name).parse::<i64>().expect("a time");
        let from_first = |name| time(name) - first.cast_signed();
        let count = form.matches("target=").count();
        (from_first("from"), from_first("until"), count)
    };
    let asked: Vec<_> = lock(&forms).iter().map(asked).collect();
    let window = window.cast_signed();
    assert_eq!(
        asked,
        [
            (30 - 600, window - 1 + 600, 200),
            (30 - 600, 30 + 600, 50),
            (window - 600, window + 600, 1),
        ]
    );
    web.probe(&Trust::BuiltIn, 1000, within(LONG)).expect("it");
}

#[test]
fn why_graphite_web_has_no_answer_is_told_in_words() {
    let line = "a 1 1000\n";
    let cases = [
        ("503 Busy", "", "it answers with status 503"),
        (
            "302 Found\r\nLocation: http://elsewhere/",
            "",
            "it redirects to http://elsewhere/, which is not followed",
        ),
        ("200 OK", "<html>", "its answer is not JSON"),
    ];
    for (status, body, expected) in cases {
        let (web, _) = web(move |_| (status, body.to_owned()));
        let asked = web.reader(&Trust::BuiltIn).missing(line, within(LONG));
        let error = asked.expect_err("no answer");
        assert_eq!(error.to_string(), format!("{web}: {expected}"));
        assert_eq!(error.exit(), Exit::Undelivered);
        web.probe(&Trust::BuiltIn, 1000, within(LONG))
            .expect_err("no answer either");
    }
    // It may fail for a moment, its answer may be long, and nobody may be there.
    let is_first = Cell::new(true);
    let (hesitant, forms) = web(move |_| match is_first.replace(false) {
        true => ("500 Internal Server Error", String::new()),
        false => ("200 OK", "[]".to_owned()),
    });
    let missing = hesitant.reader(&Trust::BuiltIn).missing(line, within(LONG));
    assert_eq!(missing.expect("an answer"), line);
    assert_eq!(lock(&forms).len(), 2);
    let (talkative, _) = web(|_| ("200 OK", format!("{}[]", " ".repeat(2 << 20))));
    let missing = talkative
        .reader(&Trust::BuiltIn)
        .missing(line, within(LONG));
    assert_eq!(missing.expect("an answer"), line);
    let closed: GraphiteWeb = format!("http://{}", nobody()).parse().expect("a URL");
    let asked = closed.reader(&Trust::BuiltIn).missing(line, within(LONG));
    let words = asked.expect_err("nobody").to_string();
    assert!(
        words.starts_with(&format!("{closed}: Connection refused")),
        "{words}"
    );
    let (web, _) = web(|_| {
        thread::sleep(2 * SHORT);
        ("200 OK", "[]".to_owned())
    });
    for (limit, expected) in [
        (SHORT, "it did not answer in time"),
        (Duration::ZERO, "no time is left"),
    ] {
        let asked = web.reader(&Trust::BuiltIn).missing(line, within(limit));
        let words = asked.expect_err("too late").to_string();
        assert_eq!(words, format!("{web}: {expected}"));
    }
}

#[test]
fn an_output_is_written_at_once_and_keeps_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("metrics.prom");
    let to = Destination::Output(Output::File(file.clone()));
    to.must_be_open().expect("a file can be made there");
    assert!(!to.is_carbon() && !to.open(None).takes_parts());
    assert_eq!(to.to_string(), file.display().to_string());
    assert_eq!(to.places("a b"), [format!("{}: a b", file.display())]);
    assert_eq!(to.age().as_secs(), 604_800, "a week");
    for text in ["a 1 1000\n", "a 1 1060\n"] {
        let (outcome, in_hand) = run(&to, Some(folder.path()), 1000, text);
        outcome.expect("a file");
        assert!(in_hand);
        assert_eq!(fs::read_to_string(&file).expect("it"), text);
    }
    assert!(to.runs_in_hand(folder.path()).is_empty());
    assert_eq!(to.open(None).backlog(), Backlog::default());
    let nowhere = Destination::Output(Output::File(folder.path().join("no/file")));
    let (outcome, in_hand) = run(&nowhere, None, 1000, "a 1 1000\n");
    outcome.expect_err("no folder");
    assert!(!in_hand && nowhere.must_be_open().is_err());
}

#[test]
fn where_a_text_did_not_arrive_it_goes_no_more() {
    let ((one, heard), (other, also_heard)) = (sink(), sink());
    let away = nobody();
    let cargo = |text| Cargo {
        timestamp: 1000,
        text,
    };
    for carbons in [
        [&away, &one, &other],
        [&one, &away, &other],
        [&one, &other, &away],
    ] {
        let to = to_carbons(&carbons, None);
        let mut delivery = to.open(None);
        let failed = delivery.deliver(cargo("a 1 1000\n"), within(LONG), || {});
        let failed = failed.expect_err("one is away");
        let mut names = to.places("");
        failed.take_out_of(&mut names);
        assert_eq!(names, [named(&one), named(&other)]);
        assert!(delivery.leave_out(&failed));
        let rest = delivery.deliver(cargo("b 2 1000\n"), within(LONG), || {});
        rest.expect("both are there");
        for heard in [&heard, &also_heard] {
            let text = std::mem::take(&mut *lock(heard));
            assert_eq!(text, ["a 1 1000\n", "b 2 1000\n"]);
        }
    }
    let to = to_carbons(&[&away], None);
    let mut delivery = to.open(None);
    let failed = delivery.deliver(cargo("a 1 1000\n"), within(LONG), || {});
    assert!(!delivery.leave_out(&failed.expect_err("it is away")));
}

/// The clock is set back, and goes through the time again of which a run has told the past.
#[test]
fn what_waits_gives_way_to_what_is_live() {
    let (carbon, heard) = sink();
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, to) = (folder.path(), to_carbons(&[&carbon], None));
    let run = |time, text: &str| {
        run(&to, Some(folder), time, text)
            .0
            .expect("a confirmation");
        later(folder, &carbon, 60);
        std::mem::take(&mut *lock(&heard)).concat()
    };
    let filled = "a 1 960\na 2 1020\nb 3 1020\na 4 2000\n";
    assert_eq!(run(2000, filled), filled);
    assert_eq!(run(1025, "a 5 1025\n"), "a 5 1025\n");
    assert_eq!(run(1990, "a 6 1990\n"), "a 5 1025\na 6 1990\n");
    // What it has told of its own minute stays.
    let again = "a 6 1990\na 1 960\nb 3 1020\na 4 2000\n";
    assert_eq!(run(2001, ""), again);
    // All of it gives way.
    assert_eq!(run(3000, "c 7 1020\n"), "c 7 1020\n");
    assert_eq!(run(1030, "c 8 1030\n"), "c 8 1030\n");
    assert_eq!(run(3001, ""), "c 8 1030\n");
}
