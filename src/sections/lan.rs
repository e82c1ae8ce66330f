//! The LAN: its hosts on each interface, and the repeaters.
//! <https://dev.freebox.fr/sdk/os/lan/>
//!
//! A box remembers every host it has ever seen, with every address it ever had. In bridge mode it
//! declines.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::reading::{at, flag as yes, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, count, list, object, paths_for, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("lan/config/"),
    list("lan/browser/interfaces/")
        .then_hosts(|interfaces, _| paths_for(interfaces, "name", "lan/browser/{}/")),
    list("repeater/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LAN, &INTERFACE, &TYPE, &HOST, &REPEATER];

/// The mode, each interface with its hosts, what kinds they are of, the repeaters.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples: Vec<Sample> = answers
        .object("lan/config/")
        .map(|config| Sample::read(&LAN, config))
        .into_iter()
        .collect();
    let mut types: BTreeMap<String, i64> = BTreeMap::new();
    for interface in answers.records("lan/browser/interfaces/") {
        let Some(name) = interface.get("name").and_then(text) else {
            continue;
        };
        let path = format!("lan/browser/{name}/");
        let such = |key: &'static str| {
            answers.count_if(&path, |host| host.get(key).and_then(yes) == Some(true))
        };
        samples.push(
            Sample::read(&INTERFACE, interface)
                .with("active_count", such("active"))
                .with("reachable_count", such("reachable"))
                .label("interface", Some(name.clone())),
        );
        for host in answers.records(&path) {
            if let Some(host_type) = host.get("host_type").and_then(text) {
                *types.entry(host_type).or_default() += 1;
            }
            samples.push(of_host(host, &name));
        }
    }
    samples.extend(types.into_iter().map(|(host_type, count)| {
        Sample::new(&TYPE)
            .with("count", Some(count))
            .label("host_type", Some(host_type))
    }));
    samples.extend(answers.records("repeater/").map(of_repeater));
    samples
}

fn of_host(host: &Json, interface: &str) -> Sample {
    let label = |path| at(host, path).and_then(text);
    let mac = label("l2ident.id")
        .or_else(|| label("l2ident.0.id"))
        .or_else(|| label("id").map(|id| id.trim_start_matches("ether-").to_owned()));
    let name = label("primary_name").or_else(|| label("default_name"));
    let mut sample = Sample::read(&HOST, host)
        .label("interface", Some(interface.to_owned()))
        .label("mac", mac)
        .label("primary_name", name)
        .label("host_type", label("host_type"))
        .label("vendor", label("vendor_name"))
        .label("access_point", label("access_point.mac"))
        .label("access_point_type", label("access_point.type"));
    for (family, active, number) in [
        ("ipv4", "ipv4_active", "ipv4_count"),
        ("ipv6", "ipv6_active", "ipv6_count"),
    ] {
        let of_family = || {
            let all = host.get("l3connectivities").filter(|it| it.is_array());
            records(all).filter(move |it| it.get("af").is_some_and(|it| it == family))
        };
        if host.get("l3connectivities").is_some_and(Json::is_array) {
            let is_active = of_family().any(|it| it.get("active").and_then(yes) == Some(true));
            sample = sample
                .with(active, Some(is_active.into()))
                .with(number, Some(count(of_family())));
        }
        let best = of_family().max_by_key(|it| rank(it));
        sample = sample.label(family, best.and_then(|it| it.get("addr").and_then(text)));
    }
    sample
}

/// Of several addresses the one in use, then one that answers, then the latest.
fn rank(address: &Json) -> (bool, bool, i64) {
    let is = |key| address.get(key).and_then(yes) == Some(true);
    (
        is("active"),
        is("reachable"),
        crate::sections::ask::whole(address, "last_activity").unwrap_or_default(),
    )
}

fn of_repeater(repeater: &Json) -> Sample {
    let label = |key| repeater.get(key).and_then(text);
    Sample::read(&REPEATER, repeater)
        .label("repeater", label("main_mac").or_else(|| label("id")))
        .label("repeater_name", label("name"))
}

static LAN: Group = Group::new(
    "lan",
    &[state(
        "mode_bridge",
        Kind::Is("bridge"),
        "The box is a bridge, not a router",
    )
    .from(&["mode", "type"])],
)
.measurement("freebox_lan")
.field_prefix("lan_");

static INTERFACE: Group = Group::new(
    "lan.interface",
    &[
        gauge("count", "count", "Hosts that were ever seen").from(&["host_count"]),
        gauge("active_count", "count", "Hosts that are active").computed(),
        gauge("reachable_count", "count", "Hosts that answer").computed(),
    ],
)
.identity(&[&["interface"]])
.measurement("freebox_lan")
.field_prefix("lanhost_");

static TYPE: Group = Group::new(
    "lan.type",
    &[gauge("count", "count", "Hosts of this kind").computed()],
)
.identity(&[&["host_type"]])
.measurement("freebox_lan")
.field_prefix("lanhost_type_");

