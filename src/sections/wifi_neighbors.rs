//! The air around: networks of others, how busy the channels are. From the box's last scan, which
//! a new one would take the radio off the air for: none is asked for here.
//! <https://dev.freebox.fr/sdk/os/wifi/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::gauge;
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, paths_for, whole};

/// How far back to look for the channel survey, which has several samples a second.
const SURVEY_SECONDS: u64 = 5;

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("wifi/ap/").then_lists(paths)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&AROUND, &NEIGHBOR, &CHANNEL, &SURVEY];

fn paths(aps: &Json, time: u64) -> Vec<String> {
    let mut paths = paths_for(aps, "id", "wifi/ap/{}/neighbors/");
    paths.extend(paths_for(aps, "id", "wifi/ap/{}/channel_usage/"));
    paths.extend(paths_for(aps, "id", &survey("{}", time)));
    paths
}

fn survey(ap: &str, time: u64) -> String {
    let from = time.saturating_sub(SURVEY_SECONDS) * 1000;
    format!("wifi/ap/{ap}/channel_survey_history/{from}")
}

/// What each radio hears.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = Vec::new();
    for ap in answers.records("wifi/ap/") {
        let Some(id) = ap.get("id").and_then(text) else {
            continue;
        };
        let at_ap = |sample: Sample| {
            sample
                .label("ap", Some(id.clone()))
                .label("ap_name", ap.get("name").and_then(text))
        };
        let neighbors = format!("wifi/ap/{id}/neighbors/");
        let count = answers.count(&neighbors);
        samples.push(at_ap(Sample::new(&AROUND).with("count", count)));
        samples.extend(answers.records(&neighbors).map(|neighbor| {
            at_ap(Sample::read(&NEIGHBOR, neighbor))
                .label("bssid", neighbor.get("bssid").and_then(text))
                .label("ssid", neighbor.get("ssid").and_then(text))
        }));
        let usage = format!("wifi/ap/{id}/channel_usage/");
        samples.extend(answers.records(&usage).map(|channel| {
            at_ap(Sample::read(&CHANNEL, channel))
                .label("channel", channel.get("channel").and_then(text))
                .label("band", channel.get("band").and_then(text))
        }));
        let path = survey(&id, answers.time);
        let last = answers
            .records(&path)
            .max_by_key(|it| whole(it, "timestamp"));
        samples.extend(last.map(|last| at_ap(Sample::read(&SURVEY, last))));
    }
    samples
}

static AROUND: Group = Group::new(
    "wifi.neighbors",
    &[gauge("count", "count", "Networks of others").computed()],
)
.since("2")
.identity(&[&["ap", "ap_name"]])
.measurement("freebox_wifi")
.field_prefix("wifi_neighbor_");

static NEIGHBOR: Group = Group::new(
    "wifi.neighbor",
    &[gauge("signal", "dBm", "How strong it is heard")],
)
.since("2")
.identity(&[&["ap", "ap_name"], &["bssid"]])
.labels(&["ssid"])
.measurement("freebox_wifi")
.field_prefix("wifi_neighbor_");

static CHANNEL: Group = Group::new(
    "wifi.channel",
    &[
        gauge("noise", "dBm", "Noise on the channel").from(&["noise_level"]),
        gauge("rx_busy_percent", "%", "How much of the time it is in use"),
    ],
)
.since("2")
.identity(&[&["ap", "ap_name"], &["channel"]])
.labels(&["band"])
.measurement("freebox_wifi")
.field_prefix("wifi_channel_");

static SURVEY: Group = Group::new(
    "wifi.survey",
    &[
        gauge(
            "busy_percent",
            "%",
            "How much of the time the channel is in use",
        ),
        gauge("tx_percent", "%", "… by what the box sends"),
        gauge("rx_percent", "%", "… by what the box hears"),
        gauge("rx_bss_percent", "%", "… by what its stations send"),
    ],
)
.since("8.5")
.identity(&[&["ap", "ap_name"]])
.measurement("freebox_wifi")
.field_prefix("wifi_survey_");
