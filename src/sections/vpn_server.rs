//! The VPN servers of the box and who is connected to them. <https://dev.freebox.fr/sdk/os/vpn/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, paths_for};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("vpn/").then_objects(|servers, _| paths_for(servers, "name", "vpn/{}/config/")),
    list("vpn/connection/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SERVER, &CONNECTION];

/// The servers and the connections.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let servers = answers
        .records("vpn/")
        .map(|server| of_server(server, answers));
    let connections = answers.records("vpn/connection/").map(of_connection);
    servers.chain(connections).collect()
}

fn of_server(server: &Json, answers: &Answers) -> Sample {
    let name = server.get("name").and_then(text);
    let config = name
        .as_ref()
        .and_then(|name| answers.object(&format!("vpn/{name}/config/")));
    let setting = |key| config.and_then(|config| config.get(key)).and_then(text);
    let mut sample = Sample::read(&SERVER, server);
    sample.values.extend(
        config
            .map(|config| Sample::read(&SERVER, config).values)
            .unwrap_or_default(),
    );
    sample
        .label("server", name)
        .label("vpn_type", server.get("type").and_then(text))
        .label("port", setting("port").or_else(|| setting("port_nat")))
}

fn of_connection(connection: &Json) -> Sample {
    let label = |key| connection.get(key).and_then(text);
    Sample::read(&CONNECTION, connection)
        .label("connection", label("id"))
        .label("user", label("user"))
        .label("server", label("vpn"))
        .label("src_ip", label("src_ip"))
        .label("local_ip", label("local_ip"))
}

static SERVER: Group = Group::new(
    "vpn.server",
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
            "Whether it runs",
        ),
        gauge("connection_count", "count", "Connections"),
        gauge(
            "auth_connection_count",
            "count",
            "Connections that are let in",
        ),
        flag("enabled", "It is switched on"),
    ],
)
.since("2")
.identity(&[&["server"]])
.labels(&["vpn_type", "port"])
.measurement("freebox_vpn_server")
.field_prefix("vpnsrv_");

static CONNECTION: Group = Group::new(
    "vpn.connection",
    &[
        flag("authenticated", "It is let in"),
        time("auth_time", "Since then"),
        counter("rx_bytes", "byte", "From the user"),
        counter("tx_bytes", "byte", "To the user"),
    ],
)
.since("2")
.identity(&[&["connection", "user", "src_ip"]])
.labels(&["server", "local_ip"])
.measurement("freebox_vpn_server")
.field_prefix("vpnsrv_conn_");
