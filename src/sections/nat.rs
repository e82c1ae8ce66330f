//! Ways in from the Internet: redirections, the DMZ, the box's own ports, UPnP.
//! <https://dev.freebox.fr/sdk/os/nat/>

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::lenient::flag as yes;
use crate::metrics::metric::{count, flag, gauge};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("fw/redir/"),
    object("fw/dmz/"),
    list("fw/incoming/").since(2),
    object("upnpigd/config/"),
    list("upnpigd/redir/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&NAT, &INCOMING];

/// The counts, and each of the box's own ports.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let enabled = |path| yes(answers.object(path)?.get("enabled")?);
    let is_enabled = |record: &serde_json::Value| record.get("enabled").and_then(yes) == Some(true);
    let nat = Sample::new(&NAT)
        .with(
            const { NAT.metric("redirections") },
            answers.count("fw/redir/"),
        )
        .with(
            const { NAT.metric("redirections_enabled") },
            answers.count_if("fw/redir/", is_enabled),
        )
        .with(const { NAT.metric("dmz_enabled") }, enabled("fw/dmz/"))
        .with(
            const { NAT.metric("upnp_enabled") },
            enabled("upnpigd/config/"),
        )
        .with(
            const { NAT.metric("upnp_redirections") },
            answers.count("upnpigd/redir/"),
        );
    let incoming = answers.records("fw/incoming/");
    let incoming = incoming.map(|port| Sample::read(&INCOMING, port));
    [nat].into_iter().chain(incoming).collect()
}

static NAT: Group = Group::new(
    "nat",
    "nat",
    &[
        count(
            "redirections",
            "Redirections of ports from the Internet to the LAN",
        )
        .computed()
        .field("fw_redir_count"),
        count(
            "redirections_enabled",
            "Redirections of ports to the LAN that are switched on",
        )
        .computed()
        .field("fw_redir_enabled_count"),
        flag(
            "dmz_enabled",
            "Whether everything from the Internet goes to one host of the LAN",
        )
        .computed()
        .field("fw_dmz_enabled"),
        flag("upnp_enabled", "Whether devices may open ports by UPnP")
            .computed()
            .field("upnpigd_enabled"),
        count(
            "upnp_redirections",
            "Ports that devices have opened by UPnP",
        )
        .computed()
        .field("upnpigd_redir_count"),
    ],
)
.measure("nat");

static INCOMING: Group = Group::new(
    "nat.incoming",
    "nat.incoming.{incoming}",
    &[
        flag(
            "active",
            "Whether this service of the box is open to the Internet",
        ),
        gauge(
            "port",
            Unit::None,
            "Number of the port of this service of the box",
        )
        .from(&["in_port"]),
    ],
)
.since("2")
.labels(&[label("incoming", &["id"]).tag("port_id")])
.measure("nat")
.field_prefix("fw_incoming_");
