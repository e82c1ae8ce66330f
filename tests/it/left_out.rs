//! What a box tells and what has no lines all the same: hosts that are long gone, and strangers.

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::monitor::{Monitor, Run, project_file};
use crate::session::healthy;
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        hosts_that_are_long_gone_have_no_lines,
        leases_go_with_their_hosts,
        ages_are_read_strictly,
        a_recording_counts_from_its_own_time,
        strangers_have_lines_where_somebody_asks_for_them,
    ]
}

const DAY: u64 = 24 * 3600;

/// Seconds since 1970, this long ago.
fn ago(seconds: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("a clock").as_secs() - seconds
}

fn host(number: usize, active: bool, last: u64) -> Json {
    let mac = format!("02:00:5E:00:{:02X}:{:02X}", number / 256, number % 256);
    json!({"l2ident": {"id": mac}, "primary_name": "x", "host_type": "other", "active": active,
           "reachable": active, "last_activity": last, "last_time_reachable": last})
}

/// How many entities have a line with this last node below this place.
fn count(run: &Run, place: &str, metric: &str) -> usize {
    let is_one = |line: &&str| line.contains(place) && line.contains(&format!(".{metric} "));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout.lines().filter(is_one).count()
}

fn hosts_that_are_long_gone_have_no_lines() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let mut hosts = vec![
        host(1, true, ago(300 * DAY)),
        host(2, false, ago(6 * DAY)),
        host(3, true, ago(0) + 600),
    ];
    hosts.extend((10..1010).map(|number| host(number, false, ago(8 * DAY))));
    let answer = json!({"success": true, "result": hosts});
    at.set_answer("lan/browser/pub/", answer);
    let lines = |options: &[&str]| {
        let run = monitor.run(&[&["-B"], options].concat());
        let counted = run.value(".lan.type.other.hosts").to_owned();
        // The guest is in the recording, and of another time than ours.
        assert_eq!(run.value(".lan.interface.pub.hosts_active"), "2");
        assert!(counted == "1004" || counted == "1003", "{counted}");
        count(&run, ".lan.interface.pub.host.", "active")
    };
    assert_eq!(lines(&[]), 3);
    assert_eq!(lines(&["--host-age", "1d"]), 2);
    assert_eq!(lines(&["--host-age=9d"]), 1003);
    assert_eq!(lines(&["--host-age=all"]), 1003);
}

fn leases_go_with_their_hosts() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let lease = |number: usize, host: Option<Json>, refreshed: u64| {
        let mac = format!("02:00:5E:00:00:{number:02X}");
        let lease = json!({"mac": mac, "hostname": "x", "ip": "192.168.1.9", "is_static": false,
                           "refresh_time": refreshed, "assign_time": refreshed});
        let mut fields = lease.as_object().expect("fields").clone();
        fields.extend(host.map(|host| ("host".to_owned(), host)));
        Json::Object(fields)
    };
    let leases = [
        lease(1, Some(host(1, true, ago(9 * DAY))), ago(9 * DAY)),
        lease(2, Some(host(2, false, ago(9 * DAY))), ago(0)),
        lease(3, None, ago(DAY)),
        lease(4, None, ago(9 * DAY)),
    ];
    let answer = json!({"success": true, "result": leases});
    at.set_answer("dhcp/dynamic_lease/", answer);
    let run = monitor.run(&["-X"]);
    assert_eq!(count(&run, ".dhcp.lease.", "static"), 2);
    assert_eq!(run.value(".dhcp.lease.02_00_5e_00_00_01.static"), "0");
    assert_eq!(run.value(".dhcp.lease.02_00_5e_00_00_03.static"), "0");
    assert_eq!(run.value(".dhcp.leases"), "4");
    let run = monitor.run(&["-X", "--host-age=all"]);
    assert_eq!(count(&run, ".dhcp.lease.", "static"), 4);
}

fn ages_are_read_strictly() {
    for age in ["", "7", "-1d", "never", "0d", "7days"] {
        let run = Monitor::new().run(&["--host-age", age]);
        run.failed(1, "--host-age");
    }
}

fn a_recording_counts_from_its_own_time() {
    let recording = project_file("tests/boxes/ultra.json");
    let recording = recording.to_str().expect("UTF-8");
    let replay = |age: &str| {
        let run = Monitor::new().run(&["-B", "--host-age", age, "--replay", recording]);
        count(&run, ".host.", "active")
    };
    // The recorded hosts were all there within an hour of each other.
    assert_eq!((replay("1h"), replay("all")), (6, 6));
    assert!(replay("1m") < 6);
}

fn strangers_have_lines_where_somebody_asks_for_them() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let strangers = |options: &[&str]| {
        let run = monitor.run(options);
        assert_eq!(run.value(".wifi.ap.0.neighbors"), "2");
        assert_eq!(run.value(".wifi.ap.0.channel.36.neighbors"), "1");
        count(&run, ".neighbor.", "signal")
    };
    assert_eq!(strangers(&["--all"]), 0);
    assert_eq!(strangers(&["--status-wifi-neighbors"]), 4);
    assert_eq!(strangers(&["--all", "--status-wifi-neighbors"]), 4);
}
