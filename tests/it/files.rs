//! Files that are given by name: links are followed, devices and pipes are written to or refused,
//! and nothing waits longer than the run may take.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::kept::{LINES, recording};
use crate::monitor::{Monitor, PROGRAM, Run, check_lines};
use crate::session::healthy;
use crate::simulated_freebox::{Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        output_is_replaced_in_one_step_for_all_to_read,
        output_goes_where_links_lead,
        output_keeps_the_mode_that_was_there,
        output_goes_to_streams_and_never_in_their_place,
        output_to_standard_output_goes_behind_what_is_there,
        a_dash_is_standard_output,
        output_waits_for_a_reader_within_the_time,
        output_that_cannot_be_leaves_what_was_there,
        output_that_cannot_be_is_seen_before_the_box_is_asked,
        a_file_that_may_not_grow_is_no_end,
        a_recording_goes_where_output_would,
        credentials_go_where_links_lead,
        credentials_are_not_given_to_devices,
        what_nobody_writes_is_given_up_within_the_time,
        what_somebody_writes_is_read_to_its_end,
        what_is_no_file_is_named_for_what_it_is,
    ]
}

/// Writes the lines of a recording to this place.
fn output(monitor: &Monitor, to: &Path) -> Run {
    let (to, recording) = (to.to_str().expect("UTF-8"), recording());
    monitor.run(&[
        "--all",
        "--replay",
        &recording,
        "--output",
        to,
        "--timeout",
        "3",
    ])
}

/// What it writes.
#[track_caller]
fn holds_lines(path: &Path) {
    let text = fs::read_to_string(path).expect("lines");
    check_lines(&text);
    assert_eq!(text.lines().count(), LINES);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn pipe(monitor: &Monitor, name: &str) -> PathBuf {
    let path = monitor.path(name);
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(made.success());
    path
}

/// The names in the home.
fn names(monitor: &Monitor) -> Vec<String> {
    let entries = fs::read_dir(monitor.path("")).expect("the home");
    let mut names: Vec<String> = entries
        .map(|it| it.expect("it").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn output_is_replaced_in_one_step_for_all_to_read() {
    let monitor = Monitor::new();
    let file = monitor.path("freebox.prom");
    let script = format!(
        "umask 077; exec {PROGRAM} --all --replay {} --output {}",
        recording(),
        file.display()
    );
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.expect("sh").success());
    holds_lines(&file);
    assert_eq!(mode(&file), 0o644);
    // Whoever has it open reads on in the old one.
    let mut old = File::open(&file).expect("the old one");
    output(&monitor, &file).is_fine();
    assert_ne!(
        old.metadata().unwrap().ino(),
        fs::metadata(&file).unwrap().ino()
    );
    let mut text = String::new();
    old.read_to_string(&mut text).expect("its lines");
    check_lines(&text);
    assert_eq!(names(&monitor), ["freebox.prom"]);
}

fn output_goes_where_links_lead() {
    let monitor = Monitor::new();
    let at = |name: &str| monitor.path(name);
    for folder in ["a", "b"] {
        fs::create_dir(at(folder)).expect("a folder");
    }
    symlink("a/chain", at("link")).expect("a link");
    symlink("../b/end", at("a/chain")).expect("a link");
    // First it leads nowhere yet.
    for _ in 0..2 {
        output(&monitor, &at("link")).is_fine();
        holds_lines(&at("b/end"));
        assert!(at("link").is_symlink() && at("a/chain").is_symlink());
        assert!(!at("b/end").is_symlink());
    }
    symlink("round", at("about")).expect("a link");
    symlink("about", at("round")).expect("a link");
    output(&monitor, &at("round")).failed(1, "its symbolic links lead in a circle");
    symlink("nowhere/file", at("dangling")).expect("a link");
    output(&monitor, &at("dangling")).failed(1, "No such file or directory");
}

fn output_keeps_the_mode_that_was_there() {
    let monitor = Monitor::new();
    for before in [0o600, 0o640, 0o664] {
        let file = monitor.write("lines", "before");
        fs::set_permissions(&file, fs::Permissions::from_mode(before)).expect("a mode");
        output(&monitor, &file).is_fine();
        holds_lines(&file);
        assert_eq!(mode(&file), before);
    }
    // Whose it was it stays, where this may be said.
    let file = monitor.write("lines", "before");
    if std::os::unix::fs::chown(&file, Some(12), Some(34)).is_ok() {
        output(&monitor, &file).is_fine();
        let after = fs::metadata(&file).expect("it");
        assert_eq!((after.uid(), after.gid()), (12, 34));
    }
}

fn output_goes_to_streams_and_never_in_their_place() {
    let monitor = Monitor::new();
    output(&monitor, Path::new("/dev/null")).is_fine();
    let null = fs::metadata("/dev/null").expect("it is there");
    assert!(null.file_type().is_char_device());
    output(&monitor, Path::new("/dev/full")).failed(1, "No space left on device");
    let link = monitor.path("link");
    symlink("/dev/null", &link).expect("a link");
    output(&monitor, &link).is_fine();
    assert!(link.is_symlink());
    // A pipe with a reader, which reads to the end, or has enough before that.
    let path = pipe(&monitor, "pipe");
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).expect("lines")
    });
    output(&monitor, &path).is_fine();
    check_lines(&reader.join().expect("a reader"));
    let reader = thread::spawn({
        let path = path.clone();
        move || drop(File::open(path).expect("the pipe"))
    });
    output(&monitor, &path).is_fine();
    reader.join().expect("a reader");
    assert!(fs::metadata(&path).expect("it").file_type().is_fifo());
}

