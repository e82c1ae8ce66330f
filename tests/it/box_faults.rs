//! A box that misbehaves: what is said, and that nothing takes longer than it may.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::monitor::{Monitor, Run, check_lines};
use crate::session::healthy;
use crate::simulated_freebox::{Fault, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_box_that_is_away,
        a_box_that_hangs,
        a_box_that_accepts_and_says_nothing,
        a_web_page_instead_of_the_api,
        a_refusal_in_words_is_shown,
        an_answer_that_drips_is_given_up,
        headers_that_drip_are_given_up,
        a_body_beyond_all_bounds_is_given_up,
        only_a_list_of_hosts_may_be_long,
        a_redirect_is_not_followed,
        broken_answers_cost_one_answer,
        a_dropped_connection_is_tried_once_more,
        connections_that_are_not_kept_are_no_trouble,
        odd_but_good_answers_are_taken,
        results_of_another_type_cost_one_answer,
        a_missing_permission_says_where_to_tick_it,
        an_answer_for_two_sections_is_counted_once,
        everything_wrong_at_once_is_one_line_a_section,
        a_slow_box_is_waited_for,
    ]
}

/// Every run here has three seconds; a request one, the box two and a half.
const TIMEOUT: [&str; 2] = ["--timeout", "3"];

#[track_caller]
fn run(monitor: &Monitor) -> Run {
    let run = monitor.run(&TIMEOUT);
    assert!(
        run.took < Duration::from_millis(3500),
        "{:?} {}",
        run.took,
        run.stderr
    );
    run
}

/// A box with a fault at one path, and a user who has a session there.
fn with_fault(prefix: &str, fault: Fault) -> (SimulatedFreebox, Monitor) {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.fault(prefix, fault);
    (at, monitor)
}

/// A box that has this fault everywhere, seen by one who has been there before and by one who has
/// not.
#[track_caller]
fn everywhere(fault: impl Fn() -> Fault, words: &str) {
    let at = healthy();
    at.fault("", fault());
    run(&Monitor::registered(&at)).failed(4, words);
    let (_at, monitor) = with_fault("", fault());
    run(&monitor).failed(4, words);
}

fn a_box_that_is_away() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.refuse();
    run(&monitor).failed(
        4,
        &format!("https://localhost:{}: connection refused", at.https_port()),
    );
    at.accept_again();
    run(&monitor).is_fine();
}

fn a_box_that_hangs() {
    everywhere(|| Fault::Hang, "no complete answer within 1.0 s");
}

fn a_box_that_accepts_and_says_nothing() {
    everywhere(|| Fault::HangAccept, "no complete answer within 1.0 s");
}

fn a_web_page_instead_of_the_api() {
    for status in [200, 502] {
        let words = format!("HTTP status {status} with a web page instead of the API");
        everywhere(|| Fault::Html { status }, &words);
    }
}

fn a_refusal_in_words_is_shown() {
    let body = format!("Access denied\r\nfor {}", crate::monitor::APP_TOKEN);
    let text = || Fault::RawBody {
        status: 403,
        body: body.clone().into_bytes(),
    };
    everywhere(
        text,
        "HTTP status 403 with a text (\"Access denied for …\")",
    );
    let page = "<html><head><title>503 Maintenance</title></head><body></body></html>";
    let page = || Fault::RawBody {
        status: 503,
        body: page.as_bytes().to_vec(),
    };
    everywhere(
        page,
        "a web page instead of the API: another device, or a sign-in page (\"503 ",
    );
}

fn an_answer_that_drips_is_given_up() {
    everywhere(|| Fault::DripBody, "no complete answer within 1.0 s");
    let (_at, monitor) = with_fault("connection/ftth", Fault::DripBody);
    let run = run(&monitor);
    run.complained(
        2,
        "section connection: connection/ftth/: no complete answer within 1.0 s",
    );
    check_lines(&run.stdout);
}

fn headers_that_drip_are_given_up() {
    everywhere(|| Fault::DripHeaders, "no complete answer within 1.0 s");
}

fn a_body_beyond_all_bounds_is_given_up() {
    for chunked in [false, true] {
        let fault = || Fault::Huge {
            bytes: 9 * 1024 * 1024,
            chunked,
        };
        everywhere(fault, "the answer is larger than 8 MiB");
        let (_at, monitor) = with_fault("connection/config", fault());
        let run = run(&monitor);
        run.complained(2, "connection/config/: the answer is larger than 8 MiB");
        check_lines(&run.stdout);
    }
}

fn only_a_list_of_hosts_may_be_long() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    let host = |number: usize| {
        json!({"l2ident": {"id": format!("02:00:5E:00:{:02X}:{:02X}", number / 256, number % 256)},
               "active": true, "primary_name": "x".repeat(1000)})
    };
    let hosts: Vec<_> = (0..10_000).map(host).collect();
    at.set_answer(
        "lan/browser/pub/",
        json!({"success": true, "result": hosts}),
    );
    let run = monitor.run(&["-B"]);
    let lines = run
        .is_fine()
        .stdout
        .matches(".lan.interface.pub.host.")
        .count();
    assert!(lines >= 10_000, "{lines}");
    let bytes = 65 * 1024 * 1024;
    at.fault(
        "lan/browser/pub",
        Fault::Huge {
            bytes,
            chunked: true,
        },
    );
    let run = monitor.run(&["-B"]);
    run.complained(2, "lan/browser/pub/: the answer is larger than 64 MiB");
}

