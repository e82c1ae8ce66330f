//! Repeaters of the box's Wi-Fi. Not documented; the box's own pages use it.

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::metric::{Kind, state, time};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("repeater/")];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&REPEATER];

/// Each repeater.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let repeaters = answers.records("repeater/");
    repeaters.map(|it| Sample::read(&REPEATER, it)).collect()
}

static REPEATER: Group = Group::new(
    "repeater",
    "repeater.{repeater}",
    &[
        state(
            "running",
            Kind::Is("running"),
            "Whether this repeater of Wi-Fi runs",
        )
        .from(&["status"])
        .field("status"),
        state(
            "connected",
            Kind::Is("connected"),
            "Whether this repeater of Wi-Fi is connected to the box",
        )
        .from(&["connection"]),
        time("boot_time", "Moment when this repeater of Wi-Fi started"),
    ],
)
.labels(&[
    label("repeater", &["main_mac", "id"]).tag("repeater"),
    label("repeater_name", &["name"])
        .tag("repeater_name")
        .names("repeater"),
])
.measure("lan")
.field_prefix("repeater_");
