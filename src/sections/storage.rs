//! Disks, partitions and RAID: `storage/`. <https://dev.freebox.fr/sdk/os/storage/>

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{given, inherited, label};
use crate::metrics::lenient::path;
use crate::metrics::metric::{Kind, Metric, counter, flag, gauge, state, time};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, list, records_at, whole};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    list("storage/disk/").holding(&["partitions"]),
    list("storage/partition/"),
    list("storage/raid/").since(8).holding(&["members"]),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&DISK, &PARTITION, &RAID, &MEMBER];

/// The disks with their partitions, partitions that no disk names, and the arrays.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut seen = HashSet::new();
    for disk in answers.records("storage/disk/") {
        let of_disk = Sample::read(&DISK, disk);
        let partitions = records_at(disk, "partitions");
        let partitions = partitions.map(|it| of_partition(it).within(&of_disk));
        let partitions: Vec<Sample> = partitions.collect();
        seen.extend(partitions.iter().map(key));
        samples.push(of_disk);
        samples.extend(partitions);
    }
    let partitions = answers.records("storage/partition/").map(of_partition);
    samples.extend(partitions.filter(|partition| seen.insert(key(partition))));
    for array in answers.records("storage/raid/") {
        let of_array = Sample::read(&RAID, array);
        let members = records_at(array, "members");
        let members = members.map(|it| Sample::read(&MEMBER, it).within(&of_array));
        let members: Vec<Sample> = members.collect();
        samples.push(of_array);
        samples.extend(members);
    }
    samples
}

/// What tells a partition apart.
fn key(partition: &Sample) -> [Option<String>; 2] {
    ["disk", "partition"].map(|name| partition.text(name).map(str::to_owned))
}

fn of_partition(partition: &Json) -> Sample {
    let path = partition.get("path").and_then(path);
    let sample = Sample::read(&PARTITION, partition).label("partition_path", path);
    // What has no size has nothing in use and nothing free either.
    match whole(partition, "total_bytes") {
        Some(0) => SPACE.iter().fold(sample, |it, metric| it.without(metric)),
        _ => sample,
    }
}

static DISK: Group = Group::new(
    "storage.disk",
    "storage.disk.{disk}",
    &[
        state(
            "state",
            Kind::Code(&[
                ("disabled", 0),
                ("formatting", 0),
                ("enabled", 1),
                ("error", 99),
            ]),
            "State that this disk is in",
        ),
        gauge("temperature", Unit::Celsius, "Temperature of this disk")
            .from(&["temp"])
            .positive()
            .field("temp"),
        gauge("total_bytes", Unit::Byte, "Size of this disk").positive(),
        flag("idle", "Whether this disk has nothing to do"),
        flag("spinning", "Whether this disk is turning"),
        gauge(
            "idle_duration",
            Unit::Second,
            "Time since this disk last had something to do",
        )
        .field("idle_seconds"),
        gauge(
            "active_duration",
            Unit::Second,
            "Time since this disk last had nothing to do",
        )
        .field("active_seconds"),
        gauge(
            "spindown_remaining",
            Unit::Second,
            "Time until this disk stops turning",
        )
        .from(&["time_before_spindown"])
        .field("spindown_seconds"),
        counter("read_requests", Unit::Count, "Reads from this disk"),
        counter("write_requests", Unit::Count, "Writes to this disk"),
        counter(
            "read_errors",
            Unit::Count,
            "Reads from this disk that failed",
        )
        .from(&["read_error_requests"])
        .field("read_error"),
        counter(
            "write_errors",
            Unit::Count,
            "Writes to this disk that failed",
        )
        .from(&["write_error_requests"])
        .field("write_error"),
        gauge(
            "operation_percent",
            Unit::Percent,
            "How far the formatting of this disk has come",
        )
        .from(&["operation_pct.percent"]),
    ],
)
.labels(&[
    label("disk", &["id"]).tag("hdd"),
    label("disk_type", &["type"]).tag("hdd_type"),
    label("model", &["model"]).tag("hdd_model").spoken(),
    label("serial", &["serial"])
        .tag("hdd_serial")
        .stands_for("disk"),
    label("table_type", &["table_type"]).tag("hdd_table_type"),
])
.measure("storage")
.field_prefix("disk_");

/// The metrics of [`PARTITION`] that mean something only where it has a size.
const SPACE: [&Metric; 2] = [
    PARTITION.metric("used_bytes"),
    PARTITION.metric("free_bytes"),
];

