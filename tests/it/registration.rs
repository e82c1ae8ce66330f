//! Asking for access, with a simulated person at the box.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value as Json;

use crate::monitor::{Monitor, Run};
use crate::simulated_freebox::{Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        granted_access_is_stored_for_the_owner_only_and_works_at_once,
        each_refusal_has_its_own_words_and_stores_nothing,
        patience_ends,
        registering_twice_asks_once,
        force_asks_anew,
        a_revoked_token_is_asked_for_anew,
        a_box_that_takes_the_place_of_another_is_used,
        a_second_box_is_added,
        the_file_of_the_python_script_is_read_and_never_written,
        a_place_that_cannot_be_written_is_noticed_before_anybody_walks,
        the_status_is_one_line,
        a_box_that_is_away_is_exit_4,
    ]
}

fn a_box(registration: Outcome) -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        registration,
        ..Options::default()
    })
}

fn register(monitor: &Monitor, at: &SimulatedFreebox, more: &[&str]) -> Run {
    let endpoint = format!("localhost:{}", at.https_port());
    monitor.run(&[&["--register", "--endpoint", &endpoint], more].concat())
}

fn boxes(monitor: &Monitor) -> Vec<Json> {
    let file = fs::read(monitor.credentials()).expect("the credentials");
    let file: Json = serde_json::from_slice(&file).expect("JSON");
    file["boxes"].as_array().expect("a list").clone()
}

fn granted_access_is_stored_for_the_owner_only_and_works_at_once() {
    let at = a_box(Outcome::Granted { after_polls: 2 });
    let monitor = Monitor::trusting(&at);
    let run = register(&monitor, &at, &["--name", "Maison"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    for words in [
        "right arrow",
        "300 s left",
        "Access is granted",
        "permissions",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    for (path, mode) in monitor.files() {
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    let stored = boxes(&monitor);
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0]["name"], "Maison");
    assert_eq!(stored[0]["https"], true);
    at.clear_requests();
    let run = monitor.run(&[]);
    assert_eq!(run.is_fine().value("freebox.maison.connection.state"), "1");
    let logins = at
        .requests()
        .iter()
        .filter(|it| it.path.contains("login"))
        .count();
    assert_eq!(logins, 0, "the session of the registration is used");
}

fn each_refusal_has_its_own_words_and_stores_nothing() {
    let cases = [
        (
            Outcome::Denied { after_polls: 1 },
            "access was denied at the box",
        ),
        (
            Outcome::Timeout { after_polls: 1 },
            "nobody said yes at the box in time",
        ),
        (Outcome::Unknown, "does not know the request any more"),
        (
            Outcome::NewAppsDenied,
            "takes no requests of new applications",
        ),
        (Outcome::AppsDenied, "keeps all applications out"),
        (Outcome::External, "only from its own network"),
        (Outcome::RateLimited, "too many failed log-ins"),
    ];
    for (outcome, words) in cases {
        let at = a_box(outcome);
        let monitor = Monitor::trusting(&at);
        let run = register(&monitor, &at, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.contains(words), "{words}: {}", run.stderr);
        assert!(monitor.files().is_empty(), "{:?}", monitor.files());
    }
}

fn patience_ends() {
    let at = a_box(Outcome::Granted { after_polls: 1000 });
    let monitor = Monitor::trusting(&at);
    let run = register(&monitor, &at, &["--timeout", "2"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("within the time given"),
        "{}",
        run.stderr
    );
    assert!(monitor.files().is_empty(), "{:?}", monitor.files());
}

fn registering_twice_asks_once() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    assert_eq!(register(&monitor, &at, &[]).code, 0);
    at.clear_requests();
    let again = register(&monitor, &at, &[]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        again.stderr.contains("is registered already"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("--force asks anew"),
        "{}",
        again.stderr
    );
    assert!(!at.requests().iter().any(|it| it.path.contains("authorize")));
    assert_eq!(boxes(&monitor).len(), 1);
}

fn force_asks_anew() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    assert_eq!(register(&monitor, &at, &[]).code, 0);
    let first = boxes(&monitor);
    assert_eq!(register(&monitor, &at, &["--force"]).code, 0);
    let second = boxes(&monitor);
    assert_eq!(second.len(), 1);
    assert_ne!(first[0]["app_token"], second[0]["app_token"]);
}

fn a_revoked_token_is_asked_for_anew() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    assert_eq!(register(&monitor, &at, &[]).code, 0);
    let app_id = boxes(&monitor)[0]["app_id"].as_str().unwrap().to_owned();
    at.revoke(&app_id);
    let again = register(&monitor, &at, &[]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("asking anew"), "{}", again.stderr);
    monitor.run(&[]).is_fine();
}

fn a_box_that_takes_the_place_of_another_is_used() {
    let first = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&first);
    let place = format!("localhost:{}", first.https_port());
    let register = |monitor: &Monitor| monitor.run(&["--register", "--endpoint", &place]).code;
    assert_eq!(register(&monitor), 0);
    monitor.run(&[]).is_fine();
    let (http_port, https_port) = (first.http_port(), first.https_port());
    drop(first);
    // Another box answers there now, with another identity and another certificate.
    let second = SimulatedFreebox::start(Options {
        uid: Some("ffffffffffffffffffffffffffffffff".to_owned()),
        registration: Outcome::Granted { after_polls: 0 },
        http_port,
        https_port,
        ..Options::default()
    });
    let monitor = monitor.with(&["--ssl-no-verify"]);
    monitor.run(&[]).failed(3, "this is another box");
    assert_eq!(register(&monitor), 0);
    assert_eq!(monitor.run(&[]).is_fine().value("connection.state"), "1");
    drop(second);
}

