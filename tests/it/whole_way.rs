//! From the button to a point in a whisper file: the simulated box, the real program, the real
//! relay with its two caches, and the real nc.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::graphite::{Graphite, Options as CarbonOptions, Python, installed, nc, web_installed};
use crate::monitor::{Monitor, project_file};
use crate::receiver::closed_port;
use crate::simulated_freebox::{Options, Outcome, SimulatedFreebox};
use crate::trials;

/// carbon writes about once a second.
const SOON: Duration = Duration::from_secs(15);

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        register_collect_and_the_value_is_in_whisper,
        every_line_of_every_template_is_in_whisper,
        the_pickle_port_is_not_believed,
        a_relay_that_is_gone_is_told,
        a_relay_that_is_stopped_is_given_up,
    ]
}

pub(crate) fn trials_with_nc() -> Vec<Trial> {
    trials![a_pipe_to_nc_works]
}

/// Installs carbon once for all of these; why not, where that fails.
pub(crate) fn carbon_is_there() -> Result<(), String> {
    python().as_ref().map(|_| ()).map_err(Clone::clone)
}

/// Adds graphite-web to it, once; why not, where that fails.
pub(crate) fn web_is_there() -> Result<(), String> {
    static WEB: OnceLock<Result<(), String>> = OnceLock::new();
    let install = || web_installed(python().as_ref().map_err(Clone::clone)?);
    WEB.get_or_init(install).clone()
}

/// The Python that carbon is installed for.
pub(crate) fn python() -> &'static Result<Python, String> {
    static PYTHON: OnceLock<Result<Python, String>> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let built = PathBuf::from(crate::monitor::PROGRAM);
        let target = built.ancestors().nth(2).expect("target/PROFILE/PROGRAM");
        installed(target)
    })
}

/// A relay with its caches.
pub(crate) fn carbon(schema: &str) -> Graphite {
    carbon_with(CarbonOptions {
        schema: schema.to_owned(),
        ..CarbonOptions::default()
    })
}

/// The same, as it is wanted.
pub(crate) fn carbon_with(options: CarbonOptions) -> Graphite {
    let python = python().as_ref().expect("left out otherwise");
    Graphite::start(python, options).expect("carbon starts")
}

/// Where its relay takes lines.
pub(crate) fn relay(carbon: &Graphite) -> String {
    format!("127.0.0.1:{}", carbon.relay_port())
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since_1970.expect("a clock after 1970").as_secs())
        .expect("a clock before the end")
}

fn register_collect_and_the_value_is_in_whisper() {
    let at = SimulatedFreebox::start(Options {
        registration: Outcome::Granted { after_polls: 1 },
        ..Options::default()
    });
    // One slot a second, so that the second has to be right.
    let carbon = carbon("1s:1d");
    let monitor = Monitor::trusting(&at);
    let endpoint = format!("localhost:{}", at.https_port());
    assert_eq!(
        monitor
            .run(&["--register", "--endpoint", &endpoint, "--name", "home"])
            .code,
        0
    );
    let before = now();
    let run = monitor.run(&["--carbon", &relay(&carbon)]);
    let after = now();
    assert_eq!(run.is_fine().stdout, "");
    let path = "freebox.home.connection.bytes_down";
    let power = "freebox.home.connection.ftth.rx_power_dbm";
    // carbon makes a file before it writes the point into it.
    let stored = carbon.read_until(SOON, |stored| {
        let is_whole = stored.values().all(|points| !points.is_empty());
        [path, power].iter().all(|it| stored.contains_key(*it)) && is_whole
    });
    let [(timestamp, value)] = stored[path][..] else {
        panic!("{:?}", stored[path])
    };
    assert!(
        (before..=after).contains(&timestamp),
        "{before} {timestamp} {after}"
    );
    assert_eq!(value, 12_035_728_872_949.0);
    // One run, one second.
    assert!(
        stored
            .values()
            .all(|points| points.len() == 1 && points[0].0 == timestamp)
    );
    assert_eq!(stored[power][0].1, -18.38);
}

