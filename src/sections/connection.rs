//! The line to the Internet: `connection/`, `connection/config/` and, by what the box has,
//! `connection/ftth/` or `connection/xdsl/`. <https://dev.freebox.fr/sdk/os/connection/>
//!
//! The box renews the traffic figures about every five seconds. Its `media` cannot be trusted to
//! tell fibre from copper (a fibre that is down calls itself `xdsl`), so both are asked and the
//! one that is not there declines.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{Spelling, given, inherited, label};
use crate::metrics::lenient::{at, flag, text};
use crate::metrics::metric::{self, Kind, Metric, counter, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, items, object};
use crate::sections::xdsl::{XDSL, XDSL_DOWN, XDSL_UP, of_xdsl};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("connection/").required(),
    object("connection/config/").required(),
    object("connection/ftth/"),
    object("connection/xdsl/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LINE, &CONFIG, &REMOTE, &FTTH, &XDSL, &XDSL_UP, &XDSL_DOWN];

/// The line, its settings and whichever of fibre and copper there is.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let line = answers.object("connection/").map(of_line);
    let media = line.as_ref().and_then(|line| line.text("media"));
    let above = Sample::new(&LINE).label("media", media.map(str::to_owned));
    let mut samples: Vec<Sample> = line.into_iter().collect();
    if let Some(config) = answers.object("connection/config/") {
        samples.extend([&CONFIG, &REMOTE].map(|group| Sample::read(group, config)));
    }
    let ftth = answers.object("connection/ftth/");
    samples.extend(ftth.map(|it| of_ftth(it).within(&above)));
    if let Some(xdsl) = answers.object("connection/xdsl/") {
        samples.extend(of_xdsl(xdsl, &above));
    }
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
    let sample = Sample::read(&LINE, line).label("media", media(line));
    // Which of the two one alone would be, nobody can say.
    let range = items(line, "ipv4_port_range");
    match range.is_some_and(|range| range.len() == PORT_RANGE.len()) {
        true => sample,
        false => PORT_RANGE.iter().fold(sample, |it, end| it.without(end)),
    }
}

fn of_ftth(ftth: &Json) -> Sample {
    let sample = Sample::read(&FTTH, ftth);
    // A module that cannot measure sends zeros, which would read as a strong light.
    match at(ftth, "sfp_has_power_report").and_then(flag) {
        Some(true) => sample,
        _ => OPTICAL_POWER
            .iter()
            .fold(sample, |it, power| it.without(power)),
    }
}

/// The metrics that are read by their place in a list.
const PORT_RANGE: [&Metric; 2] = [
    LINE.metric("ipv4_port_range_min"),
    LINE.metric("ipv4_port_range_max"),
];

/// The line.
pub(super) static LINE: Group = Group::new(
    "connection",
    "connection",
    &[
        state(
            "state",
            Kind::Is("up"),
            "Whether the line to the Internet is up",
        ),
        gauge(
            "rate_down",
            Unit::BytePerSecond,
            "Download rate of the line, as the box measures it",
        )
        .not_negative(),
        gauge(
            "rate_up",
            Unit::BytePerSecond,
            "Upload rate of the line, as the box measures it",
        )
        .not_negative(),
        counter(
            "bytes_down",
            Unit::Byte,
            "Bytes received on the line since it came up",
        ),
        counter(
            "bytes_up",
            Unit::Byte,
            "Bytes sent on the line since it came up",
        ),
        gauge(
            "bandwidth_down",
            Unit::BitPerSecond,
            "Download bandwidth that the line could carry",
        )
        .not_negative(),
        gauge(
            "bandwidth_up",
            Unit::BitPerSecond,
            "Upload bandwidth that the line could carry",
        )
        .not_negative(),
        gauge(
            "ipv4_port_range_min",
            Unit::None,
            "First port of the line on a shared IPv4 address",
        )
        .since("4")
        .from(&["ipv4_port_range.0"])
        .field("wan_ipv4_port_range_min"),
        gauge(
            "ipv4_port_range_max",
            Unit::None,
            "Last port of the line on a shared IPv4 address",
        )
        .since("4")
        .from(&["ipv4_port_range.1"])
        .field("wan_ipv4_port_range_max"),
        state(
            "media",
            Kind::Code(&[
                ("none", 0),
                ("ftth", 1),
                ("ethernet", 2),
                ("xdsl", 3),
                ("backup_4g", 4),
                ("backup", 4),
            ]),
            "What carries the line, as the box says",
        )
        .field("conn_media_code"),
        state(
            "type",
            Kind::Code(&[("ethernet", 1), ("rfc2684", 2), ("pppoatm", 3)]),
            "How the line is connected to the network",
        )
        .field("conn_type_code"),
        metric::text("wan_ipv4", "IPv4 address of the line").from(&["ipv4"]),
        metric::text("wan_ipv6", "IPv6 address of the line").from(&["ipv6"]),
    ],
)
.labels(&[
    given("media").tag("conn_media"),
    label("type", &["type"]),
    label("ipv4", &["ipv4"]),
    label("ipv6", &["ipv6"]),
]);

static CONFIG: Group = Group::new(
    "connection.config",
    "connection.config",
    &[
        metric::flag(
            "ping_external",
            "Whether the box answers pings from the Internet",
        )
        .from(&["ping"]),
        metric::flag("adblock", "Whether the box blocks advertisements"),
        metric::flag(
            "wake_on_lan",
            "Whether the box passes on Wake-on-LAN from the Internet",
        )
        .from(&["wol"])
        .field("wol"),
        state(
            "sip_alg",
            Kind::Code(&[("disabled", 0), ("direct_media", 1), ("any_media", 2)]),
            "How the box helps SIP telephones behind it",
        ),
    ],
)
.field_prefix("config_");