fn a_second_box_is_added() {
    let first = a_box(Outcome::Granted { after_polls: 0 });
    let second = SimulatedFreebox::start(Options {
        registration: Outcome::Granted { after_polls: 0 },
        uid: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ..Options::default()
    });
    let monitor = Monitor::new();
    for (at, name) in [(&first, "home"), (&second, "away")] {
        let ca_file = at.ca_file();
        let trust = [
            "--name",
            name,
            "--ssl-ca-bundle-file",
            ca_file.to_str().unwrap(),
        ];
        assert_eq!(register(&monitor, at, &trust).code, 0);
    }
    assert_eq!(boxes(&monitor).len(), 2);
    let run = monitor.run(&[
        "--name",
        "away",
        "--ssl-ca-bundle-file",
        second.ca_file().to_str().unwrap(),
    ]);
    assert_eq!(run.is_fine().value("freebox.away.connection.state"), "1");
    monitor.run(&[]).failed(
        1,
        "several boxes; pick one with --name or --endpoint: home (localhost:",
    );
}

fn the_file_of_the_python_script_is_read_and_never_written() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![crate::simulated_freebox::App {
            app_id: "fr.freebox.seximonitor".to_owned(),
            app_token: "cHl0aG9uL3NjcmlwdC90b2tlbg==".to_owned(),
            track_id: 7,
        }],
        ..Options::default()
    });
    let monitor = Monitor::trusting(&at);
    let content = "[general]\ntrack_id = 7\napp_token = cHl0aG9uL3NjcmlwdC90b2tlbg==\n\n";
    let path = monitor.write(".credentials", content);
    let endpoint = format!("localhost:{}", at.https_port());
    let config = ["-c", path.to_str().unwrap(), "-e", &endpoint];
    assert_eq!(
        monitor.run(&config).is_fine().value("connection.state"),
        "1"
    );
    let again = monitor.run(&[&config[..], &["--register"]].concat());
    assert!(
        again.stderr.contains("is registered already"),
        "{}",
        again.stderr
    );
    let forced = monitor.run(&[&config[..], &["--register", "--force"]].concat());
    forced.failed(1, "freebox_monitor.py's own file and stays as it is");
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
}

fn a_place_that_cannot_be_written_is_noticed_before_anybody_walks() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    let run = register(
        &monitor,
        &at,
        &["--config", "/proc/nowhere/credentials.json"],
    );
    run.failed(1, "cannot write /proc/nowhere/credentials.json");
    assert!(!at.requests().iter().any(|it| it.path.contains("authorize")));
}

fn the_status_is_one_line() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    monitor
        .run(&["--register-status"])
        .failed(3, "no box is registered");
    assert_eq!(register(&monitor, &at, &[]).code, 0);
    let status = monitor.run(&["-s"]);
    let expected = format!("localhost:{}: granted; ", at.https_port());
    assert!(
        status.is_fine().stdout.starts_with(&expected),
        "{}",
        status.stdout
    );
    let app_id = boxes(&monitor)[0]["app_id"].as_str().unwrap().to_owned();
    at.revoke(&app_id);
    monitor
        .run(&["-s"])
        .failed(3, "the box does not know this application any more");
}

fn a_box_that_is_away_is_exit_4() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    at.refuse();
    register(&monitor, &at, &[]).failed(4, "connection refused");
}
