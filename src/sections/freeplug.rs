//! Freeplugs, the LAN over the mains. <https://dev.freebox.fr/sdk/os/freeplug/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state};
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("freeplug/")];

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
        .flat_map(|network| records(network.get("members")).map(|plug| of_plug(plug, network)))
        .collect();
    let count = i64::try_from(plugs.len()).ok();
    [Sample::new(&FREEPLUG).with("count", count)]
        .into_iter()
        .chain(plugs)
        .collect()
}

fn of_plug(plug: &Json, network: &Json) -> Sample {
    let label = |key| plug.get(key).and_then(text);
    let net_id = label("net_id").or_else(|| network.get("id").and_then(text));
    Sample::read(&PLUG, plug)
        .label("plug", label("id"))
        .label("net_id", net_id)
        .label("role", label("net_role"))
        .label("plug_model", label("model"))
}

static FREEPLUG: Group = Group::new(
    "freeplug",
    &[gauge("count", "count", "Freeplugs").computed()],
)
.measurement("freebox_freeplug")
.field_prefix("freeplug_");

/// The coordinator measures no rates.
static PLUG: Group = Group::new(
    "freeplug.plug",
    &[
        gauge("rx_rate", "Mbit/s", "From the plug").not_negative(),
        gauge("tx_rate", "Mbit/s", "To the plug").not_negative(),
        flag("has_network", "It has found its network"),
        gauge("inactive", "s", "Since it was last heard").not_negative(),
        gauge("eth_speed", "Mbit/s", "Speed of its socket").not_negative(),
        state("eth_up", Kind::Is("up"), "Something is plugged in").from(&["eth_port_status"]),
    ],
)
.identity(&[&["plug"]])
.labels(&["net_id", "role", "plug_model"])
.measurement("freebox_freeplug")
.field_prefix("freeplug_");
