//! The air around: networks of others, how busy the channels are. From the box's last scan, which
//! a new one would take the radio off the air for: none is asked for here.
//! <https://dev.freebox.fr/sdk/os/wifi/>

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{inherited, label};
use crate::metrics::lenient::text;
use crate::metrics::metric::{self, gauge};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, Detail, count, each_list, list, records, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("wifi/ap/").since(2).then(&[HEARD, USAGE, HISTORY])];

// A radio that is off hears nothing.
const HEARD: Detail = each_list("wifi/ap/{}/neighbors/", "id").uncertain();
const USAGE: Detail = each_list("wifi/ap/{}/channel_usage/", "id").uncertain();
const HISTORY: Detail = each_list("wifi/ap/{}/channel_survey_history/{since}", "id").uncertain();

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&AROUND, &NEIGHBOR, &CHANNEL, &SURVEY];

/// What each radio hears.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let aps = answers.records("wifi/ap/");
    aps.flat_map(|ap| of_ap(ap, answers)).collect()
}

fn of_ap(ap: &Json, answers: &Answers) -> Vec<Sample> {
    let around = Sample::read(&AROUND, ap);
    if around.text("ap").is_none() {
        return Vec::new();
    }
    let list = answers.detail(&HEARD, ap);
    let neighbors = records(list).map(|it| Sample::read(&NEIGHBOR, it).within(&around));
    let neighbors: Vec<Sample> = neighbors.collect();
    let channels = of_channels(list, answers.detail(&USAGE, ap), &around);
    let last = records(answers.detail(&HISTORY, ap));
    let last = last.max_by_key(|it| whole(it, "timestamp"));
    let last = last.map(|last| Sample::read(&SURVEY, last).within(&around));
    let heard = list.map(|list| count(records(Some(list))));
    [around.with(const { AROUND.metric("neighbors") }, heard)]
        .into_iter()
        .chain(neighbors)
        .chain(channels)
        .chain(last)
        .collect()
}

/// The channels with what was measured on them and how many networks were heard there. A channel
/// that has networks but was not measured counts as well.
fn of_channels(neighbors: Option<&Json>, usage: Option<&Json>, around: &Sample) -> Vec<Sample> {
    let mut heard: BTreeMap<String, i64> = BTreeMap::new();
    for neighbor in records(neighbors) {
        if let Some(channel) = neighbor.get("channel").and_then(text) {
            *heard.entry(channel).or_default() += 1;
        }
    }
    let mut samples = Vec::new();
    for usage in records(usage) {
        let channel = Sample::read(&CHANNEL, usage).within(around);
        let count = channel.text("channel").and_then(|it| heard.remove(it));
        let count = neighbors.map(|_| count.unwrap_or_default());
        samples.push(channel.with(const { CHANNEL.metric("neighbors") }, count));
    }
    samples.extend(heard.into_iter().map(|(channel, count)| {
        Sample::new(&CHANNEL)
            .within(around)
            .label("channel", Some(channel))
            .with(const { CHANNEL.metric("neighbors") }, Some(count))
    }));
    samples
}

static AROUND: Group = Group::new(
    "wifi.neighbors",
    "wifi.ap.{ap}",
    &[metric::count(
        "neighbors",
        "Networks of others that this Wi-Fi radio heard at its last scan",
    )
    .computed()
    .field("count")],
)
.since("2")
.labels(&[
    label("ap", &["id"]).tag("wifi_ap"),
    label("ap_name", &["name"]).names("ap"),
])
.measure("wifi")
.field_prefix("wifi_neighbor_");

static NEIGHBOR: Group = Group::new(
    "wifi.neighbor",
    "wifi.ap.{ap}.neighbor.{bssid}",
    &[gauge(
        "signal",
        Unit::Dbm,
        "How strong this Wi-Fi network of others is heard",
    )],
)
.since("2")
.of_strangers()
.labels(&[
    inherited("ap").tag("wifi_ap"),
    inherited("ap_name").stands_for("ap"),
    label("bssid", &["bssid"]).tag("bssid"),
    label("ssid", &["ssid"]).tag("ssid").spoken(),
])
.measure("wifi")
.field_prefix("wifi_neighbor_");

static CHANNEL: Group = Group::new(
    "wifi.channel",
    "wifi.ap.{ap}.channel.{channel}",
    &[
        gauge(
            "noise",
            Unit::Dbm,
            "Noise on this Wi-Fi channel at the radio's last scan",
        )
        .from(&["noise_level"]),
        gauge(
            "rx_busy_percent",
            Unit::Percent,
            "Share of the time in which this Wi-Fi channel was in use",
        ),
        metric::count(
            "neighbors",
            "Networks of others that were heard on this Wi-Fi channel",
        )
        .computed()
        .field("neighbor_count"),
    ],
)
.since("2")
.labels(&[
    inherited("ap").tag("wifi_ap"),
    inherited("ap_name").stands_for("ap"),
    label("channel", &["channel"]).tag("channel"),
    label("band", &["band"]),
])
.measure("wifi")
.field_prefix("wifi_channel_");

static SURVEY: Group = Group::new(
    "wifi.survey",
    "wifi.ap.{ap}.survey",
    &[
        gauge(
            "busy_percent",
            Unit::Percent,
            "Share of the time in which the Wi-Fi radio's channel is in use",
        ),
        gauge(
            "tx_percent",
            Unit::Percent,
            "Share of the time in which the Wi-Fi radio itself sends",
        ),
        gauge(
            "rx_percent",
            Unit::Percent,
            "Share of the time in which the Wi-Fi radio hears somebody",
        ),
        gauge(
            "rx_bss_percent",
            Unit::Percent,
            "Share of the time in which the Wi-Fi radio hears its own stations",
        ),
    ],
)
.since("8.5")
.labels(&[
    inherited("ap").tag("wifi_ap"),
    inherited("ap_name").names("ap"),
])
.measure("wifi")
.field_prefix("wifi_survey_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn channels_count_the_networks_that_are_heard_on_them() {
        let neighbors = r#"[{"bssid":"02:00:5E:00:03:01","ssid":"a","channel":36,"signal":-70},
            {"bssid":"02:00:5E:00:03:02","channel":36},{"bssid":"02:00:5E:00:03:03","channel":44}]"#;
        let usage = r#"[{"channel":36,"band":"5g","noise_level":-90},{"channel":40}]"#;
        check(
            map,
            ASKS,
            &[
                ("wifi/ap/", r#"[{"id":1}]"#),
                ("wifi/ap/1/neighbors/", neighbors),
                ("wifi/ap/1/channel_usage/", usage),
            ],
            &[
                "wifi.neighbors.neighbors{ap=1} 3",
                "wifi.neighbor.signal{bssid=02:00:5E:00:03:01,ssid=a,ap=1} -70",
                "wifi.channel.noise{channel=36,band=5g,ap=1} -90",
                "wifi.channel.neighbors{channel=36,band=5g,ap=1} 2",
                "wifi.channel.neighbors{channel=40,ap=1} 0",
                "wifi.channel.neighbors{ap=1,channel=44} 1",
            ],
        );
    }
}
