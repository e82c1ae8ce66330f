//! `--format influxdb` against a real InfluxDB, which a script of another kind has filled before.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::history::Home;
use crate::monitor::{Monitor, project_file};
use crate::random::Random;
use crate::script;
use crate::service::{Influxdb, program};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        what_the_box_remembers_is_in_the_series_of_what_is_live,
        a_database_of_the_script_goes_on,
        ten_thousand_names_are_taken_and_read_back,
        texts_are_read_back,
        the_time_is_that_of_the_run_where_it_is_asked_for,
    ]
}

/// Whether there is an InfluxDB.
pub(crate) fn is_there() -> Result<(), String> {
    program("influxd").map(drop)
}

/// The recorded boxes.
fn recordings() -> Vec<(String, Json)> {
    let files = fs::read_dir(project_file("tests/boxes")).expect("the folder");
    let paths = files.map(|it| it.expect("a file").path());
    let recordings = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let read = |path: std::path::PathBuf| {
        let text = fs::read(&path).expect("a recording");
        let json = serde_json::from_slice(&text).expect("JSON");
        (path.to_str().expect("UTF-8").to_owned(), json)
    };
    let found: Vec<_> = recordings.map(read).collect();
    assert!(found.len() >= 8, "{}", found.len());
    found
}

/// What the program writes of a recording.
fn lines(recording: &str) -> String {
    let arguments = [
        "--all",
        "--host-age=all",
        "-f",
        "influxdb",
        "--replay",
        recording,
    ];
    let run = Monitor::new().run(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stdout.is_empty());
    run.stdout
}

/// A line's series, its tags in order as InfluxDB has them, and the names of its fields.
fn parts(line: &str) -> (String, Vec<String>) {
    let (series, fields) = split(line, ' ').expect("fields");
    let mut tags = Vec::new();
    let mut rest = series;
    while let Some((tag, behind)) = split(rest, ',') {
        tags.push(tag);
        rest = behind;
    }
    tags.push(rest);
    tags[1..].sort_unstable();
    // No text of a recorded box has a comma and an equals sign in it.
    let names = fields.split(',').filter_map(|it| it.split_once('='));
    let names = names.map(|(name, _)| name.to_owned()).collect();
    (tags.join(","), names)
}

