//! The dashboards for SexiGraf: made by their generator, fed by the template, and each query shows
//! something on a real graphite-web that has seen three boxes live for a day.
//!
//! To look at them: `DASHBOARD_DAYS=30 cargo test --test it dashboards::` fills a graphite-web with
//! a month, every minute of its last week, and keeps it running until Enter is pressed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libtest_mimic::Trial;
use serde_json::Value as Json;

use crate::graphite::{Graphite, Web};
use crate::monitor::{APP_ID, APP_TOKEN, Monitor, project_file};
use crate::simulated_freebox::households::{self, Household};
use crate::simulated_freebox::{App, Options, SimulatedFreebox};
use crate::trials;
use crate::whole_way::{carbon, now};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        every_panel_says_what_it_shows,
        every_metric_that_is_asked_for_is_in_the_template,
        any_grafana_needs_no_more_than_a_data_source,
    ]
}

pub(crate) fn trials_with_python() -> Vec<Trial> {
    trials![the_dashboards_are_what_their_generator_makes]
}

pub(crate) fn trials_with_web() -> Vec<Trial> {
    trials![every_query_shows_something]
}

/// Whether there is a Python to make the dashboards with.
pub(crate) fn python() -> Result<(), String> {
    let ran = Command::new("python3").arg("--version").output();
    let is_good = ran.is_ok_and(|it| it.status.success());
    is_good
        .then_some(())
        .ok_or_else(|| "there is no python3 on this machine".to_owned())
}

pub(crate) const DAY: u64 = 86_400;
/// How far apart the runs of the day are, in seconds.
pub(crate) const STEP: u64 = 600;
/// How Graphite keeps what comes so rarely.
const SCHEMAS: &str = "[all]\npattern = .*\nretentions = 10m:8d,1h:60d\n";
/// The last of several is right for a counter and not wrong for anything else.
const AGGREGATION: &str = "[all]\npattern = .*\nxFilesFactor = 0\naggregationMethod = last\n";

/// What a box has no numbers of, and why that is right: its name, where those numbers would be
/// (`*` is a whole node), the reason.
pub(crate) const ABSENT: &[(&str, &str, &str)] = &[
    ("ultra", "connection.xdsl", "no copper"),
    ("ultra", "connection.aggregation", "no 4G that helps copper"),
    ("ultra", "storage.raid", "its disks are no array"),
    ("ultra", "storage.raid_member", "its disks are no array"),
    ("ultra", "freeplug.plug", "no powerline plugs"),
    ("revolution", "connection.ftth", "no fibre"),
    (
        "revolution",
        "exec.section.*.forbidden",
        "no permission is missing",
    ),
    ("revolution", "lte", "no 4G"),
    (
        "revolution",
        "connection.aggregation",
        "no 4G that helps copper",
    ),
    ("revolution", "storage.raid", "its disk is no array"),
    ("revolution", "storage.raid_member", "its disk is no array"),
    (
        "revolution",
        "wifi.ap.*.survey",
        "its firmware does not measure that",
    ),
    (
        "revolution",
        "wifi.diagnosis_minor_findings",
        "its firmware has no diagnosis",
    ),
    (
        "revolution",
        "wifi.diagnosis_major_findings",
        "its firmware has no diagnosis",
    ),
    ("revolution", "vm", "no machines on this model"),
    (
        "revolution",
        "vpn.client.connected",
        "the VPN client is off",
    ),
    (
        "revolution",
        "vpn.client.rate_down",
        "the VPN client is off",
    ),
    ("revolution", "vpn.client.rate_up", "the VPN client is off"),
    (
        "revolution",
        "vpn.server.*.connection",
        "nobody uses its VPN",
    ),
    (
        "revolution",
        "connection.ipv6.firewall",
        "its firmware has no such switch",
    ),
    ("revolution", "update", "its firmware does not tell"),
    ("revolution", "player", "no player that tells"),
    ("pop", "connection.xdsl", "no copper"),
    (
        "pop",
        "connection.ftth.rx_power_dbm",
        "its optical module does not measure light",
    ),
    (
        "pop",
        "connection.ftth.tx_power_dbm",
        "its optical module does not measure light",
    ),
    ("pop", "lte", "no 4G"),
    ("pop", "connection.aggregation", "no 4G that helps copper"),
    ("pop", "nat", "the box declines"),
    ("pop", "wifi.ap.*.station", "Wi-Fi is off"),
    ("pop", "wifi.ap.*.primary_channel", "Wi-Fi is off"),
    ("pop", "wifi.ap.*.channel_width", "Wi-Fi is off"),
    ("pop", "wifi.ap.*.survey", "Wi-Fi is off"),
    ("pop", "wifi.ap.*.channel", "Wi-Fi is off"),
    ("pop", "wifi.ap.*.neighbors", "Wi-Fi is off"),
    ("pop", "wifi.diagnosis_minor_findings", "Wi-Fi is off"),
    ("pop", "wifi.diagnosis_major_findings", "Wi-Fi is off"),
    ("pop", "lan.host.*.wifi_signal", "Wi-Fi is off"),
    ("pop", "storage", "no disk"),
    ("pop", "downloads", "the application may not read it"),
    ("pop", "call", "the application may not read it"),
    ("pop", "phone", "the application may not read it"),
    ("pop", "vm", "the application may not read it"),
    ("pop", "player", "the application may not read it"),
    ("pop", "vpn.server", "the box declines"),
    ("pop", "vpn.client.connected", "the VPN client is off"),
    ("pop", "vpn.client.rate_down", "the VPN client is off"),
    ("pop", "vpn.client.rate_up", "the VPN client is off"),
    ("pop", "freeplug.plug", "no powerline plugs"),
    ("pop", "update", "its firmware does not tell"),
];

