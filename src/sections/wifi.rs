//! Wi-Fi: the radios, their networks and the stations on them.
//! <https://dev.freebox.fr/sdk/os/wifi/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object, paths_for, records, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("wifi/config/"),
    object("wifi/state/").since(10),
    list("wifi/ap/").then_lists(|aps, _| paths_for(aps, "id", "wifi/ap/{}/stations/")),
    list("wifi/bss/"),
    object("wifi/temp_disable").since(13),
    object("wifi/diag").since(9),
    object("wifi/planning/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&WIFI, &PHY, &AP, &BSS, &STATION];

/// Wi-Fi as a whole, its radios, its networks, its stations.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = vec![of_wifi(answers)];
    if let Some(state) = answers.object("wifi/state/") {
        samples.extend(records(state.get("expected_phys")).map(|phy| {
            Sample::read(&PHY, phy)
                .label("phy", phy.get("phy_id").and_then(text))
                .label("band", phy.get("band").and_then(text))
        }));
    }
    for ap in answers.records("wifi/ap/") {
        let stations = ap
            .get("id")
            .and_then(text)
            .map(|id| format!("wifi/ap/{id}/stations/"));
        let stations = stations.unwrap_or_default();
        samples.push(of_ap(ap).with("ap_station_count", answers.count(&stations)));
        samples.extend(
            answers
                .records(&stations)
                .map(|station| of_station(station, ap)),
        );
    }
    samples.extend(answers.records("wifi/bss/").map(of_bss));
    samples
}

fn of_wifi(answers: &Answers) -> Sample {
    let config = answers.object("wifi/config/").unwrap_or(&Json::Null);
    let number = |path, key| whole(answers.object(path)?, key);
    let planning = answers.object("wifi/planning/");
    let planned = planning.and_then(|it| crate::metrics::reading::flag(it.get("use_planning")?));
    let findings = |severity| {
        let diag = answers.object("wifi/diag")?;
        let all = records(diag.get("aps")).chain(records(diag.get("bsss")));
        Some(crate::sections::ask::count(all.filter(|it| {
            it.get("severity").is_some_and(|it| it == severity)
        })))
    };
    Sample::read(&WIFI, config)
        .with("planning_enabled", planned.map(i64::from))
        .with(
            "temp_disable_remaining_seconds",
            number("wifi/temp_disable", "remaining"),
        )
        .with("diag_minor_count", findings("minor"))
        .with("diag_major_count", findings("major"))
}

fn of_ap(ap: &Json) -> Sample {
    let sample = Sample::read(&AP, ap);
    // A radio that does not send keeps the channel it had, or has none.
    let sends = at(ap, "status.state").is_some_and(|state| state == "active");
    let sample = match sends {
        true => sample,
        false => CHANNEL.iter().fold(sample, |it, name| it.without(name)),
    };
    sample
        .label("ap", ap.get("id").and_then(text))
        .label("ap_name", ap.get("name").and_then(text))
        .label("band", at(ap, "config.band").and_then(text))
}

fn of_bss(bss: &Json) -> Sample {
    Sample::read(&BSS, bss)
        .label("bssid", bss.get("id").and_then(text))
        .label("ssid", at(bss, "config.ssid").and_then(text))
        .label("ap", bss.get("phy_id").and_then(text))
        .label("band", at(bss, "status.band").and_then(text))
}

fn of_station(station: &Json, ap: &Json) -> Sample {
    let label = |key| station.get(key).and_then(text);
    let mac = label("mac").or_else(|| at(station, "host.l2ident.id").and_then(text));
    let hostname = label("hostname").or_else(|| at(station, "host.primary_name").and_then(text));
    Sample::read(&STATION, station)
        .label("ap", ap.get("id").and_then(text))
        .label("ap_name", ap.get("name").and_then(text))
        .label("band", at(ap, "config.band").and_then(text))
        .label("station", label("id"))
        .label("mac", mac)
        .label("hostname", hostname)
        .label("bssid", label("bssid"))
}

