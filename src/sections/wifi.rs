//! Wi-Fi: the radios, their networks and the stations on them.
//! <https://dev.freebox.fr/sdk/os/wifi/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{inherited, label};
use crate::metrics::lenient::{at, flag as yes};
use crate::metrics::metric::{self, Kind, Metric, counter, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::{TENTH_OF_MEGABIT, Unit};
use crate::sections::ask::{
    Answers, Ask, Detail, count, each_list, items, list, object, records, records_at, whole,
};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("wifi/config/").since(2),
    object("wifi/state/").since(10).holding(&["expected_phys"]),
    list("wifi/ap/").since(2).then(&[STATIONS]),
    list("wifi/bss/").since(2),
    object("wifi/temp_disable").since(13),
    object("wifi/diag").since(9).holding(&["aps", "bsss"]),
    object("wifi/planning/").since(2),
];

/// Who is on a radio.
const STATIONS: Detail = each_list("wifi/ap/{}/stations/", "id");

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&WIFI, &PHY, &AP, &BSS, &STATION];

/// Wi-Fi as a whole, its radios, its networks, its stations.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = vec![of_wifi(answers)];
    let state = answers.object("wifi/state/");
    let phys = state.map(|state| records_at(state, "expected_phys"));
    samples.extend(
        phys.into_iter()
            .flatten()
            .map(|phy| Sample::read(&PHY, phy)),
    );
    for ap in answers.records("wifi/ap/") {
        let of_ap = of_ap(ap);
        let stations = answers.detail(&STATIONS, ap);
        let how_many = stations.map(|list| count(records(Some(list))));
        let stations = records(stations);
        let stations = stations.map(|station| Sample::read(&STATION, station).within(&of_ap));
        let stations: Vec<Sample> = stations.collect();
        samples.push(of_ap.with(const { AP.metric("stations") }, how_many));
        samples.extend(stations);
    }
    let networks = answers.records("wifi/bss/");
    samples.extend(networks.map(|bss| Sample::read(&BSS, bss)));
    samples
}

fn of_wifi(answers: &Answers) -> Sample {
    let config = answers.object("wifi/config/").unwrap_or(&Json::Null);
    let number = |path, key| whole(answers.object(path)?, key);
    let planning = answers.object("wifi/planning/");
    let planned = planning.and_then(|it| yes(it.get("use_planning")?));
    let findings = |severity| {
        let diag = answers.object("wifi/diag")?;
        let lists = ["aps", "bsss"].into_iter();
        let mut told = lists.clone().filter_map(|list| items(diag, list));
        told.next()?;
        let all = lists.flat_map(|list| records_at(diag, list));
        let is_such = |it: &&Json| it.get("severity").is_some_and(|it| it == severity);
        Some(count(all.filter(is_such)))
    };
    Sample::read(&WIFI, config)
        .with(const { WIFI.metric("planning_enabled") }, planned)
        .with(
            const { WIFI.metric("pause_remaining") },
            number("wifi/temp_disable", "remaining"),
        )
        .with(
            const { WIFI.metric("diagnosis_minor_findings") },
            findings("minor"),
        )
        .with(
            const { WIFI.metric("diagnosis_major_findings") },
            findings("major"),
        )
}

fn of_ap(ap: &Json) -> Sample {
    let sample = Sample::read(&AP, ap);
    // A radio that does not send keeps the channel it had, or has none.
    match at(ap, "status.state").is_some_and(|state| state == "active") {
        true => sample,
        false => CHANNEL.iter().fold(sample, |it, metric| it.without(metric)),
    }
}

static WIFI: Group = Group::new(
    "wifi",
    "wifi",
    &[
        flag("enabled", "Whether Wi-Fi is switched on"),
        state(
            "mac_filter",
            Kind::Code(&[("disabled", 0), ("whitelist", 1), ("blacklist", 2)]),
            "Which devices the filter of MAC addresses lets into Wi-Fi",
        )
        .from(&["mac_filter_state"])
        .field("mac_filter_mode"),
        flag(
            "planning_enabled",
            "Whether Wi-Fi is switched on and off by a plan",
        )
        .computed(),
        gauge(
            "pause_remaining",
            Unit::Second,
            "Time until Wi-Fi comes back that was switched off for a while",
        )
        .since("13")
        .computed()
        .field("temp_disable_remaining_seconds"),
        metric::count(
            "diagnosis_minor_findings",
            "Small findings of the box's diagnosis of Wi-Fi",
        )
        .since("9")
        .computed()
        .field("diag_minor_count"),
        metric::count(
            "diagnosis_major_findings",
            "Great findings of the box's diagnosis of Wi-Fi",
        )
        .since("9")
        .computed()
        .field("diag_major_count"),
    ],
)
.since("2")
.measure("wifi")
.field_prefix("wifi_");

