//! `--record`: every answer in a file that tells nothing about anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::monitor::{APP_TOKEN, Monitor, project_file};
use crate::session::known_app;
use crate::simulated_freebox::{Fault, Options, SimulatedFreebox, load_recording};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        nothing_private_is_in_it,
        a_replay_gives_as_many_numbers,
        the_same_pseudonyms_each_time,
        a_raw_one_holds_all_but_keys,
        what_is_no_json_keeps_its_shape_only,
        a_file_that_cannot_be_written_is_told_at_once,
        a_box_that_is_away_leaves_no_file,
        a_recording_is_for_its_owner,
    ]
}

/// Fields with something about people or devices in them.
const PRIVATE: [&str; 47] = [
    "active_vpn_description",
    "addr",
    "bssid",
    "cloudinit_hostname",
    "comment",
    "default_name",
    "desc",
    "description",
    "device_name",
    "dev_uuid",
    "display_name",
    "gateway",
    "gcid",
    "hostname",
    "iccid",
    "imsi",
    "int_ip",
    "ip",
    "ip_range_end",
    "ip_range_start",
    "ipv4",
    "ipv4_dns",
    "ipv6",
    "ipv6ll",
    "label",
    "lan_ip",
    "local_ip",
    "mac",
    "main_mac",
    "media_name",
    "name_dns",
    "name_mdns",
    "name_netbios",
    "next_hop",
    "number",
    "path",
    "phone_number",
    "prefix",
    "primary_name",
    "profile_name",
    "remote_access_ip",
    "remote_addr",
    "serial",
    "serial_number",
    "sn",
    "ssid",
    "user",
];

/// Fields that open a door.
const SECRET: [&str; 8] = [
    "key",
    "password",
    "dect_pin",
    "cloudinit_userdata",
    "remote_preshared_key",
    "local_priv_key",
    "remote_public_key",
    "app_token",
];

/// A full box with a marker in every field that tells something, the same one for the same text.
struct Marked {
    recording: Json,
    private: BTreeMap<String, String>,
    secret: BTreeSet<String>,
}

impl Marked {
    fn new(name: &str) -> Self {
        let path = project_file(&format!("tests/boxes/{name}.json"));
        let mut marked = Marked {
            recording: load_recording(&path).expect("a recording"),
            private: BTreeMap::new(),
            secret: BTreeSet::new(),
        };
        let mut answers = marked.recording["answers"].take();
        for (path, answer) in answers.as_object_mut().expect("answers") {
            // The interfaces of the LAN are steps of paths.
            if !path.contains("browser/interfaces") {
                marked.plant("", answer);
            }
        }
        answers["connection/"]["result"]["password"] = json!("geheim-0001");
        answers["wifi/config/"]["result"]["app_token"] = json!("geheim-0002");
        answers["lan/config/"]["result"]["02:00:5E:C0:FF:EE"] = json!({"Enfant Secret": 1});
        for private in ["02:00:5E:C0:FF:EE", "Enfant", "Secret"] {
            marked
                .private
                .insert(private.to_owned(), private.to_owned());
        }
        marked
            .secret
            .extend(["geheim-0001".to_owned(), "geheim-0002".to_owned()]);
        marked.recording["answers"] = answers;
        marked
    }

    fn plant(&mut self, field: &str, value: &mut Json) {
        match value {
            Json::Object(fields) => {
                for (field, value) in fields.iter_mut() {
                    self.plant(field, value);
                }
            }
            Json::Array(items) => {
                for item in items {
                    self.plant(field, item);
                }
            }
            Json::String(text) if SECRET.contains(&field) => {
                *text = format!("geheim-{}", self.secret.len());
                self.secret.insert(text.clone());
            }
            Json::String(text) if PRIVATE.contains(&field) && !text.is_empty() => {
                *text = self.marker(text);
            }
            _ => {}
        }
    }

    /// A text of the same kind that is nowhere else.
    fn marker(&mut self, text: &str) -> String {
        let number = self.private.len();
        let marker = match text {
            mac if mac.matches(':').count() == 5 => {
                format!("02:00:5E:C0:{:02X}:{:02X}", number / 256, number % 256)
            }
            address if address.parse::<std::net::Ipv4Addr>().is_ok() => {
                format!("192.168.{}.{}", 100 + number / 200, 11 + number % 200)
            }
            address if address.contains("::") => format!("2a01:e0a:c0de:{number:x}::77"),
            _ => format!("Marqueur{number}é"),
        };
        let known = self.private.entry(text.to_owned());
        known.or_insert(marker).clone()
    }

    fn start(&self) -> (SimulatedFreebox, Monitor) {
        let at = SimulatedFreebox::start(Options {
            recording: self.recording.clone(),
            apps: vec![known_app()],
            permissions: ["vm", "home", "profile"]
                .map(|it| (it.to_owned(), true))
                .into(),
            ..Options::default()
        });
        let monitor = Monitor::registered(&at);
        (at, monitor)
    }
}

