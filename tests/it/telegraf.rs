//! What Telegraf's exec plugin does with the program, by a stand-in for it: Telegraf itself is in no
//! package archive. It runs all commands of an input at once, as its own user without a home; drops
//! what was printed when the exit code is not 0; and fails on whatever is no line protocol, which a
//! real InfluxDB judges.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::arguments::as_nobody;
use crate::monitor::{APP_ID, APP_TOKEN, Monitor, PROGRAM};
use crate::service::Influxdb;
use crate::session::healthy;
use crate::simulated_freebox::{Fault, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_healthy_box_is_in_the_database_and_nothing_is_said,
        what_some_sections_do_not_give_costs_no_other,
        a_box_that_is_away_is_a_number,
        what_fails_begins_no_new_series,
        what_prints_nothing_fails,
        strict_exits_are_the_usual_ones,
    ]
}

/// The homes that Telegraf's user has: none, one that does not exist, one where it may not write as
/// in its own package, somebody else's as in a container.
const HOMES: [&str; 4] = ["", "/nonexistent", "/usr", "/root"];

/// Telegraf with its folder, in which the program stands beside the script's credentials.
struct Telegraf {
    folder: TempDir,
    home: &'static str,
}

/// What came of the commands of an input.
struct Gathered {
    /// What was printed by those that did not fail.
    lines: String,
    /// What was said.
    words: String,
    /// The exit codes.
    codes: Vec<i32>,
}

