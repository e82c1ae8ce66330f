//! Freebox Players. <https://dev.freebox.fr/sdk/os/player/>
//!
//! A player that sleeps does not say what it does.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::lenient::flag as yes;
use crate::metrics::metric::{Kind, flag, state};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, Detail, each_object, list};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("player").since(6).then(&[STATUS])];

/// What a player does.
const STATUS: Detail = each_object("player/{}/api/v6/status/", "id")
    .only_if(is_awake)
    .uncertain();

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&PLAYER];

fn is_awake(player: &Json) -> bool {
    player.get("api_available").and_then(yes) == Some(true)
}

/// Each player, and what it does if it is awake.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    answers
        .records("player")
        .map(|player| of_player(player, answers))
        .collect()
}

fn of_player(player: &Json, answers: &Answers) -> Sample {
    let status = answers.detail(&STATUS, player).unwrap_or(&Json::Null);
    Sample::read(&PLAYER, player).also(status)
}

static PLAYER: Group = Group::new(
    "player",
    "player.{player}",
    &[
        flag("reachable", "Whether this Freebox Player answers the box"),
        flag(
            "api_available",
            "Whether the API of this Freebox Player answers",
        ),
        state(
            "running",
            Kind::Is("running"),
            "Whether this Freebox Player is switched on",
        )
        .from(&["power_state"]),
    ],
)
.since("6")
.labels(&[
    label("player", &["mac", "id"]).tag("player"),
    label("device_name", &["device_name"])
        .tag("player_name")
        .names("player"),
    label("device_model", &["device_model"]),
])
.measure("player")
.field_prefix("player_");
