//! `--check`: a tick or a cross for each step, and for each cross what to do.

use std::fs;

use libtest_mimic::Trial;

use crate::hour;
use crate::monitor::{APP_ID, Monitor, Run};
use crate::receiver::{self, Manner, Receiver, Sink};
use crate::session::{healthy, known_app};
use crate::simulated_freebox::{Certificate, Fault, Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_healthy_box_has_ticks_only,
        a_wrong_name,
        a_closed_port,
        a_foreign_certificate,
        a_revoked_token,
        three_permissions_missing,
        a_dead_carbon,
        a_carbon_that_is_called_otherwise,
        no_credentials,
        something_that_is_no_freebox,
        a_section_that_fails,
        a_broken_template,
        a_template_that_can_be_read_only_once,
        nothing_is_left_behind,
        with_all_a_missing_permission_is_no_cross,
        only_the_sections_that_would_be_collected_are_tried,
        its_exit_code_is_that_of_a_run,
        a_run_is_the_same_with_several_things_wrong,
        lines_that_wait_are_counted,
        a_graphite_web_is_asked,
        an_output_that_cannot_be_written,
        a_state_folder_that_cannot_be_written,
        what_runs_have_left_is_named_without_their_locks,
    ]
}

/// A box that gives every permission.
fn generous() -> SimulatedFreebox {
    let at = healthy();
    for permission in ["vm", "home", "profile", "camera", "settings", "parental"] {
        at.set_permission(permission, true);
    }
    at
}

/// The crosses of a report, each with its advice.
fn crosses(run: &Run) -> Vec<(String, String)> {
    let lines: Vec<&str> = run.stdout.lines().collect();
    let mut found = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        if let Some(cross) = line.strip_prefix("✗ ") {
            let advice = lines
                .get(place + 1)
                .and_then(|next| next.strip_prefix("  → "));
            let advice = advice.unwrap_or_else(|| panic!("no advice: {}", run.stdout));
            found.push((cross.to_owned(), advice.to_owned()));
        }
    }
    found
}

/// The check ends with this code and one cross, which begins and advises so.
#[track_caller]
fn one_cross(run: &Run, code: i32, begins: &str, advises: &str) {
    let crosses = crosses(run);
    let end = format!("\n1 thing is wrong; a run with these options ends with exit code {code}\n");
    assert!(run.stdout.ends_with(&end), "{}{}", run.stdout, run.stderr);
    let [(cross, advice)] = &crosses[..] else {
        panic!("not one cross: {}{}", run.stdout, run.stderr);
    };
    assert!(cross.starts_with(begins), "{cross}");
    assert!(advice.contains(advises), "{advice}");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (code, ""),
        "{}",
        run.stdout
    );
}

fn ticks(run: &Run, what: &str) -> bool {
    let start = format!("✓ {what}");
    run.stdout.lines().any(|line| line.starts_with(&start))
}

fn a_healthy_box_has_ticks_only() {
    let at = generous();
    let carbon = Receiver::start(Manner::Good);
    let run = Monitor::registered(&at).run(&["--check", "--all", "--carbon", &carbon.address()]);
    run.is_fine();
    assert!(crosses(&run).is_empty(), "{}", run.stdout);
    for what in [
        "clock:",
        "state folder:",
        "spool:",
        "template:",
        "credentials:",
        "name:",
        "TCP:",
        "TLS:",
        "API version: 16.0",
        "session:",
        "section connection:",
        "section wifi:",
        "section lan:",
        "carbon:",
    ] {
        assert!(ticks(&run, what), "{what} {}", run.stdout);
    }
    assert!(run.stdout.ends_with("\nall is well\n"), "{}", run.stdout);
    assert_eq!(carbon.received(), "");
}

fn a_wrong_name() {
    let at = healthy();
    let run = Monitor::registered(&at).run(&["--check", "-e", "box.invalid"]);
    one_cross(&run, 4, "name: box.invalid: ", "mafreebox.freebox.fr");
    assert!(run.stdout.contains("not tried"), "{}", run.stdout);
}

