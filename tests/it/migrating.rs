//! `contrib/migrating.md`: whoever comes from freebox_monitor.py 0.9.1 finds each of its options
//! again. The table of that page is what is tried here, row by row.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::Trial;

use crate::monitor::{Monitor, Run, project_file};
use crate::session::{healthy, paths};
use crate::simulated_freebox::{App, Options, Outcome, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        every_option_of_the_script_does_what_its_row_says,
        every_switch_brings_its_measurement,
        the_tag_of_the_api_is_that_of_the_file,
        the_tag_of_the_api_is_that_of_the_first_registration,
        the_configuration_of_telegraf_is_whole,
    ]
}

/// The options in the first column of the table.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(project_file("contrib/migrating.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| `-"));
    let options = |row: &str| {
        let column = row.split(" | ").next().expect("a column");
        let options = column.split('`').skip(1).step_by(2);
        options.map(str::to_owned).collect()
    };
    rows.map(options).collect()
}

/// A box that knows the script, a user with the script's file, and that file.
fn scripted(file: &str) -> (SimulatedFreebox, Monitor, String) {
    let app = App {
        app_id: "fr.freebox.seximonitor".to_owned(),
        app_token: crate::monitor::APP_TOKEN.to_owned(),
        track_id: 7,
    };
    let at = SimulatedFreebox::start(Options {
        apps: vec![app],
        ..Options::default()
    });
    let monitor = Monitor::trusting(&at);
    let content = format!(
        "[general]\ntrack_id = 7\napp_token = {}\n\n[api]\napi_endpoint = {}\n",
        crate::monitor::APP_TOKEN,
        file.replace("PORT", &at.https_port().to_string())
    );
    let path = monitor.write("py/.credentials", &content);
    let path = path.to_str().expect("UTF-8").to_owned();
    (at, monitor, path)
}

const URL: &str = "https://localhost:PORT/api/v8";

fn every_option_of_the_script_does_what_its_row_says() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        // Its value stands behind the last of them.
        let value = row
            .last()
            .and_then(|it| Some(it.split_once(' ')?.1.to_owned()));
        for option in row {
            let (at, monitor, file) = scripted(URL);
            let run = |arguments: &[&str]| monitor.run(&[arguments, &["-c", &file]].concat());
            let name = option.split(' ').next().expect("a name");
            let words: Vec<&str> = [name].into_iter().chain(value.as_deref()).collect();
            tried(&words, &at, &run);
            seen.insert(words[0].to_owned());
        }
    }
    // What the script's own help lists.
    for letter in "rscefSPHDBWXLCMVZdvh".chars() {
        assert!(seen.contains(&format!("-{letter}")), "-{letter}");
    }
}

