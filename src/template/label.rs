//! `{label}`: what people call an entity, made unique, so that it can stand for all its keys.
//!
//! Whatever has a MAC address is its name with the last four digits of that (`nas_0010`); anything
//! else is its name with its keys (`ethernet_1_1`). Where two of a kind come to the same, both get
//! more digits, and in the end the keys of what they are a part of: what tells them apart lies in
//! themselves, never in their order.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::node;
use crate::metrics::lenient::mac_digits;
use crate::metrics::sample::Sample;

/// Its name among the labels of an entity.
pub(crate) const LABEL: &str = "label";

/// How many digits of a MAC address are tried, one after the other.
const DIGITS: [usize; 4] = [4, 6, 8, 12];
/// The last try: all digits, and the keys of what the entity is a part of.
const EVERYTHING: usize = DIGITS.len();

/// Gives each entity that has keys its label. Those of a run belong together.
pub(crate) fn give(samples: &mut [Sample]) {
    let mut of_group: BTreeMap<&'static str, HashMap<Vec<String>, Entity>> = BTreeMap::new();
    for entity in samples.iter().filter_map(Entity::of) {
        // Two samples about one entity have one label.
        let entities = of_group.entry(entity.sample.group.name).or_default();
        entities.entry(entity.keys.clone()).or_insert(entity);
    }
    let labels: Vec<(&'static str, HashMap<Vec<String>, String>)> = of_group
        .into_iter()
        .map(|(group, entities)| (group, told_apart(entities.into_values().collect())))
        .collect();
    let labels: HashMap<_, _> = labels.into_iter().collect();
    for sample in samples {
        let keys = Entity::of(sample).map(|entity| entity.keys);
        let of_group = labels.get(sample.group.name);
        let label = keys.and_then(|keys| of_group?.get(&keys).cloned());
        sample.labels.extend(label.map(|label| (LABEL, label)));
    }
}

/// The labels of all entities of a group, by their keys.
fn told_apart(mut open: Vec<Entity>) -> HashMap<Vec<String>, String> {
    let mut labels = HashMap::new();
    let mut taken: HashSet<String> = HashSet::new();
    for length in 0..=EVERYTHING {
        let mut claims: HashMap<String, usize> = HashMap::new();
        for entity in &open {
            *claims.entry(node(&entity.label(length))).or_default() += 1;
        }
        claims.retain(|node, number| *number > 1 || taken.contains(node));
        let mut shared = Vec::new();
        for entity in open {
            let label = entity.label(length);
            if length < EVERYTHING && claims.contains_key(&node(&label)) {
                shared.push(entity);
            } else {
                taken.insert(node(&label));
                labels.insert(entity.keys, label);
            }
        }
        open = shared;
    }
    labels
}

/// Something that has keys, all of them known.
struct Entity<'a> {
    sample: &'a Sample,
    keys: Vec<String>,
}

impl<'a> Entity<'a> {
    fn of(sample: &'a Sample) -> Option<Self> {
        let text = |key| {
            let mut names = sample.group.names_of(key).into_iter();
            names.find_map(|name| sample.text(name)).map(str::to_owned)
        };
        let keys: Option<Vec<String>> = sample.group.keys().map(text).collect();
        let keys = keys.filter(|keys| !keys.is_empty())?;
        Some(Entity { sample, keys })
    }

    /// Its label at this try.
    fn label(&self, length: usize) -> String {
        let Some((own, outer)) = self.keys.split_last() else {
            return String::new();
        };
        let digits = mac_digits(own);
        let name = self.name().filter(|name| node(name) != node(own));
        let is_said = |key, value: &String| match self.usual(key) {
            Some(usual) => value != usual,
            // What has a MAC address has it wherever it is.
            None => digits.is_none() || length == EVERYTHING,
        };
        let outer = self.sample.group.keys().zip(outer);
        let outer = outer.filter(|(key, value)| is_said(key, value));
        let outer: Vec<String> = outer.map(|(_, value)| value.clone()).collect();
        let parts: Vec<String> = match &digits {
            Some(digits) => {
                let hidden = digits.len() - DIGITS.get(length).unwrap_or(&digits.len());
                let shown = digits[hidden..].to_owned();
                outer.into_iter().chain(name).chain([shown]).collect()
            }
            None => name.into_iter().chain(outer).chain([own.clone()]).collect(),
        };
        parts.join("_")
    }

    /// What people call it.
    fn name(&self) -> Option<String> {
        let mut spoken = self.sample.group.labels.iter().filter(|it| it.spoken);
        let name = spoken.find_map(|label| self.sample.text(label.name));
        name.map(str::to_owned)
    }

