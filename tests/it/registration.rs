//! Asking for access, with a simulated person at the box.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value as Json;

use crate::monitor::{Monitor, Run};
use crate::simulated_freebox::{Fault, Options, Outcome, SimulatedFreebox};
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
        a_box_that_dies_meanwhile_is_exit_4,
        a_box_gets_its_model_for_a_name_and_keeps_it,
        a_name_that_another_box_has_is_refused_before_anybody_walks,
        a_box_can_be_given_another_name_without_the_button,
        two_boxes_on_one_host_have_paths_of_their_own,
        a_box_without_a_name_is_called_by_its_place,
        the_address_in_the_file_of_the_python_script_is_used,
        the_file_beside_the_program_is_found,
        a_group_may_read_the_file_of_the_python_script,
        a_group_that_may_read_the_credentials_still_may,
        a_file_of_somebody_else_is_noticed_before_anybody_walks,
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

fn a_box_that_dies_meanwhile_is_exit_4() {
    let at = a_box(Outcome::Button);
    let monitor = Monitor::trusting(&at);
    // Somebody pulls the plug instead of pressing the button.
    at.fault_after("login/authorize/", Fault::Drop, 2);
    let run = register(&monitor, &at, &["--timeout", "4"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let last = run.stderr.lines().last().unwrap_or_default();
    assert!(last.contains("broke off"), "{}", run.stderr);
    assert!(monitor.files().is_empty(), "{:?}", monitor.files());
}

const SECOND: &str = "0123456789abcdef0123456789abcdef";

fn another_box(uid: &str) -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        uid: Some(uid.to_owned()),
        registration: Outcome::Granted { after_polls: 0 },
        ..Options::default()
    })
}

fn names(monitor: &Monitor) -> Vec<String> {
    let names = boxes(monitor);
    let names = names.iter().map(|it| it["name"].as_str().expect("a name"));
    names.map(str::to_owned).collect()
}

fn a_box_gets_its_model_for_a_name_and_keeps_it() {
    let (first, second) = (
        a_box(Outcome::Granted { after_polls: 0 }),
        another_box(SECOND),
    );
    let monitor = Monitor::new().with(&["--ssl-no-verify"]);
    let run = register(&monitor, &first, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = "The box is called ultra in paths; --register --name NAME gives it another name.";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    let run = register(&monitor, &second, &[]);
    assert!(
        run.stderr.contains("called ultra_cdef in paths"),
        "{}",
        run.stderr
    );
    assert_eq!(names(&monitor), ["ultra", "ultra_cdef"]);
    assert_eq!(register(&monitor, &first, &["--force"]).code, 0);
    assert_eq!(names(&monitor), ["ultra_cdef", "ultra"]);
    assert_eq!(
        register(&monitor, &first, &["--force", "--name", "Été"]).code,
        0
    );
    assert_eq!(register(&monitor, &first, &["--force"]).code, 0);
    assert_eq!(names(&monitor), ["ultra_cdef", "Été"]);
    let place = format!("localhost:{}", first.https_port());
    let run = monitor.run(&["-e", &place]);
    assert_eq!(run.is_fine().value("freebox.ete.connection.state"), "1");
    // Other models have other words.
    let mini = SimulatedFreebox::start(Options {
        recording: crate::absent::recording("mini-4k"),
        registration: Outcome::Granted { after_polls: 0 },
        ..Options::default()
    });
    assert_eq!(register(&monitor, &mini, &[]).code, 0);
    assert_eq!(names(&monitor), ["ultra_cdef", "Été", "mini4k"]);
}

fn a_name_that_another_box_has_is_refused_before_anybody_walks() {
    let (first, second) = (
        a_box(Outcome::Granted { after_polls: 0 }),
        another_box(SECOND),
    );
    let monitor = Monitor::new().with(&["--ssl-no-verify"]);
    assert_eq!(register(&monitor, &first, &["--name", "Maison"]).code, 0);
    // It is the same in paths.
    for name in ["Maison", "maison"] {
        let run = register(&monitor, &second, &["--name", name]);
        run.failed(1, "is called maison in paths already; give another --name");
    }
    assert!(
        !second
            .requests()
            .iter()
            .any(|it| it.path.contains("authorize"))
    );
    assert_eq!(register(&monitor, &second, &["--name", "away"]).code, 0);
    // Nor may a run borrow it.
    let place = format!("localhost:{}", second.https_port());
    let run = monitor.run(&["-e", &place, "--name", "MAISON"]);
    run.failed(1, "is called maison in paths already");
}

fn a_box_can_be_given_another_name_without_the_button() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    assert_eq!(register(&monitor, &at, &[]).code, 0);
    at.clear_requests();
    let run = register(&monitor, &at, &["--name", "home"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("called home in paths"),
        "{}",
        run.stderr
    );
    assert!(!at.requests().iter().any(|it| it.path.contains("authorize")));
    assert_eq!(names(&monitor), ["home"]);
    assert_eq!(
        monitor
            .run(&[])
            .is_fine()
            .value("freebox.home.connection.state"),
        "1"
    );
}

fn python_app() -> crate::simulated_freebox::App {
    crate::simulated_freebox::App {
        app_id: "fr.freebox.seximonitor".to_owned(),
        app_token: "cHl0aG9uL3NjcmlwdC90b2tlbg==".to_owned(),
        track_id: 7,
    }
}

fn python_box() -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        apps: vec![python_app(), crate::session::known_app()],
        ..Options::default()
    })
}