fn a_closed_port() {
    let at = healthy();
    let run = Monitor::registered(&at).run(&["--check", "-e", &receiver::closed_port()]);
    one_cross(&run, 4, "TCP: no connection to ", "--endpoint HOST[:PORT]");
    assert!(ticks(&run, "name:"), "{}", run.stdout);
}

fn a_foreign_certificate() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        https: Some(Certificate::ForeignCa),
        ..Options::default()
    });
    let run = Monitor::registered(&at).run(&["--check"]);
    one_cross(&run, 4, "TLS: https://localhost:", "--ssl-ca-bundle-file");
    assert!(ticks(&run, "TCP:"), "{}", run.stdout);
}

fn a_revoked_token() {
    let at = healthy();
    at.revoke(APP_ID);
    let run = Monitor::registered(&at).run(&["--check"]);
    one_cross(
        &run,
        3,
        "session: login/session/: the box does not know",
        "--register --force",
    );
    assert!(ticks(&run, "API version:"), "{}", run.stdout);
}

/// Three permissions, with the sections that they are for and the options that choose those.
const PERMISSIONS: [(&str, &str, &str); 3] = [
    ("calls", "call", "-C"),
    ("vm", "vm", "-M"),
    ("profile", "network_control", "--status-network-control"),
];

fn three_permissions_missing() {
    let at = generous();
    for (permission, _, _) in PERMISSIONS {
        at.set_permission(permission, false);
    }
    let options = PERMISSIONS.map(|(_, _, option)| option);
    let monitor = Monitor::registered(&at);
    let run = monitor.run(&[&["--check"], &options[..]].concat());
    let crosses = crosses(&run);
    // A run says so and delivers the rest.
    let code = monitor.run(&options).code;
    assert_eq!((crosses.len(), run.code), (3, code), "{}", run.stdout);
    for (permission, section, _) in PERMISSIONS {
        let expected = format!("section {section}: the permission '{permission}' is missing");
        let found = crosses.iter().find(|(cross, _)| *cross == expected);
        let (_, advice) = found.unwrap_or_else(|| panic!("{expected}: {}", run.stdout));
        assert!(
            advice.contains("Gestion des accès > Applications"),
            "{advice}"
        );
    }
}

fn with_all_a_missing_permission_is_no_cross() {
    let at = generous();
    for (permission, _, _) in PERMISSIONS {
        at.set_permission(permission, false);
    }
    let run = Monitor::registered(&at).run(&["--check", "--all"]);
    run.is_fine();
    assert!(crosses(&run).is_empty(), "{}", run.stdout);
    for (permission, section, _) in PERMISSIONS {
        let start = format!("- section {section}: the permission '{permission}' is missing");
        let mut lines = run.stdout.lines().skip_while(|line| *line != start);
        let advice = lines.nth(1).unwrap_or_default();
        assert!(
            advice.contains("Gestion des accès > Applications"),
            "{start}: {}",
            run.stdout
        );
    }
}

fn only_the_sections_that_would_be_collected_are_tried() {
    let at = generous();
    at.set_permission("calls", false);
    at.fault("dhcp", Fault::TruncatedJson);
    let run = Monitor::registered(&at).run(&["--check", "-H"]);
    run.is_fine();
    assert!(crosses(&run).is_empty(), "{}", run.stdout);
    let sections = run.stdout.lines().filter(|it| it.contains(" section "));
    assert_eq!(sections.count(), 2, "{}", run.stdout);
    assert!(
        run.stdout.contains("- other sections: not collected with"),
        "{}",
        run.stdout
    );
}

/// A check with these options ends as a run with them.
#[track_caller]
fn as_a_run(monitor: &Monitor, options: &[&str], code: i32) {
    let check = monitor.run(&[&["--check"], options].concat());
    let run = monitor.run(options);
    assert_eq!(
        (check.code, run.code),
        (code, code),
        "{options:?}\n{}{}{}",
        check.stdout,
        check.stderr,
        run.stderr
    );
    for (cross, advice) in crosses(&check) {
        assert!(advice.len() > 20, "{cross}: {advice}");
    }
}

