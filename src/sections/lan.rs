//! The LAN: its hosts on each interface.
//! <https://dev.freebox.fr/sdk/os/lan/>
//!
//! A box remembers every host it has ever seen, with every address it ever had. In bridge mode it
//! declines.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::api::LARGEST_ANSWER;
use crate::metrics::group::Group;
use crate::metrics::label::{Spelling, given, inherited, label};
use crate::metrics::lenient::{at, flag as yes, text};
use crate::metrics::metric::{self, Kind, Metric, counter, flag, gauge, state, time};
use crate::metrics::sample::{Sample, Seen};
use crate::metrics::unit::{MEGABIT, TENTH_OF_MEGABIT, Unit};
use crate::sections::ask::{
    Answers, Ask, Detail, count, each_list, items, list, object, records, records_at, whole,
};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("lan/config/"),
    list("lan/browser/interfaces/").then(&[HOSTS]),
];

/// The hosts on an interface.
const HOSTS: Detail = each_list("lan/browser/{}/", "name")
    .up_to(LARGEST_ANSWER)
    .holding(&[ADDRESSES]);

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LAN, &INTERFACE, &TYPE, &HOST];

/// The mode, each interface with its hosts, what kinds they are of.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let config = answers.object("lan/config/");
    let mut samples: Vec<Sample> = config
        .map(|it| Sample::read(&LAN, it))
        .into_iter()
        .collect();
    let mut types: BTreeMap<String, i64> = BTreeMap::new();
    for interface in answers.records("lan/browser/interfaces/") {
        let of_interface = Sample::read(&INTERFACE, interface);
        if of_interface.text("interface").is_none() {
            continue;
        }
        let list = answers.detail(&HOSTS, interface);
        let hosts = records(list).map(|it| of_host(it).within(&of_interface));
        let hosts: Vec<Sample> = hosts.collect();
        for host_type in hosts.iter().filter_map(|host| host.text("host_type")) {
            *types.entry(host_type.to_owned()).or_default() += 1;
        }
        samples.push(with_counts(of_interface, list));
        samples.extend(hosts);
    }
    samples.extend(types.into_iter().map(|(host_type, count)| {
        Sample::new(&TYPE)
            .with(const { TYPE.metric("hosts") }, Some(count))
            .label("host_type", Some(host_type))
    }));
    samples
}

fn with_counts(interface: Sample, hosts: Option<&Json>) -> Sample {
    let such = |key: &'static str| {
        hosts.map(|list| count(records(Some(list)).filter(|host| is(host, key))))
    };
    interface
        .with(const { INTERFACE.metric("hosts_active") }, such("active"))
        .with(
            const { INTERFACE.metric("hosts_reachable") },
            such("reachable"),
        )
}

fn is(record: &Json, key: &str) -> bool {
    record.get(key).and_then(yes) == Some(true)
}

/// Where a host's addresses are.
const ADDRESSES: &str = "l3connectivities";

fn of_host(host: &Json) -> Sample {
    let mut sample = Sample::read(&HOST, host)
        .label("mac", mac(host))
        .seen(last_seen(host).or_else(|| never_seen(host)));
    let is_told = items(host, ADDRESSES).is_some();
    for (family, last, active, number) in FAMILIES {
        let of_family = || {
            let all = records_at(host, ADDRESSES);
            all.filter(move |it| it.get("af").is_some_and(|it| it == family))
        };
        if is_told {
            let is_active = of_family().any(|it| is(it, "active"));
            sample = sample
                .with(active, Some(is_active))
                .with(number, Some(count(of_family())));
        }
        let address = |it: &Json| it.get("addr").and_then(text);
        let best = of_family().max_by_key(|it| rank(it)).and_then(address);
        sample = sample
            .label(family, best)
            .label(last, of_family().last().and_then(address));
    }
    sample
}

/// Each family of addresses: its name and label, the label of the last one in the list, which is
/// what freebox-monitoring 0.9.1 has, and what is counted.
const FAMILIES: [(&str, &str, &Metric, &Metric); 2] = [
    (
        "ipv4",
        "ipv4_last",
        HOST.metric("ipv4_active"),
        HOST.metric("ipv4_addresses"),
    ),
    (
        "ipv6",
        "ipv6_last",
        HOST.metric("ipv6_active"),
        HOST.metric("ipv6_addresses"),
    ),
];

