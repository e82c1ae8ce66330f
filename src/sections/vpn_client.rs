//! The VPN that the box itself dials. <https://dev.freebox.fr/sdk/os/vpn_client/>
//!
//! The settings hold private keys; nothing but what is named here is taken from them.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[list("vpn_client/config/"), object("vpn_client/status")];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&CONFIG, &STATUS];

/// The settings and the connection.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let configs = answers.records("vpn_client/config/").map(of_config);
    let status = answers.object("vpn_client/status").map(of_status);
    configs.chain(status).collect()
}

fn of_config(config: &Json) -> Sample {
    let label = |path| at(config, path).and_then(text);
    let host = label("conf_pptp.remote_host").or_else(|| label("conf_wireguard.remote_addr"));
    Sample::read(&CONFIG, config)
        .label("config", label("id"))
        .label("description", label("description"))
        .label("vpn_type", label("type"))
        .label("remote_host", host)
}

fn of_status(status: &Json) -> Sample {
    let label = |path| at(status, path).and_then(text);
    Sample::read(&STATUS, status)
        .label("vpn_type", label("type"))
        .label("active_vpn", label("active_vpn"))
        .label("description", label("active_vpn_description"))
}

static CONFIG: Group = Group::new(
    "vpn.client.config",
    &[flag("state", "It is the one in use").from(&["active"])],
)
.since("2")
.identity(&[&["config", "description"]])
.labels(&["vpn_type", "remote_host"])
.measurement("freebox_vpn_client")
.field_prefix("vpnclient_");

static STATUS: Group = Group::new(
    "vpn.client",
    &[
        flag("enabled", "The box dials a VPN"),
        state("state", Kind::Is("up"), "It is connected"),
        time("last_try", "Last dialled"),
        time("last_up", "Last connected"),
        gauge("next_try", "s", "Until it dials again"),
        gauge("rate_up", "byte/s", "To the VPN").from(&["stats.rate_up"]),
        gauge("rate_down", "byte/s", "From the VPN").from(&["stats.rate_down"]),
        counter("bytes_up", "byte", "To the VPN").from(&["stats.bytes_up"]),
        counter("bytes_down", "byte", "From the VPN").from(&["stats.bytes_down"]),
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
            "Why it was not connected last time",
        ),
    ],
)
.since("2")
.labels(&["vpn_type", "active_vpn", "description"])
.measurement("freebox_vpn_client")
.field_prefix("vpnconn_");