fn its_exit_code_is_that_of_a_run() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let template = monitor.write("my.template", "** {nothing}\n");
    let closed = receiver::closed_port();
    let carbon = Sink::start();
    as_a_run(&monitor, &["--carbon", &carbon.address()], 0);
    let output = monitor.path("lines");
    as_a_run(
        &monitor,
        &["--all", "--output", output.to_str().unwrap()],
        0,
    );
    as_a_run(&monitor, &["-t", template.to_str().unwrap()], 1);
    as_a_run(&monitor, &["--output", "/dev/null/file"], 1);
    as_a_run(&monitor, &["-c", "/nonexistent"], 1);
    as_a_run(&monitor, &["--carbon", &closed], 5);
    as_a_run(&monitor, &["-e", &closed], 4);
    at.fault("dhcp/config", Fault::TruncatedJson);
    as_a_run(&monitor, &["-X"], 2);
    as_a_run(&monitor, &["-H"], 0);
    at.revoke(APP_ID);
    at.expire_sessions();
    as_a_run(&monitor, &[], 3);
    as_a_run(&Monitor::trusting(&at), &["-H"], 3);
}

fn a_run_is_the_same_with_several_things_wrong() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let template = monitor.write("my.template", "** {nothing}\n");
    let template = template.to_str().unwrap();
    let closed = receiver::closed_port();
    at.fault("dhcp/config", Fault::TruncatedJson);
    as_a_run(&monitor, &["-X", "--carbon", &closed], 5);
    as_a_run(&monitor, &["-X", "--output", "/dev/null/file"], 1);
    as_a_run(&monitor, &["-X", "-e", &closed, "--carbon", &closed], 4);
    as_a_run(&monitor, &["-X", "-e", &closed, "-t", template], 1);
    at.revoke(APP_ID);
    at.expire_sessions();
    as_a_run(&monitor, &["-X", "--carbon", &closed], 3);
}

fn lines_that_wait_are_counted() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let away = receiver::closed_port();
    let first = monitor.run(&["--carbon", &away]);
    assert_eq!(first.code, 5);
    let (_, kept) = first.stderr.split_once("; ").expect("what is kept");
    let kept = kept.split(' ').next().unwrap();
    let run = monitor.run(&["--check", "--carbon", &away]);
    let words = format!("- spool: {kept} lines wait for {away}, the oldest since ");
    assert!(run.stdout.contains(&words), "{words} {}", run.stdout);
    let other = Sink::start();
    let run = monitor.run(&["--check", "--carbon", &other.address()]);
    assert!(ticks(&run, "spool: no lines wait for"), "{}", run.stdout);
    let words = format!("- spool: {kept} lines wait in /");
    assert!(run.stdout.contains(&words), "{words} {}", run.stdout);
    run.is_fine();
}

fn a_graphite_web_is_asked() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let carbon = Sink::start();
    let check = |web: &str| {
        let carbon = ["--carbon", &carbon.address()];
        monitor.run(&[&["--check", "--verify", web], &carbon[..]].concat())
    };
    let away = format!("http://{}", receiver::closed_port());
    // A run without it confirms lines twice.
    one_cross(
        &check(&away),
        0,
        "verify: graphite-web at ",
        "http://localhost:8080",
    );
    let web = healthy();
    let body = b"[]".to_vec();
    web.fault("", Fault::RawBody { status: 200, body });
    let run = check(&format!("http://localhost:{}", web.http_port()));
    run.is_fine();
    assert!(ticks(&run, "verify:"), "{}", run.stdout);
}

fn an_output_that_cannot_be_written() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let file = monitor.path("file");
    let before = monitor.files();
    let run = monitor.run(&["--check", "--output", file.to_str().unwrap()]);
    run.is_fine();
    assert!(ticks(&run, "output:"), "{}", run.stdout);
    assert_eq!(monitor.files(), before);
    let folder = monitor.path("");
    // A run makes no folders for it.
    let deep = monitor.path("new/file");
    let deep = deep.to_str().unwrap();
    for path in ["/dev/null/file", folder.to_str().unwrap(), deep] {
        let run = monitor.run(&["--check", "--output", path]);
        one_cross(
            &run,
            1,
            &format!("output: cannot write {path}: "),
            "--output",
        );
        as_a_run(&monitor, &["--output", path], 1);
        as_a_run(
            &monitor,
            &["--output", path, "-e", &receiver::closed_port()],
            1,
        );
    }
}

