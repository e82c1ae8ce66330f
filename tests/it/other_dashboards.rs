//! The overview for InfluxDB and for Prometheus: each query shows something in the real one that has
//! been given a day of three boxes, and both show the same.
//!
//! To look at them: `DASHBOARDS_STAY=1 cargo test --test it other_dashboards::` keeps both running
//! until Enter is pressed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::thread;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};

use crate::catalogue::{self, Metric, named_in_influxql, named_in_promql};
use crate::dashboards::{ABSENT, DAY, is_below};
use crate::day::{Home, Life, address, households};
use crate::monitor::project_file;
use crate::service::{Influxdb, Prometheus};
use crate::simulated_freebox::households::Household;
use crate::trials;
use crate::whole_way::now;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        every_panel_says_what_it_shows_and_needs_no_more_than_a_data_source,
        every_number_that_is_asked_for_is_in_the_catalogue,
    ]
}

pub(crate) fn trials_with_servers() -> Vec<Trial> {
    trials![every_query_shows_something_and_the_same_in_both]
}

const HOMES: [Home; 2] = [Home::Influxdb, Home::Prometheus];

/// What has no numbers in InfluxDB, besides what has none anywhere: there the sensors of a box are a
/// list, or fields, as its firmware has them.
const ABSENT_IN_INFLUXDB: &[(&str, &str, &str)] = &[
    ("ultra", "system.temp_cpub", LIST),
    ("ultra", "system.temp_cpum", LIST),
    ("ultra", "system.temp_sw", LIST),
    ("pop", "system.temp_cpub", LIST),
    ("pop", "system.temp_cpum", LIST),
    ("pop", "system.temp_sw", LIST),
    ("revolution", "system.sensor", "its sensors are fields"),
];
const LIST: &str = "its sensors are a list";

/// Where the dashboard for a home is.
pub(crate) fn file(home: &str) -> String {
    format!("contrib/dashboards/{home}/Freebox_Overview.json")
}

fn dashboard(home: Home) -> Json {
    let text = fs::read(project_file(&file(home.name()))).expect("a dashboard");
    serde_json::from_slice(&text).expect("JSON")
}

/// Every panel but the headlines, those in closed rows too.
fn panels(dashboard: &Json) -> Vec<Json> {
    let outer = dashboard["panels"].as_array().expect("panels");
    let with_inner = |panel: &Json| {
        let inner = panel["panels"].as_array().cloned().unwrap_or_default();
        [vec![panel.clone()], inner].concat()
    };
    let all = outer.iter().flat_map(with_inner);
    all.filter(|it| it["type"] != "row").collect()
}