fn mac(host: &Json) -> Option<String> {
    let paths = ["l2ident.id", "l2ident.0.id"].into_iter();
    let mut told = paths.filter_map(|path| at(host, path).and_then(text));
    told.next().or_else(|| {
        let id = host.get("id").and_then(text)?;
        Some(id.trim_start_matches("ether-").to_owned())
    })
}

/// When a host was last there; copies of its record stand in leases too. `None` where the box does
/// not say.
pub(super) fn last_seen(host: &Json) -> Option<Seen> {
    let moments = ["last_activity", "last_time_reachable"];
    let last = moments.iter().filter_map(|key| whole(host, key)).max();
    match is(host, "active") || is(host, "reachable") {
        true => Some(Seen::Now(last)),
        false => last.map(Seen::At),
    }
}

/// A host that is away and has no moment was there before the box kept any.
fn never_seen(host: &Json) -> Option<Seen> {
    let is_away = host.get("active").and_then(yes) == Some(false);
    is_away.then_some(Seen::At(0))
}

/// Of several addresses the one in use, then one that answers, then the latest.
fn rank(address: &Json) -> (bool, bool, i64) {
    (
        is(address, "active"),
        is(address, "reachable"),
        whole(address, "last_activity").unwrap_or_default(),
    )
}

static LAN: Group = Group::new(
    "lan",
    "lan",
    &[state(
        "bridge_mode",
        Kind::Is("bridge"),
        "Whether the box is a bridge instead of a router",
    )
    .from(&["mode", "type"])
    .field("mode_bridge")],
)
.measure("lan")
.field_prefix("lan_");

static INTERFACE: Group = Group::new(
    "lan.interface",
    "lan.interface.{interface}",
    &[
        metric::count(
            "hosts",
            "Hosts that were ever seen on this interface of the LAN",
        )
        .from(&["host_count"])
        .field("count"),
        metric::count(
            "hosts_active",
            "Hosts that are active on this interface of the LAN",
        )
        .computed()
        .field("active_count"),
        metric::count(
            "hosts_reachable",
            "Hosts that answer on this interface of the LAN",
        )
        .computed()
        .field("reachable_count"),
    ],
)
.labels(&[label("interface", &["name"]).tag("lan_iface")])
.measure("lan")
.field_prefix("lanhost_");

static TYPE: Group = Group::new(
    "lan.type",
    "lan.type.{host_type}",
    &[
        metric::count("hosts", "Hosts of this kind that were ever seen in the LAN")
            .computed()
            .field("count"),
    ],
)
.labels(&[given("host_type").tag("lan_type")])
.measure("lan")
.field_prefix("lanhost_type_");

static HOST: Group = Group::new("lan.host", "lan.interface.{interface}.host.{mac}", OF_HOST)
    .labels(&[
        label("host_type", &["host_type"]).tag("lan_type"),
        label("primary_name", &["primary_name", "default_name"]).names("mac"),
        label("written_name", &["primary_name"])
            .tag("lan_primary_name")
            .spelled(Spelling::OrBlank)
            .tag_only(),
        label("vendor", &["vendor_name"])
            .tag("lan_vendor")
            .spelled(Spelling::WordsOfMaker),
        given("mac").tag("lan_mac_address"),
        inherited("interface").tag("lan_iface").usual("pub"),
        given("ipv4_last").tag("lan_ipv4").tag_only(),
        given("ipv6_last").tag("lan_ipv6").tag_only(),
        given("ipv4").stands_for("mac"),
        given("ipv6"),
        label("access_point", &["access_point.mac"]),
        label("access_point_type", &["access_point.type"]),
    ])
    .measure("lan")
    .field_prefix("lanhost_");