/// A panel with what it asks.
struct Panel {
    dashboard: String,
    json: Json,
}

impl Panel {
    fn title(&self) -> &str {
        self.json["title"].as_str().expect("a title")
    }

    fn queries(&self) -> Vec<&str> {
        let targets = self.json["targets"].as_array().into_iter().flatten();
        targets.flat_map(|it| it["target"].as_str()).collect()
    }

    /// How far back it looks.
    fn from(&self) -> String {
        let own = self.json["timeFrom"].as_str();
        own.map_or("-24h".to_owned(), |it| format!("-{it}"))
    }
}

fn any_grafana_needs_no_more_than_a_data_source() {
    for (name, of_appliance) in dashboards() {
        let path = format!("contrib/dashboards/graphite/{name}");
        let text = fs::read_to_string(project_file(&path)).expect(&path);
        assert!(!text.contains("\"local\""), "{path}");
        let json: Json = serde_json::from_str(&text).expect(&path);
        let variables = json["templating"]["list"].as_array().expect("variables");
        assert_eq!(variables[0]["type"], "datasource", "{path}");
        assert_eq!(variables[0]["query"], "graphite", "{path}");
        assert_ne!(json["uid"], of_appliance["uid"], "{path}");
        let count = |text: &str| text.matches("\"${datasource}\"").count();
        let local = of_appliance.to_string().matches("\"local\"").count();
        assert_eq!(count(&text), local, "{path}");
    }
}

fn dashboards() -> BTreeMap<String, Json> {
    let files = fs::read_dir(project_file("sexigraf/dashboards")).expect("the folder");
    let files = files.map(|it| it.expect("a file").path());
    let read = |path: std::path::PathBuf| {
        let text = fs::read(&path).expect("a file");
        let name = path.file_name().and_then(|it| it.to_str()).expect("UTF-8");
        (
            name.to_owned(),
            serde_json::from_slice(&text).expect("JSON"),
        )
    };
    let found: BTreeMap<_, _> = files.map(read).collect();
    assert_eq!(found.len(), 5);
    found
}

/// Every panel but the headlines, those in closed rows too.
fn panels() -> Vec<Panel> {
    let mut found = Vec::new();
    for dashboard in dashboards().into_values() {
        let title = dashboard["title"].as_str().expect("a title").to_owned();
        for panel in dashboard["panels"].as_array().expect("panels") {
            let inner = panel["panels"].as_array().cloned().unwrap_or_default();
            let all = inner.into_iter().chain([panel.clone()]);
            found.extend(all.filter(|it| it["type"] != "row").map(|json| Panel {
                dashboard: title.clone(),
                json,
            }));
        }
    }
    found
}

fn every_panel_says_what_it_shows() {
    let mut uids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        let title = dashboard["title"].as_str().expect("a title");
        assert_eq!(name, title.replace(' ', "_") + ".json");
        assert!(uids.insert(dashboard["uid"].to_string()), "{name}");
        assert_eq!(dashboard["editable"], false, "{name}");
        assert_eq!(dashboard["tags"], serde_json::json!(["freebox"]), "{name}");
        let version = dashboard["schemaVersion"].as_i64();
        assert!((36..=38).contains(&version.expect("a number")), "{name}");
    }
    for panel in panels() {
        let about = panel.json["description"].as_str().unwrap_or_default();
        let words = about.split_whitespace().count();
        assert!(words >= 5, "{}: {about:?}", panel.title());
        assert_eq!(panel.json["datasource"]["uid"], "local");
        assert!(!panel.queries().is_empty(), "{}", panel.title());
    }
}

