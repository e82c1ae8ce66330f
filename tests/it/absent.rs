//! What a box does not have is not said, and what is broken is: told apart by the box's words, and
//! by what this box has given before.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::monitor::{Monitor, Run, project_file};
use crate::session::{healthy, known_app};
use crate::simulated_freebox::{Fault, Options, SimulatedFreebox, load_recording};
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_list_of_hosts_that_fails_is_told_at_once,
        a_detail_that_was_just_named_and_fails_is_told_at_once,
        what_a_model_lacks_is_silent_for_ever,
        what_was_there_and_fails_is_told,
        exactly_those_sections_are_named_that_lost_numbers,
        another_version_of_the_api_may_lack_what_was_there,
        runs_at_once_remember_for_each_other,
        without_a_folder_the_memory_lasts_as_long_as_the_process,
        an_object_where_a_list_should_be_is_told,
        permissions_are_said_once_whatever_is_run_in_between,
        what_killed_runs_have_left_goes,
    ]
}

fn no(error_code: &str) -> Fault {
    Fault::Envelope {
        status: 200,
        error_code: error_code.to_owned(),
    }
}

pub(crate) fn recording(name: &str) -> Json {
    load_recording(&project_file(&format!("tests/boxes/{name}.json"))).expect("a recording")
}

/// A box of this model that gives every permission.
fn model(name: &str) -> SimulatedFreebox {
    let all = [
        "calls",
        "downloader",
        "home",
        "player",
        "profile",
        "pvr",
        "vm",
    ];
    SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        recording: recording(name),
        permissions: all.map(|it| (it.to_owned(), true)).to_vec(),
        ..Options::default()
    })
}

/// The sections that a run complained of.
fn named(run: &Run) -> BTreeSet<String> {
    let sections = run.stderr.lines().filter_map(|line| {
        let rest = line.strip_prefix("freebox-monitor: section ")?;
        Some(rest.split(':').next()?.to_owned())
    });
    sections.collect()
}

fn a_list_of_hosts_that_fails_is_told_at_once() {
    let at = healthy();
    for code in [
        "internal_error",
        "busy",
        "ioerror",
        "nomem",
        "netdown",
        "timeout",
        "nospc",
        "news",
        "",
    ] {
        at.fault_at("lan/browser/pub", no(code));
        let run = Monitor::registered(&at).run(&["-B"]);
        run.complained(2, "section lan: lan/browser/pub/: the box says ");
        run.complained(2, code);
        assert_eq!(run.value("exec.section.lan.ok"), "0");
        at.clear_faults();
    }
    // An interface that is not there in bridge mode.
    at.fault_at("lan/browser/pub", no("nodev"));
    let run = Monitor::registered(&at).run(&["-B"]);
    assert_eq!(run.is_fine().value("exec.section.lan.ok"), "1");
}

fn a_detail_that_was_just_named_and_fails_is_told_at_once() {
    let at = healthy();
    at.fault_at("wifi/ap/0/stations", no("internal_error"));
    let run = Monitor::registered(&at).run(&["-W"]);
    run.complained(
        2,
        "section wifi: wifi/ap/0/stations/: the box says internal_error",
    );
    assert_eq!(run.value("exec.section.wifi.ok"), "0");
}

fn what_a_model_lacks_is_silent_for_ever() {
    for name in ["mini-4k", "delta-xdsl-4g", "revolution-xdsl"] {
        let at = model(name);
        for path in ["storage/raid", "call/voicemail"] {
            at.fault_at(path, no("internal_error"));
        }
        let monitor = Monitor::registered(&at).with(&["--all"]);
        for _ in 0..3 {
            monitor.run(&[]).is_fine();
        }
    }
}

fn what_was_there_and_fails_is_told() {
    let at = healthy();
    for code in ["internal_error", "inval", "", "news"] {
        let monitor = Monitor::registered(&at).with(&["-X"]);
        at.fault_at("dhcp/config", no(code));
        monitor.run(&[]).is_fine();
        at.clear_faults();
        monitor.run(&[]).is_fine();
        at.fault_at("dhcp/config", no(code));
        for _ in 0..2 {
            let run = monitor.run(&[]);
            run.complained(2, "section dhcp: dhcp/config/: the box says ");
            assert_eq!(run.value("exec.section.dhcp.ok"), "0");
        }
        at.clear_faults();
        // It may also go for good.
        at.fault_at("dhcp/config", no("noent"));
        monitor.run(&[]).is_fine();
        at.clear_faults();
    }
}