fn python_file(at: &SimulatedFreebox) -> String {
    let (port, token) = (at.http_port(), python_app().app_token);
    format!(
        "[general]\ntrack_id = 7\napp_token = {token}\n\n\
         [api]\napi_endpoint = http://localhost:{port}/api/v8\n"
    )
}

fn first_paths(run: &Run) -> std::collections::BTreeSet<String> {
    let paths = run.is_fine().stdout.lines();
    let paths = paths.filter_map(|line| line.split(' ').next().map(str::to_owned));
    paths.collect()
}

fn two_boxes_on_one_host_have_paths_of_their_own() {
    let (first, second) = (python_box(), python_box());
    let monitor = Monitor::new().with(&["--ssl-no-verify"]);
    let json = |at: &SimulatedFreebox, name: &str| {
        let endpoint = format!("localhost:{}", at.https_port());
        let file = serde_json::json!({"boxes": [{"app_id": crate::monitor::APP_ID,
            "app_token": crate::monitor::APP_TOKEN, "endpoint": endpoint}]});
        monitor.write(name, &file.to_string())
    };
    let ini = |at: &SimulatedFreebox, name: &str| monitor.write(name, &python_file(at));
    for files in [
        [json(&first, "a.json"), json(&second, "b.json")],
        [ini(&first, "a.ini"), ini(&second, "b.ini")],
    ] {
        let runs = files.map(|file| monitor.run(&["-A", "-c", file.to_str().unwrap()]));
        let [one, other] = runs.map(|run| {
            assert_eq!(run.code, 0, "{}", run.stderr);
            let paths = run.untimed();
            let paths = paths
                .lines()
                .filter_map(|it| it.split(' ').next().map(str::to_owned));
            paths.collect::<std::collections::BTreeSet<_>>()
        });
        assert!(one.len() > 100 && one.is_disjoint(&other), "{one:?}");
    }
}

fn a_box_without_a_name_is_called_by_its_place() {
    let at = python_box();
    let monitor = Monitor::registered(&at);
    let node = format!("freebox.localhost_{}.connection.state", at.https_port());
    assert_eq!(monitor.run(&[]).is_fine().value(&node), "1");
    let template = monitor.write(
        "my.template",
        "connection.state {endpoint}.{name}.x\n** -\n",
    );
    let run = monitor.run(&["-t", template.to_str().unwrap()]);
    let place = format!("localhost_{}", at.https_port());
    let path = format!("{place}.{place}.x");
    assert!(first_paths(&run).contains(&path), "{}", run.stdout);
    // Registering again is no reason for its series to begin anew.
    assert_eq!(register(&monitor, &at, &["--force"]).code, 0);
    assert_eq!(monitor.run(&[]).is_fine().value(&node), "1");
}