fn the_dashboards_are_what_their_generator_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut make = Command::new("python3");
    make.arg("-B")
        .arg(project_file("contrib/dashboards/make.py"));
    let made = make.arg(folder.path()).output().expect("Python runs");
    let words = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{words}");
    let mut names: Vec<String> = ["sexigraf/dashboards", "contrib/dashboards/graphite"]
        .iter()
        .flat_map(|folder| {
            dashboards()
                .into_keys()
                .map(move |name| format!("{folder}/{name}"))
        })
        .collect();
    names.extend(["influxdb", "prometheus"].map(crate::other_dashboards::file));
    for name in &names {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let there = read(project_file(name));
        let made = read(folder.path().join(name));
        assert!(there == made, "{name}: run contrib/dashboards/make.py");
    }
    let mut made = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => made += 1,
            }
        }
    }
    assert_eq!(made, names.len());
}

/// The paths below the box that a query names, with `*` for what a variable stands for.
fn paths(query: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_.*$-".contains(c);
    let parts = query.split("freebox.$box.").skip(1);
    // Of several counters, `{this,that}`, the first stands for all.
    let parts = parts.map(|rest| rest.replacen('{', "", 1));
    let path = |rest: String| {
        rest.split(|c| !is_path(c))
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let node = |node: &str| match node.starts_with('$') {
        true => "*".to_owned(),
        false => node.to_owned(),
    };
    parts
        .map(path)
        .map(|path| path.split('.').map(node).collect::<Vec<_>>().join("."))
        .collect()
}

/// Whether a path is, or is below, one with `*` in it.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    let mut nodes = path.split('.');
    prefix.split('.').all(|wanted| {
        let node = nodes.next();
        node.is_some_and(|node| wanted == "*" || node == "*" || node == wanted)
    })
}

fn every_metric_that_is_asked_for_is_in_the_template() {
    // Every metric there is is in one of the recordings.
    let mut known = BTreeSet::new();
    let monitor = Monitor::new().with(&["--all", "-t", "sexigraf", "--name", "home"]);
    for entry in fs::read_dir(project_file("tests/boxes")).expect("the folder") {
        let recording = entry.expect("an entry").path();
        if recording.extension().is_some_and(|it| it == "json") {
            let recording = recording.to_str().expect("UTF-8");
            let run = monitor.run(&["--host-age", "all", "--replay", recording]);
            let lines = run.stdout.lines().map(|line| line.split(' ').next());
            known.extend(lines.map(|path| path.expect("a path").to_owned()));
        }
    }
    for name in [
        "up",
        "duration",
        "requests",
        "logins",
        "errors",
        "samples",
        "backfilled",
        "dropped",
        "spooled",
    ] {
        known.insert(format!("freebox.home.exec.{name}"));
    }
    for name in ["ok", "duration", "forbidden"] {
        known.insert(format!("freebox.home.exec.section.lan.{name}"));
    }
    for panel in panels() {
        for path in panel.queries().into_iter().flat_map(paths) {
            let wanted = format!("freebox.home.{path}");
            let mut fitting = known.iter().filter(|known| is_below(known, &wanted));
            let whole = |it: &&String| it.split('.').count() == wanted.split('.').count();
            assert!(fitting.any(|it| whole(&it)), "{}: {path}", panel.title());
        }
    }
}

/// The moments of the runs: the last day in steps, or for people a month, the last week of it by
/// the minute.
fn moments(start: u64, end: u64, for_people: bool) -> Vec<u64> {
    let step = |at: u64| match (for_people, at + 7 * DAY > end) {
        (false, _) => STEP,
        (true, false) => STEP,
        (true, true) => 60,
    };
    let mut moments = Vec::new();
    let mut at = start - start % STEP;
    while at <= end {
        moments.push(at);
        at += step(at);
    }
    moments
}

/// The lines of a household over its life: what the program makes of each moment's answers.
fn lines(household: &Household, start: u64, moments: &[u64]) -> String {
    let monitor = Monitor::new().with(&["--all", "-t", "sexigraf", "--name", household.name]);
    let of_runs = exec_lines(household, start);
    let next = AtomicUsize::new(0);
    let work = |worker: usize| {
        let mut text = String::new();
        let file = format!("{worker}.json");
        while let Some(at) = moments.get(next.fetch_add(1, Ordering::Relaxed)) {
            let answers = household.at(start, *at);
            if let Some(answers) = &answers {
                let recording = monitor.write(&file, &answers.to_string());
                let recording = recording.to_str().expect("UTF-8");
                let run = monitor.run(&["--host-age", "all", "--replay", recording]);
                assert_eq!(run.code, 0, "{}", run.stderr);
                timed(&run.stdout, *at, &mut text);
            }
            timed(&lived(&of_runs, *at, answers.is_none()), *at, &mut text);
        }
        text
    };
    thread::scope(|scope| {
        let workers = [0, 1].map(|worker| scope.spawn(move || work(worker)));
        workers.map(|it| it.join().expect("a worker")).concat()
    })
}

