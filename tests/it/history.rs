//! Gaps, and what the box remembers of them: real carbon with the settings of the appliance, a box
//! that lives, and runs by a clock of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::graphite::{Graphite, Options as CarbonOptions, Stored};
use crate::monitor::{APP_ID, APP_TOKEN, Monitor, Run, project_file};
use crate::session::known_app;
use crate::simulated_freebox::{Options, SimulatedFreebox, households};
use crate::trials;
use crate::whole_way::{carbon_with, now, relay};

pub(crate) fn trials() -> Vec<Trial> {
    trials![three_hours_off_leave_no_gap]
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What the tests collect.
const SECTIONS: [&str; 2] = ["-H", "-S"];

/// A box that has lived for some weeks, and somebody who collects from it.
struct Home {
    at: SimulatedFreebox,
    monitor: Monitor,
    /// The first minute of the test, in seconds since 1970.
    start: u64,
}

impl Home {
    /// The start is so many hours ago.
    fn hours_ago(hours: u64) -> Self {
        let now = u64::try_from(now()).expect("after 1970");
        let start = now / HOUR * HOUR - hours * HOUR;
        let [ultra, ..] = households::all();
        let at = SimulatedFreebox::start(Options {
            recording: ultra.recording,
            apps: vec![known_app()],
            alive_since: Some(start - 40 * DAY),
            ..Options::default()
        });
        let monitor = Monitor::trusting(&at).with(&SECTIONS);
        monitor.write_credentials(&json!({
            "app_id": APP_ID, "app_token": APP_TOKEN, "name": "home",
            "endpoint": format!("https://localhost:{}", at.https_port()),
        }));
        Home { at, monitor, start }
    }

    /// A run at a time.
    fn run(&self, time: u64, options: &[&str]) -> Run {
        self.at.set_time(time);
        self.monitor.run_at(time, options)
    }

    /// Runs at the first second of each of these minutes after the start, all of them fine.
    fn runs(&self, minutes: impl IntoIterator<Item = u64>, options: &[&str]) {
        for minute in minutes {
            self.run(self.start + minute * MINUTE + 1, options)
                .is_fine();
        }
    }

    /// How many requests went out for the history since this was last asked.
    fn questions(&self) -> usize {
        let requests = self.at.requests();
        self.at.clear_requests();
        let asked = requests.iter().filter(|it| it.path.contains("/rrd/"));
        asked.count()
    }

    /// What the box had on the average in a time, second by second.
    fn average(&self, database: &str, field: &str, from: u64, length: u64) -> f64 {
        let at = |second| {
            let value = self.at.remembered(database, field, second);
            value.unwrap_or_else(|| panic!("{database} {field} {second}"))
        };
        // Between two seconds it is what lies between them.
        let sum: f64 = (from..from + length)
            .map(|second| f64::midpoint(at(second), at(second + 1)))
            .sum();
        sum / length as f64
    }
}

/// carbon as it is on an appliance after the installation.
fn appliance() -> Graphite {
    carbon_with(CarbonOptions {
        storage: Some(project_file("sexigraf")),
        ..CarbonOptions::default()
    })
}

/// A series, and what the box has it from: database, field, what makes it our unit, and how far
/// apart the steps are.
type Known = (&'static str, &'static str, &'static str, f64, u64);

const KNOWN: [Known; 12] = [
    ("connection.rate_down", "net", "rate_down", 1.0, MINUTE),
    ("connection.rate_up", "net", "rate_up", 1.0, MINUTE),
    ("connection.bandwidth_down", "net", "bw_down", 8.0, MINUTE),
    ("connection.bandwidth_up", "net", "bw_up", 8.0, MINUTE),
    ("switch.port.1.rx_bytes_rate", "switch", "rx_1", 1.0, MINUTE),
    ("switch.port.1.tx_bytes_rate", "switch", "tx_1", 1.0, MINUTE),
    ("switch.port.2.rx_bytes_rate", "switch", "rx_2", 1.0, MINUTE),
    ("switch.port.4.tx_bytes_rate", "switch", "tx_4", 1.0, MINUTE),
    (
        "system.sensor.cpu0.temperature",
        "temp",
        "temp_cpu0",
        1.0,
        120,
    ),
    ("system.sensor.t1.temperature", "temp", "temp_t1", 1.0, 120),
    (
        "system.sensor.hdd.temperature",
        "temp",
        "temp_hdd",
        1.0,
        120,
    ),
    ("system.fan.0.rpm", "temp", "fan0_speed", 1.0, 120),
];

/// All that carbon has, as soon as that has a point at that time in this series.
fn stored_until(carbon: &Graphite, path: &str, time: u64) -> Stored {
    let path = format!("freebox.home.{path}");
    let time = i64::try_from(time).expect("a time");
    carbon.read_until(Duration::from_secs(20), |stored| {
        let last = stored.get(&path).and_then(|points| points.last());
        last.is_some_and(|(at, _)| *at >= time)
    })
}

type Points = BTreeMap<u64, f64>;

fn points(carbon: &Graphite, path: &str) -> Points {
    let points = carbon.points(&format!("freebox.home.{path}")).into_iter();
    let at = |time| u64::try_from(time).expect("after 1970");
    points.map(|(time, value)| (at(time), value)).collect()
}

/// Holds the points of a time against what the box had: each step is there, and right, and there is
/// nothing between.
fn check_filled(home: &Home, carbon: &Graphite, known: &[Known], (from, until): (u64, u64)) {
    for (path, database, field, scale, step) in known {
        let stored = points(carbon, path);
        let expected: Vec<u64> = (from..until)
            .filter(|it| it % step == 0 && it % MINUTE == 0)
            .collect();
        let found: Vec<u64> = stored.range(from..until).map(|(time, _)| *time).collect();
        let after = |times: &[u64]| {
            times
                .iter()
                .map(|it| (it - from) / MINUTE)
                .collect::<Vec<_>>()
        };
        assert_eq!(after(&found), after(&expected), "{path}");
        for time in expected {
            let average = scale * home.average(database, field, time, *step);
            let near = (stored[&time] - average).abs() <= 0.03 * average.abs() + 0.2;
            assert!(
                near,
                "{path} {}: {} and not {average}",
                time - from,
                stored[&time]
            );
        }
    }
}

fn three_hours_off_leave_no_gap() {
    let (home, carbon) = (Home::hours_ago(6), appliance());
    let to = ["--carbon", &relay(&carbon)];
    home.runs(0..60, &to);
    assert_eq!(home.questions(), 0, "a healthy run asks nothing");
    let last = home.start + 59 * MINUTE;
    let before = stored_until(&carbon, "exec.section.system.ok", last);
    let on = 60 + 180;
    home.runs([on], &to);
    assert!((1..=10).contains(&home.questions()));
    home.runs(on + 1..on + 5, &to);
    home.questions();
    home.runs(on + 5..on + 8, &to);
    assert_eq!(home.questions(), 0, "all is filled");
    let (from, until) = (home.start + 60 * MINUTE, home.start + on * MINUTE);
    let after = stored_until(
        &carbon,
        "exec.section.system.ok",
        home.start + (on + 7) * MINUTE,
    );
    check_filled(&home, &carbon, &KNOWN, (from, until));
    // What was live is as it was, and what the history does not know is empty.
    for (path, live) in &before {
        let bits = |(time, value): &(i64, f64)| (*time, value.to_bits());
        let kept: BTreeSet<_> = after[path].iter().map(bits).collect();
        assert!(live.iter().all(|it| kept.contains(&bits(it))), "{path}");
    }
    let unknown = points(&carbon, "connection.bytes_down");
    assert_eq!(unknown.range(from..until).count(), 0);
    let backfilled = points(&carbon, "exec.backfilled");
    assert!(backfilled[&(home.start)] == 0.0 && backfilled[&until] > 1000.0);
}