fn output_to_standard_output_goes_behind_what_is_there() {
    let monitor = Monitor::new();
    for (to, number, how) in [
        ("/dev/stdout", 1, ">>"),
        ("/dev/stdout", 1, ">"),
        ("/dev/fd/1", 1, ">"),
        ("/proc/self/fd/1", 1, ">"),
        ("/dev/stderr", 2, ">"),
        ("/dev/fd/7", 7, ">>"),
    ] {
        let file = monitor.write("lines", "");
        let script = format!(
            "exec {number}{how}{}; echo before >&{number}; \
             {PROGRAM} --all --replay {} --output {to}; echo after >&{number}",
            file.display(),
            recording()
        );
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.expect("sh").success());
        let text = fs::read_to_string(&file).expect("lines");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), LINES + 2, "{to} {how}: {text}");
        assert_eq!(
            (lines[0], lines[LINES + 1]),
            ("before", "after"),
            "{to} {how}"
        );
    }
    // Through a pipe of the shell.
    let script = format!(
        "{PROGRAM} --all --replay {} --output /dev/stdout | cat; echo $?",
        recording()
    );
    let output = Command::new("sh").args(["-c", &script]).output();
    let output = output.expect("sh");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), LINES + 1);
}

fn a_dash_is_standard_output() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let run = monitor.run(&["--output", "-"]);
    check_lines(&run.is_fine().stdout);
    let run = monitor.run(&["--record", "-"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains(" answers of the box are on stdout; "),
        "{}",
        run.stderr
    );
    let recording = monitor.write("recording.json", &run.stdout);
    let replay = ["--replay", recording.to_str().expect("UTF-8")];
    check_lines(&monitor.run(&replay).is_fine().stdout);
    assert!(!names(&monitor).contains(&"-".to_owned()));
}

#[track_caller]
fn took_its_time(run: &Run, seconds: f64) {
    let took = run.took.as_secs_f64();
    assert!((seconds - 0.1..seconds + 1.5).contains(&took), "{took}");
}

fn output_waits_for_a_reader_within_the_time() {
    let monitor = Monitor::new();
    let path = pipe(&monitor, "pipe");
    let run = output(&monitor, &path);
    run.failed(1, "time ran out: nobody reads this pipe");
    took_its_time(&run, 3.0);
    // One who opens it and does not read.
    let mut options = File::options();
    let reader = options.read(true).write(true).open(&path).expect("a pipe");
    let filled = vec![b'x'; 60 * 1024];
    (&reader)
        .write_all(&filled)
        .expect("nearly all that a pipe takes");
    let run = monitor.run(&[
        "--all",
        "--replay",
        &ultra(),
        "--output",
        path.to_str().unwrap(),
        "--timeout",
        "2",
    ]);
    run.failed(1, "time ran out: nobody reads this pipe, or not to its end");
    took_its_time(&run, 2.0);
    // One who comes late.
    let path = pipe(&monitor, "late");
    let late = thread::spawn({
        let path = path.clone();
        move || {
            thread::sleep(Duration::from_millis(300));
            fs::read_to_string(path).expect("lines")
        }
    });
    output(&monitor, &path).is_fine();
    check_lines(&late.join().expect("a reader"));
}

