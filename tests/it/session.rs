//! Finding the box and staying logged in, from run to run.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::monitor::{APP_ID, APP_TOKEN, Monitor, check_lines};
use crate::simulated_freebox::{App, Certificate, Fault, Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_second_run_makes_no_log_in_and_no_search,
        a_run_uses_one_connection,
        a_session_that_is_over_is_renewed_once,
        a_session_that_ends_in_the_middle_is_renewed_once,
        a_cached_endpoint_that_stops_answering_is_looked_for_anew,
        a_broken_cache_is_as_good_as_none,
        a_dry_run_leaves_nothing,
        a_cache_that_cannot_be_written_is_told,
        a_session_of_an_earlier_version_is_gone_on_with,
        a_box_without_https_is_spoken_to_in_the_clear,
        tokens_never_travel_in_the_clear_to_a_box_with_https,
        a_box_registered_over_https_is_never_spoken_to_in_the_clear,
        a_bare_port_may_speak_either,
        the_box_is_found_under_its_domain,
        an_older_version_of_the_api_can_be_forced,
        a_version_that_the_box_does_not_know_is_told,
        a_revoked_token_is_exit_3,
        a_pending_token_is_exit_3,
        another_box_than_the_registered_one_is_exit_3,
        another_box_at_a_cached_address_is_exit_3,
        too_many_failures_are_exit_3,
        the_other_hash_works,
        open_credentials_draw_one_warning,
        unreadable_credentials_are_exit_1,
    ]
}

/// The application that the box knows and [`Monitor::registered`] has.
pub(crate) fn known_app() -> App {
    App {
        app_id: APP_ID.to_owned(),
        app_token: APP_TOKEN.to_owned(),
        track_id: 1,
    }
}

/// A healthy box that knows that application.
pub(crate) fn healthy() -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        ..Options::default()
    })
}

pub(crate) fn paths(at: &SimulatedFreebox) -> Vec<String> {
    at.requests().into_iter().map(|it| it.path).collect()
}

pub(crate) fn count(at: &SimulatedFreebox, part: &str) -> usize {
    paths(at).iter().filter(|path| path.contains(part)).count()
}

fn a_second_run_makes_no_log_in_and_no_search() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    check_lines(&monitor.run(&[]).is_fine().stdout);
    assert_eq!(
        (count(&at, "api_version"), count(&at, "login/session")),
        (1, 1)
    );
    at.clear_requests();
    check_lines(&monitor.run(&[]).is_fine().stdout);
    let expected = [
        "connection/",
        "connection/config/",
        "connection/ftth/",
        "connection/xdsl/",
    ]
    .map(|path| format!("/api/v16/{path}"));
    assert_eq!(paths(&at), expected);
}

fn a_run_uses_one_connection() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    for _ in 0..2 {
        at.clear_requests();
        monitor.run(&[]).is_fine();
        let requests = at.requests();
        assert!(requests.iter().all(|it| it.tls));
        let connections: HashSet<u64> = requests.iter().map(|it| it.connection).collect();
        assert_eq!(connections.len(), 1, "{requests:?}");
    }
}

fn a_session_that_is_over_is_renewed_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.expire_sessions();
    at.clear_requests();
    let run = monitor.run(&[]);
    assert_eq!(run.is_fine().value("connection.state"), "1");
    // Whatever ends sessions may have been a restart, with another version of the API.
    assert_eq!(
        (count(&at, "login/session"), count(&at, "api_version")),
        (1, 1)
    );
    at.clear_requests();
    monitor.run(&[]).is_fine();
    assert_eq!(count(&at, "login"), 0);
}

fn a_session_that_ends_in_the_middle_is_renewed_once() {
    for requests in 1..=4 {
        let at = healthy();
        let monitor = Monitor::registered(&at);
        let whole = monitor.run(&[]).is_fine().untimed();
        at.expire_sessions_after(requests);
        at.clear_requests();
        assert_eq!(monitor.run(&[]).is_fine().untimed(), whole);
        assert!(count(&at, "login/session") <= 1, "{:?}", paths(&at));
    }
}

fn a_cached_endpoint_that_stops_answering_is_looked_for_anew() {
    let at = healthy();
    // The registered address is plain HTTP, from where the way leads to HTTPS each time.
    let monitor = Monitor::trusting(&at);
    monitor.write_credentials(&json!({
        "app_id": APP_ID, "app_token": APP_TOKEN,
        "endpoint": format!("http://localhost:{}", at.http_port()),
    }));
    monitor.run(&[]).is_fine();
    let cache = session_file(&monitor);
    let text = fs::read_to_string(&cache).unwrap();
    let elsewhere = crate::receiver::closed_port();
    let moved = text.replace(&format!("localhost:{}", at.https_port()), &elsewhere);
    assert_ne!(text, moved);
    fs::write(&cache, moved).unwrap();
    at.clear_requests();
    assert_eq!(monitor.run(&[]).is_fine().value("connection.state"), "1");
    // The session was good all the time.
    assert_eq!(count(&at, "login"), 0);
    // Found anew it has another time, as soon as another second has begun.
    let timeless = |text: &str| {
        let mut json: Json = serde_json::from_str(text).expect("JSON");
        let found = &mut json["sessions"][0]["known"]["endpoint"]["found"];
        assert!(found.take().as_u64().is_some_and(|it| it > 0));
        json
    };
    let after = fs::read_to_string(&cache).unwrap();
    assert_eq!(timeless(&after), timeless(&text));
}

