//! Ways in from the Internet: redirections, the DMZ, the box's own ports, UPnP.
//! <https://dev.freebox.fr/sdk/os/nat/>

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state};
use crate::metrics::reading::{flag as yes, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("fw/redir/"),
    object("fw/dmz/"),
    list("fw/incoming/"),
    object("upnpigd/config/"),
    list("upnpigd/redir/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&NAT, &INCOMING];

/// The counts, and each of the box's own ports.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let enabled = |path| Some(i64::from(yes(answers.object(path)?.get("enabled")?)?));
    let is_enabled = |record: &serde_json::Value| record.get("enabled").and_then(yes) == Some(true);
    let nat = Sample::new(&NAT)
        .with("fw_redir_count", answers.count("fw/redir/"))
        .with(
            "fw_redir_enabled_count",
            answers.count_if("fw/redir/", is_enabled),
        )
        .with("fw_dmz_enabled", enabled("fw/dmz/"))
        .with("upnpigd_enabled", enabled("upnpigd/config/"))
        .with("upnpigd_redir_count", answers.count("upnpigd/redir/"));
    let incoming = answers
        .records("fw/incoming/")
        .map(|port| Sample::read(&INCOMING, port).label("incoming", port.get("id").and_then(text)));
    [nat].into_iter().chain(incoming).collect()
}

static NAT: Group = Group::new(
    "nat",
    &[
        gauge("fw_redir_count", "count", "Redirections").computed(),
        gauge(
            "fw_redir_enabled_count",
            "count",
            "Redirections that are switched on",
        )
        .computed(),
        state("fw_dmz_enabled", Kind::Flag, "Everything goes to one host").computed(),
        state(
            "upnpigd_enabled",
            Kind::Flag,
            "Devices may open ports by UPnP",
        )
        .computed(),
        gauge(
            "upnpigd_redir_count",
            "count",
            "Ports that devices have opened",
        )
        .computed(),
    ],
)
.measurement("freebox_nat");

static INCOMING: Group = Group::new(
    "nat.incoming",
    &[
        flag("active", "The port is open"),
        gauge("port", "port", "Its number").from(&["in_port"]),
    ],
)
.since("2")
.identity(&[&["incoming"]])
.measurement("freebox_nat")
.field_prefix("fw_incoming_");
