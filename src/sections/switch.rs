//! The switch: `switch/status/`, the counters of each port, the SFP slot to the LAN.
//! <https://dev.freebox.fr/sdk/os/switch/>
//!
//! `rx` is from the LAN into the box. A port that does not measure has rates of -1.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{given, inherited, label};
use crate::metrics::lenient::text;
use crate::metrics::metric::{self, Kind, counter, flag, gauge, state, time};
use crate::metrics::sample::{Sample, Seen};
use crate::metrics::unit::{MEGABIT, Unit};
use crate::sections::ask::{Answers, Ask, Detail, count_at, each_object, list, object, records_at};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("switch/status/").holding(&["mac_list"]).then(&[STATS]),
    object("sfp/status").since(11),
];

/// The counters of a port.
const STATS: Detail = each_object("switch/port/{}/stats", "id");

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SWITCH, &PORT, &CLIENT, &SFP];

/// The ports, what is behind them, and the SFP slot.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let ports = answers.count("switch/status/");
    let of_switch =
        |ports| Sample::new(&SWITCH).with(const { SWITCH.metric("ports") }, Some(ports));
    let mut samples: Vec<Sample> = ports.map(of_switch).into_iter().collect();
    for port in answers.records("switch/status/") {
        let of_port = of_port(port, answers);
        let clients = records_at(port, "mac_list");
        let clients = clients.map(|client| {
            // The switch forgets within minutes: whoever it names is there.
            let now = answers.now();
            let client = Sample::read(&CLIENT, client).within(&of_port);
            client
                .with(const { CLIENT.metric("last_seen_time") }, now)
                .seen(Some(Seen::Now(None)))
        });
        let clients: Vec<Sample> = clients.collect();
        samples.push(of_port);
        samples.extend(clients);
    }
    let sfp = answers.object("sfp/status");
    samples.extend(sfp.map(|sfp| Sample::read(&SFP, sfp)));
    samples
}

fn of_port(port: &Json, answers: &Answers) -> Sample {
    let clients = count_at(port, "mac_list");
    let sample = Sample::read(&PORT, port).label("port", name(port));
    let stats = answers.detail(&STATS, port).unwrap_or(&Json::Null);
    sample
        .also(stats)
        .with(const { PORT.metric("clients") }, clients)
}

/// What the box calls a port in its own history; older firmwares do not tell, but it is its number
/// or one of two words.
fn name(port: &Json) -> Option<String> {
    let told = port.get("rrd_id").and_then(text);
    told.or_else(|| match port.get("id").and_then(text)?.as_str() {
        "9999" => Some("sfp_lan".to_owned()),
        "5" => Some("freeplug".to_owned()),
        id => Some(id.to_owned()),
    })
}

static SWITCH: Group = Group::new(
    "switch",
    "switch",
    &[metric::count("ports", "Ports that the box's switch has")
        .computed()
        .field("port_count")],
)
.measure("switch")
.field_prefix("switch_");

/// A port of the switch.
pub(super) static PORT: Group = Group::new("switch.port", "switch.port.{port}", OF_PORT)
    .labels(&[
        given("port"),
        label("port_id", &["id"])
            .tag("switch_port")
            .stands_for("port"),
        label("mode", &["mode"]).tag("switch_mode"),
        label("port_name", &["name"])
            .tag("switch_name")
            .names("port"),
    ])
    .measure("switch")
    .field_prefix("switch_");