/// Which section each path of a template's lines belongs to.
fn owners(monitor: &Monitor) -> BTreeMap<String, String> {
    let help = monitor.run(&["--help"]).stdout;
    let switches = help.split("--status-").skip(1);
    let names = switches.filter_map(|it| it.split([' ', '\n']).next().map(str::to_owned));
    let mut owners = BTreeMap::new();
    for switch in names.collect::<BTreeSet<_>>() {
        let run = monitor.run(&[&format!("--status-{switch}")]);
        let sections = run.stdout.lines().filter_map(|line| {
            let (_, rest) = line.split_once(".exec.section.")?;
            Some(rest.split('.').next()?.to_owned())
        });
        let mut others = sections.filter(|section| section != "connection");
        let section = others.next().unwrap_or_else(|| "connection".to_owned());
        for path in paths(&run) {
            owners.entry(path).or_insert_with(|| section.clone());
        }
        if section == "connection" {
            // Its lines are in every run.
            owners.extend(paths(&run).into_iter().map(|it| (it, section.clone())));
        }
    }
    owners
}

fn paths(run: &Run) -> BTreeSet<String> {
    let paths = run.untimed();
    let paths = paths.lines().filter_map(|line| line.split(' ').next());
    paths.map(str::to_owned).collect()
}

/// One path after the other fails, after all of them have answered.
fn exactly_those_sections_are_named_that_lost_numbers() {
    for name in ["ultra", "delta-xdsl-4g", "revolution-xdsl"] {
        let at = model(name);
        let monitor = Monitor::registered(&at);
        let owners = owners(&monitor);
        at.clear_requests();
        let whole = paths(monitor.run(&["--all"]).is_fine());
        let asked = at.requests().into_iter().filter(|it| it.status == 200);
        let asked: BTreeSet<String> = asked
            .filter_map(|it| Some(it.path.splitn(4, '/').nth(3)?.to_owned()))
            .filter(|path| !path.is_empty() && !path.starts_with("login"))
            .collect();
        assert!(asked.len() > 30, "{asked:?}");
        let mut failing = 0;
        for path in &asked {
            at.fault_at(path, no("internal_error"));
            let run = monitor.run(&["--all"]);
            let rest = paths(&run);
            let lost: BTreeSet<String> = whole
                .difference(&rest)
                .map(|path| owners[path].clone())
                .collect();
            assert_eq!(named(&run), lost, "{name} {path}: {}", run.stderr);
            assert_eq!(run.code, if lost.is_empty() { 0 } else { 2 }, "{path}");
            failing += usize::from(!lost.is_empty());
            at.clear_faults();
        }
        assert!(failing > 20 && failing < asked.len(), "{failing}");
        assert_eq!(paths(monitor.run(&["--all"]).is_fine()), whole);
    }
}

fn another_version_of_the_api_may_lack_what_was_there() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["-X"]);
    monitor.run(&[]).is_fine();
    at.fault_at("dhcp/config", no("internal_error"));
    monitor.run(&[]).complained(2, "section dhcp: ");
    at.set_version("15.0");
    at.expire_sessions();
    monitor.run(&[]).is_fine();
    at.clear_faults();
    monitor.run(&[]).is_fine();
    at.fault_at("dhcp/config", no("internal_error"));
    monitor.run(&[]).complained(2, "section dhcp: ");
}

fn runs_at_once_remember_for_each_other() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        latency: Duration::from_millis(20),
        ..Options::default()
    });
    let monitor = Monitor::registered(&at);
    let start = |section| {
        let mut command = monitor.command(&[section]);
        command.stdout(Stdio::null()).spawn().expect("the program")
    };
    let sections = ["-X", "-H", "-S", "-W", "-D"];
    for mut child in sections.map(start) {
        assert_eq!(child.wait().expect("its end").code(), Some(0));
    }
    for path in ["dhcp/config", "sfp/status", "wifi/config", "storage/disk"] {
        at.fault_at(path, no("internal_error"));
    }
    let run = monitor.run(&sections);
    let expected = ["dhcp", "storage", "switch", "wifi"].map(str::to_owned);
    assert_eq!(named(&run), BTreeSet::from(expected), "{}", run.stderr);
}

