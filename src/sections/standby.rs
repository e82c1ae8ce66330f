//! The box's hours of rest: `standby/`. <https://dev.freebox.fr/sdk/os/standby/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{flag, time};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, object, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("standby/status").since(11)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&STANDBY];

/// The plan, where the box has one.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    answers
        .object("standby/status")
        .map(of_status)
        .into_iter()
        .collect()
}

fn of_status(status: &Json) -> Sample {
    let change = whole(status, "next_change").filter(|time| *time > 0);
    // Seconds everywhere else; the documents show milliseconds here.
    let change = change.map(|time| {
        if time > 100_000_000_000 {
            time / 1000
        } else {
            time
        }
    });
    Sample::read(&STANDBY, status).with(const { STANDBY.metric("next_change_time") }, change)
}

static STANDBY: Group = Group::new(
    "standby",
    "standby",
    &[
        flag("planning_enabled", "Whether the box has hours of rest")
            .from(&["use_planning"])
            .field("use_planning"),
        time(
            "next_change_time",
            "Moment when the box falls asleep or wakes up next",
        )
        .computed(),
    ],
)
.since("11")
.field_prefix("standby_");
