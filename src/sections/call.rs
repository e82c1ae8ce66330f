//! Telephony: the call log as counts, voice mail, the telephones.
//! <https://dev.freebox.fr/sdk/os/call/>
//!
//! The log is counted, never listed: one series per call would be numbers of people in paths.

use std::collections::BTreeMap;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state, time};
use crate::metrics::reading::{flag as yes, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("call/log/"),
    list("call/voicemail/").since(10),
    list("phone/"),
    object("phone/config/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&CALL, &TYPE, &VOICEMAIL, &PHONE, &PHONES];

/// The kinds that a log which was given has a count for, be it 0.
const TYPES: [&str; 3] = ["missed", "accepted", "outgoing"];

/// The log, voice mail, the telephones.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = of_log(answers);
    let unread = answers.count_if("call/voicemail/", |it| {
        it.get("read").and_then(yes) == Some(false)
    });
    samples.extend(unread.map(|unread| Sample::new(&VOICEMAIL).with("unread_count", Some(unread))));
    samples.extend(answers.records("phone/").map(|phone| {
        Sample::read(&PHONE, phone)
            .label("phone", phone.get("id").and_then(text))
            .label("phone_type", phone.get("type").and_then(text))
    }));
    samples.extend(
        answers
            .object("phone/config/")
            .map(|config| Sample::read(&PHONES, config)),
    );
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
    let mut samples = vec![
        Sample::new(&CALL)
            .with("new_count", Some(unread))
            .with("last_missed_time", last_missed),
    ];
    samples.extend(types.into_iter().map(|(call_type, (count, duration))| {
        Sample::new(&TYPE)
            .with("count", Some(count))
            .with("duration_total", Some(duration))
            .label("call_type", Some(call_type))
    }));
    samples
}

static CALL: Group = Group::new(
    "call",
    &[
        gauge(
            "new_count",
            "count",
            "Calls in the log that nobody has looked at",
        )
        .computed(),
        time("last_missed_time", "Last missed call").computed(),
    ],
)
.measurement("freebox_call")
.field_prefix("call_");

static TYPE: Group = Group::new(
    "call.type",
    &[
        gauge("count", "count", "Calls of this kind in the log").computed(),
        gauge("duration_total", "s", "How long they were, in sum").computed(),
    ],
)
.identity(&[&["call_type"]])
.measurement("freebox_call")
.field_prefix("call_");

static VOICEMAIL: Group = Group::new(
    "call.voicemail",
    &[gauge("unread_count", "count", "Messages that nobody has heard").computed()],
)
.since("10.1")
.measurement("freebox_call")
.field_prefix("voicemail_");

static PHONE: Group = Group::new(
    "phone",
    &[
        flag("on_hook", "Nobody is speaking"),
        flag("ringing", "It rings").from(&["is_ringing"]),
    ],
)
.identity(&[&["phone"]])
.labels(&["phone_type"])
.measurement("freebox_call")
.field_prefix("phone_");

static PHONES: Group = Group::new(
    "phone.config",
    &[
        state("network_working", Kind::Is("working"), "The line works").from(&["network"]),
        flag("dect_enabled", "The DECT base is switched on"),
    ],
)
.measurement("freebox_call")
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
                "call.new_count 1",
                "call.last_missed_time 1700000900",
                "call.type.count{call_type=accepted} 0",
                "call.type.duration_total{call_type=accepted} 0",
                "call.type.count{call_type=incoming} 1",
                "call.type.duration_total{call_type=incoming} 12",
                "call.type.count{call_type=missed} 2",
                "call.type.duration_total{call_type=missed} 0",
                "call.type.count{call_type=outgoing} 1",
                "call.type.duration_total{call_type=outgoing} 61",
            ],
        );
    }
}