/// `ap_` is about the link to the box or the repeater that a host hangs on.
static HOST: Group = Group::new(
    "lan.host",
    &[
        flag("reachable", "It answers"),
        flag("active", "It is active"),
        flag("persistent", "It is remembered for ever"),
        time("first_activity", "First seen"),
        time("last_activity", "Last active"),
        time("last_time_reachable", "Last answered"),
        state(
            "ipv4_active",
            Kind::Flag,
            "One of its IPv4 addresses is in use",
        )
        .computed(),
        state(
            "ipv6_active",
            Kind::Flag,
            "One of its IPv6 addresses is in use",
        )
        .computed(),
        gauge("ipv4_count", "count", "IPv4 addresses it has or had").computed(),
        gauge("ipv6_count", "count", "IPv6 addresses it has or had").computed(),
        counter("ap_rx_bytes", "byte", "From the host").from(&["access_point.rx_bytes"]),
        counter("ap_tx_bytes", "byte", "To the host").from(&["access_point.tx_bytes"]),
        gauge("ap_rx_rate", "byte/s", "From the host").from(&["access_point.rx_rate"]),
        gauge("ap_tx_rate", "byte/s", "To the host").from(&["access_point.tx_rate"]),
        gauge("wifi_signal", "dBm", "How strong it is heard")
            .from(&["access_point.wifi_information.signal"]),
        gauge("wifi_phy_rx_rate", "Mbit/s/10", "Rate of its radio")
            .from(&["access_point.wifi_information.phy_rx_rate"]),
        gauge("wifi_phy_tx_rate", "Mbit/s/10", "Rate of the radio to it")
            .from(&["access_point.wifi_information.phy_tx_rate"]),
        gauge("wifi_sess_duration", "s", "Since it joined")
            .from(&["access_point.wifi_information.sess_duration"]),
        gauge("eth_speed", "Mbit/s", "Speed of its cable")
            .from(&["access_point.ethernet_information.speed"]),
    ],
)
.identity(&[&["interface"], &["mac", "primary_name", "ipv4"]])
.labels(&[
    "ipv6",
    "host_type",
    "vendor",
    "access_point",
    "access_point_type",
])
.measurement("freebox_lan")
.field_prefix("lanhost_");

static REPEATER: Group = Group::new(
    "repeater",
    &[
        state("status", Kind::Is("running"), "It runs"),
        state(
            "connected",
            Kind::Is("connected"),
            "It is connected to the box",
        )
        .from(&["connection"]),
        time("boot_time", "Started"),
    ],
)
.identity(&[&["repeater", "repeater_name"]])
.measurement("freebox_lan")
.field_prefix("repeater_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn hosts_on_two_interfaces_are_two() {
        let interfaces =
            r#"[{"name":"pub","host_count":"2"},{"name":"wifiguest","host_count":0},{}]"#;
        let hosts = r#"[{"l2ident":{"id":"02:00:5E:00:00:10"},"primary_name":"nas","host_type":"nas",
            "active":true,"reachable":false,"first_activity":0,"last_activity":1784000000,
            "l3connectivities":[{"af":"ipv4","addr":"192.168.1.9","active":false,"last_activity":9},
                {"af":"ipv4","addr":"192.168.1.20","active":true},{"af":"ipv6","addr":"fe80::1"}]}, 7]"#;
        let guests = r#"[{"l2ident":{"id":"02:00:5E:00:00:10"},"active":true}]"#;
        let host = "interface=pub,mac=02:00:5E:00:00:10,primary_name=nas,host_type=nas,\
                    ipv4=192.168.1.20,ipv6=fe80::1";
        check(
            map,
            ASKS,
            &[
                ("lan/config/", r#"{"mode":"router"}"#),
                ("lan/browser/interfaces/", interfaces),
                ("lan/browser/pub/", hosts),
                ("lan/browser/wifiguest/", guests),
            ],
            &[
                "lan.mode_bridge 0",
                "lan.interface.count{interface=pub} 2",
                "lan.interface.active_count{interface=pub} 1",
                "lan.interface.reachable_count{interface=pub} 0",
                &format!("lan.host.reachable{{{host}}} 0"),
                &format!("lan.host.active{{{host}}} 1"),
                &format!("lan.host.last_activity{{{host}}} 1784000000"),
                &format!("lan.host.ipv4_active{{{host}}} 1"),
                &format!("lan.host.ipv4_count{{{host}}} 2"),
                &format!("lan.host.ipv6_active{{{host}}} 0"),
                &format!("lan.host.ipv6_count{{{host}}} 1"),
                "lan.interface.count{interface=wifiguest} 0",
                "lan.interface.active_count{interface=wifiguest} 1",
                "lan.interface.reachable_count{interface=wifiguest} 0",
                "lan.host.active{interface=wifiguest,mac=02:00:5E:00:00:10} 1",
                "lan.type.count{host_type=nas} 1",
            ],
        );
    }
}