impl Telegraf {
    fn of(at: &SimulatedFreebox, home: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let telegraf = Telegraf { folder, home };
        access(telegraf.folder.path(), 0o755);
        // Not by this process: what it writes cannot be started while another case starts something.
        let copied = Command::new("cp")
            .arg(PROGRAM)
            .arg(telegraf.path("freebox-monitor"))
            .status();
        assert!(copied.expect("cp starts").success());
        access(&telegraf.path("freebox-monitor"), 0o755);
        fs::copy(at.ca_file(), telegraf.path("ca.pem")).expect("the authority");
        access(&telegraf.path("ca.pem"), 0o644);
        let credentials = format!(
            "[general]\napp_id = {APP_ID}\ntrack_id = 1\napp_token = {APP_TOKEN}\n\n\
             [api]\napi_endpoint = https://localhost:{}/api/v8\n",
            at.https_port()
        );
        let file = telegraf.path(".credentials");
        fs::write(&file, credentials).expect("the credentials");
        match as_nobody() {
            // As that script's container has it.
            Some(_) => std::os::unix::fs::chown(&file, Some(0), Some(65534)).expect("its group"),
            None => println!("as the user of the tests, with another home"),
        }
        access(&file, 0o640);
        telegraf
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `commands = [...]` with `timeout = "20s"`.
    fn gather(&self, commands: &[&str]) -> Gathered {
        let timeout = Duration::from_secs(20);
        let start = Instant::now();
        let running: Vec<_> = commands.iter().map(|it| self.start(it)).collect();
        let mut gathered = Gathered {
            lines: String::new(),
            words: String::new(),
            codes: Vec::new(),
        };
        for child in running {
            let output = child.wait_with_output().expect("the program ends");
            let code = output.status.code().expect("an exit");
            let lines = String::from_utf8(output.stdout).expect("UTF-8");
            if code == 0 {
                gathered.lines += &lines;
            }
            gathered.words += &String::from_utf8(output.stderr).expect("UTF-8");
            gathered.codes.push(code);
        }
        assert!(start.elapsed() < timeout, "{:?}", start.elapsed());
        gathered
    }

    fn start(&self, command: &str) -> std::process::Child {
        let mut program = match as_nobody() {
            Some(words) => {
                let mut program = Command::new(words[0]);
                program.args(&words[1..5]);
                program
            }
            None => Command::new("env"),
        };
        program
            .arg(self.path("freebox-monitor"))
            .args(command.split_whitespace())
            .arg("--ssl-ca-bundle-file")
            .arg(self.path("ca.pem"))
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        if !self.home.is_empty() {
            program.env("HOME", self.home);
        }
        program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program.spawn().expect("the program starts")
    }
}

fn access(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

fn a_healthy_box_is_in_the_database_and_nothing_is_said() {
    let at = healthy();
    let influxdb = Influxdb::start();
    for home in HOMES {
        let telegraf = Telegraf::of(&at, home);
        let commands = [
            "-f influxdb -HS",
            "-f influxdb -BXW",
            "--format influxdb -A",
        ];
        let gathered = telegraf.gather(&commands);
        assert_eq!(
            (gathered.words.as_str(), &gathered.codes),
            ("", &vec![0; 3]),
            "{home}"
        );
        influxdb.takes(&gathered.lines);
        // The address and the version that the script's file names stay.
        let url = format!("api_endpoint=https://localhost:{}/api/v8", at.https_port());
        let is_about_the_box = |line: &&str| !line.starts_with("freebox_exec");
        for line in gathered.lines.lines().filter(is_about_the_box) {
            assert!(
                line.contains(&url) && line.contains(",api_version=8"),
                "{line}"
            );
        }
        let names = fs::read_dir(telegraf.folder.path()).expect("the folder");
        assert_eq!(names.count(), 3, "{home}");
    }
    let ups = influxdb.query("SELECT up FROM freebox_exec WHERE up = 1");
    assert_eq!(ups.len(), HOMES.len());
}

fn what_some_sections_do_not_give_costs_no_other() {
    let at = healthy();
    at.fault("lan/browser", Fault::Html { status: 502 });
    let influxdb = Influxdb::start();
    let telegraf = Telegraf::of(&at, "");
    let gathered = telegraf.gather(&["-f influxdb -HB"]);
    assert_eq!(gathered.codes, [0]);
    assert!(gathered.words.contains("section lan"), "{}", gathered.words);
    influxdb.takes(&gathered.lines);
    let ok = "SELECT section_ok FROM freebox_exec WHERE section = 'lan'";
    assert_eq!(influxdb.query(ok)[0][1], 0);
    assert_eq!(influxdb.query("SELECT sys_uptime FROM freebox").len(), 1);
}

/// A tag that one answer brings and all lines have must not go with that answer, nor an entity be
/// another one because an answer about the line is missing.
fn what_fails_begins_no_new_series() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let series = || {
        let run = monitor.run(&["-f", "influxdb", "-HSB"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let lines = run
            .stdout
            .lines()
            .map(|line| line.split(" ").collect::<Vec<_>>());
        // No text of this box has a blank before its last field.
        let keys = lines.map(|words| words[..words.len() - 1].join(" "));
        keys.collect::<BTreeSet<String>>()
    };
    let all = series();
    for path in ["system/", "connection/", "switch/status", "lan/browser"] {
        at.fault(path, Fault::Html { status: 502 });
        let left = series();
        let new: Vec<_> = left.difference(&all).collect();
        assert!(new.is_empty(), "{path}: {new:#?}");
        assert!(left.len() > 5, "{path}: {left:#?}");
        at.clear_faults();
    }
}

fn a_box_that_is_away_is_a_number() {
    let at = healthy();
    let influxdb = Influxdb::start();
    let telegraf = Telegraf::of(&at, "/nonexistent");
    let up = || {
        let gathered = telegraf.gather(&["-f influxdb -A"]);
        assert_eq!(gathered.codes, [0], "{}", gathered.words);
        influxdb.takes(&gathered.lines);
        gathered.words.lines().count()
    };
    assert_eq!(up(), 0);
    let series = influxdb.query("SHOW SERIES FROM freebox_exec");
    at.refuse();
    assert_eq!(up(), 1);
    let last = influxdb.query("SELECT last(up) FROM freebox_exec");
    assert_eq!(last[0][1], 0);
    // An outage is in the same series as what was before it.
    assert_eq!(influxdb.query("SHOW SERIES FROM freebox_exec"), series);
}

fn what_prints_nothing_fails() {
    let at = healthy();
    let telegraf = Telegraf::of(&at, "");
    fs::remove_file(telegraf.path(".credentials")).expect("the credentials");
    let gathered = telegraf.gather(&["-f influxdb -A", "-f influxdb --nonsense"]);
    assert_eq!((gathered.codes, gathered.lines.as_str()), (vec![3, 1], ""));
    assert_eq!(gathered.words.lines().count(), 2, "{}", gathered.words);
}

fn strict_exits_are_the_usual_ones() {
    let at = healthy();
    at.fault("lan/browser", Fault::Html { status: 502 });
    let telegraf = Telegraf::of(&at, "");
    let gathered = telegraf.gather(&["-f influxdb --strict-exit -HB"]);
    assert_eq!(gathered.codes, [2], "{}", gathered.words);
    at.refuse();
    let gathered = telegraf.gather(&["-f influxdb --strict-exit -A"]);
    assert_eq!(gathered.codes, [4], "{}", gathered.words);
    let gathered = telegraf.gather(&["-f graphite -A"]);
    assert_eq!(gathered.codes, [4], "{}", gathered.words);
}
