//! DHCP: settings, leases, and how full the range is. <https://dev.freebox.fr/sdk/os/dhcp/>

use std::net::Ipv4Addr;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{given, label};
use crate::metrics::lenient::text;
use crate::metrics::metric::{count, flag, gauge, time};
use crate::metrics::sample::{Sample, Seen};
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, items, list, object, whole};
use crate::sections::lan;

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("dhcp/config/"),
    list("dhcp/dynamic_lease/"),
    list("dhcp/static_lease/"),
    object("dhcpv6/config/").since(5),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DHCP, &COUNTS, &LEASE, &V6];

/// The server, its leases, and its sister for IPv6.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let counts = Sample::new(&COUNTS)
        .with(
            const { COUNTS.metric("leases") },
            answers.count("dhcp/dynamic_lease/"),
        )
        .with(
            const { COUNTS.metric("static_leases") },
            answers.count("dhcp/static_lease/"),
        );
    let mut samples = vec![of_server(answers), counts];
    samples.extend(answers.records("dhcp/dynamic_lease/").map(of_lease));
    samples.extend(
        answers
            .object("dhcpv6/config/")
            .map(|config| Sample::read(&V6, config)),
    );
    samples
}

fn of_server(answers: &Answers) -> Sample {
    let config = answers.object("dhcp/config/").unwrap_or(&Json::Null);
    let dns = items(config, "dns").and_then(|servers| servers.iter().find_map(text));
    let range = address(config, "ip_range_start").zip(address(config, "ip_range_end"));
    let range = range.filter(|(first, last)| first <= last);
    let size = range.map(|(first, last)| i64::from(last - first) + 1);
    let used = range.and_then(|range| used(answers, range));
    Sample::read(&DHCP, config)
        .with(const { DHCP.metric("range_size") }, size)
        .with(const { DHCP.metric("range_used") }, used)
        .label("dns", dns)
}

/// How many leases lie in the range; leases with an address of their own may lie outside.
fn used(answers: &Answers, (first, last): (u32, u32)) -> Option<i64> {
    let is_inside =
        |lease: &Json| address(lease, "ip").is_some_and(|ip| (first..=last).contains(&ip));
    answers.count_if("dhcp/dynamic_lease/", is_inside)
}

fn address(record: &Json, key: &str) -> Option<u32> {
    let address: Ipv4Addr = record.get(key)?.as_str()?.parse().ok()?;
    Some(address.into())
}

fn of_lease(lease: &Json) -> Sample {
    let of_host = lease.get("host").and_then(lan::last_seen);
    let moments = ["refresh_time", "assign_time"];
    let renewed = moments.iter().filter_map(|key| whole(lease, key)).max();
    Sample::read(&LEASE, lease).seen(of_host.or(renewed.map(Seen::At)))
}

static DHCP: Group = Group::new(
    "dhcp",
    "dhcp",
    &[
        flag(
            "enabled",
            "Whether the DHCP server of the box is switched on",
        ),
        flag(
            "sticky_assign",
            "Whether the DHCP server lets each device keep its address",
        ),
        flag(
            "always_broadcast",
            "Whether the DHCP server sends its answers to everybody",
        ),
        count("range_size", "Addresses in the range of the DHCP server").computed(),
        count(
            "range_used",
            "Addresses in the range of the DHCP server that are leased",
        )
        .computed(),
    ],
)
.labels(&[
    label("gateway", &["gateway"]).tag("dhcp_gateway"),
    label("range_start", &["ip_range_start"]).tag("dhcp_ip_range_start"),
    label("range_end", &["ip_range_end"]).tag("dhcp_ip_range_end"),
    label("netmask", &["netmask"]).tag("dhcp_netmask"),
    given("dns").tag("dhcp_dns"),
])
.measure("dhcp")
.field_prefix("dhcp_");

/// The figures that have no tags of the server.
static COUNTS: Group = Group::new(
    "dhcp",
    "dhcp",
    &[
        count("leases", "Leases that the DHCP server has given")
            .computed()
            .field("lease_count"),
        count(
            "static_leases",
            "Leases of the DHCP server that were set by hand",
        )
        .computed()
        .field("static_lease_count"),
    ],
)
.measure("dhcp")
.field_prefix("dhcp_");

static LEASE: Group = Group::new(
    "dhcp.lease",
    "dhcp.lease.{mac}",
    &[
        flag("static", "Whether this DHCP lease was set by hand").from(&["is_static"]),
        time("assign_time", "Moment when this DHCP lease was given"),
        time(
            "refresh_time",
            "Moment when this DHCP lease was last renewed",
        ),
        gauge("remaining", Unit::Second, "Time until this DHCP lease ends")
            .from(&["lease_remaining"])
            .field("remaining_time"),
        flag("active", "Whether the host with this DHCP lease is active").from(&["host.active"]),
        flag("reachable", "Whether the host with this DHCP lease answers")
            .from(&["host.reachable"]),
        time(
            "last_reachable_time",
            "Moment when the host with this DHCP lease last answered",
        )
        .from(&["host.last_time_reachable"])
        .field("last_time_reachable"),
    ],
)
.labels(&[
    label("mac", &["mac"]).tag("client_mac"),
    label("hostname", &["hostname"])
        .tag("client_hostname")
        .names("mac"),
    label("ip", &["ip"]).tag("client_ip").stands_for("mac"),
    label("primary_name", &["host.primary_name"])
        .tag("client_primary_name")
        .names("mac"),
])
.measure("dhcp")
.field_prefix("dhcp_lease_");

static V6: Group = Group::new(
    "dhcp.v6",
    "dhcp.v6",
    &[
        flag("enabled", "Whether the DHCP server for IPv6 is switched on"),
        flag(
            "custom_dns",
            "Whether the DHCP server for IPv6 names other DNS servers than the box",
        )
        .from(&["use_custom_dns"])
        .field("use_custom_dns"),
    ],
)
.since("5")
.measure("dhcp")
.field_prefix("dhcpv6_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn the_range_and_what_is_used_of_it() {
        let config = r#"{"enabled":true,"ip_range_start":"192.168.1.2","ip_range_end":"192.168.1.50",
            "dns":["","192.168.1.254",""]}"#;
        let leases = r#"[{"mac":"02:00:5E:00:00:10","hostname":"nas","ip":"192.168.1.20",
                "lease_remaining":41000,"host":{"active":true}},
            {"mac":"02:00:5E:00:00:11","hostname":"","ip":"192.168.1.60","is_static":true}]"#;
        let server = "range_start=192.168.1.2,range_end=192.168.1.50,dns=192.168.1.254";
        let nas = "mac=02:00:5E:00:00:10,hostname=nas,ip=192.168.1.20";
        let answers = [("dhcp/config/", config), ("dhcp/dynamic_lease/", leases)];
        check(
            map,
            ASKS,
            &answers,
            &[
                &format!("dhcp.enabled{{{server}}} 1"),
                &format!("dhcp.range_size{{{server}}} 49"),
                &format!("dhcp.range_used{{{server}}} 1"),
                "dhcp.leases 2",
                &format!("dhcp.lease.remaining{{{nas}}} 41000"),
                &format!("dhcp.lease.active{{{nas}}} 1"),
                "dhcp.lease.static{mac=02:00:5E:00:00:11,ip=192.168.1.60} 1",
            ],
        );
    }
}
