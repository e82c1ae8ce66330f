//! 4G: as a help for copper, or in the place of a line that is down.
//! <https://dev.freebox.fr/sdk/os/connection/#lte>
//!
//! Since version 10 of the API there are two links, `aggregation` and `backup`, and the tunnels are
//! told apart from them; before, one answer held everything, and its bands under another key.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, object, records, whole};

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
        samples.push(of_link(link, name));
        let bands = at(link, "radio.bands").or_else(|| at(link, "radio.band"));
        samples.extend(
            strongest(bands)
                .into_iter()
                .map(|(number, band)| of_band(number, band, name)),
        );
        samples.extend(of_tunnels(link));
    }
    if let Some(aggregation) = answers.object("connection/aggregation") {
        samples.push(Sample::read(&AGGREGATION, aggregation));
        samples.extend(of_tunnels(aggregation));
    }
    samples
}

fn of_link(link: &Json, name: &str) -> Sample {
    let label = |path| at(link, path).and_then(text);
    Sample::read(&LTE, link)
        .label("link", Some(name.to_owned()))
        .label("gcid", label("radio.gcid"))
        .label("ipv4", label("network.ipv4"))
        .label("ipv6", label("network.ipv6"))
        .label("sim_iccid", label("sim.iccid"))
}

/// The bands in use, by number. An idle radio has entries of zeros, which are none; of two carriers
/// in one band nothing lasting tells which is which, so that the stronger one speaks for it.
fn strongest(bands: Option<&Json>) -> BTreeMap<String, &Json> {
    let mut strongest: BTreeMap<String, &Json> = BTreeMap::new();
    for band in records(bands) {
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

fn of_band(number: String, band: &Json, link: &str) -> Sample {
    Sample::read(&BAND, band)
        .label("link", Some(link.to_owned()))
        .label("lte_band", Some(number))
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
    &[
        flag("enabled", "It is switched on"),
        state("state", Kind::Is("connected"), "It is connected"),
        flag("net_pdn_up", "It carries data").from(&["network.pdn_up"]),
        flag("radio_associated", "It has found a cell").from(&["radio.associated"]),
        gauge("radio_plmn", "code", "Network: country and operator")
            .from(&["radio.plmn"])
            .positive(),
        gauge("radio_signal_level", "bars", "How strong the cell is heard")
            .from(&["radio.signal_level"]),
        flag("radio_ue_active", "The radio is active").from(&["radio.ue_active"]),
        flag("sim", "There is a SIM").from(&["sim.present"]),
        flag("sim_pin_locked", "The SIM wants its PIN").from(&["sim.pin_locked"]),
        gauge("sim_pin_remaining", "tries", "Tries left for the PIN").from(&["sim.pin_remaining"]),
        flag("sim_puk_locked", "The SIM wants its PUK").from(&["sim.puk_locked"]),
        gauge("sim_puk_remaining", "tries", "Tries left for the PUK").from(&["sim.puk_remaining"]),
    ],
)
.identity(&[&["link"]])
.labels(&["gcid", "ipv4", "ipv6", "sim_iccid"])
.field_prefix("lte_");

static BAND: Group = Group::new(
    "lte.band",
    &[
        flag("enabled", "It is in use"),
        gauge("bandwidth", "MHz", "Its width"),
        gauge("pci", "id", "The cell"),
        gauge("rsrp", "dBm", "Power of the reference signal"),
        gauge("rsrq", "dB", "Quality of the reference signal"),
        gauge("rssi", "dBm", "Power of everything"),
    ],
)
.identity(&[&["link"], &["lte_band"]])
.field_prefix("lte_rband_");

static AGGREGATION: Group = Group::new("aggregation", &[flag("enabled", "4G helps copper")])
    .since("10")
    .field_prefix("lte_agg_");

static TUNNEL: Group = Group::new(
    "aggregation.tunnel",
    &[
        flag("connected", "It is connected"),
        gauge("rx_used_rate", "byte/s", "Received"),
        gauge("rx_max_rate", "byte/s", "Could be received"),
        gauge("tx_used_rate", "byte/s", "Sent"),
        gauge("tx_max_rate", "byte/s", "Could be sent"),
    ],
)
.identity(&[&["tunnel"]])
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
                "lte.enabled{link=aggregation} 1",
                "lte.state{link=aggregation} 1",
                "lte.band.rsrp{link=aggregation,lte_band=3} -101",
                "aggregation.tunnel.connected{tunnel=lte} 1",
                "aggregation.tunnel.rx_used_rate{tunnel=lte} 9",
            ],
        );
    }
}