pub(crate) fn session_file(monitor: &Monitor) -> std::path::PathBuf {
    let files = monitor.files().into_iter().map(|(path, _)| path);
    let mut caches = files.filter(|path| path.ends_with("session.json"));
    caches.next().expect("a cached session")
}

fn a_broken_cache_is_as_good_as_none() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    let cache = session_file(&monitor);
    let good = fs::read_to_string(&cache).unwrap();
    for broken in [
        "",
        "{",
        "[]",
        "\0\0\0",
        &good[..good.len() / 2],
        &good.replace("https", "gopher"),
    ] {
        fs::write(&cache, broken).unwrap();
        assert_eq!(monitor.run(&[]).is_fine().value("connection.state"), "1");
        assert_eq!(
            fs::metadata(&cache).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

fn a_dry_run_leaves_nothing() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let before = monitor.files();
    let run = monitor.run(&["--dry-run"]);
    assert_eq!(run.value("connection.state"), "1");
    assert!(run.stderr.starts_with("dry run: "), "{}", run.stderr);
    assert_eq!(monitor.files(), before);
}

fn a_session_of_an_earlier_version_is_gone_on_with() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    // It had another name for the folder.
    let folder = monitor.state(&at);
    let former = folder.with_file_name(format!("localhost_{}", at.https_port()));
    fs::rename(&folder, &former).expect("its former name");
    at.clear_requests();
    monitor.run(&[]).is_fine();
    assert_eq!(count(&at, "login"), 0);
    assert!(folder.exists() && !former.exists());
}

fn a_cache_that_cannot_be_written_is_told() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with_variable("XDG_STATE_HOME", "/proc/nowhere");
    let run = monitor.run(&[]);
    let folder = format!(
        "/proc/nowhere/freebox-monitor/localhost%3A{}",
        at.https_port()
    );
    run.complained(0, &format!("warning: cannot write {folder}/session.json: "));
    run.complained(0, "each run has to log in");
    assert_eq!(run.value("connection.state"), "1");
}

fn plain() -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        https: None,
        ..Options::default()
    })
}

/// A user whose credentials name this endpoint.
fn at_endpoint(at: &SimulatedFreebox, endpoint: &str, https: bool) -> Monitor {
    let monitor = Monitor::trusting(at);
    monitor.write_credentials(&json!({
        "app_id": APP_ID, "app_token": APP_TOKEN, "endpoint": endpoint, "https": https,
    }));
    monitor
}

fn a_box_without_https_is_spoken_to_in_the_clear() {
    let at = plain();
    let monitor = at_endpoint(&at, &format!("localhost:{}", at.http_port()), false);
    assert_eq!(monitor.run(&[]).is_fine().value("connection.state"), "1");
}

fn tokens_never_travel_in_the_clear_to_a_box_with_https() {
    for certificate in [Certificate::Good, Certificate::ForeignCa] {
        let good = certificate == Certificate::Good;
        let at = SimulatedFreebox::start(Options {
            apps: vec![known_app()],
            https: Some(certificate),
            ..Options::default()
        });
        for scheme in ["", "http://"] {
            let endpoint = format!("{scheme}localhost:{}", at.http_port());
            let run = at_endpoint(&at, &endpoint, false).run(&[]);
            match good {
                true => assert_eq!(run.is_fine().value("connection.state"), "1"),
                false => assert_eq!(run.failed(4, "certificate").code, 4),
            }
        }
        let in_the_clear = at.requests().into_iter().filter(|it| !it.tls);
        for request in in_the_clear {
            assert_eq!(request.path, "/api_version");
            assert_eq!(request.session_header, None);
        }
    }
}

fn a_box_registered_over_https_is_never_spoken_to_in_the_clear() {
    let at = plain();
    let monitor = at_endpoint(&at, &format!("localhost:{}", at.http_port()), true);
    monitor.run(&[]).failed(
        4,
        "offers no HTTPS, and its tokens must not travel in the clear",
    );
    assert_eq!(paths(&at), ["/api_version"]);
}

fn a_bare_port_may_speak_either() {
    let at = healthy();
    for port in [at.http_port(), at.https_port()] {
        at.clear_requests();
        at_endpoint(&at, &format!("localhost:{port}"), false)
            .run(&[])
            .is_fine();
        assert!(
            at.requests()
                .iter()
                .all(|it| it.tls || it.path == "/api_version")
        );
    }
}