static PARTITION: Group = Group::new(
    "storage.partition",
    "storage.disk.{disk}.partition.{partition}",
    &[
        state(
            "mounted",
            Kind::Is("mounted"),
            "Whether this partition of a disk can be used",
        )
        .from(&["state"]),
        gauge(
            "total_bytes",
            Unit::Byte,
            "Size of this partition of a disk",
        )
        .positive(),
        gauge(
            "used_bytes",
            Unit::Byte,
            "Used space on this partition of a disk",
        ),
        gauge(
            "free_bytes",
            Unit::Byte,
            "Free space on this partition of a disk",
        ),
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
            "What the last check of this partition's file system found",
        ),
    ],
)
.labels(&[
    label("disk", &["disk_id"]).or_inherited().tag("hdd"),
    inherited("disk_type").tag("hdd_type"),
    inherited("model").tag("hdd_model"),
    inherited("serial").tag("hdd_serial"),
    inherited("table_type").tag("hdd_table_type"),
    label("partition", &["id"]).tag("partition"),
    label("partition_label", &["label"])
        .tag("partition_label")
        .names("partition"),
    label("fstype", &["fstype"]).tag("partition_fstype"),
    label("partition_state", &["state"])
        .tag("partition_state")
        .tag_only(),
    given("partition_path").tag("partition_path"),
])
.measure("storage")
.field_prefix("diskfs_");

static RAID: Group = Group::new(
    "storage.raid",
    "storage.raid.{array}",
    &[
        state(
            "state",
            Kind::Code(&[("stopped", 0), ("running", 1), ("error", 99)]),
            "What this array of disks does",
        ),
        flag(
            "degraded",
            "Whether a member of this array of disks is missing",
        ),
        gauge("total_bytes", Unit::Byte, "Size of this array of disks")
            .from(&["array_size"])
            .positive()
            .field("array_bytes"),
        state(
            "sync_active",
            Kind::IsNot("idle"),
            "Whether this array of disks is being checked or rebuilt",
        )
        .from(&["sync_action"]),
        gauge(
            "sync_percent",
            Unit::Percent,
            "How far the check of this array of disks has come",
        )
        .from(&["sync_completed_percent"]),
        gauge(
            "sync_rate",
            Unit::BytePerSecond,
            "How fast the check of this array of disks goes",
        )
        .from(&["sync_speed"])
        .field("sync_speed"),
        time(
            "last_check_time",
            "Moment when this array of disks was last checked",
        )
        .from(&["last_check"]),
        time(
            "next_check_time",
            "Moment when this array of disks will be checked next",
        )
        .from(&["next_check"]),
    ],
)
.since("8.2")
.labels(&[
    label("array", &["id"]).tag("array"),
    label("array_name", &["name"])
        .tag("array_name")
        .names("array"),
    label("level", &["level"]),
])
.measure("storage")
.field_prefix("raid_");

static MEMBER: Group = Group::new(
    "storage.raid.member",
    "storage.raid.{array}.member.{member}",
    &[
        state(
            "active",
            Kind::Is("active"),
            "Whether this member of an array of disks takes part",
        )
        .from(&["role"]),
        counter(
            "corrected_read_errors",
            Unit::Count,
            "Reads from this member of an array of disks that were corrected",
        )
        .field("read_errors"),
        gauge(
            "temperature",
            Unit::Celsius,
            "Temperature of this member of an array of disks",
        )
        .from(&["disk.temp"])
        .positive()
        .field("temp"),
    ],
)
.since("8.2")
.labels(&[
    inherited("array").tag("array"),
    inherited("array_name").stands_for("array"),
    label("member", &["id"]).tag("member"),
    label("location", &["device_location"])
        .tag("location")
        .spoken(),
    label("serial", &["disk.serial"]).stands_for("member"),
])
.measure("storage")
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
                "storage.partition.mounted{disk=1000,partition=1001,partition_label=Été,partition_state=mounted,disk_type=usb} 1",
                "storage.partition.free_bytes{disk=2000,partition=2001} 7",
            ],
        );
    }

    #[test]
    fn what_has_no_size_has_no_lines_about_it() {
        let disks = r#"[{"id":0,"state":"disabled","total_bytes":0,"partitions":[
            {"id":1,"state":"umounted","total_bytes":0,"used_bytes":0,"free_bytes":0},
            {"id":2,"used_bytes":4}]}]"#;
        let arrays = r#"[{"id":7,"state":"stopped","array_size":0,
            "members":[{"id":8,"role":"missing","total_bytes":0}]}]"#;
        check(
            map,
            ASKS,
            &[("storage/disk/", disks), ("storage/raid/", arrays)],
            &[
                "storage.disk.state{disk=0} 0",
                "storage.partition.mounted{partition=1,partition_state=umounted,disk=0} 0",
                "storage.partition.used_bytes{partition=2,disk=0} 4",
                "storage.raid.state{array=7} 0",
                "storage.raid.member.active{member=8,array=7} 0",
            ],
        );
    }
}