fn without_a_folder_the_memory_lasts_as_long_as_the_process() {
    let at = healthy();
    let nowhere = "/proc/nowhere";
    let monitor = Monitor::registered(&at).with_variable("XDG_STATE_HOME", nowhere);
    let mut command = monitor.command(&["-X", "--every", "1"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the program");
    let asked = || {
        at.requests()
            .iter()
            .filter(|it| it.path.ends_with("dhcp/config/"))
            .count()
    };
    until("no run", || asked() >= 1);
    at.fault_at("dhcp/config", no("internal_error"));
    until("no run after it", || asked() >= 3);
    let process = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let signal = rustix::process::Signal::TERM;
    rustix::process::kill_process(process.expect("a process"), signal).expect("a signal");
    let mut words = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut stderr, &mut words).expect("UTF-8");
    child.wait().expect("its end");
    assert!(words.contains("section dhcp: dhcp/config/: "), "{words}");
}

fn an_object_where_a_list_should_be_is_told() {
    let at = model("ultra");
    let monitor = Monitor::registered(&at);
    let good = |result: Json| json!({"success": true, "result": result});
    let nas = json!({"l2ident": {"id": "02:00:5E:00:00:10"}, "l3connectivities": {"a": 1}});
    let cases = [
        (
            "-M",
            "vm/",
            json!({"a": 1}),
            "section vm: vm/: the result is no list",
        ),
        (
            "-M",
            "vm/",
            json!("text"),
            "section vm: vm/: the result is no list",
        ),
        (
            "-D",
            "storage/disk/",
            json!({"id": 1000}),
            "storage/disk/: the result is no list",
        ),
        (
            "-W",
            "wifi/ap/0/stations/",
            json!({"a": 1}),
            "stations/: the result is no list",
        ),
        (
            "-H",
            "system/",
            json!({"uptime_val": 1, "sensors": {"a": 1}}),
            "'sensors' in the result",
        ),
        (
            "-D",
            "storage/disk/",
            json!([{"id": 1, "partitions": {"a": 1}}]),
            "'partitions' in",
        ),
        (
            "-B",
            "lan/browser/pub/",
            json!([nas]),
            "'l3connectivities' in the result is no list",
        ),
    ];
    for (section, path, result, words) in cases {
        let before = at.answers()[path.trim_end_matches('/')].clone();
        at.set_answer(path, good(result));
        monitor.run(&[section]).complained(2, words);
        for empty in [json!({}), json!([]), json!(""), Json::Null] {
            if path != "system/" {
                at.set_answer(path, good(empty));
                monitor.run(&[section]).is_fine();
            }
        }
        at.set_answer(path, before);
        monitor.run(&[section]).is_fine();
    }
}

fn permissions_are_said_once_whatever_is_run_in_between() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    assert_eq!(monitor.run(&["--all"]).stderr.lines().count(), 3);
    for hand in [&["-H"][..], &["-B", "-X"], &["--dry-run"]] {
        monitor.run(hand);
        monitor.run(&["--all"]).is_fine();
    }
    // What was granted in between is news when it is gone.
    at.set_permission("vm", true);
    monitor.run(&["--all"]).is_fine();
    at.set_permission("vm", false);
    monitor
        .run(&["--all"])
        .complained(0, "the permission 'vm' is missing");
}

fn what_killed_runs_have_left_goes() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let half = |name: &str| {
        let path = monitor.state(&at).join(name);
        monitor.write(path.to_str().expect("UTF-8"), "half")
    };
    let old = half(".freebox-monitor-old");
    let young = half(".freebox-monitor-new");
    let two_hours = Duration::from_secs(2 * 3600);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    let then = std::time::SystemTime::now() - two_hours;
    file.set_modified(then).unwrap();
    monitor.run(&[]).is_fine();
    assert!(!old.exists() && young.exists());
}