fn the_box_is_found_under_its_domain() {
    let at = healthy();
    let monitor = at_endpoint(&at, &format!("http://127.0.0.1:{}", at.http_port()), false);
    let run = monitor.run(&["--api-endpoint-detect-ssl-domain"]);
    let node = format!("freebox.127_0_0_1_{}.", at.http_port());
    let path = format!("{node}connection.state");
    assert_eq!(run.is_fine().value(&path), "1");
    let text = fs::read_to_string(session_file(&monitor)).unwrap();
    assert!(text.contains(&format!("https://localhost:{}/api/", at.https_port())));
    at.clear_requests();
    monitor
        .run(&[
            "--api-endpoint-detect-ssl-domain",
            "--api-endpoint-detect-force",
        ])
        .is_fine();
    assert_eq!((count(&at, "api_version"), count(&at, "login")), (2, 0));
}

fn an_older_version_of_the_api_can_be_forced() {
    let at = healthy();
    Monitor::registered(&at)
        .run(&["--api-version-force", "8"])
        .is_fine();
    assert_eq!(count(&at, "/api/v8/connection/"), 4);
}

fn a_version_that_the_box_does_not_know_is_told() {
    let at = healthy();
    for version in ["17", "999"] {
        let run = Monitor::registered(&at).run(&["--api-version-force", version]);
        let words =
            format!("the versions 1 to 16 of its API; --api-version-force asks for {version}");
        run.failed(4, &words);
    }
    // Or one that it has given up.
    for code in ["invalid_api_version", "invalid_request"] {
        let error_code = code.to_owned();
        at.fault(
            "login/",
            Fault::Envelope {
                status: 404,
                error_code,
            },
        );
        let run = Monitor::registered(&at).run(&["--api-version-force", "2"]);
        run.failed(
            4,
            "does not know version 2 of its API, which --api-version-force asks for",
        );
        at.clear_faults();
    }
    // Or gives up while a session is open.
    let monitor = Monitor::registered(&at).with(&["--api-version-force", "2"]);
    monitor.run(&[]).is_fine();
    let error_code = "invalid_api_version".to_owned();
    at.fault(
        "connection/",
        Fault::Envelope {
            status: 404,
            error_code,
        },
    );
    monitor
        .run(&[])
        .complained(2, "which --api-version-force asks for");
}

fn a_revoked_token_is_exit_3() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.revoke(APP_ID);
    at.expire_sessions();
    monitor
        .run(&[])
        .failed(3, "register again with --register --force");
}

fn a_pending_token_is_exit_3() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        ..Options::default()
    });
    at.set_pending(APP_ID);
    Monitor::registered(&at)
        .run(&[])
        .failed(3, "not yet granted; say yes on the front panel");
}

fn registered_elsewhere(at: &SimulatedFreebox) -> Monitor {
    let monitor = Monitor::trusting(at);
    monitor.write_credentials(&json!({
        "app_id": APP_ID, "app_token": APP_TOKEN, "uid": "ffffffffffffffffffffffffffffffff",
        "endpoint": format!("https://localhost:{}", at.https_port()),
    }));
    monitor
}

fn another_box_than_the_registered_one_is_exit_3() {
    let at = healthy();
    registered_elsewhere(&at)
        .run(&[])
        .failed(3, "this is another box (uid ");
    assert_eq!(paths(&at), ["/api_version"]);
}

fn another_box_at_a_cached_address_is_exit_3() {
    let uid = Some("ffffffffffffffffffffffffffffffff".to_owned());
    let options = Options {
        apps: vec![known_app()],
        ..Options::default()
    };
    let first = SimulatedFreebox::start(Options { uid, ..options });
    let monitor = registered_elsewhere(&first).with(&["--ssl-no-verify"]);
    monitor.run(&[]).is_fine();
    // The address now leads to a box that has never heard of us.
    let (http_port, https_port) = (first.http_port(), first.https_port());
    drop(first);
    let second = SimulatedFreebox::start(Options {
        http_port,
        https_port,
        ..Options::default()
    });
    for _ in 0..2 {
        monitor.run(&[]).failed(3, "this is another box (uid ");
    }
    assert_eq!(count(&second, "login"), 0);
}

fn too_many_failures_are_exit_3() {
    let at = healthy();
    let monitor = Monitor::trusting(&at);
    monitor.write_credentials(&json!({
        "app_id": APP_ID, "app_token": "d3JvbmcvdG9rZW4=",
        "endpoint": format!("https://localhost:{}", at.https_port()),
    }));
    let runs: Vec<_> = (0..15).map(|_| monitor.run(&[])).collect();
    runs[0].failed(3, "does not know this application any more");
    runs[14].failed(3, "too many failed log-ins");
}

fn the_other_hash_works() {
    let at = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        hash: crate::simulated_freebox::Hash::Sha256,
        ..Options::default()
    });
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).failed(3, "does not know this application");
    monitor.run(&["--auth-hash-type", "sha256"]).is_fine();
}

fn open_credentials_draw_one_warning() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let path = monitor.credentials();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let run = monitor.run(&[]);
    run.complained(
        0,
        "credentials.json: others can read it and with it the box; chmod 600",
    );
    assert_eq!(run.value("connection.state"), "1");
}

fn unreadable_credentials_are_exit_1() {
    // Root may read everything, so that a file which nobody can read is one that is no file.
    let monitor = Monitor::new();
    fs::create_dir_all(monitor.credentials()).unwrap();
    monitor.run(&[]).failed(1, "cannot read ");
}
