//! The disk: what is forced to it, and what happens when it is full or may not be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::monitor::{Monitor, PROGRAM, Run};
use crate::receiver::{Sink, closed_port};
use crate::session::healthy;
use crate::trials;

pub(crate) fn trials_with_strace() -> Vec<Trial> {
    trials![
        a_healthy_run_forces_nothing_to_the_disk,
        lines_that_did_not_go_are_forced_to_the_disk,
    ]
}

pub(crate) fn trials_with_mounts() -> Vec<Trial> {
    trials![
        a_full_disk_costs_nothing_but_the_spool,
        a_disk_that_fills_in_the_middle_leaves_no_half_run,
        a_disk_that_may_not_be_written_stops_nothing,
    ]
}

/// Whether system calls can be watched here, or why not.
pub(crate) fn strace() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-f", "-e", "trace=fsync", "true"])
        .output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(_) => Err("strace may not watch anything on this machine".to_owned()),
        Err(_) => Err("there is no strace on this machine".to_owned()),
    }
}

/// Whether a small disk can be had here, or why not.
pub(crate) fn mounts() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    Mount::at(folder.path(), "size=64k").map(drop)
}

/// A file system in memory, gone when it is dropped.
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    pub(crate) fn at(folder: &Path, options: &str) -> Result<Self, String> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder);
        let mounted = mount.stderr(Stdio::null()).status();
        match mounted.is_ok_and(|status| status.success()) {
            true => Ok(Mount {
                at: folder.to_owned(),
            }),
            false => Err("no small disk can be mounted here".to_owned()),
        }
    }

    pub(crate) fn read_only(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,ro"]).arg(&self.at);
        assert!(mount.status().expect("mount").success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// The calls that force something to the disk, in one run.
fn forced(monitor: &Monitor, carbon: &str, code: i32) -> Vec<String> {
    let trace = monitor.path("trace");
    let arguments = monitor.command(&["--all", "--carbon", carbon]);
    let mut command = Command::new("strace");
    let calls = "trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync";
    command
        .args(["-f", "-e", calls, "-o"])
        .arg(&trace)
        .arg(PROGRAM)
        .args(arguments.get_args())
        .env("HOME", monitor.path(""))
        .stderr(Stdio::null());
    assert_eq!(command.status().expect("strace").code(), Some(code));
    let text = fs::read_to_string(trace).expect("the trace");
    let lines = text.lines().filter(|line| line.contains("sync"));
    lines.map(str::to_owned).collect()
}

fn a_healthy_run_forces_nothing_to_the_disk() {
    let at = healthy();
    let (monitor, sink) = (Monitor::registered(&at), Sink::start());
    // The first opens a session and keeps it; the second is the usual one.
    for _ in 0..2 {
        assert_eq!(forced(&monitor, &sink.address(), 0), Vec::<String>::new());
    }
    assert_eq!(sink.take().len(), 2);
}

fn lines_that_did_not_go_are_forced_to_the_disk() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let calls = forced(&monitor, &closed_port(), 5);
    assert_eq!(calls.len(), 2, "the file and its folder: {calls:?}");
}

/// A user whose state is on a small disk, and a carbon.
fn on_a_small_disk(size: &str) -> (Mount, Monitor, Sink) {
    let monitor = Monitor::new();
    let folder = monitor.path("state");
    fs::create_dir(&folder).expect("a folder");
    let mount = Mount::at(&folder, size).expect("left out otherwise");
    let state = folder.to_str().expect("UTF-8").to_owned();
    (
        mount,
        monitor.with_variable("XDG_STATE_HOME", &state),
        Sink::start(),
    )
}

fn deliver(monitor: &Monitor, to: &str) -> Run {
    let recording = crate::monitor::project_file("tests/boxes/ultra.json");
    let recording = recording.to_str().expect("UTF-8");
    monitor.run(&["--all", "--carbon", to, "--replay", recording])
}

fn waiting(monitor: &Monitor) -> Vec<PathBuf> {
    let files = monitor.files().into_iter().map(|(path, _)| path);
    files
        .filter(|path| path.extension().is_some_and(|it| it == "lines"))
        .collect()
}

fn a_full_disk_costs_nothing_but_the_spool() {
    let (_mount, monitor, sink) = on_a_small_disk("size=16k");
    let run = deliver(&monitor, &sink.address());
    run.complained(
        0,
        "this run's lines cannot be kept: No space left on device",
    );
    assert!(sink.take().concat().lines().count() > 600);
    assert!(waiting(&monitor).is_empty(), "{:?}", waiting(&monitor));
    // Away as well: now they are lost, and that is said.
    let run = deliver(&monitor, &closed_port());
    assert_eq!(run.code, 5);
    assert!(run.stderr.contains("; lines are lost"), "{}", run.stderr);
}

fn a_disk_that_fills_in_the_middle_leaves_no_half_run() {
    let (_mount, monitor, sink) = on_a_small_disk("size=140k");
    let dead = closed_port();
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(deliver(&monitor, &dead).code);
    }
    assert_eq!(codes, [5; 6]);
    let kept = waiting(&monitor);
    assert!((1..6).contains(&kept.len()), "{kept:?}");
    for path in kept {
        let text = fs::read_to_string(&path).expect("a run");
        let lines = path
            .file_stem()
            .and_then(|it| it.to_str())
            .unwrap()
            .rsplit('-')
            .next()
            .unwrap();
        assert_eq!(text.lines().count(), lines.parse::<usize>().unwrap());
        assert!(text.ends_with('\n'));
    }
    // Another carbon gets its lines all the same.
    assert_eq!(deliver(&monitor, &sink.address()).code, 0);
    assert!(sink.take().concat().lines().count() > 600);
}

fn a_disk_that_may_not_be_written_stops_nothing() {
    let (mount, monitor, sink) = on_a_small_disk("size=1m");
    deliver(&monitor, &sink.address()).is_fine();
    mount.read_only();
    let run = deliver(&monitor, &sink.address());
    run.complained(0, "Read-only file system");
    assert_eq!(sink.take().len(), 2);
}