/// Gives lines another time.
fn timed(lines: &str, at: u64, text: &mut String) {
    for line in lines.lines() {
        let (rest, _) = line.rsplit_once(' ').expect("three fields");
        writeln!(text, "{rest} {at}").expect("a line");
    }
}

/// What a real run says of itself; a replay says nothing.
fn exec_lines(household: &Household, start: u64) -> String {
    let at = SimulatedFreebox::start(Options {
        recording: household.recording.clone(),
        apps: vec![App {
            app_id: APP_ID.to_owned(),
            app_token: APP_TOKEN.to_owned(),
            track_id: 1,
        }],
        alive_since: Some(start),
        ..Options::default()
    });
    let monitor = Monitor::registered(&at);
    let run = monitor.run(&["--all", "-t", "sexigraf", "--name", household.name]);
    let lines = run.stdout.lines().filter(|line| line.contains(".exec."));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() > 20, "{} {}", run.stderr, run.stdout);
    lines.join("\n") + "\n"
}

/// The same at a moment: some runs take longer, now and then a section fails, once a day carbon is
/// away for a while, and a box that is away is told. A box in a house is slower than one on
/// loopback.
fn lived(of_runs: &str, at: u64, is_away: bool) -> String {
    let slow = 20.0 + (at / 60 * 7919 % 13) as f64;
    let minute = at / 60 % 1440;
    let (fails, waits) = (minute / 7 == 93, minute.saturating_sub(500));
    let mut text = String::new();
    for line in of_runs.lines() {
        let mut fields = line.split(' ');
        let (path, value) = (
            fields.next().expect("a path"),
            fields.next().expect("a value"),
        );
        let value: f64 = value.parse().expect("a number");
        let value = match path {
            _ if is_away && path.contains(".section.") => continue,
            _ if path.ends_with(".up") && is_away => 0.0,
            _ if path.ends_with(".storage.ok") && fails => 0.0,
            _ if path.ends_with(".exec.errors") && (fails || is_away) => 1.0,
            _ if path.ends_with(".duration") => value * slow,
            _ if path.ends_with(".logins") && minute != 0 => 0.0,
            _ if path.ends_with(".spooled") && waits < 40 => 400.0 * waits as f64,
            _ => value,
        };
        writeln!(text, "{path} {value:.3} {at}").expect("a line");
    }
    text
}

/// What Grafana would ask: every query that uses a variable once for All, once for each of its
/// values at the same time.
fn asked(web: &Asker, dashboard: &Json, household: &str, query: &str) -> Vec<String> {
    let boxed = |text: &str| text.replace("$box", household);
    let (mut all, mut each) = (boxed(query), boxed(query));
    for variable in dashboard["templating"]["list"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let name = format!("${}", variable["name"].as_str().expect("a name"));
        if name == "$box" || !query.contains(&name) {
            continue;
        }
        let find = variable["query"].as_str().expect("a query");
        let found = web.find(&boxed(find).replace("$radio", "*"));
        let several = match found.as_slice() {
            [] => "*".to_owned(),
            [one] => one.clone(),
            several => format!("{{{}}}", several.join(",")),
        };
        all = all.replace(&name, "*");
        each = each.replace(&name, &several);
    }
    match all == each {
        true => vec![all],
        false => vec![all, each],
    }
}

/// Asks a graphite-web.
struct Asker {
    url: String,
}

impl Asker {
    fn get(&self, path: &str, form: &[(&str, &str)]) -> Json {
        let url = format!("{}{path}", self.url);
        let mut answer = ureq::post(&url)
            .send_form(form.iter().copied())
            .unwrap_or_else(|error| panic!("{form:?}: {error}"));
        let text = answer.body_mut().read_to_string().expect("a body");
        serde_json::from_str(&text).expect("JSON")
    }

    fn find(&self, query: &str) -> Vec<String> {
        let found = self.get("/metrics/find", &[("query", query)]);
        let nodes = found.as_array().into_iter().flatten();
        nodes
            .flat_map(|it| it["text"].as_str().map(str::to_owned))
            .collect()
    }

