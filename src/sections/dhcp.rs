//! DHCP: settings, leases, and how full the range is. <https://dev.freebox.fr/sdk/os/dhcp/>

use std::net::Ipv4Addr;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{flag, gauge, time};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("dhcp/config/"),
    list("dhcp/dynamic_lease/"),
    list("dhcp/static_lease/"),
    object("dhcpv6/config/").since(5),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DHCP, &LEASE, &V6];

/// The server, its leases, and its sister for IPv6.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = vec![of_server(answers)];
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
    let label = |key| config.get(key).and_then(text);
    let dns = config
        .get("dns")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .find_map(text);
    let range = address(config, "ip_range_start").zip(address(config, "ip_range_end"));
    let range = range.filter(|(first, last)| first <= last);
    let size = range.map(|(first, last)| i64::from(last - first) + 1);
    Sample::read(&DHCP, config)
        .with("range_size", size)
        .with("range_used", range.and_then(|range| used(answers, range)))
        .with("lease_count", answers.count("dhcp/dynamic_lease/"))
        .with("static_lease_count", answers.count("dhcp/static_lease/"))
        .label("gateway", label("gateway"))
        .label("netmask", label("netmask"))
        .label("range_start", label("ip_range_start"))
        .label("range_end", label("ip_range_end"))
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
    let label = |path| at(lease, path).and_then(text);
    Sample::read(&LEASE, lease)
        .label("mac", label("mac"))
        .label("hostname", label("hostname"))
        .label("primary_name", label("host.primary_name"))
        .label("ip", label("ip"))
}

static DHCP: Group = Group::new(
    "dhcp",
    &[
        flag("enabled", "The server is switched on"),
        flag("sticky_assign", "Each device keeps its address"),
        flag("always_broadcast", "Answers go to everybody"),
        gauge("range_size", "count", "Addresses in the range").computed(),
        gauge(
            "range_used",
            "count",
            "Addresses in the range that are leased",
        )
        .computed(),
        gauge("lease_count", "count", "Leases").computed(),
        gauge("static_lease_count", "count", "Leases set by hand").computed(),
    ],
)
.labels(&["gateway", "netmask", "range_start", "range_end", "dns"])
.measurement("freebox_dhcp")
.field_prefix("dhcp_");

static LEASE: Group = Group::new(
    "dhcp.lease",
    &[
        flag("static", "It was set by hand").from(&["is_static"]),
        time("assign_time", "Given"),
        time("refresh_time", "Renewed"),
        gauge("remaining_time", "s", "Until it ends").from(&["lease_remaining"]),
        flag("active", "The host is active").from(&["host.active"]),
        flag("reachable", "The host answers").from(&["host.reachable"]),
        time("last_time_reachable", "The host last answered").from(&["host.last_time_reachable"]),
    ],
)
.identity(&[&["mac", "hostname", "primary_name", "ip"]])
.measurement("freebox_dhcp")
.field_prefix("dhcp_lease_");

static V6: Group = Group::new(
    "dhcp.v6",
    &[
        flag("enabled", "The server for IPv6 is switched on"),
        flag(
            "use_custom_dns",
            "It names other servers for names than the box",
        ),
    ],
)
.since("5")
.measurement("freebox_dhcp")
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
                &format!("dhcp.lease_count{{{server}}} 2"),
                &format!("dhcp.lease.remaining_time{{{nas}}} 41000"),
                &format!("dhcp.lease.active{{{nas}}} 1"),
                "dhcp.lease.static{mac=02:00:5E:00:00:11,ip=192.168.1.60} 1",
            ],
        );
    }
}
