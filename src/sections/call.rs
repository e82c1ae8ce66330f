//! Telephony: the call log as counts, voice mail, the telephones.
//! <https://dev.freebox.fr/sdk/os/call/>
//!
//! The log is counted, never listed: one series per call would be numbers of people in paths.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{given, label};
use crate::metrics::lenient::{flag as yes, text};
use crate::metrics::metric::{self, Kind, count, flag, gauge, state, time};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, list, object, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("call/log/"),
    object("call/account").since(10),
    list("call/voicemail/").since(10),
    list("phone/"),
    object("phone/config/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&CALL, &TYPE, &ACCOUNT, &VOICEMAIL, &PHONE, &PHONES];

/// The kinds that a log which was given has a count for, be it 0.
const TYPES: [&str; 3] = ["missed", "accepted", "outgoing"];

/// The log, voice mail, the telephones.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = of_log(answers);
    let account = answers.object("call/account");
    samples.extend(account.map(|account| Sample::read(&ACCOUNT, account)));
    let is_unread = |it: &Json| it.get("read").and_then(yes) == Some(false);
    let unread = answers.count_if("call/voicemail/", is_unread);
    samples.extend(unread.map(|unread| {
        Sample::new(&VOICEMAIL).with(const { VOICEMAIL.metric("unread") }, Some(unread))
    }));
    let phones = answers.records("phone/");
    samples.extend(phones.map(|phone| Sample::read(&PHONE, phone)));
    let config = answers.object("phone/config/");
    samples.extend(config.map(|config| Sample::read(&PHONES, config)));
    samples
}

fn of_log(answers: &Answers) -> Vec<Sample> {
    const LOG: &str = "call/log/";
    let Some(unread) = answers.count_if(LOG, |it| it.get("new").and_then(yes) == Some(true)) else {
        return Vec::new();
    };
    let mut types: BTreeMap<String, (i64, i64)> = TYPES
        .iter()
        .map(|name| ((*name).to_owned(), (0, 0)))
        .collect();
    for call in answers.records(LOG) {
        if let Some(call_type) = call.get("type").and_then(text) {
            let (count, duration) = types.entry(call_type).or_default();
            *count += 1;
            *duration += whole(call, "duration")
                .unwrap_or_default()
                .clamp(0, 1 << 32);
        }
    }
    let missed = answers
        .records(LOG)
        .filter(|it| it.get("type").is_some_and(|it| it == "missed"));
    let last_missed = missed
        .filter_map(|it| whole(it, "datetime"))
        .max()
        .filter(|time| *time > 0);
    let of_log = Sample::new(&CALL)
        .with(const { CALL.metric("unseen_calls") }, Some(unread))
        .with(const { CALL.metric("last_missed_time") }, last_missed);
    let of_types = types.into_iter().map(|(call_type, (count, duration))| {
        Sample::new(&TYPE)
            .with(const { TYPE.metric("calls") }, Some(count))
            .with(const { TYPE.metric("duration") }, Some(duration))
            .label("call_type", Some(call_type))
    });
    [of_log].into_iter().chain(of_types).collect()
}

static CALL: Group = Group::new(
    "call",
    "call",
    &[
        count(
            "unseen_calls",
            "Calls in the box's log that nobody has looked at",
        )
        .computed()
        .field("new_count"),
        time(
            "last_missed_time",
            "Moment of the last missed call in the box's log",
        )
        .computed(),
    ],
)
.measure("call")
.field_prefix("call_");

static TYPE: Group = Group::new(
    "call.type",
    "call.type.{call_type}",
    &[
        count("calls", "Calls of this kind in the box's log")
            .computed()
            .field("count"),
        gauge(
            "duration",
            Unit::Second,
            "Length of all calls of this kind in the box's log, in sum",
        )
        .computed()
        .field("duration_total"),
    ],
)
.labels(&[given("call_type").tag("call_type")])
.measure("call")
.field_prefix("call_");

static ACCOUNT: Group = Group::new(
    "call.account",
    "call.account",
    &[metric::text("phone_number", "Telephone number of the line")],
)
.since("10.1")
.labels(&[label("phone_number", &["phone_number"]).tag("phone_number")])
.measure("call")
.field_prefix("call_");

static VOICEMAIL: Group = Group::new(
    "call.voicemail",
    "call.voicemail",
    &[count("unread", "Voice messages that nobody has heard")
        .computed()
        .field("unread_count")],
)
.since("10.1")
.measure("call")
.field_prefix("voicemail_");

static PHONE: Group = Group::new(
    "phone",
    "phone.{phone}",
    &[
        flag("on_hook", "Whether nobody is speaking on this telephone"),
        flag("ringing", "Whether this telephone rings now").from(&["is_ringing"]),
    ],
)
.labels(&[
    label("phone", &["id"]).tag("phone"),
    label("phone_type", &["type"]).tag("phone_type").spoken(),
])
.measure("call")
.field_prefix("phone_");

static PHONES: Group = Group::new(
    "phone.config",
    "phone.config",
    &[
        state(
            "network_working",
            Kind::Is("working"),
            "Whether the network for telephones works",
        )
        .from(&["network"]),
        flag(
            "dect_enabled",
            "Whether the DECT base of the box is switched on",
        ),
    ],
)
.measure("call")
.field_prefix("phone_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn calls_are_counted_and_never_listed() {
        let log = r#"[{"type":"missed","new":true,"datetime":1700000000,"duration":0},
            {"type":"missed","new":false,"datetime":1700000900,"duration":0},
            {"type":"outgoing","duration":61,"number":"0199000001"}, null,
            {"type":"incoming","duration":"12"}]"#;
        check(
            map,
            ASKS,
            &[("call/log/", log)],
            &[
                "call.unseen_calls 1",
                "call.last_missed_time 1700000900",
                "call.type.calls{call_type=accepted} 0",
                "call.type.duration{call_type=accepted} 0",
                "call.type.calls{call_type=incoming} 1",
                "call.type.duration{call_type=incoming} 12",
                "call.type.calls{call_type=missed} 2",
                "call.type.duration{call_type=missed} 0",
                "call.type.calls{call_type=outgoing} 1",
                "call.type.duration{call_type=outgoing} 61",
            ],
        );
    }
}
