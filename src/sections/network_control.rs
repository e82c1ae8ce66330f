//! Who may use the network, by profile. <https://dev.freebox.fr/sdk/os/network_control/>

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::metric::{Kind, flag, state, time};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("network_control").since(8)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&PROFILE];

/// Each profile.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let profiles = answers.records("network_control");
    profiles.map(|it| Sample::read(&PROFILE, it)).collect()
}

static PROFILE: Group = Group::new(
    "network_control.profile",
    "network_control.profile.{profile}",
    &[
        state(
            "mode",
            Kind::Code(&[("denied", 0), ("allowed", 1), ("webonly", 2)]),
            "What the devices of this profile may do now",
        )
        .from(&["current_mode"]),
        flag(
            "override",
            "Whether the mode of this profile was set by hand",
        ),
        time(
            "next_change_time",
            "Moment when the mode of this profile changes next",
        )
        .from(&["next_change"]),
    ],
)
.since("8")
.labels(&[
    label("profile", &["profile_id"]).tag("profile"),
    label("profile_name", &["profile_name"])
        .tag("profile_name")
        .names("profile"),
])
.measure("control")
.field_prefix("netcontrol_");
