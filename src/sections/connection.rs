//! The line to the Internet: `connection/`, `connection/config/` and, by what the box has,
//! `connection/ftth/` or `connection/xdsl/`. <https://dev.freebox.fr/sdk/os/connection/>
//!
//! The box renews the traffic figures about every five seconds. Its `media` cannot be trusted to
//! tell fibre from copper (a fibre that is down calls itself `xdsl`), so both are asked and the
//! one that is not there declines.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{self, Kind, Metric, counter, gauge, state};
use crate::metrics::reading::{at, flag, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("connection/").required(),
    object("connection/config/").required(),
    object("connection/ftth/"),
    object("connection/xdsl/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LINE, &CONFIG, &FTTH, &XDSL, &XDSL_UP, &XDSL_DOWN];

/// The line, its settings and whichever of fibre and copper there is.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let line = answers.object("connection/");
    let media = line.and_then(media);
    let mut samples: Vec<Sample> = line.map(of_line).into_iter().collect();
    samples.extend(answers.object("connection/config/").map(of_config));
    samples.extend(
        answers
            .object("connection/ftth/")
            .map(|it| of_ftth(it, media.clone())),
    );
    samples.extend(
        answers
            .object("connection/xdsl/")
            .map(|it| of_xdsl(it, media))
            .unwrap_or_default(),
    );
    samples
}

/// What carries the line; `down` while nothing does, whatever the box says then.
fn media(line: &Json) -> Option<String> {
    let down = at(line, "state")? != "up";
    match down {
        true => Some("down".to_owned()),
        false => text(at(line, "media")?),
    }
}

fn of_line(line: &Json) -> Sample {
    let label = |path| at(line, path).and_then(text);
    let mut sample = Sample::read(&LINE, line);
    // Which of the two one alone would be, nobody can say.
    let range = at(line, "ipv4_port_range").and_then(Json::as_array);
    if range.is_none_or(|range| range.len() != PORT_RANGE.len()) {
        sample = PORT_RANGE.iter().fold(sample, |it, name| it.without(name));
    }
    sample
        .label("media", media(line))
        .label("type", label("type"))
        .label("ipv4", label("ipv4"))
        .label("ipv6", label("ipv6"))
}

fn of_config(config: &Json) -> Sample {
    let label = |path| at(config, path).and_then(text);
    Sample::read(&CONFIG, config)
        .label("remote_ip", label("remote_access_ip"))
        .label("remote_access_port", label("remote_access_port"))
}

fn of_ftth(ftth: &Json, media: Option<String>) -> Sample {
    let label = |path| at(ftth, path).and_then(text);
    let sample = Sample::read(&FTTH, ftth)
        .label("media", media)
        .label("sfp_model", label("sfp_model"))
        .label("sfp_vendor", label("sfp_vendor"))
        .label("sfp_serial", label("sfp_serial"));
    // A module that cannot measure sends zeros, which would read as a strong light.
    match at(ftth, "sfp_has_power_report").and_then(flag) {
        Some(true) => sample,
        _ => OPTICAL_POWER
            .iter()
            .fold(sample, |it, name| it.without(name)),
    }
}

fn of_xdsl(xdsl: &Json, media: Option<String>) -> Vec<Sample> {
    // `connection/full/` puts a text where `connection/xdsl/` has an object.
    let label = |path| at(xdsl, path).and_then(text);
    let status = label("status.status").or_else(|| label("status"));
    let with_labels = |sample: Sample| {
        sample
            .label("media", media.clone())
            .label("xdsl_status", status.clone())
            .label("modulation", label("status.modulation"))
            .label("protocol", label("status.protocol"))
    };
    let direction = |group, name| at(xdsl, name).map(|answer| Sample::read(group, answer));
    let samples = [
        Some(Sample::read(&XDSL, xdsl)),
        direction(&XDSL_UP, "up"),
        direction(&XDSL_DOWN, "down"),
    ];
    samples.into_iter().flatten().map(with_labels).collect()
}

/// The metrics that are read by their place in a list.
const PORT_RANGE: [&str; 2] = ["wan_ipv4_port_range_min", "wan_ipv4_port_range_max"];

static LINE: Group = Group::new(
    "connection",
    &[
        state("state", Kind::Is("up"), "The line is up"),
        gauge("rate_down", "byte/s", "Download rate"),
        gauge("rate_up", "byte/s", "Upload rate"),
        counter("bytes_down", "byte", "Received since the line came up"),
        counter("bytes_up", "byte", "Sent since the line came up"),
        gauge("bandwidth_down", "bit/s", "Download bandwidth of the line"),
        gauge("bandwidth_up", "bit/s", "Upload bandwidth of the line"),
        gauge(
            "wan_ipv4_port_range_min",
            "port",
            "First port of a shared IPv4 address",
        )
        .since("4")
        .from(&["ipv4_port_range.0"]),
        gauge(
            "wan_ipv4_port_range_max",
            "port",
            "Last port of a shared IPv4 address",
        )
        .since("4")
        .from(&["ipv4_port_range.1"]),
        state(
            "conn_media_code",
            Kind::Code(&[
                ("none", 0),
                ("ftth", 1),
                ("ethernet", 2),
                ("xdsl", 3),
                ("backup_4g", 4),
            ]),
            "What carries the line, as the box says",
        )
        .from(&["media"]),
        state(
            "conn_type_code",
            Kind::Code(&[("ethernet", 1), ("rfc2684", 2), ("pppoatm", 3)]),
            "How the line is connected",
        )
        .from(&["type"]),
    ],
)
.labels(&["media", "type", "ipv4", "ipv6"]);

static CONFIG: Group = Group::new(
    "connection.config",
    &[
        metric::flag("ping_external", "Pings from outside are answered").from(&["ping"]),
        metric::flag("adblock", "Advertisements are blocked"),
        metric::flag("wol", "Wake-on-LAN from outside is passed on"),
        state(
            "sip_alg",
            Kind::Code(&[("disabled", 0), ("direct_media", 1), ("any_media", 2)]),
            "Help for telephones behind the box",
        ),
        metric::flag("remote_is_secure_pass", "The password is a strong one")
            .from(&["is_secure_pass"]),
        metric::flag("remote_access", "The box's pages are open to the outside"),
        metric::flag("api_remote_access", "The API is open to the outside"),
        metric::flag(
            "api_allow_token_request",
            "New applications may ask for access",
        )
        .from(&["allow_token_request"]),
    ],
)
.labels(&["remote_ip", "remote_access_port"])
.field_prefix("config_");

/// The metrics of [`FTTH`] that mean something only where the module measures.
const OPTICAL_POWER: [&str; 4] = [
    "sfp_pwr_rx",
    "sfp_pwr_tx",
    "sfp_pwr_rx_dbm",
    "sfp_pwr_tx_dbm",
];

static FTTH: Group = Group::new(
    "connection.ftth",
    &[
        metric::flag("sfp_present", "The optical module is there"),
        metric::flag("sfp_alim_ok", "The optical module has power"),
        metric::flag("sfp_has_power_report", "The module measures optical power"),
        metric::flag("sfp_has_signal", "Light arrives"),
        metric::flag("sfp_link", "The optical link is up").from(&["link"]),
        gauge("sfp_pwr_rx", "dBm/100", "Optical power received"),
        gauge("sfp_pwr_tx", "dBm/100", "Optical power sent"),
        gauge("sfp_pwr_rx_dbm", "dBm", "Optical power received")
            .from(&["sfp_pwr_rx"])
            .divided_by(100),
        gauge("sfp_pwr_tx_dbm", "dBm", "Optical power sent")
            .from(&["sfp_pwr_tx"])
            .divided_by(100),
    ],
)
.labels(&["media", "sfp_model", "sfp_vendor", "sfp_serial"]);

/// Labels of everything about copper.
const XDSL_LABELS: &[&str] = &["media", "xdsl_status", "modulation", "protocol"];

static XDSL: Group = Group::new(
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
            "How far the modem has come",
        )
        .from(&["status.status", "status"]),
        gauge("uptime", "s", "Since the modem synchronised").from(&["status.uptime"]),
    ],
)
.labels(XDSL_LABELS)
.field_prefix("xdsl_");

