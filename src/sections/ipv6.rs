//! IPv6 on the line: `connection/ipv6/config/`. <https://dev.freebox.fr/sdk/os/connection/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{count as counted, flag};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, count, items, object, records_at};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("connection/ipv6/config/").holding(&["delegations"])];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&IPV6];

/// The settings.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    answers
        .object("connection/ipv6/config/")
        .map(of_config)
        .into_iter()
        .collect()
}

fn of_config(config: &Json) -> Sample {
    const DELEGATIONS: &str = "delegations";
    let is_used = |it: &&Json| {
        it.get("next_hop")
            .and_then(Json::as_str)
            .is_some_and(|next_hop| !next_hop.is_empty())
    };
    let used =
        items(config, DELEGATIONS).map(|_| count(records_at(config, DELEGATIONS).filter(is_used)));
    Sample::read(&IPV6, config).with(const { IPV6.metric("delegations_used") }, used)
}

static IPV6: Group = Group::new(
    "connection.ipv6",
    "connection.ipv6",
    &[
        flag("enabled", "Whether IPv6 is switched on for the line").from(&["ipv6_enabled"]),
        flag(
            "firewall",
            "Whether IPv6 from the Internet to the LAN is blocked",
        )
        .from(&["ipv6_firewall"]),
        flag(
            "prefix_firewall",
            "Whether IPv6 from the Internet to delegated prefixes is blocked",
        )
        .since("11.1")
        .from(&["ipv6_prefix_firewall"]),
        counted(
            "delegations_used",
            "IPv6 prefixes that are delegated to routers in the LAN",
        )
        .computed()
        .field("delegation_used_count"),
    ],
)
.field_prefix("config_ipv6_");
