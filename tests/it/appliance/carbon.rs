//! How the real carbon keeps what comes, with its files as they are after an installation.

use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::Trial;

use crate::graphite::Options;
use crate::rehearsal::Appliance;
use crate::trials;
use crate::whole_way::carbon_with;

pub(crate) fn trials() -> Vec<Trial> {
    trials![what_is_installed_keeps_every_minute_and_makes_good_coarse_points]
}

/// How many one-minute points are sent, up to the last whole hour.
const MINUTES: i64 = 60;

/// How a coarse point is made of fine ones.
type Made = fn(&[f64]) -> f64;

/// A metric, and what ten and sixty of its points become.
const COARSE: &[(&str, Made)] = &[
    ("freebox.ultra.connection.bytes_down", last),
    ("freebox.ultra.connection.state", min),
    ("freebox.ultra.system.uptime", last),
    ("freebox.ultra.connection.rate_down", average),
    ("freebox.ultra.system.sensor.cpu0.temperature", max),
];

fn last(points: &[f64]) -> f64 {
    points[points.len() - 1]
}

fn average(points: &[f64]) -> f64 {
    points.iter().sum::<f64>() / points.len() as f64
}

fn min(points: &[f64]) -> f64 {
    points.iter().copied().fold(f64::MAX, f64::min)
}

fn max(points: &[f64]) -> f64 {
    points.iter().copied().fold(f64::MIN, f64::max)
}

/// Something that goes up and down, so that last, average and highest differ.
fn value(minute: i64) -> f64 {
    (minute * 37 % 23) as f64
}

fn what_is_installed_keeps_every_minute_and_makes_good_coarse_points() {
    let appliance = Appliance::new();
    appliance.install(&[]);
    let options = Options {
        storage: Some(appliance.path("opt/graphite/conf")),
        ..Options::default()
    };
    let carbon = carbon_with(options);
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("the time")
        .as_secs() as i64;
    let start = now / 3600 * 3600 - 60 * MINUTES;
    let guest = "freebox.ultra.lan.host.nas_0010.rx_rate";
    let mut lines = String::new();
    for minute in 0..MINUTES {
        for path in COARSE.iter().map(|(path, _)| *path).chain([guest]) {
            lines += &format!("{path} {} {}\n", value(minute), start + 60 * minute);
        }
    }
    let relay = ("127.0.0.1", carbon.relay_port());
    let mut stream = std::net::TcpStream::connect(relay).expect("the relay");
    std::io::Write::write_all(&mut stream, lines.as_bytes()).expect("lines");
    drop(stream);
    let all: Vec<(i64, f64)> = (0..MINUTES)
        .map(|it| (start + 60 * it, value(it)))
        .collect();
    for path in COARSE.iter().map(|(path, _)| *path).chain([guest]) {
        let until = Instant::now() + Duration::from_secs(20);
        while carbon.points(path) != all && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(carbon.points(path), all, "{path}");
    }
    let values: Vec<f64> = all.iter().map(|(_, value)| *value).collect();
    for (path, made) in COARSE {
        for (archive, points) in [(1, 10), (2, 60)] {
            let expected: Vec<f64> = values.chunks(points).map(made).collect();
            let stored: Vec<f64> = carbon
                .archive(path, archive)
                .iter()
                .map(|it| it.1)
                .collect();
            assert!(
                close(&stored, &expected),
                "{path}: {stored:?}, not {expected:?}"
            );
        }
    }
    // Guests have 15 minutes next.
    assert_eq!(carbon.archive(guest, 1).len(), 4);
}

fn close(some: &[f64], others: &[f64]) -> bool {
    let pairs = || some.iter().zip(others);
    some.len() == others.len() && pairs().all(|(one, other)| (one - other).abs() < 1e-9)
}
