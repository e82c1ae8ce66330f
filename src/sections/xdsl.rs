//! Copper: the modem and the two directions of the line, a part of what
//! [`super::connection`] asks for. <https://dev.freebox.fr/sdk/os/connection/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{Label, fixed, inherited, label};
use crate::metrics::lenient::{at, flag, number};
use crate::metrics::metric::{self, InField, Kind, Metric, counter, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::{KILOBIT, Unit};
use crate::metrics::value::{Scale, Value};

/// The modem and each direction that it tells of, on this line.
pub(super) fn of_xdsl(xdsl: &Json, line: &Sample) -> Vec<Sample> {
    let of_modem = Sample::read(&XDSL, xdsl).within(line);
    let label = |name| of_modem.text(name);
    let modulation = label("modulation").map(|it| match label("protocol") {
        Some(protocol) => format!("{it} ({protocol})"),
        None => it.to_owned(),
    });
    let directions = DIRECTIONS.iter().filter_map(|direction| {
        let answer = at(xdsl, direction.name)?;
        Some(direction.read(answer).within(&of_modem))
    });
    let directions: Vec<Sample> = directions.collect();
    let of_modem = of_modem.with(const { XDSL.metric("modulation") }, modulation);
    [of_modem].into_iter().chain(directions).collect()
}

/// How often something was sent again, with what success. G.INP and PhyR count under names of
/// their own and a box may send both; those of the mechanism that is on are meant.
fn retransmissions(answer: &Json) -> [Option<Value>; 3] {
    let is_on = |name| answer.get(name).and_then(flag) == Some(true);
    let read = |names: [&str; 3]| names.map(|name| answer.get(name).and_then(number));
    let of_ginp = read(["rtx_tx", "rtx_c", "rtx_uc"]);
    let of_phyr = read(["rxmt", "rxmt_corr", "rxmt_uncorr"]);
    let counts = |counters: &[Option<Value>; 3]| {
        let mut known = counters.iter().flatten();
        known.any(|it| it.as_f64().is_some_and(|count| count != 0.0))
    };
    let is_told = |counters: &[Option<Value>; 3]| counters.iter().any(Option::is_some);
    match (is_on("ginp"), is_on("phyr")) {
        (true, _) => of_ginp,
        (false, true) => of_phyr,
        (false, false) if counts(&of_ginp) => of_ginp,
        (false, false) if counts(&of_phyr) || !is_told(&of_ginp) => of_phyr,
        (false, false) => of_ginp,
    }
}

/// The modem.
pub(super) static XDSL: Group = Group::new(
    "connection.xdsl",
    "connection.xdsl",
    &[
        state(
            "status",
            Kind::Code(&[
                ("disabled", -1),
                ("down", 0),
                ("training", 1),
                ("started", 2),
                ("chan_analysis", 3),
                ("msg_exchange", 4),
                ("showtime", 5),
            ]),
            "How far the DSL modem has come with the line",
        )
        // `connection/full/` puts a text where `connection/xdsl/` has an object.
        .from(&["status.status", "status"]),
        gauge(
            "uptime",
            Unit::Second,
            "Time since the DSL modem synchronised",
        )
        .from(&["status.uptime"]),
        metric::text("modulation", "Modulation and protocol of the DSL line").computed(),
    ],
)
.labels(&[
    inherited("media").tag("conn_media").needed(),
    label("xdsl_status", &["status.status", "status"])
        .tag("xdsl_status")
        .tag_only(),
    label("modulation", &["status.modulation"]).tag("xdsl_modulation"),
    label("protocol", &["status.protocol"]).tag("xdsl_protocol"),
])
.field_prefix("xdsl_");

/// What the two directions tell, in words about one of them. Counters start again when the modem
/// synchronises.
macro_rules! metrics_about {
    ($data:literal) => {
        &[
            gauge(
                "bitrate",
                Unit::BitPerSecond,
                concat!("Rate at which the DSL modem synchronised for ", $data),
            )
            .from(&["rate"])
            .field("rate")
            .times(KILOBIT)
            .raw(),
            gauge(
                "max_bitrate",
                Unit::BitPerSecond,
                concat!("Rate that the DSL line could carry for ", $data),
            )
            .from(&["maxrate"])
            .field("maxrate")
            .times(KILOBIT)
            .raw(),
            gauge(
                "snr",
                Unit::Decibel,
                concat!("Signal to noise ratio of the DSL line for ", $data),
            )
            .computed()
            .raw_rounded(),
            gauge(
                "attenuation",
                Unit::Decibel,
                concat!("Attenuation of the DSL line for ", $data),
            )
            .computed()
            .field("attn")
            .raw_rounded(),
            counter(
                "fec",
                Unit::Count,
                concat!("Errors in ", $data, " on the DSL line that were corrected"),
            ),
            counter(
                "crc",
                Unit::Count,
                concat!(
                    "Errors in ",
                    $data,
                    " on the DSL line that were not corrected"
                ),
            ),
            counter(
                "hec",
                Unit::Count,
                concat!("Errors in headers of cells of ", $data, " on the DSL line"),
            ),
            counter(
                "errored_seconds",
                Unit::Second,
                concat!("Seconds in which ", $data, " on the DSL line had errors"),
            )
            .from(&["es"])
            .field("es"),
            counter(
                "severely_errored_seconds",
                Unit::Second,
                concat!(
                    "Seconds in which ",
                    $data,
                    " on the DSL line had many errors"
                ),
            )
            .from(&["ses"])
            .field("ses"),
            metric::flag(
                "phyr",
                concat!(
                    "Whether PhyR sends again what ",
                    $data,
                    " on the DSL line have lost"
                ),
            ),
            metric::flag(
                "ginp",
                concat!(
                    "Whether G.INP sends again what ",
                    $data,
                    " on the DSL line have lost"
                ),
            )
            .since("3"),
            metric::flag(
                "nitro",
                concat!("Whether Nitro speeds up ", $data, " on the DSL line"),
            ),
            counter(
                "retransmissions",
                Unit::Count,
                concat!("Pieces of ", $data, " on the DSL line that were sent again"),
            )
            .computed()
            .field("rtx_tx"),
            counter(
                "retransmissions_corrected",
                Unit::Count,
                concat!(
                    "Errors in ",
                    $data,
                    " on the DSL line that sending again has mended"
                ),
            )
            .computed()
            .field("rtx_c"),
            counter(
                "retransmissions_uncorrected",
                Unit::Count,
                concat!(
                    "Errors in ",
                    $data,
                    " on the DSL line that sending again has not mended"
                ),
            )
            .computed()
            .field("rtx_uc"),
        ]
    };
}

/// What the modem sends.
pub(super) static XDSL_UP: Group = Group::new(
    "connection.xdsl.up",
    "connection.xdsl.up",
    metrics_about!("uploads"),
)
.labels(&LABELS_UP)
.field_prefix("xdsl_up_");

/// What the modem receives.
pub(super) static XDSL_DOWN: Group = Group::new(
    "connection.xdsl.down",
    "connection.xdsl.down",
    metrics_about!("downloads"),
)
.labels(&LABELS_DOWN)
.field_prefix("xdsl_down_");

static LABELS_UP: [Label; 5] = of_modem("up");
static LABELS_DOWN: [Label; 5] = of_modem("down");

/// A direction has the texts of the modem.
const fn of_modem(direction: &'static str) -> [Label; 5] {
    [
        fixed("direction", direction),
        inherited("media").tag("conn_media").needed(),
        inherited("xdsl_status").tag("xdsl_status"),
        inherited("modulation").tag("xdsl_modulation"),
        inherited("protocol").tag("xdsl_protocol"),
    ]
}

/// A direction: where the modem tells of it, and the metrics that this file's code works out.
struct Direction {
    name: &'static str,
    group: &'static Group,
    /// What is measured in decibels: where it stands in tenths, and where rounded. The rounded one
    /// is what freebox-monitoring 0.9.1 has.
    decibels: [(&'static Metric, &'static str, &'static str); 2],
    /// All pieces that were sent again, those with success, those without.
    retransmissions: [&'static Metric; 3],
}

static DIRECTIONS: [Direction; 2] = [
    Direction::new("up", &XDSL_UP),
    Direction::new("down", &XDSL_DOWN),
];

impl Direction {
    const fn new(name: &'static str, group: &'static Group) -> Self {
        Direction {
            name,
            group,
            decibels: [
                (group.metric("snr"), "snr_10", "snr"),
                (group.metric("attenuation"), "attn_10", "attn"),
            ],
            retransmissions: [
                group.metric("retransmissions"),
                group.metric("retransmissions_corrected"),
                group.metric("retransmissions_uncorrected"),
            ],
        }
    }

    fn read(&self, answer: &Json) -> Sample {
        let mut sample = Sample::read(self.group, answer);
        for (metric, tenths, rounded) in self.decibels {
            let rounded = answer.get(rounded).and_then(number);
            let tenths = answer.get(tenths).and_then(number);
            let exact = tenths.map(|tenths| tenths.scaled(Scale { times: 1, over: 10 }));
            let in_field = rounded.clone().map_or(InField::Nothing, InField::Other);
            sample.add(metric, exact.or(rounded), in_field);
        }
        let counters = self
            .retransmissions
            .into_iter()
            .zip(retransmissions(answer));
        counters.fold(sample, |it, (metric, count)| it.with(metric, count))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::super::connection::{ASKS, map};

    /// A line of copper that is up, with this direction.
    fn check_down(direction: &str, expected: &[&str]) {
        let xdsl = format!(r#"{{"down":{direction}}}"#);
        let mut all = vec![];
        let labels = "{direction=down}";
        all.extend(expected.iter().map(|line| {
            let (name, value) = line.split_once(' ').expect("a value");
            format!("connection.xdsl.down.{name}{labels} {value}")
        }));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        check(map, ASKS, &[("connection/xdsl/", &xdsl)], &all);
    }

    #[test]
    fn copper_with_one_direction_missing() {
        let xdsl = r#"{"status":{"status":"showtime","uptime":3600,"modulation":"vdsl"},
            "down":{"rate":45000,"snr_10":61,"snr":6,"attn":8}}"#;
        let line = r#"{"state":"up","media":"xdsl"}"#;
        let of_line = "media=xdsl";
        let modem = "xdsl_status=showtime,modulation=vdsl,media=xdsl";
        let down = "direction=down,media=xdsl,xdsl_status=showtime,modulation=vdsl";
        check(
            map,
            ASKS,
            &[("connection/", line), ("connection/xdsl/", xdsl)],
            &[
                &format!("connection.state{{{of_line}}} 1"),
                &format!("connection.media{{{of_line}}} 3"),
                &format!("connection.xdsl.status{{{modem}}} 5"),
                &format!("connection.xdsl.uptime{{{modem}}} 3600"),
                &format!("connection.xdsl.modulation{{{modem}}} vdsl"),
                &format!("connection.xdsl.down.bitrate{{{down}}} 45000000 (45000)"),
                &format!("connection.xdsl.down.snr{{{down}}} 6.1 (6)"),
                &format!("connection.xdsl.down.attenuation{{{down}}} 8 (8)"),
            ],
        );
    }

    #[test]
    fn retransmissions_are_those_of_the_mechanism_that_is_on() {
        let cases = [
            (r#""phyr":true,"ginp":false"#, [120, 118, 2]),
            (r#""phyr":false,"ginp":true"#, [0, 0, 0]),
            (r#""phyr":true,"ginp":true"#, [0, 0, 0]),
            (r#""phyr":false,"ginp":false"#, [120, 118, 2]),
            (r#""nitro":true"#, [120, 118, 2]),
        ];
        let counters =
            r#""rxmt":120,"rxmt_corr":118,"rxmt_uncorr":2,"rtx_tx":0,"rtx_c":0,"rtx_uc":0"#;
        for (mechanisms, [all, corrected, uncorrected]) in cases {
            let flags = ["phyr", "ginp", "nitro"].into_iter().filter_map(|name| {
                let (_, value) = mechanisms.split_once(&format!("\"{name}\":"))?;
                Some(format!("{name} {}", u8::from(value.starts_with("true"))))
            });
            let counted = [
                format!("retransmissions {all}"),
                format!("retransmissions_corrected {corrected}"),
                format!("retransmissions_uncorrected {uncorrected}"),
            ];
            let expected: Vec<String> = flags.chain(counted).collect();
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            check_down(&format!("{{{mechanisms},{counters}}}"), &expected);
        }
    }

    #[test]
    fn retransmissions_of_a_box_that_does_not_say_what_is_on() {
        check_down(
            r#"{"rtx_tx":0,"rtx_uc":0}"#,
            &["retransmissions 0", "retransmissions_uncorrected 0"],
        );
        check_down(r#"{"rxmt":0}"#, &["retransmissions 0"]);
        check_down(
            r#"{"rtx_tx":3,"rxmt":5,"rxmt_corr":5}"#,
            &["retransmissions 3"],
        );
        check_down(r#"{"ginp":true,"rxmt":5}"#, &["ginp 1"]);
    }

    #[test]
    fn the_short_form_of_a_box_without_copper() {
        check(
            map,
            ASKS,
            &[("connection/xdsl/", r#"{"status":"disabled"}"#)],
            &["connection.xdsl.status{xdsl_status=disabled} -1"],
        );
    }
}
