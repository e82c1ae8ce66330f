//! 4G: as a help for copper, or in the place of a line that is down.
//! <https://dev.freebox.fr/sdk/os/connection/#lte>
//!
//! Since version 10 of the API there are two links, `aggregation` and `backup`, and the tunnels are
//! told apart from them; before, one answer held everything, and its bands under another key.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{fixed, given, inherited, label};
use crate::metrics::lenient::text;
use crate::metrics::metric::{Kind, count, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, object, records_at, whole};

/// The newer links.
const LINKS: [(&str, &str); 2] = [
    ("aggregation", "connection/lte/aggregation"),
    ("backup", "connection/lte/backup"),
];
/// The older one, by the name it has today.
const OLD_LINK: (&str, &str) = ("aggregation", "connection/lte/config/");

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object(OLD_LINK.1).until(9),
    object(LINKS[0].1).since(10),
    object(LINKS[1].1).since(10),
    object("connection/aggregation").since(10),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&LTE, &BAND, &AGGREGATION, &TUNNEL];

/// The links with their bands, and the tunnels.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (name, path) in LINKS.into_iter().chain([OLD_LINK]) {
        let Some(link) = answers.object(path) else {
            continue;
        };
        // Where there is one link only, freebox-monitoring 0.9.1 has no tag for it.
        let told = (path != OLD_LINK.1).then(|| name.to_owned());
        let of_link = Sample::read(&LTE, link)
            .label("link", Some(name.to_owned()))
            .label("told_link", told);
        let places = ["radio.bands", "radio.band"].into_iter();
        let bands = strongest(places.flat_map(|place| records_at(link, place))).into_values();
        let bands: Vec<Sample> = bands
            .map(|band| Sample::read(&BAND, band).within(&of_link))
            .collect();
        samples.push(of_link);
        samples.extend(bands);
        samples.extend(of_tunnels(link));
    }
    if let Some(aggregation) = answers.object("connection/aggregation") {
        samples.push(Sample::read(&AGGREGATION, aggregation));
        samples.extend(of_tunnels(aggregation));
    }
    samples
}

/// The bands in use, by number. An idle radio has entries of zeros, which are none; of two carriers
/// in one band nothing lasting tells which is which, so that the stronger one speaks for it.
fn strongest<'a>(bands: impl Iterator<Item = &'a Json>) -> BTreeMap<String, &'a Json> {
    let mut strongest: BTreeMap<String, &Json> = BTreeMap::new();
    for band in bands {
        let number = band.get("band").and_then(text);
        let Some(number) = number.filter(|number| number != "0") else {
            continue;
        };
        let known = strongest.entry(number).or_insert(band);
        if whole(band, "rsrp") > whole(known, "rsrp") {
            *known = band;
        }
    }
    strongest
}

fn of_tunnels(answer: &Json) -> impl Iterator<Item = Sample> {
    let tunnels = answer
        .get("tunnel")
        .and_then(Json::as_object)
        .into_iter()
        .flatten();
    let tunnels = tunnels.filter(|(_, tunnel)| tunnel.is_object());
    tunnels.map(|(name, tunnel)| Sample::read(&TUNNEL, tunnel).label("tunnel", Some(name.clone())))
}

