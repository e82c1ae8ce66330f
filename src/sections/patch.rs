//! `--patch-rate-up-bytes-up`: some boxes mix the two directions of the line in their upload
//! figures since October 2024 (Free's bug tracker, task 40445). What came into the switch from the
//! LAN is close to what went out on the line, where devices on cables do not speak to each other.

use crate::metrics::metric::{InField, Metric};
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;
use crate::sections::connection::LINE;
use crate::sections::switch::PORT;

/// What to replace, and which number of each port to add up for it.
const PATCHES: [(&Metric, &Metric); 2] = [
    (LINE.metric("rate_up"), PORT.metric("rx_bytes_rate")),
    (LINE.metric("bytes_up"), PORT.metric("rx_good_bytes")),
];

/// Replaces the upload figures of a line that is up. Without a single port to count they go: the
/// box's own are known to be wrong here.
pub(crate) fn rate_up_bytes_up(samples: &mut [Sample]) {
    let sums = PATCHES.map(|(patched, counted)| (patched, sum(samples, counted)));
    let line = samples.iter_mut().find(|it| it.group.name == LINE.name);
    let state = const { LINE.metric("state") };
    let Some(line) = line.filter(|line| number(line, state) == Some(1)) else {
        return;
    };
    for (metric, sum) in sums {
        line.values.retain(|known| known.metric.name != metric.name);
        line.add(metric, sum, InField::Same);
    }
}

/// Takes the upload figures out of what the box remembers of a line, which are the wrong ones.
pub(crate) fn without_upload(samples: &mut [Sample]) {
    for line in samples.iter_mut().filter(|it| it.group.name == LINE.name) {
        let is_patched = |name| PATCHES.iter().any(|(metric, _)| metric.name == name);
        line.values.retain(|known| !is_patched(known.metric.name));
    }
}

fn sum(samples: &[Sample], metric: &Metric) -> Option<i64> {
    let ports = samples.iter().filter(|it| it.group.name == PORT.name);
    ports
        .filter_map(|port| number(port, metric))
        .reduce(i64::saturating_add)
}

fn number(sample: &Sample, metric: &Metric) -> Option<i64> {
    let mut values = sample.values.iter();
    match values.find(|known| known.metric.name == metric.name)?.value {
        Value::Int(whole) => Some(whole),
        Value::Float(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The upload figures of a line in this state, with these answers of the ports.
    fn patched(state: &str, ports: &[serde_json::Value]) -> [Option<i64>; 2] {
        let line = json!({"state": state, "rate_up": 7, "bytes_up": 8});
        let mut samples = vec![Sample::read(&LINE, &line)];
        samples.extend(ports.iter().map(|port| Sample::read(&PORT, port)));
        rate_up_bytes_up(&mut samples);
        PATCHES.map(|(patched, _)| number(&samples[0], patched))
    }

    #[test]
    fn the_ports_stand_in_for_a_line_that_is_up() {
        let ports = [
            json!({"rx_bytes_rate": 100, "rx_good_bytes": 1000}),
            json!({"rx_bytes_rate": -1, "rx_good_bytes": 2000}),
            json!({"rx_bytes_rate": "20"}),
        ];
        assert_eq!(patched("up", &ports), [Some(120), Some(3000)]);
        assert_eq!(patched("down", &ports), [Some(7), Some(8)]);
        assert_eq!(patched("up", &[]), [None, None]);
    }
}