static WIFI: Group = Group::new(
    "wifi",
    &[
        flag("enabled", "Wi-Fi is switched on"),
        state(
            "mac_filter_mode",
            Kind::Code(&[("disabled", 0), ("whitelist", 1), ("blacklist", 2)]),
            "Which devices may join",
        )
        .from(&["mac_filter_state"]),
        state("planning_enabled", Kind::Flag, "Wi-Fi has hours").computed(),
        gauge(
            "temp_disable_remaining_seconds",
            "s",
            "Until Wi-Fi comes back",
        )
        .since("13")
        .computed(),
        gauge(
            "diag_minor_count",
            "count",
            "Small findings of the box's diagnosis",
        )
        .computed(),
        gauge(
            "diag_major_count",
            "count",
            "Great findings of the box's diagnosis",
        )
        .computed(),
    ],
)
.since("2")
.measurement("freebox_wifi")
.field_prefix("wifi_");

static PHY: Group = Group::new("wifi.phy", &[flag("detected", "The radio is there")])
    .since("10.2")
    .identity(&[&["phy"]])
    .labels(&["band"])
    .measurement("freebox_wifi")
    .field_prefix("wifi_phy_");

/// The metrics of [`AP`] that mean something only while it sends.
const CHANNEL: [&str; 3] = ["channel_width", "primary_channel", "secondary_channel"];

static AP: Group = Group::new(
    "wifi.ap",
    &[
        state("state", Kind::Is("active"), "The radio sends").from(&["status.state"]),
        state(
            "ap_state_code",
            Kind::Code(&[
                ("scanning", 0),
                ("no_param", 1),
                ("bad_param", 2),
                ("disabled", 3),
                ("disabled_planning", 4),
                ("disabled_power_saving", 5),
                ("disabled_temp", 6),
                ("no_active_bss", 7),
                ("starting", 8),
                ("stopping", 9),
                ("acs", 10),
                ("ht_scan", 11),
                ("dfs", 12),
                ("active", 13),
                ("failed", 14),
            ]),
            "What the radio does",
        )
        .from(&["status.state"]),
        gauge("channel_width", "MHz", "Width of its channel").from(&["status.channel_width"]),
        gauge("primary_channel", "channel", "Its channel").from(&["status.primary_channel"]),
        gauge(
            "secondary_channel",
            "channel",
            "Its second channel, 0 for none",
        )
        .from(&["status.secondary_channel"]),
        gauge(
            "dfs_cac_remaining_seconds",
            "s",
            "Until it has listened for radars long enough",
        )
        .from(&["status.dfs_cac_remaining_time"]),
        gauge("ap_station_count", "count", "Stations on it").computed(),
    ],
)
.since("2")
.identity(&[&["ap", "ap_name"]])
.labels(&["band"])
.measurement("freebox_wifi")
.field_prefix("wifi_");

static BSS: Group = Group::new(
    "wifi.bss",
    &[
        state("state", Kind::Is("active"), "The network is on the air").from(&["status.state"]),
        gauge("station_count", "count", "Stations on it").from(&["status.sta_count"]),
        gauge(
            "authorized_station_count",
            "count",
            "Stations that are let in",
        )
        .from(&["status.authorized_sta_count"]),
    ],
)
.since("2")
.identity(&[&["bssid"]])
.labels(&["ssid", "ap", "band"])
.measurement("freebox_wifi")
.field_prefix("wifi_bss_");