/// The recording that comes of it.
#[track_caller]
fn record(monitor: &Monitor, more: &[&str]) -> (PathBuf, String) {
    let file = monitor.path("recording.json");
    let mut arguments = vec!["--record", file.to_str().expect("UTF-8")];
    arguments.extend(more);
    let run = monitor.run(&arguments);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert!(
        run.stderr.contains("answers of the box are in "),
        "{}",
        run.stderr
    );
    let text = fs::read_to_string(&file).expect("the recording");
    (file, text)
}

fn nothing_private_is_in_it() {
    for name in ["ultra", "delta-xdsl-4g", "revolution-xdsl"] {
        let marked = Marked::new(name);
        assert!(marked.private.len() > 15, "{}", marked.private.len());
        let (at, monitor) = marked.start();
        let (_, text) = record(&monitor, &[]);
        let lower = text.to_lowercase();
        let private = marked.private.values().chain(&marked.secret);
        for marker in private
            .cloned()
            .chain(at.secrets())
            .chain([APP_TOKEN.to_owned()])
        {
            assert!(!lower.contains(&marker.to_lowercase()), "{name}: {marker}");
        }
        // What matters to others is still there.
        for word in [
            "\"state\": \"up\"",
            "bytes_down",
            "\"pub\"",
            "\"api_version\"",
        ] {
            assert!(text.contains(word), "{name}: {word}");
        }
    }
}

fn a_replay_gives_as_many_numbers() {
    for entry in fs::read_dir(project_file("tests/boxes")).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let name = path.file_stem().and_then(|it| it.to_str()).expect("a name");
        let (_at, monitor) = Marked::new(name).start();
        // A recording is of another time: what is long gone now was not then.
        let all = ["--all", "--host-age=all"];
        let live = monitor.run(&[&all[..], &["--timeout", "20"]].concat());
        for raw in [&[][..], &["--record-raw"]] {
            let (file, _) = record(&monitor, raw);
            let replayed = monitor.run(&[&all[..], &["--replay", file.to_str().unwrap()]].concat());
            // Without the nodes that stand for an entity.
            let values = |text: String| {
                let mut values: Vec<String> = text
                    .lines()
                    .map(|line| line.rsplit('.').next().unwrap().to_owned())
                    .collect();
                values.sort();
                values
            };
            let (before, after) = (live.untimed(), replayed.untimed());
            assert!(before.lines().count() > 40, "{name}: {}", live.stderr);
            let (before, after) = (values(before), values(after));
            let lost: Vec<_> = before.iter().filter(|it| !after.contains(it)).collect();
            assert!(before == after, "{name} {raw:?}: {lost:?} {}", after.len());
        }
    }
}

fn the_same_pseudonyms_each_time() {
    let (_at, monitor) = Marked::new("ultra").start();
    let first = record(&monitor, &[]).1;
    assert_eq!(record(&monitor, &["--jobs", "1"]).1.len(), first.len());
    let name = |text: &str| {
        let json: Json = serde_json::from_str(text).expect("JSON");
        json["answers"]["lan/browser/pub/"]["result"][0].clone()
    };
    assert_eq!(name(&record(&monitor, &[]).1), name(&first));
}

fn a_raw_one_holds_all_but_keys() {
    let marked = Marked::new("ultra");
    let (at, monitor) = marked.start();
    let (_, text) = record(&monitor, &["--record-raw"]);
    let secrets = marked.secret.iter().cloned().chain(at.secrets());
    for secret in secrets.chain([APP_TOKEN.to_owned()]) {
        assert!(!text.contains(&secret), "{secret}");
    }
    let kept = marked
        .private
        .values()
        .filter(|it| text.contains(it.as_str()));
    assert!(kept.count() > 30);
}

fn what_is_no_json_keeps_its_shape_only() {
    let (at, monitor) = Marked::new("ultra").start();
    at.fault("dhcp/dynamic_lease", Fault::TruncatedJson);
    let file = monitor.path("recording.json");
    let file = file.to_str().unwrap();
    monitor.run(&["--record", file]);
    let json: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let body = json["answers"]["dhcp/dynamic_lease/"]
        .as_str()
        .expect("a text");
    assert!(body.starts_with("{\"xxxxxx\":"), "{body}");
    let run = monitor.run(&["-X", "--replay", file]);
    run.complained(2, "section dhcp: dhcp/dynamic_lease/: the answer is ");
}

fn a_file_that_cannot_be_written_is_told_at_once() {
    let (at, monitor) = Marked::new("mini-4k").start();
    let run = monitor.run(&["--record", "/proc/nowhere/recording.json"]);
    run.failed(1, "cannot write /proc/nowhere/recording.json");
    assert!(at.requests().is_empty());
}

fn a_box_that_is_away_leaves_no_file() {
    let (at, monitor) = Marked::new("mini-4k").start();
    at.refuse();
    let file = monitor.path("recording.json");
    monitor
        .run(&["--record", file.to_str().unwrap()])
        .failed(4, "connection refused");
    assert!(!file.exists());
}

fn a_recording_is_for_its_owner() {
    let (_at, monitor) = Marked::new("mini-4k").start();
    let (file, _) = record(&monitor, &[]);
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