/// Tries one option as its row names it.
fn tried(words: &[&str], at: &SimulatedFreebox, run: &dyn Fn(&[&str]) -> Run) {
    let asks_for = |part: &str| paths(at).iter().any(|path| path.contains(part));
    let name = words[0];
    if let Some(path) = path_of(name) {
        // A permission that is missing is said, and is no failure.
        let run = run(&["-f", "influxdb", name]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(asks_for(path), "{name}: {:?}", paths(at));
        return;
    }
    match name {
        "-r" | "--register" => {
            let run = run(&[name]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            assert!(run.stderr.contains("already"), "{}", run.stderr);
        }
        "-s" | "--register-status" => assert_eq!(run(&[name]).code, 0),
        "-c" | "--config" => drop(run(&[]).is_fine()),
        "-e" | "--endpoint" => {
            let place = format!("localhost:{}", at.https_port());
            run(&[name, &place]).is_fine();
        }
        "-f" | "--format" => match words[1] {
            "graphite" => {
                let run = run(&["-f", "graphite", "-t", "tagged"]);
                let lines = &run.is_fine().stdout;
                assert!(lines.contains("freebox.rate_down;"), "{lines}");
                assert!(lines.contains(";conn_media=ftth "), "{lines}");
            }
            format => {
                let run = run(&["-f", format]);
                let lines = &run.is_fine().stdout;
                assert!(
                    lines.contains(",conn_media=ftth state=1,rate_down="),
                    "{lines}"
                );
            }
        },
        "-P" | "--status-ports" => {
            run(&["-f", "influxdb", name]).is_fine();
            assert!(!asks_for("switch"), "{:?}", paths(at));
        }
        "--auth-hash-type" => {
            for hash in ["sha1", "sha256"] {
                run(&[name, hash]).is_fine();
            }
        }
        "--api-version-force" => {
            run(&[name, "8"]).is_fine();
            assert!(asks_for("/api/v8/connection/"), "{:?}", paths(at));
        }
        "--api-endpoint-detect-force" => {
            run(&[]).is_fine();
            let before = paths(at).len();
            run(&[name]).is_fine();
            assert!(paths(at)[before..].iter().any(|it| it == "/api_version"));
        }
        "--api-endpoint-detect-ssl-domain" => {
            // The domain of this box leads nowhere here; it is asked for all the same.
            let run = run(&[name]);
            assert!([0, 4].contains(&run.code), "{}", run.stderr);
            assert!(
                run.code == 0 || run.stderr.contains("fbxos.fr"),
                "{}",
                run.stderr
            );
        }
        "--ssl-no-verify" => drop(run(&[name]).is_fine()),
        "--ssl-ca-bundle-file" => {
            let nothing = run(&[name, "/dev/null"]);
            assert_eq!(nothing.code, 1, "{}", nothing.stderr);
        }
        "-d" | "--debug" => assert!(run(&[name]).stderr.contains("connection/")),
        "-v" | "--version" => assert!(run(&[name]).stdout.starts_with("freebox-monitor ")),
        "-h" | "--help" => assert!(run(&[name]).stdout.contains("--status-lan-browser")),
        other => panic!("nobody tries {other}"),
    }
}

/// What a switch asks the box for.
fn path_of(switch: &str) -> Option<&'static str> {
    Some(match switch {
        "-S" | "--status-switch" | "--patch-rate-up-bytes-up" => "/switch/status/",
        "-H" | "--status-sys" => "/system/",
        "-D" | "--status-disk" | "--internal-disk-usage" => "/storage/disk/",
        "-B" | "--status-lan-browser" => "/lan/browser/pub/",
        "-W" | "--status-wifi" => "/wifi/ap/",
        "-X" | "--status-dhcp" => "/dhcp/dynamic_lease/",
        "-L" | "--status-lte" => "/connection/lte/",
        "-C" | "--status-call" => "/call/log/",
        "-M" | "--status-virtualmachines" => "/vm/info/",
        "-V" | "--status-vpnsrv" => "/vpn/connection/",
        "-Z" | "--status-vpnclient" => "/vpn_client/status",
        _ => return None,
    })
}

fn every_switch_brings_its_measurement() {
    let (_at, monitor, file) = scripted(URL);
    let cases = [
        ("-S", "freebox_switch,"),
        ("-H", "freebox,hw_board="),
        ("-D", "freebox_storage,"),
        ("-B", "freebox_lan,"),
        ("-W", "freebox_wifi,"),
        ("-X", "freebox_dhcp,"),
        ("-C", "freebox_call,"),
        ("-V", "freebox_vpn_server,"),
        ("-Z", "freebox_vpn_client,"),
    ];
    for (switch, start) in cases {
        let run = monitor.run(&["-f", "influxdb", switch, "-c", &file]);
        let lines = &run.is_fine().stdout;
        assert!(
            lines.lines().any(|line| line.starts_with(start)),
            "{switch}: {lines}"
        );
    }
}

/// The tag is part of what tells series apart: what the file says stays, whatever is found there.
fn the_tag_of_the_api_is_that_of_the_file() {
    let tag = |run: &Run| {
        let line = run.stdout.lines().next().expect("a line").to_owned();
        let tags = line.split([',', ' ']).filter(|it| it.starts_with("api_"));
        tags.map(str::to_owned).collect::<Vec<_>>()
    };
    for url in [URL, "https://localhost:PORT/api/v4/"] {
        let (at, monitor, file) = scripted(url);
        let url = url.replace("PORT", &at.https_port().to_string());
        let (_, version) = url
            .trim_end_matches('/')
            .rsplit_once("/v")
            .expect("a version");
        let arguments = ["-f", "influxdb", "-c", &file];
        let expected = [
            format!("api_endpoint={url}"),
            format!("api_version={version}"),
        ];
        assert_eq!(tag(monitor.run(&arguments).is_fine()), expected);
        // It is spoken to in its own version all the same.
        assert!(
            paths(&at).iter().any(|it| it.starts_with("/api/v16/")),
            "{:?}",
            paths(&at)
        );
        let found = format!("api_endpoint=https://localhost:{}/api/v16", at.https_port());
        let run = monitor.run(&[&arguments[..], &["--api-endpoint-detect-force"]].concat());
        assert_eq!(tag(run.is_fine()), [found, "api_version=16".to_owned()]);
    }
    // A file that names no address, and the program's own: the box is asked.
    let at = healthy();
    let run = Monitor::registered(&at).run(&["-f", "influxdb"]);
    let found = format!("api_endpoint=https://localhost:{}/api/v16", at.https_port());
    assert_eq!(tag(run.is_fine()), [found, "api_version=16".to_owned()]);
}

/// A new firmware, or a button that was pressed once more, begins no new series.
fn the_tag_of_the_api_is_that_of_the_first_registration() {
    let at = healthy();
    let place = format!("localhost:{}", at.https_port());
    let monitor = Monitor::trusting(&at);
    let earlier = format!("https://{place}/api/v15");
    monitor.write_credentials(&serde_json::json!({
        "app_id": crate::monitor::APP_ID, "app_token": crate::monitor::APP_TOKEN, "track_id": 1,
        "endpoint": format!("https://{place}"), "api_url": earlier,
    }));
    let tags = format!("api_endpoint={earlier},api_version=15,");
    let is_tagged = || {
        let run = monitor.run(&["-f", "influxdb"]);
        assert!(run.is_fine().stdout.contains(&tags), "{}", run.stdout);
    };
    is_tagged();
    at.set_registration(Outcome::Granted { after_polls: 0 });
    let again = monitor.run(&[
        "--register",
        "--force",
        "--endpoint",
        &format!("https://{place}"),
    ]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    is_tagged();
}

/// The file for Telegraf with each of its outputs taken in is TOML, and its command is one that the
/// program understands.
fn the_configuration_of_telegraf_is_whole() {
    let text = fs::read_to_string(project_file("contrib/telegraf/freebox.conf")).expect("it");
    let outputs = ["influxdb", "influxdb_v2", "prometheus_client", "graphite"];
    for output in outputs {
        assert!(
            text.contains(&format!("\n# [[outputs.{output}]]\n")),
            "{output}"
        );
    }
    let command = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("commands = [\""));
    let command = command
        .and_then(|it| it.strip_suffix("\"]"))
        .expect("the command");
    let (program, arguments) = command.split_once(' ').expect("arguments");
    assert_eq!(program, "/usr/local/bin/freebox-monitor");
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let (arguments, file) = arguments.split_at(arguments.len() - 1);
    assert_eq!(file, ["/etc/telegraf/freebox-credentials"]);
    let credentials = monitor.credentials();
    let own = [credentials.to_str().expect("UTF-8")];
    let run = monitor.run(&[arguments, &own].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("freebox_exec,box="), "{}", run.stdout);
}