/// Delivers a recording and holds every line against what whisper has then.
fn everything_arrives(carbon: &Graphite, arguments: &[&str]) {
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let replay = ["--replay", recording.to_str().unwrap()];
    let arguments = [arguments, &replay].concat();
    let expected = Monitor::new().run(&arguments).untimed();
    let before = carbon.files().len();
    let relay = relay(carbon);
    Monitor::new()
        .run(&[&arguments[..], &["--carbon", &relay]].concat())
        .is_fine();
    let all = before + expected.lines().count();
    let is_whole = |stored: &crate::graphite::Stored| {
        stored.len() == all && stored.values().all(|points| !points.is_empty())
    };
    let stored = carbon.read_until(SOON, is_whole);
    assert!(is_whole(&stored), "{} of {all}", stored.len());
    for line in expected.lines() {
        let (path, value) = line.split_once(' ').expect("two fields");
        // A tagged series is a file with a name of its own.
        let points = match path.contains(';') {
            true => carbon.points(path),
            false => stored[path].clone(),
        };
        let values: Vec<String> = points.iter().map(|point| point.1.to_string()).collect();
        assert_eq!(values, [value], "{path}");
    }
}

fn every_line_of_every_template_is_in_whisper() {
    let carbon = carbon("60s:7d");
    for template in ["dotted", "flat", "tagged"] {
        everything_arrives(&carbon, &["-t", template]);
    }
}

fn the_pickle_port_is_not_believed() {
    let carbon = carbon("60s:7d");
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let pickle = format!("127.0.0.1:{}", carbon.pickle_port("relay"));
    let run = Monitor::new().run(&["--carbon", &pickle, "--replay", recording.to_str().unwrap()]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(carbon.files().is_empty());
}

fn a_relay_that_is_gone_is_told() {
    let carbon = carbon("60s:7d");
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let recording = recording.to_str().unwrap();
    carbon.kill("relay", rustix::process::Signal::KILL);
    let run = Monitor::new().run(&["--carbon", &relay(&carbon), "--replay", recording]);
    run.failed(5, "Connection refused");
    carbon.restart("relay").expect("the relay starts");
    Monitor::new()
        .run(&["--carbon", &relay(&carbon), "--replay", recording])
        .is_fine();
}

fn a_relay_that_is_stopped_is_given_up() {
    let carbon = carbon("60s:7d");
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let arguments = ["--timeout", "2", "--replay", recording.to_str().unwrap()];
    carbon.kill("relay", rustix::process::Signal::STOP);
    let run = Monitor::new().run(&[&arguments[..], &["--carbon", &relay(&carbon)]].concat());
    run.failed(5, "time ran out while waiting for its confirmation");
    assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
    carbon.kill("relay", rustix::process::Signal::CONT);
}

fn a_pipe_to_nc_works() {
    let carbon = carbon("60s:7d");
    let nc = nc().expect("left out otherwise");
    let recording = project_file("tests/boxes/ultra.json");
    let monitor = Monitor::new();
    let mut command = monitor.command(&["--replay", recording.to_str().unwrap()]);
    let mut program = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let port = carbon.relay_port().to_string();
    let lines = program.stdout.take().expect("its stdout");
    let mut pipe = std::process::Command::new(nc);
    let status = pipe
        .args(["-q", "1", "127.0.0.1", &port])
        .stdin(lines)
        .status()
        .expect("nc");
    assert!(status.success() && program.wait().expect("the program ends").success());
    let path = "freebox.ultra.connection.rate_down";
    let arrived = |stored: &crate::graphite::Stored| {
        stored.get(path).is_some_and(|points| !points.is_empty())
    };
    let stored = carbon.read_until(SOON, arrived);
    assert_eq!(
        stored[path].iter().map(|it| it.1).collect::<Vec<_>>(),
        [1_250_432.0]
    );
    // What nc calls a success may be none; this program says so itself.
    let recording = recording.to_str().unwrap();
    monitor
        .run(&["--replay", recording, "--carbon", &closed_port()])
        .failed(5, "refused");
}
