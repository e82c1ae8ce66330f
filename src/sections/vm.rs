//! Virtual machines: `vm/`. <https://dev.freebox.fr/sdk/os/vm/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state};
use crate::metrics::reading::text;
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, list, object};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("vm/info/").since(7), list("vm/").since(7)];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&HOST, &VM];

/// What there is for machines, and the machines.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let info = answers.object("vm/info/");
    let mut samples = vec![
        Sample::read(&HOST, info.unwrap_or(&Json::Null))
            .with(
                "usb_ports_count",
                info.and_then(|info| items(info, "usb_ports")),
            )
            .with("vm_count", answers.count("vm/")),
    ];
    samples.extend(answers.records("vm/").map(of_vm));
    samples
}

fn of_vm(vm: &Json) -> Sample {
    let label = |key| vm.get(key).and_then(text);
    Sample::read(&VM, vm)
        .with("bind_usb_ports_count", items(vm, "bind_usb_ports"))
        .label("vm", label("id"))
        .label("vm_name", label("name"))
        .label("disk_type", label("disk_type"))
        .label("mac", label("mac"))
        .label("os", label("os"))
}

/// How long a list is that may be empty in any disguise; `None` where there is none at all.
fn items(record: &Json, key: &str) -> Option<i64> {
    match record.get(key)? {
        Json::Array(items) => i64::try_from(items.len()).ok(),
        Json::String(text) if text.is_empty() => Some(0),
        Json::Object(map) if map.is_empty() => Some(0),
        _ => None,
    }
}

static HOST: Group = Group::new(
    "vm.host",
    &[
        gauge("total_memory", "MB", "Memory for machines"),
        gauge("used_memory", "MB", "Memory that is taken"),
        gauge("total_cpus", "count", "Processors for machines"),
        gauge("used_cpus", "count", "Processors that are taken"),
        flag("usb_used", "A USB port is taken"),
        gauge("usb_ports_count", "count", "USB ports for machines").computed(),
        gauge("vm_count", "count", "Machines").computed(),
    ],
)
.since("7")
.measurement("freebox_virtualmachine");

static VM: Group = Group::new(
    "vm",
    &[
        state("status", Kind::Is("running"), "It runs"),
        gauge("memory", "MB", "Its memory"),
        gauge("vcpus", "count", "Its processors"),
        flag("enable_screen", "It has a screen"),
        flag("enable_cloudinit", "It is set up by cloud-init"),
        gauge("bind_usb_ports_count", "count", "Its USB ports").computed(),
    ],
)
.since("7")
.identity(&[&["vm", "vm_name"]])
.labels(&["disk_type", "mac", "os"])
.measurement("freebox_virtualmachine")
.field_prefix("vm_");