fn ultra() -> String {
    let path = crate::monitor::project_file("tests/boxes/ultra.json");
    path.to_str().expect("UTF-8").to_owned()
}

fn output_that_cannot_be_leaves_what_was_there() {
    let monitor = Monitor::new();
    let gone = monitor.path("gone/lines");
    output(&monitor, &gone).failed(1, "No such file or directory");
    assert!(!monitor.path("gone").exists());
    let file = monitor.write("lines", "before");
    output(&monitor, &monitor.path("lines/deeper")).failed(1, "Not a directory");
    output(&monitor, &monitor.path("")).failed(1, "is a directory");
    assert_eq!(fs::read_to_string(file).expect("it"), "before");
    let socket = monitor.path("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    output(&monitor, &socket).failed(1, "it is a socket");
}

fn output_that_cannot_be_is_seen_before_the_box_is_asked() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let socket = monitor.path("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let gone = monitor.path("gone/lines");
    for path in [Path::new("/dev/null/lines"), &gone, &socket] {
        let to = path.to_str().expect("UTF-8");
        let words = format!("cannot write {to}: ");
        for option in ["--output", "--record"] {
            monitor.run(&[option, to]).failed(1, &words);
        }
        monitor
            .run(&["--every", "1", "--output", to])
            .failed(1, &words);
    }
    let mut closed = monitor.in_shell("exec \"$0\" \"$@\" >&-", &[]);
    let ended = closed.output().expect("a shell");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(at.requests().len(), 0);
    // Whoever only looks at the lines needs no place for them.
    let to = gone.to_str().expect("UTF-8");
    check_lines(&monitor.run(&["--dry-run", "--output", to]).stdout);
}

fn a_file_that_may_not_grow_is_no_end() {
    let monitor = Monitor::new();
    let file = monitor.write("lines", "before");
    let script = format!(
        "ulimit -f 1; exec {PROGRAM} --all --replay {} --output {}",
        ultra(),
        file.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output();
    let output = output.expect("sh");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("File too large"), "{words}");
    assert_eq!(fs::read_to_string(file).expect("it"), "before");
    assert_eq!(names(&monitor), ["lines"]);
}

fn a_recording_goes_where_output_would() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let record = |to: &Path| {
        let run = monitor.run(&["--record", to.to_str().unwrap(), "--timeout", "3"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run
    };
    record(Path::new("/dev/null"));
    let null = fs::metadata("/dev/null").expect("it is there");
    assert!(null.file_type().is_char_device());
    let run = record(Path::new("/dev/stdout"));
    assert!(run.stdout.contains("\"answers\""), "{}", run.stdout);
    symlink("target.json", monitor.path("link")).expect("a link");
    record(&monitor.path("link"));
    assert!(monitor.path("link").is_symlink());
    assert_eq!(mode(&monitor.path("target.json")), 0o600);
    let path = pipe(&monitor, "pipe");
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).expect("a recording")
    });
    record(&path);
    assert!(reader.join().expect("a reader").contains("\"answers\""));
    // Nobody reads it.
    let run = monitor.run(&["--record", path.to_str().unwrap(), "--timeout", "1"]);
    run.failed(1, "time ran out: nobody reads this pipe");
}

/// A box at which somebody says yes at once.
fn willing() -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        registration: Outcome::Granted { after_polls: 1 },
        ..Options::default()
    })
}

fn register(at: &SimulatedFreebox, monitor: &Monitor, config: &Path) -> Run {
    let endpoint = format!("localhost:{}", at.https_port());
    let config = config.to_str().expect("UTF-8");
    monitor.run(&[
        "--register",
        "--force",
        "--endpoint",
        &endpoint,
        "-c",
        config,
    ])
}