static PHY: Group = Group::new(
    "wifi.phy",
    "wifi.phy.{phy}",
    &[flag(
        "detected",
        "Whether the box finds this Wi-Fi radio that it should have",
    )],
)
.since("10.2")
.labels(&[
    label("phy", &["phy_id"]).tag("phy_id"),
    label("band", &["band"]).tag("band"),
])
.measure("wifi")
.field_prefix("wifi_phy_");

/// The metrics of [`AP`] that mean something only while it sends.
const CHANNEL: [&Metric; 3] = [
    AP.metric("channel_width"),
    AP.metric("primary_channel"),
    AP.metric("secondary_channel"),
];

static AP: Group = Group::new(
    "wifi.ap",
    "wifi.ap.{ap}",
    &[
        state(
            "active",
            Kind::Is("active"),
            "Whether this Wi-Fi radio sends",
        )
        .from(&["status.state"])
        .field("state"),
        state(
            "state",
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
            "What this Wi-Fi radio does",
        )
        .from(&["status.state"])
        .field("ap_state_code"),
        gauge(
            "channel_width",
            Unit::Megahertz,
            "Width of the channel of this Wi-Fi radio",
        )
        .from(&["status.channel_width"])
        .raw_text(),
        gauge(
            "primary_channel",
            Unit::None,
            "Number of the channel of this Wi-Fi radio",
        )
        .from(&["status.primary_channel"]),
        gauge(
            "secondary_channel",
            Unit::None,
            "Number of the second channel of this Wi-Fi radio, 0 for none",
        )
        .from(&["status.secondary_channel"]),
        gauge(
            "dfs_remaining",
            Unit::Second,
            "Time until this Wi-Fi radio has listened for radars long enough",
        )
        .from(&["status.dfs_cac_remaining_time"])
        .field("dfs_cac_remaining_seconds"),
        metric::count("stations", "Stations on this Wi-Fi radio")
            .computed()
            .field("ap_station_count"),
    ],
)
.since("2")
.labels(&[
    label("ap", &["id"]).tag("wifi_ap"),
    label("ap_name", &["name"]).tag("wifi_ap_name").names("ap"),
    label("band", &["config.band"]).tag("wifi_ap_band"),
])
.measure("wifi")
.field_prefix("wifi_");

static BSS: Group = Group::new(
    "wifi.bss",
    "wifi.bss.{bssid}",
    &[
        state(
            "active",
            Kind::Is("active"),
            "Whether this Wi-Fi network is on the air",
        )
        .from(&["status.state"])
        .field("state"),
        metric::count("stations", "Stations on this Wi-Fi network")
            .from(&["status.sta_count"])
            .field("station_count"),
        metric::count(
            "authorized_stations",
            "Stations that this Wi-Fi network has let in",
        )
        .from(&["status.authorized_sta_count"])
        .field("authorized_station_count"),
    ],
)
.since("2")
.labels(&[
    label("bssid", &["id"]).tag("bssid"),
    // A network has the same name on each radio, so that it cannot stand for the address.
    label("ssid", &["config.ssid"]).tag("ssid").spoken(),
    label("ap", &["phy_id"]).tag("wifi_ap"),
    label("band", &["status.band"]),
])
.measure("wifi")
.field_prefix("wifi_bss_");

/// `rx` is from the station to the box. What a station does not use is -1.
static STATION: Group = Group::new("wifi.station", "wifi.ap.{ap}.station.{mac}", OF_STATION)
    .since("2")
    .labels(&[
        inherited("ap").tag("wifi_ap"),
        inherited("ap_name").tag("wifi_ap_name").stands_for("ap"),
        inherited("band"),
        label("hostname", &["hostname", "host.primary_name"])
            .tag("wifi_station_hostname")
            .names("mac"),
        label("mac", &["mac", "host.l2ident.id"]).tag("wifi_station_mac"),
        label("station", &["id"])
            .tag("wifi_station")
            .stands_for("mac"),
        label("bssid", &["bssid"]).tag("wifi_station_bssid"),
    ])
    .measure("wifi")
    .field_prefix("wifi_station_");