fn a_redirect_is_not_followed() {
    let other = healthy();
    let location = format!("https://localhost:{}/elsewhere", other.https_port());
    let words = format!("redirects to {location}, which is not followed");
    everywhere(
        || Fault::Redirect {
            location: location.clone(),
            status: 302,
        },
        &words,
    );
    assert!(other.requests().is_empty());
}

fn broken_answers_cost_one_answer() {
    let cases = [
        (Fault::Truncated, "the connection broke off in the middle"),
        (Fault::TruncatedJson, "the answer is cut short after"),
        (Fault::StalledBody, "no complete answer within 1.0 s"),
        (Fault::EmptyBody, "HTTP status 200 with nothing in it"),
        (Fault::NoContent, "HTTP status 204 with nothing in it"),
        (Fault::BrokenChunk, "connection/config/: "),
        (
            Fault::RawBody {
                status: 200,
                body: b"[".repeat(10_000),
            },
            "not JSON",
        ),
        (
            Fault::RawBody {
                status: 200,
                body: br#"{"success":true}{}"#.to_vec(),
            },
            "not JSON",
        ),
        (
            Fault::RawBody {
                status: 200,
                body: br#"{"success":NaN}"#.to_vec(),
            },
            "not JSON",
        ),
        (
            Fault::RawBody {
                status: 200,
                body: b"[]".to_vec(),
            },
            "does not say whether",
        ),
        (
            Fault::Envelope {
                status: 200,
                error_code: "internal_error".to_owned(),
            },
            "internal_error",
        ),
        (
            Fault::Envelope {
                status: 500,
                error_code: "busy".to_owned(),
            },
            "the box says busy",
        ),
        (Fault::NoResult, "there is nothing in the result"),
    ];
    for (fault, words) in cases {
        let (_at, monitor) = with_fault("connection/config", fault);
        let run = run(&monitor);
        run.complained(2, "section connection: connection/config/: ");
        run.complained(2, words);
        check_lines(&run.stdout);
        assert_eq!(run.value("connection.state"), "1");
        assert!(!run.stdout.contains(".config."), "{}", run.stdout);
    }
}

fn a_dropped_connection_is_tried_once_more() {
    for fault in [Fault::Drop, Fault::Truncated] {
        let at = healthy();
        let monitor = Monitor::registered(&at);
        let whole = monitor.run(&[]).is_fine().untimed();
        at.fault_times("connection/config", fault, 1);
        assert_eq!(run(&monitor).is_fine().untimed(), whole);
    }
    let (_at, monitor) = with_fault("connection/config", Fault::Drop);
    run(&monitor).complained(
        2,
        "connection/config/: the connection broke off in the middle",
    );
}

fn connections_that_are_not_kept_are_no_trouble() {
    for fault in [|| Fault::DropAfterIdle, || Fault::Http10] {
        let (_at, monitor) = with_fault("", fault());
        run(&monitor).is_fine();
    }
}

fn odd_but_good_answers_are_taken() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let whole = monitor.run(&[]).is_fine().untimed();
    for fault in [Fault::Bom, Fault::Status { code: 500 }] {
        at.clear_faults();
        at.fault("connection/", fault);
        assert_eq!(run(&monitor).is_fine().untimed(), whole);
    }
    at.clear_faults();
    let config = json!({"success": "true", "result": {"ping": "1", "wol": null, "new": [{}]}});
    at.set_answer("connection/config/", config);
    assert_eq!(run(&monitor).is_fine().value("config.ping_external"), "1");
}

fn results_of_another_type_cost_one_answer() {
    let (_at, monitor) = with_fault("connection/config", Fault::WrongType);
    run(&monitor).complained(2, "connection/config/: the result is no object");
}

fn a_missing_permission_says_where_to_tick_it() {
    let (at, monitor) = with_fault("nothing", Fault::NoResult);
    let body = json!({"success": false, "error_code": "insufficient_rights",
                      "missing_right": "settings", "msg": "Cette application n'a pas le droit"});
    at.set_answer("connection/config/", body);
    let words =
        "warning: section connection: connection/config/: the permission 'settings' is missing";
    run(&monitor).complained(0, words);
}

fn an_answer_for_two_sections_is_counted_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    at.fault("wifi/ap", Fault::TruncatedJson);
    let run = monitor.run(&["-W", "--status-wifi-neighbors"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    for section in ["wifi", "wifi_neighbors"] {
        let words = format!("section {section}: wifi/ap/: ");
        assert!(run.stderr.contains(&words), "{}", run.stderr);
    }
    assert_eq!(run.value(".exec.errors"), "1");
    at.fault("dhcp/config", Fault::TruncatedJson);
    let run = monitor.run(&["-WX", "--status-wifi-neighbors"]);
    assert_eq!(run.value(".exec.errors"), "2");
}

fn everything_wrong_at_once_is_one_line_a_section() {
    let (_at, monitor) = with_fault("connection", Fault::TruncatedJson);
    let run = run(&monitor);
    run.failed(
        2,
        "section connection: connection/: the answer is cut short",
    );
    assert_eq!(run.stderr.matches("cut short").count(), 4, "{}", run.stderr);
}

fn a_slow_box_is_waited_for() {
    let (_at, monitor) = with_fault("", Fault::Latency(Duration::from_millis(300)));
    run(&monitor).is_fine();
}
