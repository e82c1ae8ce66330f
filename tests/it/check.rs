//! `--check`: a tick or a cross for each step, and for each cross what to do.

use libtest_mimic::Trial;

use crate::monitor::{APP_ID, Monitor, Run};
use crate::receiver::{self, Manner, Receiver};
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
        no_credentials,
        something_that_is_no_freebox,
        a_section_that_fails,
        a_broken_template,
        nothing_is_left_behind,
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
    let run = Monitor::registered(&at).run(&["--check", "--carbon", &carbon.address()]);
    run.is_fine();
    assert!(crosses(&run).is_empty(), "{}", run.stdout);
    for what in [
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

fn three_permissions_missing() {
    let at = generous();
    let missing = [
        ("calls", "call"),
        ("vm", "vm"),
        ("profile", "network_control"),
    ];
    for (permission, _) in missing {
        at.set_permission(permission, false);
    }
    let run = Monitor::registered(&at).run(&["--check"]);
    let crosses = crosses(&run);
    assert_eq!((crosses.len(), run.code), (3, 2), "{}", run.stdout);
    for (permission, section) in missing {
        let expected = format!("section {section}: the permission '{permission}' is missing");
        let found = crosses.iter().find(|(cross, _)| *cross == expected);
        let (_, advice) = found.unwrap_or_else(|| panic!("{expected}: {}", run.stdout));
        assert!(
            advice.contains("Gestion des accès > Applications"),
            "{advice}"
        );
    }
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
    let run = Monitor::registered(&at).run(&["--check"]);
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

fn nothing_is_left_behind() {
    let at = generous();
    let monitor = Monitor::registered(&at);
    let before = monitor.files();
    monitor.run(&["--check"]).is_fine();
    assert_eq!(monitor.files(), before);
}