/// `rx` is from the station to the box. What a station does not use is -1.
static STATION: Group = Group::new(
    "wifi.station",
    &[
        counter("rx_bytes", "byte", "From the station, since it joined"),
        counter("tx_bytes", "byte", "To the station, since it joined"),
        gauge("rx_rate", "byte/s", "From the station"),
        gauge("tx_rate", "byte/s", "To the station"),
        gauge("signal", "dBm", "How strong the station is heard"),
        gauge("conn_duration", "s", "Since it joined"),
        gauge("inactive", "s", "Since it was last heard"),
        state("state", Kind::Is("authenticated"), "It has shown its key"),
        flag("authorized", "It is let in").from(&["flags.authorized"]),
        flag("flag_legacy", "802.11a, b or g").from(&["flags.legacy"]),
        flag("flag_ht", "802.11n").from(&["flags.ht"]),
        flag("flag_vht", "802.11ac").from(&["flags.vht"]),
        flag("flag_he", "802.11ax").since("9").from(&["flags.he"]),
        gauge("rx_bitrate", "Mbit/s/10", "Last rate from the station")
            .from(&["last_rx.bitrate"])
            .not_negative(),
        gauge("rx_mcs", "-", "Last modulation from the station")
            .from(&["last_rx.mcs"])
            .not_negative(),
        gauge("rx_vht_mcs", "-", "The same, 802.11ac")
            .from(&["last_rx.vht_mcs"])
            .not_negative(),
        gauge("rx_width", "MHz", "Last width from the station").from(&["last_rx.width"]),
        flag("rx_shortgi", "Short guard interval from the station").from(&["last_rx.shortgi"]),
        gauge("tx_bitrate", "Mbit/s/10", "Last rate to the station")
            .from(&["last_tx.bitrate"])
            .not_negative(),
        gauge("tx_mcs", "-", "Last modulation to the station")
            .from(&["last_tx.mcs"])
            .not_negative(),
        gauge("tx_vht_mcs", "-", "The same, 802.11ac")
            .from(&["last_tx.vht_mcs"])
            .not_negative(),
        gauge("tx_width", "MHz", "Last width to the station").from(&["last_tx.width"]),
        flag("tx_shortgi", "Short guard interval to the station").from(&["last_tx.shortgi"]),
    ],
)
.since("2")
.identity(&[&["ap", "ap_name"], &["mac", "hostname", "station"]])
.labels(&["band", "bssid"])
.measurement("freebox_wifi")
.field_prefix("wifi_station_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn a_radio_that_sends_and_one_that_does_not() {
        let aps = r#"[{"id":0,"name":"2.4G","config":{"band":"2d4g"},
                "status":{"state":"active","channel_width":"20","primary_channel":6}},
            {"id":1,"status":{"state":"disabled","channel_width":"80","primary_channel":36}}]"#;
        let stations = r#"[{"id":"b-m","mac":"02:00:5E:00:00:20","hostname":"","signal":-61,
            "last_rx":{"bitrate":-1,"width":"20","shortgi":false},"flags":{"ht":true}}]"#;
        check(
            map,
            ASKS,
            &[("wifi/ap/", aps), ("wifi/ap/0/stations/", stations)],
            &[
                "wifi.ap.state{ap=0,ap_name=2.4G,band=2d4g} 1",
                "wifi.ap.ap_state_code{ap=0,ap_name=2.4G,band=2d4g} 13",
                "wifi.ap.channel_width{ap=0,ap_name=2.4G,band=2d4g} 20",
                "wifi.ap.primary_channel{ap=0,ap_name=2.4G,band=2d4g} 6",
                "wifi.ap.ap_station_count{ap=0,ap_name=2.4G,band=2d4g} 1",
                "wifi.station.signal{ap=0,ap_name=2.4G,band=2d4g,station=b-m,mac=02:00:5E:00:00:20} -61",
                "wifi.station.flag_ht{ap=0,ap_name=2.4G,band=2d4g,station=b-m,mac=02:00:5E:00:00:20} 1",
                "wifi.station.rx_width{ap=0,ap_name=2.4G,band=2d4g,station=b-m,mac=02:00:5E:00:00:20} 20",
                "wifi.station.rx_shortgi{ap=0,ap_name=2.4G,band=2d4g,station=b-m,mac=02:00:5E:00:00:20} 0",
                "wifi.ap.state{ap=1} 0",
                "wifi.ap.ap_state_code{ap=1} 3",
            ],
        );
    }
}