const OF_STATION: &[Metric] = &[
    counter(
        "rx_bytes",
        Unit::Byte,
        "Bytes received from this Wi-Fi station since it joined",
    ),
    counter(
        "tx_bytes",
        Unit::Byte,
        "Bytes sent to this Wi-Fi station since it joined",
    ),
    gauge(
        "rx_rate",
        Unit::BytePerSecond,
        "Rate received from this Wi-Fi station",
    ),
    gauge(
        "tx_rate",
        Unit::BytePerSecond,
        "Rate sent to this Wi-Fi station",
    ),
    gauge(
        "signal",
        Unit::Dbm,
        "How strong this Wi-Fi station is heard",
    ),
    gauge(
        "connected_duration",
        Unit::Second,
        "Time since this Wi-Fi station joined",
    )
    .from(&["conn_duration"])
    .field("conn_duration"),
    gauge(
        "inactive_duration",
        Unit::Second,
        "Time since this Wi-Fi station was last heard",
    )
    .from(&["inactive"])
    .field("inactive"),
    state(
        "authenticated",
        Kind::Is("authenticated"),
        "Whether this Wi-Fi station has shown its key",
    )
    .from(&["state"])
    .field("state"),
    flag("authorized", "Whether this Wi-Fi station is let in").from(&["flags.authorized"]),
    flag(
        "legacy",
        "Whether this Wi-Fi station speaks 802.11a, b or g",
    )
    .from(&["flags.legacy"])
    .field("flag_legacy"),
    flag("ht", "Whether this Wi-Fi station speaks 802.11n (Wi-Fi 4)")
        .from(&["flags.ht"])
        .field("flag_ht"),
    flag(
        "vht",
        "Whether this Wi-Fi station speaks 802.11ac (Wi-Fi 5)",
    )
    .from(&["flags.vht"])
    .field("flag_vht"),
    flag("he", "Whether this Wi-Fi station speaks 802.11ax (Wi-Fi 6)")
        .since("9")
        .from(&["flags.he"])
        .field("flag_he"),
    gauge(
        "rx_bitrate",
        Unit::BitPerSecond,
        "Last rate of the radio from this Wi-Fi station",
    )
    .from(&["last_rx.bitrate"])
    .not_negative()
    .times(TENTH_OF_MEGABIT)
    .raw(),
    gauge(
        "rx_mcs",
        Unit::None,
        "Index of the last modulation from this Wi-Fi station, 802.11n",
    )
    .from(&["last_rx.mcs"])
    .not_negative(),
    gauge(
        "rx_vht_mcs",
        Unit::None,
        "Index of the last modulation from this Wi-Fi station, 802.11ac",
    )
    .from(&["last_rx.vht_mcs"])
    .not_negative(),
    gauge(
        "rx_channel_width",
        Unit::Megahertz,
        "Width of the last transmission from this Wi-Fi station",
    )
    .from(&["last_rx.width"])
    .field("rx_width"),
    flag(
        "rx_short_guard_interval",
        "Whether this Wi-Fi station last sent with short guard intervals",
    )
    .from(&["last_rx.shortgi"])
    .field("rx_shortgi"),
    gauge(
        "tx_bitrate",
        Unit::BitPerSecond,
        "Last rate of the radio to this Wi-Fi station",
    )
    .from(&["last_tx.bitrate"])
    .not_negative()
    .times(TENTH_OF_MEGABIT)
    .raw(),
    gauge(
        "tx_mcs",
        Unit::None,
        "Index of the last modulation to this Wi-Fi station, 802.11n",
    )
    .from(&["last_tx.mcs"])
    .not_negative(),
    gauge(
        "tx_vht_mcs",
        Unit::None,
        "Index of the last modulation to this Wi-Fi station, 802.11ac",
    )
    .from(&["last_tx.vht_mcs"])
    .not_negative(),
    gauge(
        "tx_channel_width",
        Unit::Megahertz,
        "Width of the last transmission to this Wi-Fi station",
    )
    .from(&["last_tx.width"])
    .field("tx_width"),
    flag(
        "tx_short_guard_interval",
        "Whether this Wi-Fi station was last sent to with short guard intervals",
    )
    .from(&["last_tx.shortgi"])
    .field("tx_shortgi"),
];

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
            "last_rx":{"bitrate":-1,"width":"20","shortgi":false},"last_tx":{"bitrate":866},
            "flags":{"ht":true}}]"#;
        let ap = "ap=0,ap_name=2.4G,band=2d4g";
        let station = format!("mac=02:00:5E:00:00:20,station=b-m,{ap}");
        check(
            map,
            ASKS,
            &[("wifi/ap/", aps), ("wifi/ap/0/stations/", stations)],
            &[
                &format!("wifi.ap.active{{{ap}}} 1"),
                &format!("wifi.ap.state{{{ap}}} 13"),
                &format!("wifi.ap.channel_width{{{ap}}} 20 (20)"),
                &format!("wifi.ap.primary_channel{{{ap}}} 6"),
                &format!("wifi.ap.stations{{{ap}}} 1"),
                &format!("wifi.station.signal{{{station}}} -61"),
                &format!("wifi.station.ht{{{station}}} 1"),
                &format!("wifi.station.rx_channel_width{{{station}}} 20"),
                &format!("wifi.station.rx_short_guard_interval{{{station}}} 0"),
                &format!("wifi.station.tx_bitrate{{{station}}} 86600000 (866)"),
                "wifi.ap.active{ap=1} 0",
                "wifi.ap.state{ap=1} 3",
            ],
        );
    }
}
