//! Runs of a recorded box that deliver, and what they leave in the spool.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::monitor::{Monitor, Run, escaped, project_file};

/// How many lines the recording gives with every section.
pub(crate) const LINES: usize = 52;

/// A recording.
pub(crate) fn recording() -> String {
    let path = project_file("tests/boxes/mini-4k.json");
    path.to_str().expect("UTF-8").to_owned()
}

/// Delivers a recording.
pub(crate) fn deliver(monitor: &Monitor, to: &str, more: &[&str]) -> Run {
    let recording = recording();
    let arguments = delivery(&recording, to, "5");
    monitor.run(&[&arguments, more].concat())
}

/// The arguments that deliver a recording within so many seconds.
pub(crate) fn delivery<'a>(recording: &'a str, to: &'a str, seconds: &'a str) -> [&'a str; 7] {
    [
        "--all",
        "--carbon",
        to,
        "--replay",
        recording,
        "--timeout",
        seconds,
    ]
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs()
}

/// The folder of the lines that wait for a carbon.
pub(crate) fn folder(monitor: &Monitor, carbon: &str) -> PathBuf {
    spools(monitor).join(escaped(carbon))
}

/// The folder of all of them.
pub(crate) fn spools(monitor: &Monitor) -> PathBuf {
    monitor.path(".local/state/freebox-monitor/mafreebox.freebox.fr/spool")
}

/// The files that wait, by name.
pub(crate) fn waiting(monitor: &Monitor, carbon: &str) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder(monitor, carbon)) else {
        return Vec::new();
    };
    let names = files.map(|it| {
        it.expect("a file")
            .file_name()
            .into_string()
            .expect("UTF-8")
    });
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".lines")).collect();
    names.sort();
    names
}

/// Puts a run into the spool, as if it had been left by an earlier process.
pub(crate) fn put(monitor: &Monitor, carbon: &str, name: &str, text: &str) {
    let path = folder(monitor, carbon).join(name);
    let below = path.strip_prefix(monitor.path("")).expect("in the home");
    monitor.write(below.to_str().expect("UTF-8"), text);
}

/// A run of that time, with one line.
pub(crate) fn put_run(monitor: &Monitor, carbon: &str, timestamp: u64) {
    let text = format!("old.run 1 {timestamp}\n");
    put(
        monitor,
        carbon,
        &format!("{timestamp:010}-7-1.lines"),
        &text,
    );
}

/// Turns the clock on by a minute, for what was confirmed.
pub(crate) fn a_minute_later(monitor: &Monitor, carbon: &str) {
    for name in waiting(monitor, carbon) {
        let bare = name.strip_suffix(".lines").expect("a suffix");
        if let Some((run, state)) = bare.split_once('.') {
            let mut state: Vec<u64> = state.split('-').map(|it| it.parse().unwrap()).collect();
            // How often, when last, and perhaps since when.
            state.iter_mut().skip(1).for_each(|time| *time -= 60);
            let state: Vec<String> = state.iter().map(u64::to_string).collect();
            let renamed = format!("{run}.{}.lines", state.join("-"));
            let folder = folder(monitor, carbon);
            fs::rename(folder.join(name), folder.join(renamed)).expect("another name");
        }
    }
}