fn targets(panel: &Json) -> &Vec<Json> {
    panel["targets"].as_array().expect("targets")
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

/// What a target asks.
fn query(target: &Json) -> &str {
    let [influxql, promql] = ["query", "expr"].map(|key| text(target, key));
    if influxql.is_empty() {
        promql
    } else {
        influxql
    }
}

fn every_panel_says_what_it_shows_and_needs_no_more_than_a_data_source() {
    for home in HOMES {
        let dashboard = dashboard(home);
        let version = dashboard["schemaVersion"].as_i64().expect("a number");
        assert!((36..=38).contains(&version), "{version}");
        assert!(text(&dashboard, "uid").ends_with(home.name()));
        assert_eq!(dashboard["editable"], true);
        let variables = dashboard["templating"]["list"]
            .as_array()
            .expect("variables");
        let names: Vec<&str> = variables.iter().map(|it| text(it, "name")).collect();
        let (choices, interval): (&[&str], _) = match home {
            Home::Influxdb => (&["datasource", "box", "collector", "every"], "$every"),
            Home::Prometheus => (&["datasource", "box"], "1m"),
        };
        assert_eq!(names, choices);
        assert_eq!(variables[0]["type"], "datasource");
        assert_eq!(variables[0]["query"], home.name());
        let source = json!({"type": home.name(), "uid": "${datasource}"});
        assert_eq!(variables[1]["datasource"], source);
        let panels = panels(&dashboard);
        assert!(panels.len() > 25, "{}", panels.len());
        for panel in &panels {
            let title = text(panel, "title");
            let words = text(panel, "description").split_whitespace().count();
            assert!(words >= 5, "{title}");
            assert_eq!(panel["interval"], interval, "{title}");
            assert_eq!(panel["datasource"], source, "{title}");
            assert!(!targets(panel).is_empty(), "{title}");
            for target in targets(panel) {
                assert_eq!(target["datasource"], source, "{title}");
                assert!(!query(target).is_empty(), "{title}");
            }
        }
    }
}

fn every_number_that_is_asked_for_is_in_the_catalogue() {
    let catalogue = catalogue::read();
    for home in HOMES {
        let mut names = BTreeSet::new();
        for panel in panels(&dashboard(home)) {
            for target in targets(&panel) {
                let asked = catalogue::asked(&catalogue, home, query(target));
                assert!(!asked.is_empty(), "{target}");
                names.extend(asked.iter().map(|it| it.name.as_str()));
            }
        }
        assert!(names.len() >= 45, "{}: {}", home.name(), names.len());
    }
}

/// Both, with what they have been given, and the time of it.
struct Filled {
    influxdb: Influxdb,
    prometheus: Prometheus,
    end: u64,
}

/// What a panel's target shows.
#[derive(Debug)]
struct Shown {
    /// How many series have a number.
    series: usize,
    /// The last number of each, the greatest of them.
    last: f64,
    /// All numbers together.
    sum: f64,
}

impl Shown {
    fn of(series: &[Vec<f64>]) -> Self {
        let lasts = series.iter().filter_map(|it| it.last());
        Shown {
            series: series.iter().filter(|it| !it.is_empty()).count(),
            last: lasts.fold(f64::NEG_INFINITY, |most, it| most.max(*it)),
            sum: series.iter().flatten().sum(),
        }
    }

    /// What counts of it: of an amount the sum, of anything else the last number.
    fn number(&self, query: &str) -> f64 {
        let amounts = ["increase(", "non_negative_difference("];
        match amounts.iter().any(|it| query.contains(it)) {
            true => self.sum,
            false => self.last,
        }
    }
}

impl Filled {
    fn new() -> Self {
        // On the sixth day a line drops twice, and the box restarts.
        let life = Life::until(u64::try_from(now()).expect("after 1970"), 6);
        let wanted = |home: Home| -> BTreeSet<String> {
            let panels = panels(&dashboard(home));
            let queries = panels.iter().flat_map(targets).map(query);
            let named = |query| match home {
                Home::Influxdb => named_in_influxql(query).0,
                Home::Prometheus => named_in_promql(query),
            };
            queries.flat_map(named).map(str::to_owned).collect()
        };
        let given = |home: Home| {
            let wanted = wanted(home);
            let given = |household: &Household| home.given(household, life, &wanted);
            households().iter().map(given).collect::<String>()
        };
        let [for_influxdb, for_prometheus] = thread::scope(|scope| {
            let given = HOMES.map(|home| scope.spawn(move || given(home)));
            given.map(|it| it.join().expect("a day"))
        });
        // A server ends with the thread that has started it.
        let influxdb = Influxdb::start();
        influxdb.takes(&for_influxdb);
        Filled {
            influxdb,
            prometheus: Prometheus::with_history(&for_prometheus),
            end: life.end,
        }
    }

    /// What a target shows in a panel, asked as Grafana does.
    fn shown(&self, home: Home, panel: &Json, target: &Json, household: &Household) -> Shown {
        let range = match text(panel, "timeFrom") {
            "30d" => 30 * DAY,
            "" => DAY,
            other => panic!("{other}"),
        };
        let least = match text(target, "interval") {
            "1d" => DAY,
            "1h" => 3600,
            _ => 60,
        };
        // A panel of 800 pixels has one point for each.
        let step = if range == DAY { 120 } else { 3600 }.max(least);
        let from = self.end - range;
        let interval = match step {
            DAY => "1d".to_owned(),
            _ => format!("{step}s"),
        };
        let query = query(target)
            .replace("${box:regex}", &escaped(&base(household)))
            .replace("$box", household.name)
            .replace("$collector", household.name)
            .replace(
                "$timeFilter",
                &format!("time >= {from}000ms and time <= {}000ms", self.end),
            )
            .replace("$__interval", &interval)
            .replace("$__range", &format!("{range}s"));
        assert!(!query.contains('$'), "{query}");
        match home {
            Home::Influxdb => self.in_influxdb(&query),
            Home::Prometheus if target["instant"] == true => self.at_once(&query),
            Home::Prometheus => self.in_prometheus(&query, from, step),
        }
    }

    fn in_influxdb(&self, query: &str) -> Shown {
        let numbers = |series: &Json| -> Vec<f64> {
            let rows = series["values"].as_array().into_iter().flatten();
            rows.filter_map(|row| row[1].as_f64()).collect()
        };
        let series: Vec<_> = self.influxdb.answer(query).iter().map(numbers).collect();
        Shown::of(&series)
    }

    fn in_prometheus(&self, query: &str, from: u64, step: u64) -> Shown {
        let aligned = |at: u64| (at - at % step).to_string();
        let form = [
            ("query", query),
            ("start", &aligned(from)),
            ("end", &aligned(self.end)),
            ("step", &step.to_string()),
        ];
        let answer = self.prometheus.answer("/api/v1/query_range", &form);
        let numbers = |series: &Json| -> Vec<f64> {
            let points = series["values"].as_array().into_iter().flatten();
            points.filter_map(number).collect()
        };
        let series = answer["result"].as_array().into_iter().flatten();
        Shown::of(&series.map(numbers).collect::<Vec<_>>())
    }

    fn at_once(&self, query: &str) -> Shown {
        let form = [("query", query), ("time", &self.end.to_string())];
        let answer = self.prometheus.answer("/api/v1/query", &form);
        let series = answer["result"].as_array().into_iter().flatten();
        let numbers = |series: &Json| number(&series["value"]).into_iter().collect();
        Shown::of(&series.map(numbers).collect::<Vec<_>>())
    }

    /// The boxes that can be picked above a dashboard.
    fn boxes(&self, home: Home) -> BTreeSet<String> {
        let variable = &dashboard(home)["templating"]["list"][1];
        let text = |it: &Json| it.as_str().expect("a text").to_owned();
        match home {
            Home::Influxdb => {
                assert_eq!(variable["regex"], r"/^(.*)\/api\/v[0-9]+$/");
                let urls = self.influxdb.query(variable["query"].as_str().expect("it"));
                let base = |url: String| url.rsplit_once("/api/v").expect("a URL").0.to_owned();
                urls.iter().map(|row| base(text(&row[1]))).collect()
            }
            Home::Prometheus => {
                let query = "label_values(freebox_exec_up, box)";
                assert_eq!(variable["query"]["query"], query);
                let path = "/api/v1/series";
                let found = self
                    .prometheus
                    .answer(path, &[("match[]", "freebox_exec_up")]);
                let series = found.as_array().into_iter().flatten();
                series.map(|it| text(&it["box"])).collect()
            }
        }
    }
}

/// The URL of a household's box, as far as it stays with a new firmware.
fn base(household: &Household) -> String {
    format!("https://{}", address(household))
}

/// As `${box:regex}` of Grafana.
fn escaped(text: &str) -> String {
    let special = r"\^$*+?.()|[]{}/";
    let escaped = |c: char| match special.contains(c) {
        true => format!("\\{c}"),
        false => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// The number of a point of Prometheus.
fn number(point: &Json) -> Option<f64> {
    let number: f64 = point[1].as_str()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Why a box has none of these numbers in this home.
fn reasons(home: Home, household: &Household, asked: &[&Metric]) -> BTreeSet<&'static str> {
    let here = match home {
        Home::Influxdb => ABSENT_IN_INFLUXDB,
        Home::Prometheus => &[],
    };
    let all = || ABSENT.iter().chain(here);
    let mut reasons = BTreeSet::new();
    for metric in asked {
        let mut fitting = all()
            .filter(|(name, prefix, _)| *name == household.name && is_below(&metric.name, prefix));
        match fitting.next() {
            Some((_, _, why)) => reasons.insert(*why),
            // A query with some number shows something.
            None => return BTreeSet::new(),
        };
    }
    reasons
}

/// Whether two homes show about the same: they count the edges of an interval differently, and 0.9.1
/// has whole decibels.
fn is_about(one: f64, other: f64) -> bool {
    let difference = (one - other).abs();
    difference <= 0.1 * one.abs().max(other.abs()) || difference < 1.0
}

/// What has come out for a household in a home.
#[derive(Default)]
struct Found {
    /// What is not as it should be.
    wrong: Vec<String>,
    /// Each panel that stays empty, with the reasons.
    empty: String,
    /// What the targets of panels show.
    shown: BTreeMap<(String, String), f64>,
}

impl Filled {
    fn look(&self, home: Home, household: &Household, catalogue: &[Metric]) -> Found {
        let mut found = Found::default();
        for panel in panels(&dashboard(home)) {
            let title = text(&panel, "title");
            let mut why = BTreeSet::new();
            let mut shows = false;
            for target in targets(&panel) {
                let asked = catalogue::asked(catalogue, home, query(target));
                let reasons = reasons(home, household, &asked);
                let shown = self.shown(home, &panel, target, household);
                let is_empty = shown.series == 0;
                if is_empty == reasons.is_empty() {
                    let words = format!("{}: {title}: {target} {shown:?}", household.name);
                    found.wrong.push(words);
                }
                why.extend(reasons);
                shows |= !is_empty;
                let key = (title.to_owned(), name(target).to_owned());
                if !is_empty && !key.1.is_empty() {
                    found.shown.insert(key, shown.number(query(target)));
                }
            }
            if !shows {
                let why: Vec<&str> = why.into_iter().collect();
                writeln!(found.empty, "- *{title}*: {}", why.join(", ")).expect("a line");
            }
        }
        found
    }
}

/// What a target calls its series, without what tells several apart.
fn name(target: &Json) -> &str {
    let [alias, legend] = ["alias", "legendFormat"].map(|key| text(target, key));
    let name = if alias.is_empty() { legend } else { alias };
    name.split(['$', '{']).next().unwrap_or_default().trim()
}

fn every_query_shows_something_and_the_same_in_both() {
    let filled = Filled::new();
    if std::env::var_os("DASHBOARDS_STAY").is_some() {
        let urls = [filled.influxdb.url(), filled.prometheus.url()];
        println!("{urls:?}; press Enter to go on");
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    let households = households();
    let bases = households.iter().map(base).collect();
    let names = households.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(filled.boxes(Home::Influxdb), bases);
    assert_eq!(filled.boxes(Home::Prometheus), names);
    let catalogue = catalogue::read();
    let mut wrong = Vec::new();
    let mut empty = String::from(EMPTY_PANELS);
    let mut compared = 0;
    for household in &households {
        let found = HOMES.map(|home| filled.look(home, household, &catalogue));
        let [influxdb, prometheus] = &found;
        assert_eq!(influxdb.empty, prometheus.empty, "{}", household.name);
        write!(empty, "\n## {}\n\n{}", household.name, influxdb.empty).expect("a line");
        for (what, one) in &influxdb.shown {
            let Some(other) = prometheus.shown.get(what) else {
                continue;
            };
            compared += 1;
            if !is_about(*one, *other) {
                wrong.push(format!("{}: {what:?}: {one}, {other}", household.name));
            }
        }
        for (title, name, number) in [
            ("Outages", "Outages", 2.0),
            ("Restarts of the box", "Restarts", 1.0),
        ] {
            let key = (title.to_owned(), name.to_owned());
            let shown = [influxdb, prometheus].map(|it| it.shown[&key]);
            assert!(
                shown == [number; 2],
                "{}: {title}: {shown:?}",
                household.name
            );
        }
        wrong.extend(found.into_iter().flat_map(|it| it.wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 110, "{compared}");
    is_as_before(&empty);
}

/// How the page of the panels that stay empty begins.
const EMPTY_PANELS: &str = "\
# Panels that stay empty

On three boxes that were simulated for a day, with InfluxDB as with Prometheus, and why that is right
(`BLESS=1 cargo test --test it other_dashboards::` writes this page anew). Most of them are in rows
that are closed until you open them.
";

fn is_as_before(empty: &str) {
    let page = project_file("contrib/dashboards/empty-panels.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&page, empty).expect("the page");
    }
    let expected = fs::read_to_string(&page).unwrap_or_default();
    assert!(expected == empty, "{}: {empty}", page.display());
}