fn credentials_go_where_links_lead() {
    let at = willing();
    let monitor = Monitor::trusting(&at);
    symlink("chain", monitor.path("link")).expect("a link");
    symlink("deep/credentials.json", monitor.path("chain")).expect("a link");
    fs::create_dir(monitor.path("deep")).expect("a folder");
    for _ in 0..2 {
        let run = register(&at, &monitor, &monitor.path("link"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(monitor.path("link").is_symlink() && monitor.path("chain").is_symlink());
        assert_eq!(mode(&monitor.path("deep/credentials.json")), 0o600);
    }
    let link = monitor.path("link");
    let endpoint = format!("https://localhost:{}", at.https_port());
    let run = monitor.run(&["-c", link.to_str().unwrap(), "-e", &endpoint]);
    run.is_fine();
}

fn credentials_are_not_given_to_devices() {
    let at = willing();
    let monitor = Monitor::trusting(&at);
    let run = register(&at, &monitor, Path::new("/dev/null"));
    assert_eq!(run.code, 1, "{}", run.stderr);
    // Nobody is asked to press a button for nothing.
    let asked = at.requests().into_iter();
    assert!(
        !asked
            .map(|it| it.path)
            .any(|path| path.contains("authorize"))
    );
    let null = fs::metadata("/dev/null").expect("it is there");
    assert!(null.file_type().is_char_device());
}

fn what_nobody_writes_is_given_up_within_the_time() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let path = pipe(&monitor, "pipe");
    let path = path.to_str().expect("UTF-8");
    for option in ["-c", "-t", "--replay", "--ssl-ca-bundle-file"] {
        // Of an option that is given twice the last one counts, or it is a misuse.
        let monitor = Monitor::new();
        let run = monitor.run(&[option, path, "--timeout", "1"]);
        run.failed(
            1,
            &format!("cannot read {path}: time ran out: nobody writes"),
        );
        took_its_time(&run, 1.0);
    }
    for task in ["--check-template", "--print-template"] {
        let run = monitor.run(&[task, "-t", path, "--timeout", "1"]);
        run.failed(1, "time ran out: nobody writes");
    }
    // Somebody who writes and never ends.
    let mut writer = File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("it");
    writer.write_all(b"** -\n").expect("a beginning");
    let run = monitor.run(&["-t", path, "--timeout", "1"]);
    run.failed(
        1,
        "time ran out: nobody writes to this pipe, or not to its end",
    );
}

fn what_somebody_writes_is_read_to_its_end() {
    let monitor = Monitor::new();
    // Slowly, in pieces, after a while.
    let path = pipe(&monitor, "pipe");
    let writer = thread::spawn({
        let path = path.clone();
        move || {
            thread::sleep(Duration::from_millis(200));
            let mut pipe = File::options().write(true).open(path).expect("it");
            for piece in [
                "prefix = a\n",
                "connection.** {prefix}.",
                "{default}\n",
                "** -\n",
            ] {
                pipe.write_all(piece.as_bytes()).expect("a piece");
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
    let run = monitor.run(&["--replay", &recording(), "-t", path.to_str().unwrap()]);
    assert!(
        run.is_fine().stdout.contains("a.connection.rate_down "),
        "{}",
        run.stdout
    );
    writer.join().expect("a writer");
    // What a shell hands over.
    let script = format!(
        "exec {PROGRAM} --replay <(cat {}) -t <(printf '** fromshell.{{default}}\\n') </dev/null",
        recording()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .output()
        .expect("bash");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("fromshell.connection."), "{output:?}");
    let script = format!(
        "printf '** fromstdin.{{default}}\\n' | {PROGRAM} --replay {} -t /dev/stdin",
        recording()
    );
    let mut command = Command::new("sh");
    let output = command.args(["-c", &script]).stdin(Stdio::null()).output();
    let output = output.expect("sh");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("fromstdin.connection."), "{output:?}");
}

fn what_is_no_file_is_named_for_what_it_is() {
    let monitor = Monitor::new();
    let socket = monitor.path("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    for option in ["-c", "-t", "--replay", "--ssl-ca-bundle-file"] {
        let run = monitor.run(&[option, socket.to_str().unwrap()]);
        run.failed(1, "socket: it is a socket");
        let run = monitor.run(&[option, monitor.path("").to_str().unwrap()]);
        run.failed(1, "Is a directory");
        monitor
            .run(&[option, "/dev/zero"])
            .failed(1, "larger than 64 MiB");
    }
}
