//! Home automation: adapters, nodes and what they measure. <https://dev.freebox.fr/sdk/os/home/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, gauge, state};
use crate::metrics::reading::{flag as yes, number, text};
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;
use crate::sections::ask::{Answers, Ask, list, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("home/adapters").since(6), list("home/nodes").since(6)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&ADAPTER, &NODE, &ENDPOINT];

/// The adapters, the nodes, and every number and switch a node shows.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples: Vec<Sample> = answers.records("home/adapters").map(of_adapter).collect();
    for node in answers.records("home/nodes") {
        samples.push(of_node(node));
        let endpoints = records(node.get("show_endpoints"));
        samples.extend(endpoints.filter_map(|endpoint| of_endpoint(endpoint, node)));
    }
    samples
}

fn of_adapter(adapter: &Json) -> Sample {
    Sample::read(&ADAPTER, adapter)
        .label("adapter", adapter.get("id").and_then(text))
        .label("adapter_label", adapter.get("label").and_then(text))
}

fn of_node(node: &Json) -> Sample {
    let battery = records(node.get("show_endpoints")).find(|it| is_battery(it));
    let battery = battery.and_then(|it| crate::sections::ask::whole(it, "value"));
    labelled(
        Sample::read(&NODE, node).with("battery_percent", battery),
        node,
    )
}

fn is_battery(endpoint: &Json) -> bool {
    endpoint.get("name").is_some_and(|name| name == "battery")
}

fn of_endpoint(endpoint: &Json, node: &Json) -> Option<Sample> {
    let value = endpoint.get("value")?;
    let value = match value {
        Json::Bool(_) => yes(value).map(|it| Value::Int(it.into())),
        // A text that looks like a number is a text here: a code, a name.
        Json::Number(_) => number(value),
        _ => None,
    }?;
    let mut sample = Sample::new(&ENDPOINT);
    sample
        .values
        .extend(ENDPOINT.metrics.first().map(|metric| (metric, value)));
    let sample = labelled(sample, node)
        .label("home_endpoint", endpoint.get("id").and_then(text))
        .label("home_endpoint_name", endpoint.get("name").and_then(text));
    // What a node shows may be a signal it gives or a slot it takes, under the same number.
    Some(sample.label("endpoint_type", endpoint.get("ep_type").and_then(text)))
}

fn labelled(sample: Sample, node: &Json) -> Sample {
    sample
        .label("node", node.get("id").and_then(text))
        .label("node_label", node.get("label").and_then(text))
        .label("category", node.get("category").and_then(text))
}

static ADAPTER: Group = Group::new(
    "home.adapter",
    &[state("active", Kind::Is("active"), "It works").from(&["status"])],
)
.since("6")
.identity(&[&["adapter", "adapter_label"]])
.measurement("freebox_home")
.field_prefix("home_adapter_");

static NODE: Group = Group::new(
    "home.node",
    &[
        state("node_active", Kind::Is("active"), "It works").from(&["status"]),
        gauge("battery_percent", "%", "Its battery").computed(),
    ],
)
.since("6")
.identity(&[&["node", "node_label"]])
.labels(&["category"])
.measurement("freebox_home")
.field_prefix("home_");

static ENDPOINT: Group = Group::new(
    "home.endpoint",
    &[gauge("value", "-", "What the node shows there, in its own unit").computed()],
)
.since("6")
.identity(&[
    &["node", "node_label"],
    &["endpoint_type"],
    &["home_endpoint", "home_endpoint_name"],
])
.labels(&["category"])
.measurement("freebox_home")
.field_prefix("home_endpoint_");
