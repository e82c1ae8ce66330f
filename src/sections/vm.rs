//! Virtual machines: `vm/`. <https://dev.freebox.fr/sdk/os/vm/>

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::label::{given, label};
use crate::metrics::lenient::{decoded, text};
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
            .label("disk_path", path(vm, "disk_path"))
            .label("cd_path", path(vm, "cd_path"))
    });
    [of_host].into_iter().chain(machines).collect()
}

/// How long a list of names is.
fn how_many(record: &Json, key: &str) -> Option<i64> {
    i64::try_from(items(record, key)?.len()).ok()
}

/// A path as freebox-monitoring 0.9.1 has it in its tags: the bytes as Python shows them, and where
/// there is none, this word and the end of its line.
fn path(vm: &Json, key: &str) -> Option<String> {
    let given = vm.get(key).and_then(text);
    given.map_or_else(
        || Some(python_bytes(b"none\n")),
        |encoded| Some(python_bytes(&decoded(&encoded)?)),
    )
}

/// As Python shows bytes: `b'/Freebox/disk.qcow2'`, with what is not ASCII by its number.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = match bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        true => '"',
        false => '\'',
    };
    let mut shown = format!("b{quote}");
    for byte in bytes.iter().map(|byte| char::from(*byte)) {
        match byte {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            byte if byte == quote => shown.extend(['\\', quote]),
            ' '..='~' => shown.push(byte),
            byte => shown.extend(format!("\\x{:02x}", u32::from(byte)).chars()),
        }
    }
    shown.push(quote);
    shown
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
    given("disk_path").tag("vm_disk_path"),
    label("disk_type", &["disk_type"]).tag("vm_disk_type"),
    given("cd_path").tag("vm_cd_path"),
    label("cloudinit_hostname", &["cloudinit_hostname"]).tag("vm_cloudinit_hostname"),
    label("mac", &["mac"]).tag("vm_mac"),
    label("os", &["os"]).tag("vm_os"),
])
.measure("virtualmachine")
.field_prefix("vm_");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_as_python_shows_them() {
        let cases = [
            (
                r#"{"p":"L0ZyZWVib3gvYS5yYXc="}"#,
                Some(r"b'/Freebox/a.raw'"),
            ),
            (r#"{"p":"L0ZyZWVib3gvYS5yYXc"}"#, Some(r"b'/Freebox/a.raw'")),
            (r#"{"p":"w6kn"}"#, Some(r#"b"\xc3\xa9'""#)),
            (r#"{"p":"J1wi"}"#, Some(r#"b'\'\\"'"#)),
            (r#"{"p":""}"#, Some(r"b'none\n'")),
            ("{}", Some(r"b'none\n'")),
            (r#"{"p":"?"}"#, None),
        ];
        for (record, expected) in cases {
            let record = serde_json::from_str(record).expect("JSON");
            assert_eq!(path(&record, "p").as_deref(), expected, "{record}");
        }
    }
}
