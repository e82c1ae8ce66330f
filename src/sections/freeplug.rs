//! Freeplugs, the LAN over the mains. <https://dev.freebox.fr/sdk/os/freeplug/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::lenient::text;
use crate::metrics::metric::{Kind, count, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::{MEGABIT, Unit};
use crate::sections::ask::{Answers, Ask, list, records_at};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("freeplug/").holding(&["members"])];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&FREEPLUG, &PLUG];

/// How many there are, and each of them.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    const NETWORKS: &str = "freeplug/";
    if answers.count(NETWORKS).is_none() {
        return Vec::new();
    }
    let plugs: Vec<Sample> = answers
        .records(NETWORKS)
        .flat_map(|network| records_at(network, "members").map(|plug| of_plug(plug, network)))
        .collect();
    let count = i64::try_from(plugs.len()).ok();
    [Sample::new(&FREEPLUG).with(const { FREEPLUG.metric("plugs") }, count)]
        .into_iter()
        .chain(plugs)
        .collect()
}

fn of_plug(plug: &Json, network: &Json) -> Sample {
    let of_network = network.get("id").and_then(text);
    Sample::read(&PLUG, plug).label("net_id", of_network)
}

static FREEPLUG: Group = Group::new(
    "freeplug",
    "freeplug",
    &[count("plugs", "Freeplugs that the box knows")
        .computed()
        .field("count")],
)
.measure("freeplug")
.field_prefix("freeplug_");

/// The coordinator measures no rates.
static PLUG: Group = Group::new(
    "freeplug.plug",
    "freeplug.plug.{plug}",
    &[
        gauge(
            "rx_bitrate",
            Unit::BitPerSecond,
            "Rate over the mains from this Freeplug",
        )
        .from(&["rx_rate"])
        .not_negative()
        .times(MEGABIT)
        .raw()
        .field("rx_rate"),
        gauge(
            "tx_bitrate",
            Unit::BitPerSecond,
            "Rate over the mains to this Freeplug",
        )
        .from(&["tx_rate"])
        .not_negative()
        .times(MEGABIT)
        .raw()
        .field("tx_rate"),
        flag("has_network", "Whether this Freeplug has found its network"),
        gauge(
            "inactive_duration",
            Unit::Second,
            "Time since this Freeplug was last heard",
        )
        .from(&["inactive"])
        .not_negative()
        .field("inactive"),
        gauge(
            "ethernet_speed",
            Unit::BitPerSecond,
            "Speed of the Ethernet link at this Freeplug",
        )
        .from(&["eth_speed"])
        .not_negative()
        .times(MEGABIT)
        .raw()
        .field("eth_speed"),
        state(
            "ethernet_up",
            Kind::Is("up"),
            "Whether the Ethernet link at this Freeplug is up",
        )
        .from(&["eth_port_status"])
        .field("eth_up"),
    ],
)
.labels(&[
    label("net_id", &["net_id"]).tag("net_id"),
    label("plug", &["id"]).tag("freeplug"),
    label("role", &["net_role"]).tag("role"),
    label("plug_model", &["model"]).tag("model").spoken(),
])
.measure("freeplug")
.field_prefix("freeplug_");