const OF_PORT: &[metric::Metric] = &[
    state(
        "link",
        Kind::Is("up"),
        "Whether something is plugged into this port of the switch",
    ),
    state(
        "full_duplex",
        Kind::Is("full"),
        "Whether this port of the switch sends and receives at once",
    )
    .from(&["duplex"])
    .field("duplex"),
    gauge(
        "speed",
        Unit::BitPerSecond,
        "Speed of the link at this port of the switch",
    )
    .times(MEGABIT)
    .raw(),
    metric::count("clients", "Devices behind this port of the switch")
        .field("client_count")
        .computed(),
    gauge(
        "rx_bytes_rate",
        Unit::BytePerSecond,
        "Rate at which this port of the switch receives from the LAN",
    )
    .not_negative(),
    gauge(
        "tx_bytes_rate",
        Unit::BytePerSecond,
        "Rate at which this port of the switch sends to the LAN",
    )
    .not_negative(),
    gauge(
        "rx_packets_rate",
        Unit::PacketPerSecond,
        "Frames in a second that this port of the switch receives from the LAN",
    )
    .not_negative(),
    gauge(
        "tx_packets_rate",
        Unit::PacketPerSecond,
        "Frames in a second that this port of the switch sends to the LAN",
    )
    .not_negative(),
    counter(
        "rx_good_bytes",
        Unit::Byte,
        "Bytes that this port of the switch received from the LAN",
    ),
    counter(
        "rx_bad_bytes",
        Unit::Byte,
        "Bytes in broken frames that this port of the switch received",
    ),
    counter(
        "tx_bytes",
        Unit::Byte,
        "Bytes that this port of the switch sent to the LAN",
    ),
    counter(
        "rx_good_packets",
        Unit::Packet,
        "Frames that this port of the switch received from the LAN",
    ),
    counter(
        "rx_unicast_packets",
        Unit::Packet,
        "Frames that this port of the switch received for one device",
    ),
    counter(
        "rx_multicast_packets",
        Unit::Packet,
        "Frames that this port of the switch received for a group",
    ),
    counter(
        "rx_broadcast_packets",
        Unit::Packet,
        "Frames that this port of the switch received for everybody",
    ),
    counter(
        "rx_error_packets",
        Unit::Packet,
        "Frames that this port of the switch received with errors",
    )
    .from(&["rx_err_packets"])
    .field("err_packets"),
    counter(
        "rx_discard_packets",
        Unit::Packet,
        "Frames that this port of the switch received and threw away",
    )
    .field("discard_packets"),
    counter(
        "rx_fcs_error_packets",
        Unit::Packet,
        "Frames that this port of the switch received with a wrong checksum",
    )
    .from(&["rx_fcs_packets"])
    .field("rx_fcs_packets"),
    counter(
        "rx_fragment_packets",
        Unit::Packet,
        "Frames that this port of the switch received as fragments",
    )
    .from(&["rx_fragments_packets"])
    .field("rx_fragments_packets"),
    counter(
        "rx_jabber_packets",
        Unit::Packet,
        "Frames that this port of the switch received too long and broken",
    ),
    counter(
        "rx_oversize_packets",
        Unit::Packet,
        "Frames that this port of the switch received too long",
    ),
    counter(
        "rx_undersize_packets",
        Unit::Packet,
        "Frames that this port of the switch received too short",
    ),
    counter(
        "rx_pause_frames",
        Unit::Packet,
        "Frames that this port of the switch received asking for a pause",
    )
    .from(&["rx_pause"])
    .field("rx_pause"),
    counter(
        "tx_packets",
        Unit::Packet,
        "Frames that this port of the switch sent to the LAN",
    ),
    counter(
        "tx_unicast_packets",
        Unit::Packet,
        "Frames that this port of the switch sent to one device",
    ),
    counter(
        "tx_multicast_packets",
        Unit::Packet,
        "Frames that this port of the switch sent to a group",
    ),
    counter(
        "tx_broadcast_packets",
        Unit::Packet,
        "Frames that this port of the switch sent to everybody",
    ),
    counter(
        "tx_collisions",
        Unit::Packet,
        "Collisions at this port of the switch",
    )
    .field("collisions"),
    counter(
        "tx_single_collision_frames",
        Unit::Packet,
        "Frames that this port of the switch sent after one collision",
    )
    .from(&["tx_single"])
    .field("tx_single"),
    counter(
        "tx_multiple_collision_frames",
        Unit::Packet,
        "Frames that this port of the switch sent after several collisions",
    )
    .from(&["tx_multiple"])
    .field("tx_multiple"),
    counter(
        "tx_late_collisions",
        Unit::Packet,
        "Collisions at this port of the switch that came too late",
    )
    .from(&["tx_late"])
    .field("tx_late"),
    counter(
        "tx_excessive_collisions",
        Unit::Packet,
        "Frames that this port of the switch gave up after too many collisions",
    )
    .from(&["tx_excessive"])
    .field("tx_excessive"),
    counter(
        "tx_deferred_frames",
        Unit::Packet,
        "Frames that this port of the switch had to hold back",
    )
    .from(&["tx_deferred"])
    .field("tx_deferred"),
    counter(
        "tx_fcs_error_frames",
        Unit::Packet,
        "Frames that this port of the switch sent with a wrong checksum",
    )
    .from(&["tx_fcs"])
    .field("tx_fcs"),
    counter(
        "tx_pause_frames",
        Unit::Packet,
        "Frames that this port of the switch sent to ask for a pause",
    )
    .from(&["tx_pause"])
    .field("tx_pause"),
];

