//! The download manager, as figures: `downloads/stats`.
//! <https://dev.freebox.fr/sdk/os/download/>

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("downloads/stats")];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DOWNLOADS];

/// The figures.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let stats = answers.object("downloads/stats");
    stats
        .map(|stats| Sample::read(&DOWNLOADS, stats))
        .into_iter()
        .collect()
}

static DOWNLOADS: Group = Group::new(
    "downloads",
    &[
        gauge("nb_tasks", "count", "Tasks"),
        gauge("nb_tasks_active", "count", "Tasks that are active"),
        gauge("nb_tasks_stopped", "count", "Tasks that are stopped"),
        gauge("nb_tasks_checking", "count", "Tasks that are being checked"),
        gauge("nb_tasks_queued", "count", "Tasks that wait"),
        gauge(
            "nb_tasks_extracting",
            "count",
            "Tasks that are being unpacked",
        ),
        gauge("nb_tasks_done", "count", "Tasks that are done"),
        gauge(
            "nb_tasks_repairing",
            "count",
            "Tasks that are being repaired",
        ),
        gauge(
            "nb_tasks_seeding",
            "count",
            "Tasks that are done and shared",
        ),
        gauge(
            "nb_tasks_downloading",
            "count",
            "Tasks that are downloading",
        ),
        gauge("nb_tasks_error", "count", "Tasks that failed"),
        gauge("nb_tasks_stopping", "count", "Tasks that are about to stop"),
        gauge("nb_rss", "count", "Feeds"),
        gauge("nb_rss_items_unread", "count", "Unread items of feeds"),
        gauge("nb_peer", "count", "Peers"),
        gauge("blocklist_entries", "count", "Entries of the block list"),
        counter("blocklist_hits", "count", "Hits of the block list"),
        gauge("rx_rate", "byte/s", "Received"),
        gauge("tx_rate", "byte/s", "Sent"),
        state(
            "throttling_mode",
            Kind::Code(&[
                ("normal", 0),
                ("slow", 1),
                ("hibernate", 2),
                ("schedule", 3),
            ]),
            "How much it may take",
        ),
        flag("conn_ready", "It is connected"),
        gauge("dht_nodes", "count", "Nodes of the DHT")
            .since("4")
            .from(&["dht_stats.node_count"]),
        gauge("dht_nodes_ipv6", "count", "Nodes of the DHT over IPv6")
            .since("4")
            .from(&["dht_stats.node_count_ipv6"]),
    ],
)
.measurement("freebox_download")
.field_prefix("download_");
