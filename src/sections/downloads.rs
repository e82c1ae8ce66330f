//! The download manager, as figures: `downloads/stats`.
//! <https://dev.freebox.fr/sdk/os/download/>

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, count, counter, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
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
    "downloads",
    &[
        count("tasks", "Tasks of the download manager")
            .from(&["nb_tasks"])
            .field("nb_tasks"),
        count(
            "tasks_active",
            "Tasks of the download manager that are active",
        )
        .from(&["nb_tasks_active"])
        .field("nb_tasks_active"),
        count(
            "tasks_stopped",
            "Tasks of the download manager that are stopped",
        )
        .from(&["nb_tasks_stopped"])
        .field("nb_tasks_stopped"),
        count(
            "tasks_checking",
            "Tasks of the download manager that are being checked",
        )
        .from(&["nb_tasks_checking"])
        .field("nb_tasks_checking"),
        count("tasks_queued", "Tasks of the download manager that wait")
            .from(&["nb_tasks_queued"])
            .field("nb_tasks_queued"),
        count(
            "tasks_extracting",
            "Tasks of the download manager that are being unpacked",
        )
        .from(&["nb_tasks_extracting"])
        .field("nb_tasks_extracting"),
        count("tasks_done", "Tasks of the download manager that are done")
            .from(&["nb_tasks_done"])
            .field("nb_tasks_done"),
        count(
            "tasks_repairing",
            "Tasks of the download manager that are being repaired",
        )
        .from(&["nb_tasks_repairing"])
        .field("nb_tasks_repairing"),
        count(
            "tasks_seeding",
            "Tasks of the download manager that are done and shared",
        )
        .from(&["nb_tasks_seeding"])
        .field("nb_tasks_seeding"),
        count(
            "tasks_downloading",
            "Tasks of the download manager that are downloading",
        )
        .from(&["nb_tasks_downloading"])
        .field("nb_tasks_downloading"),
        count("tasks_error", "Tasks of the download manager that failed")
            .from(&["nb_tasks_error"])
            .field("nb_tasks_error"),
        count(
            "tasks_stopping",
            "Tasks of the download manager that are about to stop",
        )
        .from(&["nb_tasks_stopping"])
        .field("nb_tasks_stopping"),
        count("feeds", "Feeds that the download manager follows")
            .from(&["nb_rss"])
            .field("nb_rss"),
        count(
            "feed_items_unread",
            "Unread items of the feeds of the download manager",
        )
        .from(&["nb_rss_items_unread"])
        .field("nb_rss_items_unread"),
        count("peers", "Peers that the download manager is connected to")
            .from(&["nb_peer"])
            .field("nb_peer"),
        count(
            "blocklist_entries",
            "Entries in the block list of the download manager",
        ),
        counter(
            "blocklist_hits",
            Unit::Count,
            "Peers that the block list of the download manager kept out",
        ),
        gauge(
            "rx_rate",
            Unit::BytePerSecond,
            "Rate that the download manager receives",
        ),
        gauge(
            "tx_rate",
            Unit::BytePerSecond,
            "Rate that the download manager sends",
        ),
        state(
            "throttling_mode",
            Kind::Code(&[
                ("normal", 0),
                ("slow", 1),
                ("hibernate", 2),
                ("schedule", 3),
            ]),
            "How much of the line the download manager may take",
        ),
        flag(
            "connected",
            "Whether the download manager is connected to the Internet",
        )
        .from(&["conn_ready"])
        .field("conn_ready"),
        count(
            "dht_nodes",
            "Nodes of the DHT that the download manager knows",
        )
        .since("4")
        .from(&["dht_stats.node_count"]),
        count(
            "dht_nodes_ipv6",
            "Nodes of the DHT that the download manager knows over IPv6",
        )
        .since("4")
        .from(&["dht_stats.node_count_ipv6"]),
    ],
)
.measure("download")
.field_prefix("download_");