static XDSL_UP: Group = Group::new("connection.xdsl.up", XDSL_DIRECTION)
    .constants(&[("direction", "up")])
    .labels(XDSL_LABELS)
    .field_prefix("xdsl_up_");

static XDSL_DOWN: Group = Group::new("connection.xdsl.down", XDSL_DIRECTION)
    .constants(&[("direction", "down")])
    .labels(XDSL_LABELS)
    .field_prefix("xdsl_down_");

/// Counters start again when the modem synchronises. Retransmissions are counted under one name
/// with G.INP and under another with PhyR.
const XDSL_DIRECTION: &[Metric] = &[
    gauge("rate", "kbit/s", "Rate of the modem"),
    gauge("maxrate", "kbit/s", "Rate the line could carry"),
    gauge("snr", "dB", "Signal to noise ratio, rounded"),
    gauge("attn", "dB", "Attenuation, rounded"),
    gauge("snr_tenth_db", "dB/10", "Signal to noise ratio").from(&["snr_10"]),
    gauge("attn_tenth_db", "dB/10", "Attenuation").from(&["attn_10"]),
    counter("fec", "errors", "Errors that were corrected"),
    counter("crc", "errors", "Errors that were not corrected"),
    counter("hec", "errors", "Errors in cell headers"),
    counter("es", "s", "Seconds with errors"),
    counter("ses", "s", "Seconds with severe errors"),
    metric::flag("phyr", "PhyR is active"),
    metric::flag("ginp", "G.INP is active").since("3"),
    metric::flag("nitro", "Nitro is active"),
    counter("rtx_tx", "count", "Retransmissions")
        .since("3")
        .from(&["rtx_tx", "rxmt"]),
    counter("rtx_c", "count", "Retransmissions that helped")
        .since("3")
        .from(&["rtx_c", "rxmt_corr"]),
    counter("rtx_uc", "count", "Retransmissions that did not")
        .since("3")
        .from(&["rtx_uc", "rxmt_uncorr"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds the names and values of a mapped answer against the expected ones.
    fn check(samples: &[Sample], expected: &[(&str, &str)]) {
        let got: Vec<(String, String)> = samples
            .iter()
            .flat_map(|sample| sample.values.iter().map(|it| (sample.group, it)))
            .map(|(group, (metric, value))| (group.metric_name(metric), value.to_string()))
            .collect();
        let got: Vec<(&str, &str)> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(got, expected);
    }

    fn json(text: &str) -> Json {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_line_that_is_up() {
        let line = of_line(&json(
            r#"{"state":"up","media":"ftth","type":"ethernet","rate_down":120000,"rate_up":"9000",
                "bytes_down":70000000000,"bytes_up":null,"bandwidth_down":8000000000,
                "ipv4_port_range":[16384,32767],"ipv4":"198.51.100.7"}"#,
        ));
        assert_eq!(line.text("media"), Some("ftth"));
        assert_eq!(line.text("ipv6"), None);
        check(
            &[line],
            &[
                ("connection.state", "1"),
                ("connection.rate_down", "120000"),
                ("connection.rate_up", "9000"),
                ("connection.bytes_down", "70000000000"),
                ("connection.bandwidth_down", "8000000000"),
                ("connection.wan_ipv4_port_range_min", "16384"),
                ("connection.wan_ipv4_port_range_max", "32767"),
                ("connection.conn_media_code", "1"),
                ("connection.conn_type_code", "1"),
            ],
        );
    }

    #[test]
    fn a_fibre_that_is_down_calls_itself_xdsl() {
        let line = of_line(&json(
            r#"{"state":"down","media":"xdsl","ipv4_port_range":[]}"#,
        ));
        assert_eq!(line.text("media"), Some("down"));
        check(
            &[line],
            &[
                ("connection.state", "0"),
                ("connection.conn_media_code", "3"),
            ],
        );
    }

    #[test]
    fn settings_of_an_old_and_a_strange_firmware() {
        check(
            &[of_config(&json(
                r#"{"ping":true,"sip_alg":"new_mode","is_secure_pass":"false","wol":7}"#,
            ))],
            &[
                ("connection.config.ping_external", "1"),
                ("connection.config.sip_alg", "999"),
                ("connection.config.remote_is_secure_pass", "0"),
            ],
        );
    }

    #[test]
    fn optical_power_in_both_units() {
        let ftth = json(r#"{"link":true,"sfp_has_power_report":true,"sfp_pwr_rx":-1838}"#);
        check(
            &[of_ftth(&ftth, None)],
            &[
                ("connection.ftth.sfp_has_power_report", "1"),
                ("connection.ftth.sfp_link", "1"),
                ("connection.ftth.sfp_pwr_rx", "-1838"),
                ("connection.ftth.sfp_pwr_rx_dbm", "-18.38"),
            ],
        );
    }

    #[test]
    fn a_module_that_does_not_measure_has_no_power() {
        let ftth = json(r#"{"sfp_has_power_report":false,"sfp_pwr_rx":0,"sfp_pwr_tx":0}"#);
        check(
            &[of_ftth(&ftth, None)],
            &[("connection.ftth.sfp_has_power_report", "0")],
        );
    }

    #[test]
    fn copper_with_phyr_and_one_direction_missing() {
        let xdsl = json(
            r#"{"status":{"status":"showtime","uptime":3600,"modulation":"vdsl"},
                "down":{"rate":45000,"snr_10":61,"rxmt":5,"rtx_c":2,"rxmt_corr":9,"ginp":false}}"#,
        );
        let samples = of_xdsl(&xdsl, Some("xdsl".to_owned()));
        assert_eq!(samples[1].text("direction"), Some("down"));
        assert_eq!(samples[1].text("modulation"), Some("vdsl"));
        check(
            &samples,
            &[
                ("connection.xdsl.status", "5"),
                ("connection.xdsl.uptime", "3600"),
                ("connection.xdsl.down.rate", "45000"),
                ("connection.xdsl.down.snr_tenth_db", "61"),
                ("connection.xdsl.down.ginp", "0"),
                ("connection.xdsl.down.rtx_tx", "5"),
                ("connection.xdsl.down.rtx_c", "2"),
            ],
        );
    }

    #[test]
    fn the_short_form_of_a_box_without_copper() {
        let samples = of_xdsl(&json(r#"{"status":"disabled"}"#), None);
        check(&samples, &[("connection.xdsl.status", "-1")]);
    }
}