fn a_state_folder_that_cannot_be_written() {
    let at = generous();
    let monitor = Monitor::registered(&at).with_variable("XDG_STATE_HOME", "/dev/null/state");
    let run = monitor.run(&["--check"]);
    one_cross(&run, 0, "state folder: cannot write in ", "chown");
}

fn what_runs_have_left_is_named_without_their_locks() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let sink = Sink::start();
    monitor.run(&["--carbon", &sink.address()]).is_fine();
    let run = monitor.run(&["--check"]);
    let folder = monitor.state(&at);
    let words = format!(
        "✓ state folder: {}, with history.json, memory.json, session.json, spool\n",
        folder.display()
    );
    assert!(run.stdout.contains(&words), "{words}{}", run.stdout);
    let locks = fs::read_dir(folder).expect("the folder").flatten();
    let locks = locks.filter(|it| it.file_name().to_string_lossy().ends_with(".lock"));
    assert_eq!(locks.count(), 1);
}

/// The clock of a machine that was never set.
pub(crate) fn trials_with_faketime() -> Vec<Trial> {
    trials![a_clock_that_cannot_be_right]
}

fn a_clock_that_cannot_be_right() {
    let at = generous();
    let library = hour::faketime().expect("left out otherwise");
    let monitor = Monitor::registered(&at)
        .with_variable("LD_PRELOAD", library)
        .with_variable("FAKETIME", "2001-01-01 00:00:00");
    let run = monitor.run(&["--check"]);
    one_cross(&run, 1, "clock: the clock of this machine", "timedatectl");
    assert_eq!(monitor.run(&[]).code, 1);
}

fn a_dead_carbon() {
    let at = generous();
    let dead = receiver::closed_port();
    let run = Monitor::registered(&at).run(&["--check", "--carbon", &dead]);
    one_cross(
        &run,
        5,
        &format!("carbon: carbon at {dead}: no connection"),
        "LINE_RECEIVER_PORT",
    );
}

fn a_carbon_that_is_called_otherwise() {
    let at = generous();
    let run = Monitor::registered(&at).run(&["--check", "--carbon", "carbon.invalid"]);
    one_cross(
        &run,
        5,
        "carbon: carbon at carbon.invalid:2003: ",
        "look at the name of the host after --carbon",
    );
}

fn no_credentials() {
    let at = healthy();
    let address = format!("https://localhost:{}", at.https_port());
    let run = Monitor::trusting(&at).run(&["--check", "-e", &address]);
    one_cross(&run, 3, "credentials: ", "--register");
    // What can be tried without them is tried.
    assert!(ticks(&run, "API version:"), "{}", run.stdout);
}

fn something_that_is_no_freebox() {
    let at = healthy();
    at.fault("", Fault::Html { status: 200 });
    let run = Monitor::registered(&at).run(&["--check"]);
    one_cross(&run, 4, "API version: https://localhost:", "--endpoint");
}

fn a_section_that_fails() {
    let at = generous();
    at.fault("dhcp/config", Fault::TruncatedJson);
    let run = Monitor::registered(&at).run(&["--check", "--status-dhcp"]);
    one_cross(
        &run,
        2,
        "section dhcp: dhcp/config/: the answer is cut short",
        "--record FILE",
    );
}

fn a_broken_template() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let template = monitor.write("my.template", "** {nothing}\n");
    let run = monitor.run(&["--check", "-t", template.to_str().unwrap()]);
    one_cross(&run, 1, "template: ", "--print-template");
    assert!(ticks(&run, "session:"), "{}", run.stdout);
}

fn a_template_that_can_be_read_only_once() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    // As a shell hands over what a command prints.
    let script = "printf '** {host}.{default}\\n' | { exec 7<&0; exec \"$0\" \"$@\"; }";
    let arguments = ["--check", "--timeout", "10", "-t", "/dev/fd/7"];
    let output = monitor.in_shell(script, &arguments).output();
    let output = output.expect("a shell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("✓ template: /dev/fd/7: "), "{text}");
}

fn nothing_is_left_behind() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let before = monitor.files();
    monitor.run(&["--check"]).is_fine();
    assert_eq!(monitor.files(), before);
}
