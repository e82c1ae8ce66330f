//! carbon's settings as a SexiGraf appliance has them, moved to free ports of the loopback.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::Options;
use super::daemon::Daemon;

/// Ports to choose from. They end below those that the system gives to outgoing connections,
/// so that nothing slips in while a process is down and its port is to be refused.
const PORTS: std::ops::Range<u16> = 10_240..32_000;

/// Writes all of carbon's files into its directory.
pub(super) fn write(root: &Path, options: &Options, daemons: &[Daemon]) -> std::io::Result<()> {
    let schema = &options.schema;
    let schemas = format!("[everything]\npattern = .*\nretentions = {schema}\n");
    let aggregation = "[everything]\npattern = .*\nxFilesFactor = 0\naggregationMethod = average\n";
    fs::write(
        root.join("carbon.conf"),
        carbon_conf(root, options, daemons),
    )?;
    fs::write(root.join("storage-schemas.conf"), schemas)?;
    fs::write(root.join("storage-aggregation.conf"), aggregation)
}

fn carbon_conf(root: &Path, options: &Options, daemons: &[Daemon]) -> String {
    let relays = daemons.iter().filter(|daemon| daemon.name == "relay");
    let caches: Vec<_> = daemons
        .iter()
        .filter(|daemon| daemon.name != "relay")
        .collect();
    let sections = caches.iter().map(|cache| cache_section(cache));
    let relays = relays.map(|relay| relay_section(root, relay, &caches));
    let sections: String = sections.chain(relays).collect();
    let updates = options
        .updates
        .map_or("inf".to_owned(), |it| it.to_string());
    let common = common(root);
    format!("[cache]\n{common}{CACHES}MAX_UPDATES_PER_SECOND = {updates}\n{sections}")
}

/// For both caches. Files with holes change nothing but the time it takes to make them.
const CACHES: &str = "\
MAX_CACHE_SIZE = inf
MAX_CREATES_PER_MINUTE = inf
CACHE_WRITE_STRATEGY = sorted
WHISPER_SPARSE_CREATE = True
LOG_UPDATES = False
LOG_CACHE_HITS = False
LOG_CACHE_QUEUE_SORTS = False
";

/// For every process. carbon's statistics of itself are off: only what the tests send is stored.
fn common(root: &Path) -> String {
    let root = root.display();
    format!(
        "\
STORAGE_DIR = {root}
LOCAL_DATA_DIR = {root}/whisper
LINE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
CACHE_QUERY_INTERFACE = 127.0.0.1
ENABLE_UDP_LISTENER = False
ENABLE_LOGROTATION = False
ENABLE_TAGS = False
MIN_TIMESTAMP_RESOLUTION = 1
USE_FLOW_CONTROL = True
CARBON_METRIC_INTERVAL = 0
"
    )
}

fn cache_section(cache: &Daemon) -> String {
    let (line, pickle, query) = (cache.ports[0], cache.ports[1], cache.ports[2]);
    format!(
        "
[cache:{}]
LINE_RECEIVER_PORT = {line}
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_PORT = {query}
",
        cache.name
    )
}

fn relay_section(root: &Path, relay: &Daemon, caches: &[&Daemon]) -> String {
    let destinations: Vec<_> = caches.iter().map(|cache| destination(cache)).collect();
    format!(
        "
[relay]
{}LINE_RECEIVER_PORT = {}
PICKLE_RECEIVER_PORT = {}
RELAY_METHOD = consistent-hashing
REPLICATION_FACTOR = 1
DESTINATIONS = {}
DESTINATION_PROTOCOL = pickle
MAX_DATAPOINTS_PER_MESSAGE = 500
MAX_QUEUE_SIZE = 100000
",
        common(root),
        relay.ports[0],
        relay.ports[1],
        destinations.join(", ")
    )
}

/// A cache as the relay calls it, in its settings and in its log.
pub(super) fn destination(cache: &Daemon) -> String {
    format!("127.0.0.1:{}:{}", cache.ports[1], cache.name)
}

/// So many different ports that nobody listens on just now.
pub(super) fn free_ports(count: usize) -> Vec<u16> {
    let span = PORTS.len() as u64;
    let start = RandomState::new().hash_one(count) % span;
    let ports = (0..span).map(|step| PORTS.start + ((start + step) % span) as u16);
    let listen = |port| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map(|it| (port, it))
            .ok()
    };
    let held: Vec<_> = ports.filter_map(listen).take(count).collect();
    held.into_iter().map(|(port, _)| port).collect()
}