static LTE: Group = Group::new(
    "lte",
    "lte.{link}",
    &[
        flag("enabled", "Whether the 4G link is switched on"),
        state(
            "connected",
            Kind::Is("connected"),
            "Whether the 4G link is connected",
        )
        .from(&["state"])
        .field("state"),
        flag("network_up", "Whether the 4G link carries data")
            .from(&["network.pdn_up"])
            .field("net_pdn_up"),
        flag("radio_associated", "Whether the 4G radio has found a cell")
            .from(&["radio.associated"]),
        flag("radio_active", "Whether the 4G radio is at work")
            .from(&["radio.ue_active"])
            .field("radio_ue_active"),
        gauge(
            "radio_plmn",
            Unit::None,
            "Mobile network of the 4G link: country and operator",
        )
        .from(&["radio.plmn"])
        .positive()
        .constant(),
        count(
            "signal_bars",
            "How well the 4G cell is heard, from 0 to 5 bars",
        )
        .from(&["radio.signal_level"])
        .field("radio_signal_level"),
        flag("sim_present", "Whether there is a SIM for the 4G link")
            .from(&["sim.present"])
            .field("sim"),
        flag(
            "sim_pin_locked",
            "Whether the SIM of the 4G link wants its PIN",
        )
        .from(&["sim.pin_locked"]),
        count("sim_pin_tries", "Tries left for the PIN of the SIM")
            .from(&["sim.pin_remaining"])
            .field("sim_pin_remaining"),
        flag(
            "sim_puk_locked",
            "Whether the SIM of the 4G link wants its PUK",
        )
        .from(&["sim.puk_locked"]),
        count("sim_puk_tries", "Tries left for the PUK of the SIM")
            .from(&["sim.puk_remaining"])
            .field("sim_puk_remaining"),
    ],
)
.labels(&[
    fixed("media", "lte").tag("conn_media"),
    given("link"),
    given("told_link").tag("link").stands_for("link").tag_only(),
    label("ipv4", &["network.ipv4"]).tag("lte_net_ipv4"),
    label("ipv6", &["network.ipv6"]).tag("lte_net_ipv6"),
    label("gcid", &["radio.gcid"]).tag("lte_radio_gcid"),
    label("sim_iccid", &["sim.iccid"]),
])
.field_prefix("lte_");

static BAND: Group = Group::new(
    "lte.band",
    "lte.{link}.band.{band}",
    &[
        flag("enabled", "Whether the 4G link uses this band"),
        gauge("bandwidth", Unit::Megahertz, "Width of the 4G band"),
        gauge(
            "cell_id",
            Unit::None,
            "Physical identity of the 4G cell in this band",
        )
        .from(&["pci"])
        .field("pci"),
        gauge(
            "rsrp",
            Unit::Dbm,
            "Power of the 4G cell's reference signal in this band",
        ),
        gauge(
            "rsrq",
            Unit::Decibel,
            "Quality of the 4G cell's reference signal in this band",
        ),
        gauge(
            "rssi",
            Unit::Dbm,
            "Power of everything that is received in this 4G band",
        ),
    ],
)
.labels(&[
    fixed("media", "lte").tag("conn_media"),
    inherited("link"),
    inherited("told_link")
        .tag("link")
        .stands_for("link")
        .tag_only(),
    label("band", &["band"]).tag("band"),
])
.field_prefix("lte_rband_");

static AGGREGATION: Group = Group::new(
    "connection.aggregation",
    "connection.aggregation",
    &[flag("enabled", "Whether 4G may help the DSL line")],
)
.since("10")
.field_prefix("lte_agg_");

static TUNNEL: Group = Group::new(
    "connection.aggregation.tunnel",
    "connection.aggregation.tunnel.{tunnel}",
    &[
        flag(
            "connected",
            "Whether this tunnel of DSL with 4G is connected",
        ),
        gauge(
            "rx_rate",
            Unit::BytePerSecond,
            "Rate received through this tunnel of DSL with 4G",
        )
        .from(&["rx_used_rate"])
        .field("rx_used_rate"),
        gauge(
            "rx_max_rate",
            Unit::BytePerSecond,
            "Rate that this tunnel of DSL with 4G could receive",
        ),
        gauge(
            "tx_rate",
            Unit::BytePerSecond,
            "Rate sent through this tunnel of DSL with 4G",
        )
        .from(&["tx_used_rate"])
        .field("tx_used_rate"),
        gauge(
            "tx_max_rate",
            Unit::BytePerSecond,
            "Rate that this tunnel of DSL with 4G could send",
        ),
    ],
)
.labels(&[given("tunnel").tag("tunnel")])
.field_prefix("lte_tunnel_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn the_old_answer_held_everything() {
        let answer = r#"{"enabled":true,"state":"connected","radio":{"band":[
            {"band":3,"rsrp":-101},{"band":0,"rsrp":0},{"band":0}]},
            "tunnel":{"lte":{"connected":"1","rx_used_rate":"9"},"xdsl":null}}"#;
        check(
            map,
            ASKS,
            &[("connection/lte/config/", answer)],
            &[
                "lte.enabled{media=lte,link=aggregation} 1",
                "lte.connected{media=lte,link=aggregation} 1",
                "lte.band.rsrp{media=lte,band=3,link=aggregation} -101",
                "connection.aggregation.tunnel.connected{tunnel=lte} 1",
                "connection.aggregation.tunnel.rx_rate{tunnel=lte} 9",
            ],
        );
    }
}