static CLIENT: Group = Group::new(
    "switch.port.client",
    "switch.port.{port}.client.{mac}",
    &[time(
        "last_seen_time",
        "Moment of the last run that saw this device at this port of the switch",
    )
    .computed()
    .field("last_seen")],
)
.labels(&[
    inherited("port"),
    inherited("port_id").tag("switch_port").stands_for("port"),
    label("mac", &["mac"]).tag("mac"),
    // The documents call it `name`, boxes `hostname`.
    label("hostname", &["hostname", "name"])
        .tag("hostname")
        .names("mac"),
])
.measure("switch")
.field_prefix("client_");

static SFP: Group = Group::new(
    "switch.sfp",
    "switch.sfp",
    &[
        flag("present", "Whether a module is in the SFP slot to the LAN"),
        flag("link", "Whether the link of the SFP slot to the LAN is up"),
        flag(
            "supported",
            "Whether the box can use the module in the SFP slot to the LAN",
        ),
        flag(
            "power_good",
            "Whether the module in the SFP slot to the LAN has power",
        ),
    ],
)
.since("11")
.measure("switch")
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
            {"id":5,"link":"down"},{"id":6,"rrd_id":"sfp_lan2","link":"down"}]"#;
        let sfp = r#"{"rx_bytes_rate":-1,"tx_bytes_rate":-1,"rx_good_bytes":171000000000}"#;
        let stats = [("switch/status/", status), ("switch/port/9999/stats", sfp)];
        let one = "port_id=1,port=1";
        let sfp = "port_id=9999,port=sfp_lan";
        let seen = "switch.port.client.last_seen_time";
        check(
            map,
            ASKS,
            &stats,
            &[
                "switch.ports 4",
                &format!("switch.port.link{{{one}}} 1"),
                &format!("switch.port.full_duplex{{{one}}} 1"),
                &format!("switch.port.speed{{{one}}} 1000000000 (1000)"),
                &format!("switch.port.clients{{{one}}} 2"),
                &format!(
                    "{seen}{{mac=02:00:5E:00:00:10,hostname=nas,port=1,port_id=1}} 1700000000"
                ),
                &format!("{seen}{{mac=02:00:5E:00:00:11,port=1,port_id=1}} 1700000000"),
                &format!("switch.port.link{{{sfp}}} 0"),
                &format!("switch.port.full_duplex{{{sfp}}} 0"),
                &format!("switch.port.speed{{{sfp}}} 0 (0)"),
                &format!("switch.port.rx_good_bytes{{{sfp}}} 171000000000"),
                &format!("switch.port.clients{{{sfp}}} 0"),
                "switch.port.link{port_id=5,port=freeplug} 0",
                "switch.port.link{port_id=6,port=sfp_lan2} 0",
            ],
        );
    }
}
