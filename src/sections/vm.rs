//! Virtual machines: `vm/`. <https://dev.freebox.fr/sdk/os/vm/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{Spelling, given, label};
use crate::metrics::lenient::path;
use crate::metrics::metric::{Kind, count, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::{MEBIBYTE, Unit};
use crate::sections::ask::{Answers, Ask, items, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[
    object("vm/info/").since(7).holding(&["usb_ports"]),
    list("vm/").since(7).holding(&["bind_usb_ports"]),
];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&HOST, &VM];

/// What there is for machines, and the machines.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let info = answers.object("vm/info/").unwrap_or(&Json::Null);
    let of_host = Sample::read(&HOST, info)
        .with(
            const { HOST.metric("usb_ports") },
            how_many(info, "usb_ports"),
        )
        .with(const { HOST.metric("machines") }, answers.count("vm/"));
    let machines = answers.records("vm/").map(|vm| {
        let ports = how_many(vm, "bind_usb_ports");
        Sample::read(&VM, vm)
            .with(const { VM.metric("usb_ports") }, ports)
            .label("disk_path", vm.get("disk_path").and_then(path))
            .label("cd_path", vm.get("cd_path").and_then(path))
    });
    [of_host].into_iter().chain(machines).collect()
}

/// How long a list of names is.
fn how_many(record: &Json, key: &str) -> Option<i64> {
    i64::try_from(items(record, key)?.len()).ok()
}

static HOST: Group = Group::new(
    "vm.host",
    "vm.host",
    &[
        gauge(
            "total_memory_bytes",
            Unit::Byte,
            "Memory that the box has for virtual machines",
        )
        .from(&["total_memory"])
        .times(MEBIBYTE)
        .raw()
        .field("total_memory"),
        gauge(
            "used_memory_bytes",
            Unit::Byte,
            "Memory that virtual machines have taken",
        )
        .from(&["used_memory"])
        .times(MEBIBYTE)
        .raw()
        .field("used_memory"),
        count(
            "total_cpus",
            "Processors that the box has for virtual machines",
        ),
        count("used_cpus", "Processors that virtual machines have taken"),
        flag("usb_used", "Whether a virtual machine has taken a USB port"),
        count(
            "usb_ports",
            "USB ports that the box has for virtual machines",
        )
        .computed()
        .field("usb_ports_count"),
        count("machines", "Virtual machines that were set up on the box")
            .computed()
            .field("vm_count"),
    ],
)
.since("7")
.measure("virtualmachine");

static VM: Group = Group::new(
    "vm",
    "vm.{vm}",
    &[
        state(
            "running",
            Kind::Is("running"),
            "Whether this virtual machine runs",
        )
        .from(&["status"])
        .field("status"),
        gauge("memory_bytes", Unit::Byte, "Memory of this virtual machine")
            .from(&["memory"])
            .times(MEBIBYTE)
            .raw()
            .field("memory"),
        count("cpus", "Processors of this virtual machine")
            .from(&["vcpus"])
            .field("vcpus"),
        flag(
            "screen_enabled",
            "Whether this virtual machine has a screen",
        )
        .from(&["enable_screen"])
        .field("enable_screen"),
        flag(
            "cloudinit_enabled",
            "Whether this virtual machine is set up by cloud-init",
        )
        .from(&["enable_cloudinit"])
        .field("enable_cloudinit"),
        count("usb_ports", "USB ports that this virtual machine has taken")
            .computed()
            .field("bind_usb_ports_count"),
    ],
)
.since("7")
.labels(&[
    label("vm", &["id"]).tag("vm"),
    label("vm_name", &["name"]).tag("vm_name").names("vm"),
    given("disk_path")
        .tag("vm_disk_path")
        .spelled(Spelling::PythonBytes),
    label("disk_type", &["disk_type"]).tag("vm_disk_type"),
    given("cd_path")
        .tag("vm_cd_path")
        .spelled(Spelling::PythonBytes),
    label("cloudinit_hostname", &["cloudinit_hostname"]).tag("vm_cloudinit_hostname"),
    label("mac", &["mac"]).tag("vm_mac"),
    label("os", &["os"]).tag("vm_os"),
])
.measure("virtualmachine")
.field_prefix("vm_");
