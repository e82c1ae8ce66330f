//! Who may use the network, by profile. <https://dev.freebox.fr/sdk/os/network_control/>

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, state, time};
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("network_control").since(8)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&PROFILE];

/// Each profile.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let profiles = answers.records("network_control").map(|profile| {
        Sample::read(&PROFILE, profile)
            .label("profile", profile.get("profile_id").and_then(text))
            .label("profile_name", profile.get("profile_name").and_then(text))
    });
    profiles.collect()
}

static PROFILE: Group = Group::new(
    "network_control",
    &[
        state(
            "mode",
            Kind::Code(&[("denied", 0), ("allowed", 1), ("webonly", 2)]),
            "What its devices may do now",
        )
        .from(&["current_mode"]),
        flag("override", "That was set by hand"),
        time("next_change_time", "Next change").from(&["next_change"]),
    ],
)
.since("8")
.identity(&[&["profile", "profile_name"]])
.measurement("freebox_control")
.field_prefix("netcontrol_");
