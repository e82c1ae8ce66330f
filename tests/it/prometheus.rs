//! `--format prometheus` before promtool, and on its way through a real node_exporter into a real
//! Prometheus.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value as Json;

use crate::monitor::{Monitor, project_file};
use crate::service::{Service, program};
use crate::session::healthy;
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        promtool_finds_nothing_in_any_box,
        what_is_written_is_what_prometheus_has,
        two_boxes_beside_each_other_are_two,
    ]
}

/// Cases that need nothing but the program.
pub(crate) fn trials_alone() -> Vec<Trial> {
    trials![
        a_run_that_fails_leaves_no_stale_numbers,
        a_run_that_cannot_begin_leaves_no_stale_numbers,
        a_run_that_cannot_begin_does_not_wait_for_a_pipe,
        families_are_together_and_helped,
    ]
}

/// Whether there are promtool, node_exporter and Prometheus.
pub(crate) fn are_there() -> Result<(), String> {
    let all = ["promtool", "prometheus-node-exporter", "prometheus"];
    all.iter().try_for_each(|name| program(name).map(drop))
}

/// What the program writes of a recording.
fn text(recording: &Path, more: &[&str]) -> String {
    let recording = recording.to_str().expect("UTF-8");
    let arguments = [
        "--all",
        "--status-wifi-neighbors",
        "--host-age=all",
        "-f",
        "prometheus",
    ];
    let run = Monitor::new().run(&[&arguments, more, &["--replay", recording]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

#[track_caller]
fn promtool_is_content(text: &str) {
    let mut promtool = Command::new(program("promtool").expect("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let words = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&words), "");
    assert!(output.status.success());
}

fn promtool_finds_nothing_in_any_box() {
    let mut boxes = 0;
    for entry in fs::read_dir(project_file("tests/boxes")).expect("the folder") {
        let recording = entry.expect("an entry").path();
        if recording.extension().is_some_and(|it| it == "json") {
            boxes += 1;
            promtool_is_content(&text(&recording, &[]));
        }
    }
    assert!(boxes >= 8, "{boxes} boxes");
    let simulated = healthy();
    let monitor = Monitor::registered(&simulated);
    let arguments = ["--all", "-f", "prometheus"];
    // The first run says which permissions are missing.
    monitor.run(&arguments);
    let run = monitor.run(&arguments);
    run.is_fine();
    assert!(
        run.stdout.contains("\nfreebox_exec_section_ok{"),
        "{}",
        run.stdout
    );
    promtool_is_content(&run.stdout);
}

/// Each sample: its name with its labels, and its value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

/// A node_exporter for this folder.
fn node_exporter(folder: &Path) -> Service {
    Service::start("prometheus-node-exporter", "/metrics", |port, _| {
        vec![
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--collector.disable-defaults".to_owned(),
            "--collector.textfile".to_owned(),
            format!("--collector.textfile.directory={}", folder.display()),
        ]
    })
}

fn served(exporter: &Service) -> String {
    let mut answer = ureq::get(exporter.url("/metrics")).call().expect("metrics");
    answer.body_mut().read_to_string().expect("a body")
}

fn what_is_written_is_what_prometheus_has() {
    let monitor = Monitor::new();
    let file = monitor.path("freebox.prom");
    let recording = project_file("tests/boxes/ultra.json");
    let output = ["--output", file.to_str().expect("UTF-8")];
    assert_eq!(text(&recording, &output), "");
    // node_exporter's user is another one.
    let mode = fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o444, 0o444);
    let written = samples(&fs::read_to_string(&file).expect("the file"));
    let exporter = node_exporter(&monitor.path(""));
    assert!(served(&exporter).contains("node_textfile_scrape_error 0"));
    let target = exporter.url("").replace("http://", "");
    let prometheus = Service::start("prometheus", "/-/ready", |port, folder| {
        let config = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: node\n  \
             honor_timestamps: false\n  static_configs:\n  - targets: ['{target}']\n"
        );
        let path = folder.join("prometheus.yml");
        fs::write(&path, config).expect("a file");
        vec![
            format!("--config.file={}", path.display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ]
    });
    let ask = |query: &str| -> Vec<Json> {
        let url = prometheus.url("/api/v1/query");
        let mut answer = ureq::post(url)
            .send_form([("query", query)])
            .expect("an answer");
        let text = answer.body_mut().read_to_string().expect("a body");
        let json: Json = serde_json::from_str(&text).expect("JSON");
        json["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    until("nothing was scraped", || {
        !ask("freebox_connection_state").is_empty()
    });
    // Twenty from everywhere, and each that is a counter of more than 32 bits.
    let step = written.len() / 20;
    let some = written.iter().step_by(step);
    let large = written.iter().filter(|(_, value)| **value > 4e9);
    let mut compared = 0;
    for (name, value) in some.chain(large) {
        let found = ask(name);
        let [one] = found.as_slice() else {
            panic!("{name}: {found:?}");
        };
        let number: f64 = one["value"][1]
            .as_str()
            .expect("a value")
            .parse()
            .expect("a number");
        assert!(
            (number - value).abs() <= value.abs() * 1e-12,
            "{name}: {number}, not {value}"
        );
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
    // Names are joined to numbers.
    let joined = "freebox_lan_host_active * on(box, interface, mac) group_left(label) \
                  freebox_lan_host_info{label=\"nas_0010\"}";
    assert_eq!(ask(joined).len(), 1);
}

fn two_boxes_beside_each_other_are_two() {
    let monitor = Monitor::new();
    for name in ["ultra", "pop-bridge"] {
        let recording = project_file(&format!("tests/boxes/{name}.json"));
        let file = monitor.path(&format!("{name}.prom"));
        text(&recording, &["--output", file.to_str().expect("UTF-8")]);
    }
    let exporter = node_exporter(&monitor.path(""));
    let served = served(&exporter);
    assert!(served.contains("node_textfile_scrape_error 0"), "{served}");
    for name in ["ultra", "pop"] {
        let line = format!("freebox_connection_state{{box=\"{name}\"}} 1");
        assert!(served.contains(&line), "{served}");
    }
}

fn a_run_that_fails_leaves_no_stale_numbers() {
    let simulated = healthy();
    let monitor = Monitor::registered(&simulated);
    let file = monitor.path("freebox.prom");
    let arguments = [
        "-f",
        "prometheus",
        "--output",
        file.to_str().expect("UTF-8"),
    ];
    let content = || samples(&fs::read_to_string(&file).expect("the file"));
    monitor.run(&arguments);
    let of_rate = |it: &str| it.starts_with("freebox_connection_rate_down");
    assert!(content().keys().any(|it| of_rate(it)), "{:?}", content());
    simulated.refuse();
    let before = crate::kept::now() as f64;
    let run = monitor.run(&arguments);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let after = content();
    assert!(
        after.keys().all(|it| it.starts_with("freebox_exec_")),
        "{after:?}"
    );
    let value = |name: &str| {
        let mut named = after
            .iter()
            .filter(|(it, _)| it.split('{').next() == Some(name));
        named.next().map(|(_, value)| *value)
    };
    assert_eq!(value("freebox_exec_up"), Some(0.0), "{after:?}");
    let started = value("freebox_exec_started_timestamp_seconds").expect("its time");
    assert!(
        (before..=crate::kept::now() as f64).contains(&started),
        "{started}"
    );
}

fn a_run_that_cannot_begin_leaves_no_stale_numbers() {
    let simulated = healthy();
    let monitor = Monitor::registered(&simulated);
    let file = monitor.path("freebox.prom");
    let arguments = [
        "-f",
        "prometheus",
        "--output",
        file.to_str().expect("UTF-8"),
    ];
    monitor.run(&arguments).is_fine();
    let text = fs::read_to_string(&file).expect("the file");
    let up = text
        .lines()
        .find_map(|it| it.strip_prefix("freebox_exec_up"));
    let series = format!(
        "freebox_exec_up{}",
        up.and_then(|it| it.strip_suffix(" 1")).expect("up")
    );
    fs::remove_file(monitor.credentials()).expect("the credentials");
    let run = monitor.run(&arguments);
    run.complained(3, "no box is registered");
    let left = samples(&fs::read_to_string(&file).expect("the file"));
    assert_eq!(left.len(), 2, "{left:?}");
    // An alert on that series has to see it.
    assert_eq!(left[&series], 0.0);
    // Nor is anything written by somebody who only looks.
    fs::write(&file, "").expect("the file");
    let dry = monitor.run(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 3, "{}", dry.stderr);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "");
}

/// A pipe keeps nothing that could be stale.
fn a_run_that_cannot_begin_does_not_wait_for_a_pipe() {
    let monitor = Monitor::new();
    let pipe = monitor.path("freebox.prom");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let output = ["--output", pipe.to_str().expect("UTF-8"), "--timeout", "30"];
    let run = monitor.run(&[&["-f", "prometheus"], &output[..]].concat());
    run.complained(3, "no box is registered");
    assert!(run.took < Duration::from_secs(10), "{:?}", run.took);
}

fn families_are_together_and_helped() {
    let text = text(&project_file("tests/boxes/ultra.json"), &[]);
    let mut seen = std::collections::BTreeSet::new();
    let mut present = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, help) = head.split_once(' ').expect("words");
            assert!(help.split(' ').count() > 3, "{line}");
            assert!(seen.insert(name.to_owned()), "{name} twice");
            name.clone_into(&mut present);
        } else if let Some(kind) = line.strip_prefix(&format!("# TYPE {present} ")) {
            let expected = if present.ends_with("_total") {
                "counter"
            } else {
                "gauge"
            };
            assert_eq!(kind, expected, "{present}");
        } else {
            let name = line.split(['{', ' ']).next().expect("a name");
            assert_eq!(name, present, "{line}");
        }
    }
    assert!(seen.len() > 100, "{}", seen.len());
    let states = "# HELP freebox_connection_xdsl_status ";
    let with_states = self::text(&project_file("tests/boxes/revolution-xdsl.json"), &[]);
    let help = with_states.lines().find(|line| line.starts_with(states));
    assert!(help.expect("the state").contains("5 showtime"), "{help:?}");
}