/// The settings about access from outside, which have tags of their own.
static REMOTE: Group = Group::new(
    "connection.config",
    "connection.config",
    &[
        metric::flag(
            "password_secure",
            "Whether the box takes its password for a strong one",
        )
        .from(&["is_secure_pass"])
        .field("remote_is_secure_pass"),
        metric::flag(
            "remote_access",
            "Whether the box's own pages are open to the Internet",
        ),
        metric::flag(
            "api_remote_access",
            "Whether the box's API is open to the Internet",
        ),
        metric::flag(
            "allow_token_request",
            "Whether new applications may ask the box for access",
        )
        .field("api_allow_token_request"),
    ],
)
.labels(&[
    label("remote_ip", &["remote_access_ip"]).tag("remote_ip"),
    label("remote_access_port", &["remote_access_port"]).tag("remote_access_port"),
])
.field_prefix("config_");

/// The metrics of [`FTTH`] that mean something only where the module measures.
const OPTICAL_POWER: [&Metric; 2] = [FTTH.metric("rx_power_dbm"), FTTH.metric("tx_power_dbm")];

static FTTH: Group = Group::new(
    "connection.ftth",
    "connection.ftth",
    &[
        metric::flag(
            "sfp_present",
            "Whether the optical module of the line is there",
        ),
        metric::flag(
            "sfp_power_good",
            "Whether the optical module of the line has power",
        )
        .from(&["sfp_alim_ok"])
        .field("sfp_alim_ok"),
        metric::flag(
            "sfp_has_power_report",
            "Whether the optical module of the line measures optical power",
        ),
        metric::flag(
            "sfp_has_signal",
            "Whether light arrives at the optical module of the line",
        ),
        metric::flag("link", "Whether the optical link of the line is up").field("sfp_link"),
        gauge(
            "rx_power_dbm",
            Unit::Dbm,
            "Optical power that the line's module receives",
        )
        .from(&["sfp_pwr_rx"])
        .over(100)
        .raw()
        .field("sfp_pwr_rx"),
        gauge(
            "tx_power_dbm",
            Unit::Dbm,
            "Optical power that the line's module sends",
        )
        .from(&["sfp_pwr_tx"])
        .over(100)
        .raw()
        .field("sfp_pwr_tx"),
    ],
)
.labels(&[
    inherited("media").tag("conn_media").needed(),
    label("sfp_model", &["sfp_model"]).tag("sfp_model"),
    label("sfp_vendor", &["sfp_vendor"])
        .tag("sfp_vendor")
        .spelled(Spelling::PlainMaker),
    label("sfp_serial", &["sfp_serial"]).tag("sfp_serial"),
]);

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn a_line_that_is_up() {
        let line = r#"{"state":"up","media":"ftth","type":"ethernet","rate_down":120000,
            "rate_up":"9000","bytes_down":70000000000,"bytes_up":null,"bandwidth_down":8000000000,
            "ipv4_port_range":[16384,32767],"ipv4":"198.51.100.7"}"#;
        let labels = "{type=ethernet,ipv4=198.51.100.7,media=ftth}";
        let expected = [
            "state 1",
            "rate_down 120000",
            "rate_up 9000",
            "bytes_down 70000000000",
            "bandwidth_down 8000000000",
            "ipv4_port_range_min 16384",
            "ipv4_port_range_max 32767",
            "media 1",
            "type 1",
            "wan_ipv4 198.51.100.7",
        ];
        let expected = expected.map(|it| {
            let (name, value) = it.split_once(' ').expect("a value");
            format!("connection.{name}{labels} {value}")
        });
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(map, ASKS, &[("connection/", line)], &expected);
    }

    #[test]
    fn a_fibre_that_is_down_calls_itself_xdsl() {
        check(
            map,
            ASKS,
            &[(
                "connection/",
                r#"{"state":"down","media":"xdsl","ipv4_port_range":[]}"#,
            )],
            &[
                "connection.state{media=down} 0",
                "connection.media{media=down} 3",
            ],
        );
    }

    #[test]
    fn both_names_of_the_help_by_radio() {
        for media in ["backup_4g", "backup"] {
            let line = format!(r#"{{"media":"{media}"}}"#);
            let expected = ["connection.media 4"];
            check(map, ASKS, &[("connection/", &line)], &expected);
        }
    }

    #[test]
    fn settings_of_an_old_and_a_strange_firmware() {
        let config = r#"{"ping":true,"sip_alg":"new_mode","is_secure_pass":"false","wol":7}"#;
        check(
            map,
            ASKS,
            &[("connection/config/", config)],
            &[
                "connection.config.ping_external 1",
                "connection.config.sip_alg 999",
                "connection.config.password_secure 0",
            ],
        );
    }

    #[test]
    fn optical_power_in_both_units() {
        let ftth = r#"{"link":true,"sfp_has_power_report":true,"sfp_pwr_rx":-1838}"#;
        check(
            map,
            ASKS,
            &[("connection/ftth/", ftth)],
            &[
                "connection.ftth.sfp_has_power_report 1",
                "connection.ftth.link 1",
                "connection.ftth.rx_power_dbm -18.38 (-1838)",
            ],
        );
    }

    #[test]
    fn a_module_that_does_not_measure_has_no_power() {
        check(
            map,
            ASKS,
            &[(
                "connection/ftth/",
                r#"{"sfp_has_power_report":false,"sfp_pwr_rx":0,"sfp_pwr_tx":0}"#,
            )],
            &["connection.ftth.sfp_has_power_report 0"],
        );
    }
}
