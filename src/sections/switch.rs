//! The switch: `switch/status/`, the counters of each port, the SFP slot to the LAN.
//! <https://dev.freebox.fr/sdk/os/switch/>
//!
//! `rx` is from the LAN into the box. A port that does not measure has rates of -1.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, count, list, object, paths_for, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("switch/status/").then_objects(|ports, _| paths_for(ports, "id", "switch/port/{}/stats")),
    object("sfp/status").since(11),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SWITCH, &PORT, &CLIENT, &SFP];

/// The ports, what is behind them, and the SFP slot.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let ports = answers.count("switch/status/");
    let mut samples: Vec<Sample> = ports
        .map(|ports| Sample::new(&SWITCH).with("port_count", Some(ports)))
        .into_iter()
        .collect();
    for port in answers.records("switch/status/") {
        let id = port.get("id").and_then(text);
        let stats = id
            .as_ref()
            .and_then(|id| answers.object(&format!("switch/port/{id}/stats")));
        samples.push(of_port(port, stats));
        let clients = records(port.get("mac_list"));
        samples.extend(clients.map(|client| of_client(client, id.clone(), answers.now())));
    }
    samples.extend(
        answers
            .object("sfp/status")
            .map(|sfp| Sample::read(&SFP, sfp)),
    );
    samples
}

fn of_port(port: &Json, stats: Option<&Json>) -> Sample {
    let label = |key| port.get(key).and_then(text);
    let mut sample = Sample::read(&PORT, port)
        .label("port", label("id"))
        .label("port_name", label("name"))
        .label("mode", label("mode"));
    if let Some(stats) = stats {
        sample.values.extend(Sample::read(&PORT, stats).values);
    }
    sample.with(
        "client_count",
        port.get("mac_list").map(|list| count(records(Some(list)))),
    )
}

fn of_client(client: &Json, port: Option<String>, now: Option<i64>) -> Sample {
    let label = |key| client.get(key).and_then(text);
    // The documents call it `name`, boxes `hostname`.
    let hostname = label("hostname").or_else(|| label("name"));
    Sample::new(&CLIENT)
        .with("last_seen", now)
        .label("port", port)
        .label("mac", label("mac"))
        .label("hostname", hostname)
}

static SWITCH: Group = Group::new(
    "switch",
    &[gauge("port_count", "count", "Ports").computed()],
)
.measurement("freebox_switch")
.field_prefix("switch_");

static PORT: Group = Group::new(
    "switch.port",
    &[
        state("link", Kind::Is("up"), "Something is plugged in"),
        state("duplex", Kind::Is("full"), "Both directions at once"),
        gauge("speed", "Mbit/s", "Speed of the link"),
        gauge("client_count", "count", "Devices behind it").computed(),
        gauge("rx_bytes_rate", "byte/s", "From the LAN").not_negative(),
        gauge("tx_bytes_rate", "byte/s", "To the LAN").not_negative(),
        gauge("rx_packets_rate", "packet/s", "From the LAN").not_negative(),
        gauge("tx_packets_rate", "packet/s", "To the LAN").not_negative(),
        counter("rx_good_bytes", "byte", "From the LAN"),
        counter("rx_bad_bytes", "byte", "In broken frames from the LAN"),
        counter("tx_bytes", "byte", "To the LAN"),
        counter("rx_good_packets", "frames", "From the LAN"),
        counter(
            "rx_unicast_packets",
            "frames",
            "From the LAN, to one device",
        ),
        counter("rx_multicast_packets", "frames", "From the LAN, to a group"),
        counter("rx_broadcast_packets", "frames", "From the LAN, to all"),
        counter("err_packets", "frames", "From the LAN, broken").from(&["rx_err_packets"]),
        counter("discard_packets", "frames", "From the LAN, thrown away")
            .from(&["rx_discard_packets"]),
        counter(
            "rx_fcs_packets",
            "frames",
            "From the LAN, with a wrong checksum",
        ),
        counter("rx_fragments_packets", "frames", "From the LAN, fragments"),
        counter(
            "rx_jabber_packets",
            "frames",
            "From the LAN, too long and broken",
        ),
        counter("rx_oversize_packets", "frames", "From the LAN, too long"),
        counter("rx_undersize_packets", "frames", "From the LAN, too short"),
        counter("rx_pause", "frames", "From the LAN, asking for a pause"),
        counter("tx_packets", "frames", "To the LAN"),
        counter("tx_unicast_packets", "frames", "To the LAN, to one device"),
        counter("tx_multicast_packets", "frames", "To the LAN, to a group"),
        counter("tx_broadcast_packets", "frames", "To the LAN, to all"),
        counter("collisions", "frames", "Collisions").from(&["tx_collisions"]),
        counter("tx_single", "frames", "Sent after one collision"),
        counter("tx_multiple", "frames", "Sent after several collisions"),
        counter("tx_late", "frames", "Late collisions"),
        counter(
            "tx_excessive",
            "frames",
            "Given up after too many collisions",
        ),
        counter("tx_deferred", "frames", "Deferred"),
        counter("tx_fcs", "frames", "Sent with a wrong checksum"),
        counter("tx_pause", "frames", "To the LAN, asking for a pause"),
    ],
)
.identity(&[&["port", "port_name"]])
.labels(&["mode"])
.measurement("freebox_switch")
.field_prefix("switch_");

static CLIENT: Group = Group::new(
    "switch.client",
    &[time("last_seen", "Seen by this run").computed()],
)
.identity(&[&["port"], &["mac", "hostname"]])
.measurement("freebox_switch")
.field_prefix("client_");

static SFP: Group = Group::new(
    "switch.sfp",
    &[
        flag("present", "A module is in the slot"),
        flag("link", "Its link is up"),
        flag("supported", "The box can use the module"),
        flag("power_good", "The module has power"),
    ],
)
.since("11")
.measurement("freebox_switch")
.field_prefix("sfp_lan_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn ports_with_and_without_clients_and_counters() {
        let status = r#"[{"id":1,"link":"up","duplex":"full","speed":"1000","mac_list":[
                {"mac":"02:00:5E:00:00:10","hostname":"nas"},{"mac":"02:00:5E:00:00:11"}]},
            {"id":9999,"link":"down","duplex":"auto","speed":"0","mac_list":{}}, null,
            {"id":2,"link":"down"}]"#;
        let sfp = r#"{"rx_bytes_rate":-1,"tx_bytes_rate":-1,"rx_good_bytes":171000000000}"#;
        let stats = [("switch/status/", status), ("switch/port/9999/stats", sfp)];
        check(
            map,
            ASKS,
            &stats,
            &[
                "switch.port_count 3",
                "switch.port.link{port=1} 1",
                "switch.port.duplex{port=1} 1",
                "switch.port.speed{port=1} 1000",
                "switch.port.client_count{port=1} 2",
                "switch.client.last_seen{port=1,mac=02:00:5E:00:00:10,hostname=nas} 1700000000",
                "switch.client.last_seen{port=1,mac=02:00:5E:00:00:11} 1700000000",
                "switch.port.link{port=9999} 0",
                "switch.port.duplex{port=9999} 0",
                "switch.port.speed{port=9999} 0",
                "switch.port.rx_good_bytes{port=9999} 171000000000",
                "switch.port.client_count{port=9999} 0",
                "switch.port.link{port=2} 0",
            ],
        );
    }
}