/// What is read in `access_point` is about the link to the box or the repeater that a host hangs
/// on, in the direction that the box sees: `rx` is from the host.
const OF_HOST: &[Metric] = &[
    flag("reachable", "Whether this host of the LAN answers"),
    flag("active", "Whether this host of the LAN is active"),
    flag(
        "persistent",
        "Whether the box remembers this host of the LAN for ever",
    ),
    time(
        "first_activity_time",
        "Moment when this host of the LAN was first seen",
    )
    .from(&["first_activity"])
    .field("first_activity"),
    time(
        "last_activity_time",
        "Moment when this host of the LAN was last active",
    )
    .from(&["last_activity"])
    .field("last_activity"),
    time(
        "last_reachable_time",
        "Moment when this host of the LAN last answered",
    )
    .from(&["last_time_reachable"])
    .field("last_time_reachable"),
    flag(
        "ipv4_active",
        "Whether an IPv4 address of this host of the LAN is in use",
    )
    .computed(),
    flag(
        "ipv6_active",
        "Whether an IPv6 address of this host of the LAN is in use",
    )
    .computed(),
    metric::count(
        "ipv4_addresses",
        "IPv4 addresses that this host of the LAN has or had",
    )
    .computed()
    .field("ipv4_count"),
    metric::count(
        "ipv6_addresses",
        "IPv6 addresses that this host of the LAN has or had",
    )
    .computed()
    .field("ipv6_count"),
    counter(
        "rx_bytes",
        Unit::Byte,
        "Bytes received from this host of the LAN",
    )
    .from(&["access_point.rx_bytes"])
    .field("ap_rx_bytes"),
    counter("tx_bytes", Unit::Byte, "Bytes sent to this host of the LAN")
        .from(&["access_point.tx_bytes"])
        .field("ap_tx_bytes"),
    gauge(
        "rx_rate",
        Unit::BytePerSecond,
        "Rate received from this host of the LAN",
    )
    .from(&["access_point.rx_rate"])
    .field("ap_rx_rate"),
    gauge(
        "tx_rate",
        Unit::BytePerSecond,
        "Rate sent to this host of the LAN",
    )
    .from(&["access_point.tx_rate"])
    .field("ap_tx_rate"),
    gauge(
        "wifi_signal",
        Unit::Dbm,
        "How strong this host of the LAN is heard over Wi-Fi",
    )
    .from(&["access_point.wifi_information.signal"]),
    gauge(
        "wifi_rx_bitrate",
        Unit::BitPerSecond,
        "Rate of the Wi-Fi radio from this host of the LAN",
    )
    .from(&["access_point.wifi_information.phy_rx_rate"])
    .times(TENTH_OF_MEGABIT)
    .raw()
    .field("wifi_phy_rx_rate"),
    gauge(
        "wifi_tx_bitrate",
        Unit::BitPerSecond,
        "Rate of the Wi-Fi radio to this host of the LAN",
    )
    .from(&["access_point.wifi_information.phy_tx_rate"])
    .times(TENTH_OF_MEGABIT)
    .raw()
    .field("wifi_phy_tx_rate"),
    gauge(
        "wifi_connected_duration",
        Unit::Second,
        "Time since this host of the LAN joined Wi-Fi",
    )
    .from(&["access_point.wifi_information.sess_duration"])
    .field("wifi_sess_duration"),
    gauge(
        "ethernet_speed",
        Unit::BitPerSecond,
        "Speed of the cable to this host of the LAN",
    )
    .from(&["access_point.ethernet_information.speed"])
    .times(MEGABIT)
    .raw()
    .field("eth_speed"),
];

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
            "l3connectivities":[{"af":"ipv4","addr":"192.168.1.20","active":true},
                {"af":"ipv4","addr":"192.168.1.9","active":false,"last_activity":9},
                {"af":"ipv6","addr":"fe80::1"}]}, 7]"#;
        let guests = r#"[{"l2ident":{"id":"02:00:5E:00:00:10"},"active":true}]"#;
        let host = "host_type=nas,primary_name=nas,written_name=nas,mac=02:00:5E:00:00:10,ipv4=192.168.1.20,\
                    ipv4_last=192.168.1.9,ipv6=fe80::1,ipv6_last=fe80::1,interface=pub";
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
                "lan.bridge_mode 0",
                "lan.interface.hosts{interface=pub} 2",
                "lan.interface.hosts_active{interface=pub} 1",
                "lan.interface.hosts_reachable{interface=pub} 0",
                &format!("lan.host.reachable{{{host}}} 0"),
                &format!("lan.host.active{{{host}}} 1"),
                &format!("lan.host.last_activity_time{{{host}}} 1784000000"),
                &format!("lan.host.ipv4_active{{{host}}} 1"),
                &format!("lan.host.ipv4_addresses{{{host}}} 2"),
                &format!("lan.host.ipv6_active{{{host}}} 0"),
                &format!("lan.host.ipv6_addresses{{{host}}} 1"),
                "lan.interface.hosts{interface=wifiguest} 0",
                "lan.interface.hosts_active{interface=wifiguest} 1",
                "lan.interface.hosts_reachable{interface=wifiguest} 0",
                "lan.host.active{mac=02:00:5E:00:00:10,interface=wifiguest} 1",
                "lan.type.hosts{host_type=nas} 1",
            ],
        );
    }
}
