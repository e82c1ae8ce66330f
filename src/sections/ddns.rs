//! Dynamic DNS: `connection/ddns/`. <https://dev.freebox.fr/sdk/os/connection/>

use crate::metrics::group::Group;
use crate::metrics::label::given;
use crate::metrics::metric::{Kind, state};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, object};

/// Providers of dynamic DNS that a box knows, and where it tells about them.
const PROVIDERS: [(&str, &str); 3] = [
    ("ovh", "connection/ddns/ovh/status/"),
    ("dyndns", "connection/ddns/dyndns/status/"),
    ("noip", "connection/ddns/noip/status/"),
];

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object(PROVIDERS[0].1),
    object(PROVIDERS[1].1),
    object(PROVIDERS[2].1),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DDNS];

/// Each provider.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let providers = PROVIDERS.iter().filter_map(|(name, path)| {
        let status = Sample::read(&DDNS, answers.object(path)?);
        Some(status.label("provider", Some((*name).to_owned())))
    });
    providers.collect()
}

static DDNS: Group = Group::new(
    "connection.ddns",
    "connection.ddns.{provider}",
    &[state(
        "ok",
        Kind::Is("ok"),
        "Whether the provider of dynamic DNS has taken the address",
    )
    .from(&["status"])
    .field("status")],
)
.labels(&[given("provider").tag("provider")])
.field_prefix("ddns_");
