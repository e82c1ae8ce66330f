//! The table of sections. A new section is a file beside this one, its `mod` and its row of the
//! table below; a new metric is an entry in the table of its group, at the end of its section's file.
//! `BLESS=1 cargo test` writes the pages and the lists that hang on it.

pub(crate) mod ask;
mod call;
mod connection;
mod connection_logs;
mod ddns;
mod dhcp;
mod downloads;
pub(crate) mod exec;
mod freeplug;
mod home;
mod ipv6;
mod lan;
pub(crate) mod left_out;
mod lte;
#[cfg(test)]
mod mutations;
mod nat;
mod network_control;
pub(crate) mod patch;
mod player;
mod pvr;
mod repeater;
mod standby;
mod storage;
mod switch;
mod system;
mod update;
mod vm;
mod vpn_client;
mod vpn_server;
mod wifi;
mod wifi_neighbors;
mod xdsl;

use crate::metrics::group::Group;
use crate::metrics::metric::Metric;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask};

/// One part of what a box can tell.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name in lists and messages.
    pub(crate) name: &'static str,
    /// What comes after `--status-` to choose it; as in freebox-monitoring 0.9.1 where it has it.
    pub(crate) switch: &'static str,
    /// The letter that chooses it, if it has one.
    pub(crate) letter: Option<char>,
    /// The permission that the box wants for it, if any.
    pub(crate) permission: Option<&'static str>,
    /// What it brings, in a few words for a list.
    pub(crate) brings: &'static str,
    /// What it can yield.
    pub(crate) groups: &'static [&'static Group],
    /// What it asks for.
    pub(crate) asks: &'static [Ask],
    /// Makes samples of the answers.
    pub(crate) map: fn(&Answers) -> Vec<Sample>,
}

/// A line of the table.
macro_rules! section {
    ($module:ident, $switch:literal, $letter:expr, $permission:expr => $brings:literal) => {
        Section {
            name: stringify!($module),
            switch: $switch,
            letter: $letter,
            permission: $permission,
            brings: $brings,
            groups: $module::GROUPS,
            asks: $module::ASKS,
            map: $module::map,
        }
    };
}

/// Every section, in the order of their lines.
pub(crate) static SECTIONS: &[Section] = &[
    section!(connection, "connection", None, None => "the line: state, traffic, fibre, copper"),
    section!(ipv6, "ipv6", None, None => "IPv6 on the line and its delegated prefixes"),
    section!(connection_logs, "connection-logs", None, None
        => "how often the line came up and went down"),
    section!(ddns, "ddns", None, None => "whether the dynamic names are up to date"),
    section!(lte, "lte", Some('L'), None => "the mobile backup: signal, bands, tunnels"),
    section!(system, "sys", Some('H'), None => "temperatures, fans, uptime, model"),
    section!(switch, "switch", Some('S'), None => "the ports of the switch and who is on them"),
    section!(wifi, "wifi", Some('W'), None => "Wi-Fi: radios, networks, stations"),
    section!(wifi_neighbors, "wifi-neighbors", None, None
        => "networks of others, how busy channels are"),
    section!(lan, "lan-browser", Some('B'), None => "the hosts on the network"),
    section!(repeater, "repeater", None, None => "repeaters of the box's Wi-Fi"),
    section!(dhcp, "dhcp", Some('X'), None => "leases, and how full the range is"),
    section!(storage, "disk", Some('D'), None => "disks, partitions, RAID"),
    section!(vm, "virtualmachines", Some('M'), Some("vm") => "virtual machines"),
    section!(vpn_server, "vpnsrv", Some('V'), None => "VPN servers and who is connected to them"),
    section!(vpn_client, "vpnclient", Some('Z'), None => "the VPN that the box itself dials"),
    section!(call, "call", Some('C'), Some("calls") => "calls by kind, voice mail, telephones"),
    section!(downloads, "downloads", None, Some("downloader") => "downloads: tasks and rates"),
    section!(freeplug, "freeplug", None, None => "Freeplugs, the LAN over the mains"),
    section!(nat, "nat", None, None => "redirections, DMZ, ports open to outside"),
    section!(update, "update", None, None => "the firmware: whether an update waits"),
    section!(standby, "standby", None, None => "the box's hours of rest"),
    section!(home, "home", None, Some("home") => "home automation and what it measures"),
    section!(player, "player", None, Some("player") => "Freebox Players: whether they are on"),
    section!(network_control, "network-control", None, Some("profile")
        => "who may use the network, by profile"),
    section!(pvr, "pvr", None, Some("pvr") => "room for recordings of television"),
];

/// The section that is always collected.
pub(crate) const ALWAYS: &str = "connection";

/// The section that a word behind `--status-` chooses.
pub(crate) fn by_switch(switch: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.switch == switch)
}

/// Every group there is, with the section it belongs to; the run itself has none.
pub(crate) fn groups() -> impl Iterator<Item = (Option<&'static Section>, &'static Group)> {
    let of_sections = SECTIONS
        .iter()
        .flat_map(|section| section.groups.iter().map(move |it| (Some(section), *it)));
    of_sections.chain(exec::GROUPS.iter().map(|group| (None, *group)))
}

/// Every metric there is, with the group it belongs to.
pub(crate) fn metrics() -> impl Iterator<Item = (&'static Group, &'static Metric)> {
    groups().flat_map(|(_, group)| group.metrics.iter().map(move |metric| (group, metric)))
}

/// Maps answers and holds what comes of them against the expected samples, each written as
/// `metric{label=text,…} value`, with what 0.9.1 has in the field behind it where that is something
/// else. The run is one of 14 November 2023.
#[cfg(test)]
#[track_caller]
fn check(
    map: fn(&Answers) -> Vec<Sample>,
    asks: &[Ask],
    given: &[(&str, &str)],
    expected: &[&str],
) {
    let mut answers = Answers {
        time: 1_700_000_000,
        ..Answers::default()
    };
    for (path, text) in given {
        let json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        answers.by_path.insert((*path).to_owned(), json);
    }
    let asked = |path: &str| {
        asks.iter()
            .any(|ask| ask.path == path || !ask.details.is_empty())
    };
    assert!(
        given.iter().all(|(path, _)| asked(path)),
        "what nobody asks for"
    );
    let mut got = Vec::new();
    for sample in map(&answers) {
        let labels: Vec<String> = sample
            .labels
            .iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        for reading in &sample.values {
            let name = sample.group.metric_name(reading.metric);
            let raw = match &reading.in_field {
                crate::metrics::metric::InField::Other(raw) => format!(" ({raw})"),
                _ => String::new(),
            };
            got.push(format!("{name}{labels} {}{raw}", reading.value));
        }
    }
    assert_eq!(got, expected);
}

#[cfg(test)]
mod tests;