fn the_address_in_the_file_of_the_python_script_is_used() {
    let at = python_box();
    let monitor = Monitor::trusting(&at);
    let file = monitor.write(".credentials", &python_file(&at));
    let run = monitor.run(&["-c", file.to_str().unwrap()]);
    let node = format!("freebox.localhost_{}.connection.state", at.http_port());
    assert_eq!(run.is_fine().value(&node), "1");
}

fn the_file_beside_the_program_is_found() {
    let at = python_box();
    let monitor = Monitor::trusting(&at);
    let file = monitor.write("bin/.credentials", &python_file(&at));
    let program = monitor.path("bin/freebox-monitor");
    if fs::hard_link(crate::monitor::PROGRAM, &program).is_err() {
        fs::copy(crate::monitor::PROGRAM, &program).unwrap();
    }
    let command = monitor.command(&[]);
    let mut beside = std::process::Command::new(&program);
    beside
        .args(command.get_args())
        .env("HOME", monitor.path(""));
    let run = beside.output().unwrap();
    let words = String::from_utf8_lossy(&run.stderr);
    assert_eq!((run.status.code(), &*words), (Some(0), ""));
    // A box that is added gets a file of its own, and the first one is in it as well.
    let second = another_box(SECOND);
    let place = format!("localhost:{}", second.https_port());
    let mut register = std::process::Command::new(&program);
    register.args(["--ssl-no-verify", "--register", "-e", &place]);
    let run = register.env("HOME", monitor.path("")).output().unwrap();
    assert_eq!(
        run.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let apps: Vec<_> = boxes(&monitor)
        .iter()
        .map(|it| it["app_id"].clone())
        .collect();
    assert_eq!(
        apps,
        ["fr.freebox.seximonitor", "fr.freebox.freebox-monitor"]
    );
    assert_eq!(fs::read_to_string(file).unwrap(), python_file(&at));
}

fn a_group_may_read_the_file_of_the_python_script() {
    use std::os::unix::fs::PermissionsExt;
    let at = python_box();
    let monitor = Monitor::trusting(&at);
    let file = monitor.write(".credentials", &python_file(&at));
    let config = ["-c", file.to_str().unwrap()];
    let set = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    set(0o640);
    monitor.run(&config).is_fine();
    for mode in [0o644, 0o660] {
        set(mode);
        monitor
            .run(&config)
            .complained(0, ".credentials: others can read it");
    }
}

fn a_group_that_may_read_the_credentials_still_may() {
    use std::os::unix::fs::PermissionsExt;
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    for (before, after) in [
        (0o640, 0o640),
        (0o600, 0o600),
        (0o664, 0o640),
        (0o604, 0o600),
    ] {
        assert_eq!(register(&monitor, &at, &["--force"]).code, 0);
        let file = monitor.credentials();
        fs::set_permissions(&file, fs::Permissions::from_mode(before)).unwrap();
        assert_eq!(register(&monitor, &at, &["--force"]).code, 0);
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, after, "{before:o}");
    }
    monitor.run(&[]);
    fs::set_permissions(monitor.credentials(), fs::Permissions::from_mode(0o640)).unwrap();
    monitor.run(&[]).is_fine();
}

fn a_file_of_somebody_else_is_noticed_before_anybody_walks() {
    let at = a_box(Outcome::Granted { after_polls: 0 });
    let monitor = Monitor::trusting(&at);
    let file = monitor.write("theirs.json", r#"{"boxes":[]}"#);
    if std::os::unix::fs::chown(&file, Some(12345), None).is_err() {
        // Only root can try this.
        return;
    }
    let run = register(&monitor, &at, &["-c", file.to_str().unwrap()]);
    run.failed(1, "the file is somebody else's; register as that user");
    assert!(!at.requests().iter().any(|it| it.path.contains("authorize")));
}