    /// The value of a key that goes without saying.
    fn usual(&self, key: &str) -> Option<&'static str> {
        self.sample.group.label(key)?.usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::group::Group;
    use crate::metrics::label::{inherited, label};

    static HOST: Group = Group::new("host", "lan.{interface}.host.{mac}", &[]).labels(&[
        inherited("interface").usual("pub"),
        label("mac", &["mac"]),
        label("name", &["name"]).names("mac"),
    ]);
    static STATION: Group = Group::new("station", "ap.{ap}.station.{mac}", &[]).labels(&[
        inherited("ap"),
        label("mac", &["mac"]),
        label("name", &["name"]).names("mac"),
    ]);
    static PORT: Group = Group::new("port", "switch.port.{port}", &[]).labels(&[
        label("port", &["id"]),
        label("name", &["name"]).names("port"),
    ]);
    static CHANNEL: Group = Group::new("channel", "ap.{ap}.channel.{channel}", &[]);
    static LINE: Group = Group::new("line", "line", &[]);

    /// The labels of entities with these texts, in both orders.
    #[track_caller]
    fn check(group: &'static Group, names: &[&'static str], cases: &[(&[&str], Option<&str>)]) {
        let sample = |(texts, _): &(&[&str], Option<&str>)| {
            let mut sample = Sample::new(group);
            let texts = names
                .iter()
                .zip(*texts)
                .filter(|(_, text)| !text.is_empty());
            sample
                .labels
                .extend(texts.map(|(name, text)| (*name, (*text).to_owned())));
            sample
        };
        let expected: Vec<Option<&str>> = cases.iter().map(|(_, label)| *label).collect();
        let mut samples: Vec<Sample> = cases.iter().map(sample).collect();
        let mut backwards: Vec<Sample> = cases.iter().rev().map(sample).collect();
        give(&mut samples);
        give(&mut backwards);
        backwards.reverse();
        for samples in [samples, backwards] {
            let got: Vec<Option<&str>> = samples.iter().map(|it| it.text(LABEL)).collect();
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn who_cannot_be_told_apart_has_a_label_all_the_same() {
        let cases: [(&[&str], Option<&str>); 2] =
            [(&["a b", ""], Some("a b")), (&["a_b", ""], Some("a_b"))];
        check(&PORT, &["port", "name"], &cases);
    }

    #[test]
    fn a_name_with_the_last_digits_of_the_address() {
        check(
            &HOST,
            &["interface", "mac", "name"],
            &[
                (&["pub", "02:00:5E:00:00:10", "nas"], Some("nas_0010")),
                (&["pub", "02:00:5E:00:00:1F", ""], Some("001f")),
                (
                    &["wifiguest", "02:00:5E:00:00:10", "nas"],
                    Some("wifiguest_nas_0010"),
                ),
                (&["pub", "", "printer"], Some("printer")),
                (&["pub", "", ""], None),
                (&["", "02:00:5E:00:00:20", "lost"], None),
            ],
        );
    }

    #[test]
    fn two_of_a_kind_get_more_digits_both() {
        check(
            &HOST,
            &["interface", "mac", "name"],
            &[
                (&["pub", "02:00:5E:01:00:10", "Esp"], Some("Esp_010010")),
                (&["pub", "02:00:5E:02:00:10", "esp"], Some("esp_020010")),
                (&["pub", "02:00:5E:02:00:11", "esp"], Some("esp_0011")),
            ],
        );
    }

    #[test]
    fn one_address_in_two_places_gets_the_place() {
        check(
            &STATION,
            &["ap", "mac", "name"],
            &[
                (
                    &["0", "02:00:5E:01:00:10", "phone"],
                    Some("0_phone_02005e010010"),
                ),
                (
                    &["1", "02:00:5E:01:00:10", "phone"],
                    Some("1_phone_02005e010010"),
                ),
                (&["1", "02:00:5E:01:00:11", "phone"], Some("phone_0011")),
            ],
        );
    }

    #[test]
    fn what_has_no_address_has_its_keys() {
        check(
            &PORT,
            &["port", "name"],
            &[
                (&["1", "Ethernet 1"], Some("Ethernet 1_1")),
                (&["freeplug", ""], Some("freeplug")),
                (&["sfp_lan", "Sfp lan"], Some("sfp_lan")),
            ],
        );
        check(
            &CHANNEL,
            &["ap", "channel"],
            &[(&["0", "36"], Some("0_36"))],
        );
        check(&LINE, &[], &[(&[], None)]);
    }

    #[test]
    fn two_samples_about_one_entity_have_one_label() {
        let port: (&[&str], _) = (&["1", "a"], Some("a_1"));
        check(&PORT, &["port", "name"], &[port, port]);
    }
}
