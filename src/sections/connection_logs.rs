//! What happened to the line lately, as figures: `connection/logs/`. Not documented; the box's own
//! pages use it.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{count, time};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, whole};

const LOG: &str = "connection/logs/";

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list(LOG)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LOGS];

/// The log as figures, if there is one.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let is_loss = |entry: &Json| {
        let is = |key, word: &str| entry.get(key).is_some_and(|it| it == word);
        is("type", "link") && is("state", "down")
    };
    let dates = answers
        .records(LOG)
        .filter_map(|entry| whole(entry, "date"));
    let last = dates.max().filter(|date| *date > 0);
    let sample = |losses| {
        let sample = Sample::new(&LOGS).with(const { LOGS.metric("link_losses") }, Some(losses));
        sample.with(const { LOGS.metric("last_event_time") }, last)
    };
    answers
        .count_if(LOG, is_loss)
        .map(sample)
        .into_iter()
        .collect()
}

static LOGS: Group = Group::new(
    "connection.log",
    "connection.log",
    &[
        count(
            "link_losses",
            "Losses of the line's link that the box's log tells of",
        )
        .computed()
        .field("link_down_count"),
        time(
            "last_event_time",
            "Moment of the last entry about the line in the box's log",
        )
        .computed(),
    ],
)
.field_prefix("conn_log_");
