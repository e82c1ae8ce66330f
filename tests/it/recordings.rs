//! Recorded boxes: answers in, exact lines out.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use libtest_mimic::Trial;

use crate::kept::now;
use crate::monitor::{Monitor, check_lines, project_file};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        each_box_gives_its_lines,
        a_dry_run_shows_the_lines_and_says_what_it_left,
        a_reader_that_has_seen_enough_is_no_failure,
        a_full_disk_is_a_failure,
        two_numbers_on_one_path_are_told,
    ]
}

/// `tests/boxes/NAME.json` gives `tests/boxes/NAME.TEMPLATE.lines`, without the timestamps, and
/// `tests/boxes/NAME.FORMAT`, and says `tests/boxes/NAME.words` or nothing. To write those anew after an intended change, run
/// with `BLESS=1` and read the difference.
fn each_box_gives_its_lines() {
    let mut boxes = 0;
    for entry in fs::read_dir(project_file("tests/boxes")).expect("the folder") {
        let recording = entry.expect("an entry").path();
        if recording.extension().is_none_or(|it| it != "json") {
            continue;
        }
        boxes += 1;
        let run = |option, value| {
            let arguments = [
                "--all",
                "--status-wifi-neighbors",
                "--host-age=all",
                option,
                value,
                "--replay",
                recording.to_str().unwrap(),
            ];
            let run = Monitor::new().run(&arguments);
            assert_eq!(run.code, 0, "{}: {}", recording.display(), run.stderr);
            is_as_before(&recording.with_extension("words"), &run.stderr);
            run
        };
        for template in ["dotted", "tagged", "flat", "sexigraf"] {
            let run = run("-t", template);
            check_lines(&run.stdout);
            let lines = format!("{template}.lines");
            is_as_before(&recording.with_extension(lines), &run.untimed());
        }
        for format in ["influxdb", "prometheus"] {
            let before = now();
            let text = run("-f", format).stdout;
            let text = untimed(&text, before..=now());
            is_as_before(&recording.with_extension(format), &text);
        }
    }
    assert!(boxes >= 8, "{boxes} boxes");
}

/// Without the moment of the run itself, which is one of these.
fn untimed(text: &str, moments: RangeInclusive<u64>) -> String {
    let without = |text: String, moment: u64| text.replace(&moment.to_string(), "(now)");
    moments.into_iter().fold(text.to_owned(), without)
}

/// Holds a text against a golden file; no file is an empty one.
#[track_caller]
fn is_as_before(golden: &Path, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        match text.is_empty() {
            true => drop(fs::remove_file(golden)),
            false => fs::write(golden, text).expect("the golden file"),
        }
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    assert!(expected == text, "{}: {text}", golden.display());
}

fn a_dry_run_shows_the_lines_and_says_what_it_left() {
    let recording = project_file("tests/boxes/ultra.json");
    let recording = recording.to_str().unwrap();
    let monitor = Monitor::new();
    let run = monitor.run(&[
        "--dry-run",
        "--carbon",
        "carbon.invalid",
        "--replay",
        recording,
    ]);
    assert_eq!(
        run.untimed(),
        monitor.run(&["--replay", recording]).untimed()
    );
    assert_eq!(run.code, 0);
    let lines = run.stdout.lines().count();
    let summary = format!("dry run: {lines} lines for carbon at carbon.invalid:2003; 0 more");
    assert!(run.stderr.starts_with(&summary), "{}", run.stderr);
    assert!(monitor.files().is_empty(), "{:?}", monitor.files());
}

fn a_reader_that_has_seen_enough_is_no_failure() {
    let recording = project_file("tests/boxes/ultra.json");
    let mut command = Monitor::new().command(&["--replay", recording.to_str().unwrap()]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("the program starts");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}

fn a_full_disk_is_a_failure() {
    let recording = project_file("tests/boxes/ultra.json");
    let mut command = Monitor::new().command(&["--replay", recording.to_str().unwrap()]);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = command.stdout(full).output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("cannot write to stdout: No space left"),
        "{words}"
    );
}

fn two_numbers_on_one_path_are_told() {
    let monitor = Monitor::new();
    // The labels differ, so that the template cannot be refused; here both are empty.
    let text = "connection.state a{ipv6}.x\nconnection.config.remote_access a{remote_ip}.x\n** -\n";
    let template = monitor.write("my.template", text);
    let recording = r#"{"format":"freebox-monitor recording 1","api_version":{"api_version":"4.0"},
        "answers":{"connection/":{"success":true,"result":{"state":"up"}},
                   "connection/config/":{"success":true,"result":{"remote_access":true}}}}"#;
    let recording = monitor.write("recording.json", recording);
    let (template, recording) = (template.to_str().unwrap(), recording.to_str().unwrap());
    let run = monitor.run(&["-t", template, "--replay", recording]);
    run.complained(
        0,
        "connection.state and connection.config.remote_access have the same path a.x; the first is written",
    );
    assert_eq!(run.untimed(), "a.x 1\n");
}
