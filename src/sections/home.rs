//! Home automation: adapters, nodes and what they measure. <https://dev.freebox.fr/sdk/os/home/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{inherited, label};
use crate::metrics::lenient::{at, flag as yes, number};
use crate::metrics::metric::{Kind, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::metrics::value::Value;
use crate::sections::ask::{Answers, Ask, list, records_at};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("home/adapters").since(6),
    list("home/nodes").since(6).holding(&["show_endpoints"]),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&ADAPTER, &NODE, &ENDPOINT];

/// The adapters, the nodes, and every number and switch a node shows.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let adapters = answers.records("home/adapters");
    let adapters = adapters.map(|adapter| Sample::read(&ADAPTER, adapter));
    let mut samples: Vec<Sample> = adapters.collect();
    for node in answers.records("home/nodes") {
        let of_node = Sample::read(&NODE, node);
        let endpoints = records_at(node, "show_endpoints");
        let endpoints = endpoints.filter_map(|it| Some(of_endpoint(it)?.within(&of_node)));
        let endpoints: Vec<Sample> = endpoints.collect();
        samples.push(of_node.with(const { NODE.metric("battery_percent") }, battery(node)));
        samples.extend(endpoints);
    }
    samples
}

/// How full the battery of a node is. An alarm has a figure and no battery behind it; a node that
/// has not spoken yet says something impossible.
fn battery(node: &Json) -> Option<Value> {
    if node.get("category").is_some_and(|it| it == "alarm") {
        return None;
    }
    let is_battery = |it: &&Json| it.get("name").is_some_and(|name| name == "battery");
    let mut batteries = records_at(node, "show_endpoints").filter(is_battery);
    let charge = batteries.find_map(|it| number(it.get("value")?))?;
    charge
        .as_f64()
        .is_some_and(|percent| (0.0..=100.0).contains(&percent))
        .then_some(charge)
}

fn of_endpoint(endpoint: &Json) -> Option<Sample> {
    let access = ["ui.access", "access"].into_iter();
    let access = access.filter_map(|path| at(endpoint, path));
    if access.into_iter().any(|it| it == "w") {
        // What can only be written is nowhere to be read: its value is a constant.
        return None;
    }
    let value = endpoint.get("value")?;
    let value = match value {
        Json::Bool(_) => yes(value).map(Value::from),
        // A text that looks like a number is a text here: a code, a name.
        Json::Number(_) => number(value),
        _ => None,
    }?;
    let sample = Sample::read(&ENDPOINT, endpoint);
    Some(sample.with(const { ENDPOINT.metric("value") }, Some(value)))
}

static ADAPTER: Group = Group::new(
    "home.adapter",
    "home.adapter.{adapter}",
    &[state(
        "active",
        Kind::Is("active"),
        "Whether this adapter of home automation works",
    )
    .from(&["status"])],
)
.since("6")
.labels(&[
    label("adapter", &["id"]).tag("adapter"),
    label("adapter_label", &["label"])
        .tag("adapter_label")
        .names("adapter"),
])
.measure("home")
.field_prefix("home_adapter_");

static NODE: Group = Group::new(
    "home.node",
    "home.node.{node}",
    &[
        state(
            "active",
            Kind::Is("active"),
            "Whether this node of home automation works",
        )
        .from(&["status"])
        .field("node_active"),
        gauge(
            "battery_percent",
            Unit::Percent,
            "How full the battery of this node of home automation is",
        )
        .computed(),
    ],
)
.since("6")
.labels(&[
    label("node", &["id"]).tag("node"),
    label("node_label", &["label"])
        .tag("node_label")
        .names("node"),
    label("category", &["category"]),
])
.measure("home")
.field_prefix("home_");

/// What a node shows may be a signal it gives or a slot it takes, under the same number.
static ENDPOINT: Group = Group::new(
    "home.endpoint",
    "home.node.{node}.{endpoint_type}.{home_endpoint}",
    &[gauge(
        "value",
        Unit::None,
        "What a node of home automation shows here, in its own unit",
    )
    .computed()],
)
.since("6")
.labels(&[
    inherited("node").tag("node"),
    inherited("node_label").tag("node_label").stands_for("node"),
    inherited("category"),
    label("endpoint_type", &["ep_type"]).tag("endpoint_type"),
    label("home_endpoint", &["id"]).tag("endpoint"),
    label("home_endpoint_name", &["name"])
        .tag("endpoint_name")
        .names("home_endpoint"),
])
.measure("home")
.field_prefix("home_endpoint_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn batteries_that_are_none_and_slots_that_cannot_be_read() {
        let nodes = r#"[
            {"id":1,"category":"alarm","show_endpoints":[
                {"id":2,"ep_type":"signal","name":"level","value":0},
                {"id":11,"ep_type":"signal","name":"battery","value":0,"access":"w"}]},
            {"id":2,"category":"pir","status":"active","show_endpoints":[
                {"id":5,"ep_type":"slot","name":"arm","value":0,"ui":{"access":"w"}},
                {"id":6,"ep_type":"slot","name":"pin","value":false,"access":"w"},
                {"id":7,"ep_type":"slot","name":"loud","value":true,"ui":{"access":"rw"}},
                {"id":8,"ep_type":"signal","name":"battery","value":70.0,"ui":{"access":"w"}}]},
            {"id":3,"show_endpoints":[{"id":9,"name":"battery","value":255,"access":"w"}]}]"#;
        check(
            map,
            ASKS,
            &[("home/nodes", nodes)],
            &[
                "home.endpoint.value{endpoint_type=signal,home_endpoint=2,home_endpoint_name=level,node=1,category=alarm} 0",
                "home.node.active{node=2,category=pir} 1",
                "home.node.battery_percent{node=2,category=pir} 70",
                "home.endpoint.value{endpoint_type=slot,home_endpoint=7,home_endpoint_name=loud,node=2,category=pir} 1",
            ],
        );
    }
}
