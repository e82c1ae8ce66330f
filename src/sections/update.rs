//! The firmware: `update/`. <https://dev.freebox.fr/sdk/os/update/>

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("update/").since(11)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&UPDATE];

/// What the update does, where the box says it.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    answers
        .object("update/")
        .map(|it| Sample::read(&UPDATE, it))
        .into_iter()
        .collect()
}

static UPDATE: Group = Group::new(
    "update",
    "update",
    &[
        state(
            "state",
            Kind::Code(&[
                ("up_to_date", 0),
                ("auto_up_to_date", 0),
                ("initializing", 1),
                ("upgrading", 2),
                ("error", 99),
            ]),
            "What the update of the box's firmware does",
        ),
        gauge(
            "progress_percent",
            Unit::Percent,
            "How far the update of the box's firmware has come",
        )
        .from(&["upgrade_state.percent"])
        .field("percent"),
    ],
)
.since("11")
.field_prefix("update_");
