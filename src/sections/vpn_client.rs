//! The VPN that the box itself dials. <https://dev.freebox.fr/sdk/os/vpn_client/>
//!
//! The settings hold private keys; nothing but what is named here is taken from them.

use crate::metrics::group::Group;
use crate::metrics::label::label;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("vpn_client/config/").since(2),
    object("vpn_client/status").since(2),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&CONFIG, &STATUS];

/// The settings and the connection.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let configs = answers.records("vpn_client/config/");
    let configs = configs.map(|config| Sample::read(&CONFIG, config));
    let status = answers.object("vpn_client/status");
    let status = status.map(|status| Sample::read(&STATUS, status));
    configs.chain(status).collect()
}

static CONFIG: Group = Group::new(
    "vpn.client.config",
    "vpn.client.config.{config}",
    &[flag("active", "Whether this VPN is the one that the box dials").field("state")],
)
.since("2")
.labels(&[
    label("config", &["id"]).tag("ivc"),
    label("vpn_type", &["type"]).tag("ivc_type"),
    label("description", &["description"])
        .tag("ivc_description")
        .names("config"),
    label(
        "remote_host",
        &["conf_pptp.remote_host", "conf_wireguard.remote_addr"],
    )
    .tag("ivc_remote_host"),
    label("username", &["conf_pptp.username"]).tag("ivc_username"),
    label("remote_port", &["conf_wireguard.remote_port"]).tag("ivc_remote_port"),
    label("mtu", &["conf_wireguard.mtu"]).tag("ivc_mtu"),
])
.measure("vpn_client")
.field_prefix("vpnclient_");

static STATUS: Group = Group::new(
    "vpn.client",
    "vpn.client",
    &[
        flag("enabled", "Whether the box itself dials a VPN"),
        state(
            "connected",
            Kind::Is("up"),
            "Whether the VPN that the box dials is connected",
        )
        .from(&["state"])
        .field("state"),
        time("last_try_time", "Moment when the box last dialled its VPN")
            .from(&["last_try"])
            .field("last_try"),
        time(
            "last_up_time",
            "Moment when the VPN that the box dials was last connected",
        )
        .from(&["last_up"])
        .field("last_up"),
        gauge(
            "retry_remaining",
            Unit::Second,
            "Time until the box dials its VPN again",
        )
        .from(&["next_try"])
        .field("next_try"),
        gauge(
            "rate_up",
            Unit::BytePerSecond,
            "Rate sent through the VPN that the box dials",
        )
        .from(&["stats.rate_up"]),
        gauge(
            "rate_down",
            Unit::BytePerSecond,
            "Rate received through the VPN that the box dials",
        )
        .from(&["stats.rate_down"]),
        counter(
            "bytes_up",
            Unit::Byte,
            "Bytes sent through the VPN that the box dials",
        )
        .from(&["stats.bytes_up"]),
        counter(
            "bytes_down",
            Unit::Byte,
            "Bytes received through the VPN that the box dials",
        )
        .from(&["stats.bytes_down"]),
        state(
            "last_error",
            Kind::Code(&[
                ("none", 0),
                ("internal", 1),
                ("authentication_failed", 2),
                ("auth_failed", 3),
                ("resolv_failed", 4),
                ("connect_timeout", 5),
                ("connect_failed", 6),
                ("setup_control_failed", 7),
                ("setup_call_failed", 8),
                ("protocol", 9),
                ("remote_terminated", 10),
                ("remote_disconnect", 11),
            ]),
            "Why the box could not connect its VPN the last time",
        ),
    ],
)
.since("2")
.labels(&[
    label("vpn_type", &["type"]).tag("type"),
    label("active_vpn", &["active_vpn"]).tag("active_vpn"),
    label("description", &["active_vpn_description"]).tag("active_vpn_description"),
    label("last_error_word", &["last_error"]).tag("last_error_desc"),
])
.measure("vpn_client")
.field_prefix("vpnconn_");
