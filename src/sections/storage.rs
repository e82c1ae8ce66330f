//! Disks, partitions and RAID: `storage/`. <https://dev.freebox.fr/sdk/os/storage/>

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, counter, flag, gauge, state, time};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("storage/disk/"),
    list("storage/partition/"),
    list("storage/raid/"),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DISK, &PARTITION, &RAID, &MEMBER];

/// The disks with their partitions, partitions that no disk names, and the arrays.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut seen = HashSet::new();
    for disk in answers.records("storage/disk/") {
        samples.push(of_disk(disk));
        for partition in records(disk.get("partitions")) {
            let sample = of_partition(partition, disk);
            seen.insert(key(&sample));
            samples.push(sample);
        }
    }
    for partition in answers.records("storage/partition/") {
        let sample = of_partition(partition, &Json::Null);
        if seen.insert(key(&sample)) {
            samples.push(sample);
        }
    }
    for array in answers.records("storage/raid/") {
        samples.push(of_array(array));
        samples.extend(records(array.get("members")).map(|member| of_member(member, array)));
    }
    samples
}

/// What tells a partition apart.
fn key(partition: &Sample) -> [Option<String>; 2] {
    ["disk", "partition"].map(|name| partition.text(name).map(str::to_owned))
}

fn of_disk(disk: &Json) -> Sample {
    let label = |key| disk.get(key).and_then(text);
    Sample::read(&DISK, disk)
        .label("disk", label("id"))
        .label("disk_type", label("type"))
        .label("model", label("model"))
        .label("serial", label("serial"))
        .label("table_type", label("table_type"))
}

fn of_partition(partition: &Json, disk: &Json) -> Sample {
    let label = |key| partition.get(key).and_then(text);
    let disk_id = label("disk_id").or_else(|| disk.get("id").and_then(text));
    Sample::read(&PARTITION, partition)
        .label("disk", disk_id)
        .label("partition", label("id"))
        .label("partition_label", label("label"))
        .label("fstype", label("fstype"))
        .label("partition_state", label("state"))
}

fn of_array(array: &Json) -> Sample {
    Sample::read(&RAID, array)
        .label("array", array.get("id").and_then(text))
        .label("array_name", array.get("name").and_then(text))
        .label("level", array.get("level").and_then(text))
}

fn of_member(member: &Json, array: &Json) -> Sample {
    Sample::read(&MEMBER, member)
        .label("array", array.get("id").and_then(text))
        .label("array_name", array.get("name").and_then(text))
        .label("member", member.get("id").and_then(text))
        .label("location", member.get("device_location").and_then(text))
        .label("serial", at(member, "disk.serial").and_then(text))
}

static DISK: Group = Group::new(
    "storage.disk",
    &[
        state(
            "state",
            Kind::Code(&[
                ("disabled", 0),
                ("formatting", 0),
                ("enabled", 1),
                ("error", 99),
            ]),
            "Whether it is in use",
        ),
        gauge("temp", "°C", "Temperature").positive(),
        gauge("total_bytes", "byte", "Size"),
        flag("idle", "It has nothing to do"),
        flag("spinning", "It turns"),
        gauge("idle_seconds", "s", "Since it last had something to do").from(&["idle_duration"]),
        gauge("active_seconds", "s", "Since it last had nothing to do").from(&["active_duration"]),
        gauge("spindown_seconds", "s", "Until it stops turning").from(&["time_before_spindown"]),
        counter("read_requests", "requests", "Reads"),
        counter("write_requests", "requests", "Writes"),
        counter("read_error", "requests", "Reads that failed").from(&["read_error_requests"]),
        counter("write_error", "requests", "Writes that failed").from(&["write_error_requests"]),
        gauge("operation_percent", "%", "How far the formatting has come")
            .from(&["operation_pct.percent"]),
    ],
)
.identity(&[&["disk", "serial"]])
.labels(&["disk_type", "model", "table_type"])
.measurement("freebox_storage")
.field_prefix("disk_");

static PARTITION: Group = Group::new(
    "storage.partition",
    &[
        state("mounted", Kind::Is("mounted"), "It can be used").from(&["state"]),
        gauge("total_bytes", "byte", "Size"),
        gauge("used_bytes", "byte", "Used"),
        gauge("free_bytes", "byte", "Free"),
        state(
            "fsck_result",
            Kind::Code(&[
                ("no_run_yet", 0),
                ("fs_clean", 1),
                ("fs_corrected", 2),
                ("running", 3),
                ("fs_needs_correction", 4),
                ("failed", 99),
            ]),
            "What the last check of the file system found",
        ),
    ],
)
.identity(&[&["disk"], &["partition", "partition_label"]])
.labels(&["fstype", "partition_state"])
.measurement("freebox_storage")
.field_prefix("diskfs_");

static RAID: Group = Group::new(
    "storage.raid",
    &[
        state(
            "state",
            Kind::Code(&[("stopped", 0), ("running", 1), ("error", 99)]),
            "What it does",
        ),
        flag("degraded", "A member is missing"),
        gauge("array_bytes", "byte", "Size").from(&["array_size"]),
        state(
            "sync_active",
            Kind::IsNot("idle"),
            "It is being checked or rebuilt",
        )
        .from(&["sync_action"]),
        gauge("sync_percent", "%", "How far that has come").from(&["sync_completed_percent"]),
        gauge("sync_speed", "byte/s", "How fast that goes"),
        time("last_check_time", "Last checked").from(&["last_check"]),
        time("next_check_time", "To be checked next").from(&["next_check"]),
    ],
)
.since("8.2")
.identity(&[&["array", "array_name"]])
.labels(&["level"])
.measurement("freebox_storage")
.field_prefix("raid_");

static MEMBER: Group = Group::new(
    "storage.raid_member",
    &[
        state("active", Kind::Is("active"), "It takes part").from(&["role"]),
        counter("read_errors", "count", "Reads that were corrected")
            .from(&["corrected_read_errors"]),
        gauge("temp", "°C", "Temperature")
            .from(&["disk.temp"])
            .positive(),
    ],
)
.since("8.2")
.identity(&[&["array", "array_name"], &["member", "serial"]])
.labels(&["location"])
.measurement("freebox_storage")
.field_prefix("raid_member_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn partitions_are_told_once() {
        let disks = r#"[{"id":1000,"type":"usb","state":"enabled","temp":0,"total_bytes":"2000",
            "partitions":[{"id":1001,"disk_id":1000,"label":"Été","state":"mounted"}]}]"#;
        let partitions = r#"[{"id":1001,"disk_id":1000,"free_bytes":5},
            {"id":2001,"disk_id":2000,"free_bytes":7}]"#;
        check(
            map,
            ASKS,
            &[("storage/disk/", disks), ("storage/partition/", partitions)],
            &[
                "storage.disk.state{disk=1000,disk_type=usb} 1",
                "storage.disk.total_bytes{disk=1000,disk_type=usb} 2000",
                "storage.partition.mounted{disk=1000,partition=1001,partition_label=Été,partition_state=mounted} 1",
                "storage.partition.free_bytes{disk=2000,partition=2001} 7",
            ],
        );
    }
}