    /// Whether any series has any number.
    fn shows(&self, target: &str, from: &str) -> bool {
        let form = [
            ("target", target),
            ("from", from),
            ("format", "json"),
            ("maxDataPoints", "800"),
            ("noCache", "1"),
        ];
        let found = self.get("/render", &form);
        let series = found.as_array().into_iter().flatten();
        let points = series.flat_map(|it| it["datapoints"].as_array().into_iter().flatten());
        points.into_iter().any(|point| !point[0].is_null())
    }
}

/// A graphite-web that has seen the three households.
fn lived_through() -> (Graphite, Web) {
    let days = std::env::var("DASHBOARD_DAYS")
        .ok()
        .and_then(|it| it.parse().ok());
    let end = u64::try_from(now()).expect("after 1970");
    let start = end - days.unwrap_or(3) * DAY;
    let first = if days.is_some() { start } else { end - DAY };
    let moments = moments(first, end, days.is_some());
    let conf = tempfile::tempdir().expect("a folder");
    let rare = [
        ("storage-schemas.conf", SCHEMAS),
        ("storage-aggregation.conf", AGGREGATION),
    ];
    for (name, text) in rare {
        fs::write(conf.path().join(name), text).expect("a file");
    }
    // People look at what an appliance would keep.
    let conf = match days {
        None => conf.path().to_owned(),
        Some(_) => project_file("sexigraf"),
    };
    let graphite = carbon("1m:1d");
    for household in households::all() {
        let lines = lines(&household, start, &moments);
        let (series, bytes) = graphite.fill(&lines, &conf);
        println!(
            "{}: {series} series, {} MB",
            household.name,
            bytes / 1_000_000
        );
    }
    let web = graphite.web();
    if days.is_some() {
        println!("{}; press Enter to go on", web.url());
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    (graphite, web)
}

fn every_query_shows_something() {
    let (_graphite, web) = lived_through();
    let asker = Asker { url: web.url() };
    let dashboards = dashboards();
    let mut wrong = Vec::new();
    let mut needed = BTreeSet::new();
    let mut empty = String::from(EMPTY_PANELS);
    for household in households::all() {
        writeln!(empty, "\n## {}\n", household.name).expect("a line");
        for panel in panels() {
            let dashboard = dashboards
                .values()
                .find(|it| it["title"] == panel.dashboard.as_str());
            let dashboard = dashboard.expect("its dashboard");
            let mut reasons = BTreeSet::new();
            let mut shown = 0;
            for query in panel.queries() {
                let absent = ABSENT.iter().filter(|(name, prefix, _)| {
                    *name == household.name && paths(query).iter().any(|it| is_below(it, prefix))
                });
                let absent: Vec<_> = absent.collect();
                let asked = asked(&asker, dashboard, household.name, query);
                let shows = asked
                    .iter()
                    .filter(|it| asker.shows(it, &panel.from()))
                    .count();
                shown += shows;
                reasons.extend(absent.iter().map(|(_, _, reason)| *reason));
                needed.extend(absent.iter().map(|(name, prefix, _)| (*name, *prefix)));
                let as_said = match absent.is_empty() {
                    true => shows == asked.len(),
                    false => shows == 0,
                };
                if !as_said {
                    let what = if absent.is_empty() {
                        "shows nothing"
                    } else {
                        "is not empty"
                    };
                    let title = panel.title();
                    wrong.push(format!(
                        "{}: {}: {title}: {query} {what}",
                        household.name, panel.dashboard
                    ));
                }
            }
            if shown == 0 {
                let reasons: Vec<&str> = reasons.into_iter().collect();
                let reasons = reasons.join(", ");
                writeln!(
                    empty,
                    "- {}: *{}*: {reasons}",
                    panel.dashboard,
                    panel.title()
                )
                .expect("a line");
            }
        }
    }
    let idle = ABSENT
        .iter()
        .filter(|(name, prefix, _)| !needed.contains(&(*name, *prefix)));
    wrong.extend(idle.map(|entry| format!("nobody asks for {entry:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    is_as_before(&empty);
}

/// How the page of the panels that stay empty begins.
const EMPTY_PANELS: &str = "\
# Panels that stay empty

On three boxes that were simulated for a day, and why that is right (`BLESS=1 cargo test --test it
dashboards::` writes this page anew). Most of them are in rows that are closed until you open them.
";

fn is_as_before(empty: &str) {
    let page = project_file("sexigraf/empty-panels.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&page, empty).expect("the page");
    }
    let expected = fs::read_to_string(&page).unwrap_or_default();
    assert!(expected == empty, "{}: {empty}", page.display());
}
