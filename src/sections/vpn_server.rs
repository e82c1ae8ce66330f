//! The VPN servers of the box and who is connected to them. <https://dev.freebox.fr/sdk/os/vpn/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::metric::{Kind, count, counter, flag, state, time};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, Detail, each_object, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("vpn/").since(2).then(&[CONFIG]),
    list("vpn/connection/").since(2),
];

/// The settings of a server. Some boxes name one whose settings they do not have.
const CONFIG: Detail = each_object("vpn/{}/config/", "name").uncertain();

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SERVER, &CONNECTION];

/// The servers and the connections.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let servers = answers.records("vpn/");
    let servers = servers.map(|server| of_server(server, answers));
    let connections = answers.records("vpn/connection/");
    let connections = connections.map(|it| Sample::read(&CONNECTION, it));
    servers.chain(connections).collect()
}

fn of_server(server: &Json, answers: &Answers) -> Sample {
    let config = answers.detail(&CONFIG, server).unwrap_or(&Json::Null);
    Sample::read(&SERVER, server).also(config)
}

static SERVER: Group = Group::new(
    "vpn.server",
    "vpn.server.{server}",
    &[
        state(
            "state",
            Kind::Code(&[
                ("stopped", 0),
                ("starting", 0),
                ("stopping", 0),
                ("started", 1),
                ("error", 99),
            ]),
            "State that this VPN server of the box is in",
        ),
        count("connections", "Connections to this VPN server of the box")
            .from(&["connection_count"])
            .field("connection_count"),
        count(
            "authenticated_connections",
            "Connections that this VPN server of the box has let in",
        )
        .from(&["auth_connection_count"])
        .field("auth_connection_count"),
        flag(
            "enabled",
            "Whether this VPN server of the box is switched on",
        ),
    ],
)
.since("2")
.labels(&[
    label("vpn_type", &["type"]).tag("vpn_type"),
    label("server", &["name"]).tag("vpn_name"),
    label("port", &["port", "port_nat"]).tag("vpn_port"),
    label("ip_start", &["ip_start"]).tag("vpn_ip_start"),
    label("ip_end", &["ip_end"]).tag("vpn_ip_end"),
    label("ip6_start", &["ip6_start"]).tag("vpn_ip6_start"),
    label("ip6_end", &["ip6_end"]).tag("vpn_ip6_end"),
])
.measure("vpn_server")
.field_prefix("vpnsrv_");

/// The user's name is no key: it would be a person in a path.
static CONNECTION: Group = Group::new(
    "vpn.connection",
    "vpn.server.{server}.connection.{local_ip}",
    &[
        flag(
            "authenticated",
            "Whether this connection to a VPN server of the box is let in",
        ),
        time(
            "authenticated_time",
            "Moment when this connection to a VPN server of the box was let in",
        )
        .from(&["auth_time"])
        .field("auth_time"),
        counter(
            "rx_bytes",
            Unit::Byte,
            "Bytes received through this connection to a VPN server of the box",
        ),
        counter(
            "tx_bytes",
            Unit::Byte,
            "Bytes sent through this connection to a VPN server of the box",
        ),
    ],
)
.since("2")
.labels(&[
    label("connection", &["id"])
        .tag("conn_id")
        .stands_for("local_ip"),
    label("user", &["user"]).tag("conn_user"),
    label("server", &["vpn"]).tag("vpn_name"),
    label("src_ip", &["src_ip"])
        .tag("conn_src_ip")
        .stands_for("local_ip"),
    label("local_ip", &["local_ip"]).tag("conn_local_ip"),
])
.measure("vpn_server")
.field_prefix("vpnsrv_conn_");