/// What stands before and behind the first such character that is no part of a text.
fn split(text: &str, at: char) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (place, c) in text.char_indices() {
        if c == at && !is_escaped {
            return Some((&text[..place], &text[place + 1..]));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

fn a_database_of_the_script_goes_on() {
    let influxdb = Influxdb::start();
    let mut of_script = BTreeSet::new();
    let mut written = BTreeSet::new();
    for (_, recording) in recordings() {
        for entity in script::entities(&recording) {
            if let Some(line) = &entity.line {
                influxdb.takes(line);
                written.insert(entity.series.clone());
            }
            of_script.insert(entity.series);
        }
    }
    let before: BTreeSet<String> = influxdb.series().into_iter().collect();
    assert_eq!(before, written);
    assert!(before.len() > 100, "{}", before.len());
    let mut own = BTreeSet::new();
    let mut gone_on = BTreeSet::new();
    for (name, _) in recordings() {
        let lines = lines(&name);
        influxdb.takes(&lines);
        for line in lines.lines() {
            let (series, fields) = parts(line);
            let measurement = series.split(',').next().expect("a measurement");
            if fields.iter().any(|it| script::has_field(measurement, it)) {
                assert!(of_script.contains(&series), "{name}: {line}");
                gone_on.insert(series.clone());
            }
            own.insert(series);
        }
    }
    let left: Vec<_> = written.difference(&gone_on).collect();
    assert!(left.is_empty(), "nothing goes on with {left:#?}");
    let after: BTreeSet<String> = influxdb.series().into_iter().collect();
    assert_eq!(after, before.union(&own).cloned().collect());
    // The program's own lines begin new series, and only those.
    let new = after.len() - before.len();
    let of_new_fields = own.difference(&of_script).count();
    let refused = of_script
        .intersection(&own)
        .filter(|it| !written.contains(*it));
    assert_eq!(new, of_new_fields + refused.count());
    println!("{} series before, {} after", before.len(), after.len());
}

fn what_the_box_remembers_is_in_the_series_of_what_is_live() {
    let influxdb = Influxdb::start();
    let home = Home::of_now();
    for options in [["--influx-timestamp", "-A"], ["--backfill", "2h"]] {
        let run = home
            .monitor
            .run(&[&["-f", "influxdb"], &options[..]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        influxdb.takes(&run.stdout);
    }
    let series: BTreeSet<String> = influxdb.series().into_iter().collect();
    for field in [
        "rate_down",
        "bandwidth_up",
        "sys_temp",
        "switch_rx_bytes_rate",
    ] {
        let query = format!("SELECT count({field}) FROM /freebox.*/ GROUP BY *");
        let found = influxdb.query(&query);
        assert!(!found.is_empty(), "{field}");
        for one in found {
            let count = one[1].as_u64().unwrap_or_default();
            assert!((60..=122).contains(&count), "{field}: {one}");
        }
    }
    println!("{} series with a past", series.len());
}

/// A recording of a box with nothing but these answers.
fn recording(monitor: &Monitor, answers: &Json) -> String {
    let recording = json!({
        "format": "freebox-monitor recording 1",
        "api_version": {"api_version": "16.0"},
        "answers": answers,
    });
    let path = monitor.write("recording.json", &recording.to_string());
    path.to_str().expect("UTF-8").to_owned()
}

fn answer(result: &Json) -> Json {
    json!({"success": true, "result": result})
}

/// A name as people, machines and attackers make them.
fn name(random: &mut Random) -> String {
    const PARTS: &[&str] = &[
        " ", ",", "=", "\"", "\\", "'", "\n", "\r", "\t", "\u{0}", "é", "Œ", "🏠", "客", "\u{301}",
        "#", "nas", "iPhone", "Zoé", "1", ";", "{", "$", "%", "/", "\\n", "\u{200f}", "\u{85}",
    ];
    let length = random.below(12);
    (0..length).map(|_| random.one_of(PARTS)).collect()
}

/// What InfluxDB should have of it: there are no line ends in a tag, and a backslash before what
/// has a meaning cannot be written.
fn as_tag(name: &str) -> String {
    let characters: Vec<char> = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut tag = String::new();
    for (at, c) in characters.iter().enumerate() {
        let behind = characters[at..].iter().find(|it| **it != '\\');
        let has_meaning = behind.is_none_or(|it| [' ', ',', '='].contains(it));
        tag.push(match c {
            '\\' if has_meaning => '/',
            c => *c,
        });
    }
    tag
}

fn ten_thousand_names_are_taken_and_read_back() {
    let influxdb = Influxdb::start();
    let monitor = Monitor::new();
    let mut random = Random(16);
    let mut expected = BTreeSet::new();
    let hosts: Vec<Json> = (0..10_000)
        .map(|number| {
            let name = name(&mut random);
            let (high, low) = (number / 256, number % 256);
            let mac = format!("02:00:5E:00:{high:02X}:{low:02X}");
            let tag = Some(as_tag(&name)).filter(|it| !it.is_empty());
            expected.insert((mac.clone(), tag.unwrap_or_else(|| " ".to_owned())));
            json!({"l2ident": {"id": mac}, "primary_name": name, "vendor_name": name,
                "host_type": "nas", "reachable": true, "active": true})
        })
        .collect();
    let answers = json!({
        "connection/": answer(&json!({"state": "up"})),
        "connection/config/": answer(&json!({"ping": true})),
        "lan/browser/interfaces/": answer(&json!([{"name": "pub"}])),
        "lan/browser/pub/": answer(&json!(hosts)),
    });
    let recording = recording(&monitor, &answers);
    let run = monitor.run(&["-B", "-f", "influxdb", "--replay", &recording]);
    run.is_fine();
    influxdb.takes(&run.stdout);
    let query = "SELECT lanhost_reachable, lan_mac_address, lan_primary_name FROM freebox_lan";
    let found: BTreeSet<(String, String)> = influxdb
        .query(query)
        .iter()
        .map(|row| {
            let text = |column: usize| row[column].as_str().expect("a text").to_owned();
            (text(2), text(3))
        })
        .collect();
    assert_eq!(found.len(), 10_000);
    let wrong: Vec<_> = expected.difference(&found).take(5).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn texts_are_read_back() {
    let influxdb = Influxdb::start();
    let monitor = Monitor::new();
    let mut random = Random(9);
    let mut names: Vec<String> = (0..40).map(|_| name(&mut random)).collect();
    names.extend(["4.12.2", "a\\", "\"", "Zoé, l'\"été\" = 🏠 \\\\"].map(str::to_owned));
    for (number, text) in names.iter().enumerate() {
        let board = format!("board{number}");
        let answers = json!({
            "connection/": answer(&json!({"state": "up", "rate_down": number})),
            "connection/config/": answer(&json!({"ping": true})),
            "system/": answer(&json!({"board_name": board, "firmware_version": text})),
        });
        let recording = recording(&monitor, &answers);
        let run = monitor.run(&["-H", "-f", "influxdb", "--replay", &recording]);
        run.is_fine();
        influxdb.takes(&run.stdout);
        let row = |field: &str| {
            let query = format!("SELECT {field} FROM freebox WHERE hw_board='{board}'");
            influxdb.query(&query).first().map(|row| row[1].clone())
        };
        let expected: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let expected = Some(json!(expected)).filter(|it| *it != "");
        assert_eq!(row("firmware_version"), expected, "{text:?}");
        assert_eq!(row("rate_down"), Some(json!(number)));
    }
    let types: BTreeSet<String> = influxdb
        .query("SHOW FIELD KEYS FROM freebox")
        .iter()
        .map(|row| format!("{} {}", row[0].as_str().unwrap(), row[1].as_str().unwrap()))
        .collect();
    assert!(types.contains("firmware_version string"), "{types:?}");
    assert!(types.contains("rate_down float"), "{types:?}");
}

fn the_time_is_that_of_the_run_where_it_is_asked_for() {
    let influxdb = Influxdb::start();
    let recording = project_file("tests/boxes/ultra.json");
    let recording = recording.to_str().expect("UTF-8");
    let arguments = [
        "-f",
        "influxdb",
        "--influx-timestamp",
        "--replay",
        recording,
    ];
    let before = crate::kept::now();
    let run = Monitor::new().run(&arguments);
    run.is_fine();
    influxdb.takes(&run.stdout);
    let rows = influxdb.query("SELECT rate_down FROM freebox");
    let [row] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    let time = run
        .stdout
        .lines()
        .next()
        .expect("a line")
        .rsplit_once(' ')
        .expect("a time")
        .1;
    let seconds: u64 = time
        .strip_suffix("000000000")
        .expect("nanoseconds")
        .parse()
        .expect("it");
    assert!((before..=crate::kept::now()).contains(&seconds), "{time}");
    assert!(row[0].as_str().expect("a time").ends_with('Z'), "{row}");
}
