//! Freebox Players. <https://dev.freebox.fr/sdk/os/player/>
//!
//! A player that sleeps does not say what it does.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, state};
use crate::metrics::reading::{flag as yes, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, paths_for, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("player").since(6).then_objects(awake)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&PLAYER];

fn awake(players: &Json, _time: u64) -> Vec<String> {
    let is_awake = |it: &&Json| it.get("api_available").and_then(yes) == Some(true);
    let awake: Json = records(Some(players)).filter(is_awake).cloned().collect();
    paths_for(&awake, "id", "player/{}/api/v6/status/")
}

/// Each player, and what it does if it is awake.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    answers
        .records("player")
        .map(|player| of_player(player, answers))
        .collect()
}

fn of_player(player: &Json, answers: &Answers) -> Sample {
    let label = |key| player.get(key).and_then(text);
    let status = label("id").map(|id| format!("player/{id}/api/v6/status/"));
    let status = status.and_then(|path| answers.object(&path));
    let mut sample = Sample::read(&PLAYER, player);
    sample.values.extend(
        status
            .map(|it| Sample::read(&PLAYER, it).values)
            .unwrap_or_default(),
    );
    sample
        .label("player", label("mac").or_else(|| label("id")))
        .label("device_name", label("device_name"))
        .label("device_model", label("device_model"))
}

static PLAYER: Group = Group::new(
    "player",
    &[
        flag("reachable", "It answers"),
        flag("api_available", "Its API answers"),
        state("running", Kind::Is("running"), "It is switched on").from(&["power_state"]),
    ],
)
.since("6")
.identity(&[&["player", "device_name"]])
.labels(&["device_model"])
.measurement("freebox_player")
.field_prefix("player_");
