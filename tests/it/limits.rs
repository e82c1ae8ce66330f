//! What the system gives, and how a run gets by with less: fewer threads, little memory. Whatever
//! happens it ends with one of its own codes, in words, and never with a fault.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Trial;

use crate::kept::recording;
use crate::monitor::{Monitor, PROGRAM, check_lines};
use crate::receiver::{Sink, closed_port};
use crate::session::known_app;
use crate::simulated_freebox::{Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        without_a_thread_everything_is_done_in_one,
        little_memory_is_one_line,
        enough_memory_is_enough,
    ]
}

/// The user whose threads are counted, where the tests are root's: root may have any number.
const NOBODY: u32 = 65_534;

/// Whether limits can be set here, or why not.
pub(crate) fn tools() -> Result<(), String> {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    match has("prlimit") && has("setpriv") {
        true => Ok(()),
        false => Err("there is no prlimit or no setpriv on this machine".to_owned()),
    }
}

/// Makes a command run with a limit; as another user, if this one has no limits.
fn limited(command: &Command, limit: &str, folder: &Path) -> Output {
    let program = reachable(folder);
    let mut limited = match rustix::process::geteuid().is_root() {
        true => {
            let mut setpriv = Command::new("setpriv");
            let id = NOBODY.to_string();
            setpriv.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
            setpriv.args(["--bounding-set=-all", "--inh-caps=-all", "prlimit"]);
            setpriv
        }
        false => Command::new("prlimit"),
    };
    limited.arg(limit).arg(program).args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited.env_remove("RUST_BACKTRACE");
    limited.output().expect("prlimit")
}

/// The program, where that other user can reach it.
fn reachable(folder: &Path) -> PathBuf {
    let copy = folder.join("program");
    if !copy.exists() {
        fs::copy(PROGRAM, &copy).expect("a copy");
    }
    copy
}

/// Gives everything in a home to that other user.
fn give(folder: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).expect("another owner");
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path().is_dir() {
            true => give(&entry.path()),
            false => chown(entry.path(), Some(NOBODY), Some(NOBODY)).expect("another owner"),
        }
    }
}

fn without_a_thread_everything_is_done_in_one() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        ..Options::default()
    });
    let monitor = Monitor::registered(&at);
    fs::set_permissions(
        at.ca_file().parent().unwrap(),
        fs::Permissions::from_mode(0o755),
    )
    .expect("its mode");
    let (good, other, dead) = (Sink::start(), Sink::start(), closed_port());
    let limit = "--nproc=1:1";
    let run = |arguments: &[&str]| {
        reachable(&monitor.path(""));
        give(&monitor.path(""));
        let output = limited(&monitor.command(arguments), limit, &monitor.path(""));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.code(),
            words,
            String::from_utf8(output.stdout).expect("UTF-8"),
        )
    };
    // Names, requests side by side, and carbons.
    let (code, words, text) = run(&["--all", "--jobs", "8"]);
    assert_eq!(code, Some(0), "{words}");
    check_lines(&text);
    assert!(text.lines().count() > 600, "{text}");
    let (_, port) = good
        .address()
        .rsplit_once(':')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let by_name = format!("localhost:{port}");
    let carbons = [
        "--carbon",
        &by_name,
        "--carbon",
        &dead,
        "--carbon",
        &other.address(),
    ];
    let (code, words, _) = run(&carbons);
    assert_eq!((code, words.lines().count()), (Some(5), 1), "{words}");
    assert_eq!((good.take().len(), other.take().len()), (1, 1));
}

fn little_memory_is_one_line() {
    let monitor = Monitor::new();
    let recording = recording();
    let commands: [&[&str]; 3] = [
        &["--all", "--jobs", "16", "--replay", &recording],
        &["--all", "--replay", &recording, "--carbon", "localhost:1"],
        &["--help"],
    ];
    let mut told = 0;
    for kibibytes in [
        1000, 2000, 4000, 8000, 12_000, 16_000, 24_000, 32_000, 48_000, 65_000,
    ] {
        for what in ["--as", "--data"] {
            for arguments in commands {
                let limit = format!("{what}={}", kibibytes << 10);
                let output = limited_here(&monitor, arguments, &limit);
                let words = String::from_utf8_lossy(&output.stderr);
                // The system itself may fail to start a program with so little.
                let is_started = words.starts_with("freebox-monitor: ");
                let is_blank = output.status.code().is_none() && words.is_empty();
                if is_blank || words.contains("error while loading shared libraries") {
                    continue;
                }
                assert!(
                    is_started,
                    "{limit} {arguments:?}: {:?} {words}",
                    output.status
                );
                assert_eq!(
                    output.status.code(),
                    Some(1),
                    "{limit} {arguments:?}: {words}"
                );
                assert_eq!(words.lines().count(), 1, "{limit} {arguments:?}: {words}");
                assert!(words.contains("a run needs 65536 KiB"), "{words}");
                told += 1;
            }
        }
    }
    assert!(told > 20, "{told}");
}

fn limited_here(monitor: &Monitor, arguments: &[&str], limit: &str) -> Output {
    let ours = monitor.command(arguments);
    let mut command = Command::new("prlimit");
    command.arg(limit).arg(PROGRAM).args(ours.get_args());
    command
        .env("HOME", monitor.path(""))
        .env_remove("RUST_BACKTRACE");
    command.output().expect("prlimit")
}

fn enough_memory_is_enough() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        ..Options::default()
    });
    let monitor = Monitor::registered(&at);
    let sink = Sink::start();
    for mebibytes in [64, 65, 72, 80, 96, 128, 150, 180, 200, 260, 300, 500, 1000] {
        for what in ["--as", "--data"] {
            let limit = format!("{what}={}", mebibytes << 20);
            let arguments = ["--all", "--jobs", "16", "--carbon", &sink.address()];
            let output = limited_here(&monitor, &arguments, &limit);
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{limit}: {words}");
        }
    }
}
