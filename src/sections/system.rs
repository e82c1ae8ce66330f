//! The box itself: `system/`. <https://dev.freebox.fr/sdk/os/system/>
//!
//! Since version 6 of the API temperatures and fans are lists; before, and under an older prefix
//! today, they are flat keys. A sensor without a value is a disk without a thermometer.

use serde_json::Value as Json;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, flag, gauge, state};
use crate::metrics::reading::{at, text};
use crate::metrics::sample::Sample;
use crate::sections::ask::{Answers, Ask, count, object, records};

/// What it asks for.
pub(super) const ASKS: &[Ask] = &[object("system/").required()];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SYSTEM, &API, &MODEL, &SENSOR, &FAN, &EXPANSION];

/// The flat temperatures that have metrics of their own.
const FLAT: [&str; 3] = ["temp_sw", "temp_cpub", "temp_cpum"];
/// The flat form does not name its fan; the list calls the same one this.
const FLAT_FAN: &str = "fan0_speed";

/// The box, and its parts.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let Some(system) = answers.object("system/") else {
        return Vec::new();
    };
    let list = |key| system.get(key).map(|list| records(Some(list)));
    let label = |path| at(system, path).and_then(text);
    let box_itself = Sample::read(&SYSTEM, system)
        .with("fan_count", list("fans").map(count))
        .with("temp_count", list("sensors").map(count))
        .label("firmware", label("firmware_version"))
        .label("serial", label("serial"))
        .label("mac", label("mac"))
        .label("board", label("board_name"))
        .label("model_name", label("model_info.name"))
        .label("model_pretty", label("model_info.pretty_name"))
        .label("net_operator", label("model_info.net_operator"));
    let mut samples = vec![
        box_itself,
        Sample::new(&API).with("major", answers.api_major.map(i64::from)),
    ];
    samples.extend(
        system
            .get("model_info")
            .map(|info| Sample::read(&MODEL, info)),
    );
    samples.extend(list("sensors").into_iter().flatten().map(of_sensor));
    samples.extend(list("fans").into_iter().flatten().map(of_fan));
    if list("sensors").is_none() {
        samples.extend(flat_sensors(system));
        samples.extend(system.get("fan_rpm").map(|rpm| {
            let fan = serde_json::json!({"id": FLAT_FAN, "value": rpm});
            of_fan(&fan)
        }));
    }
    samples.extend(list("expansions").into_iter().flatten().map(of_expansion));
    samples
}

fn of_sensor(sensor: &Json) -> Sample {
    Sample::read(&SENSOR, sensor)
        .label("sensor", sensor.get("id").and_then(text))
        .label("sensor_name", sensor.get("name").and_then(text))
}

/// The flat temperatures of newer boxes, which have other places than the first three.
fn flat_sensors(system: &Json) -> impl Iterator<Item = Sample> {
    let keys = system.as_object().into_iter().flatten();
    let others = keys.filter(|(key, _)| key.starts_with("temp_") && !FLAT.contains(&key.as_str()));
    others.map(|(key, value)| of_sensor(&serde_json::json!({"id": key, "value": value})))
}

fn of_fan(fan: &Json) -> Sample {
    Sample::read(&FAN, fan)
        .label("fan", fan.get("id").and_then(text))
        .label("fan_name", fan.get("name").and_then(text))
}

fn of_expansion(expansion: &Json) -> Sample {
    Sample::read(&EXPANSION, expansion)
        .label("slot", expansion.get("slot").and_then(text))
        .label("expansion_type", expansion.get("type").and_then(text))
}

static SYSTEM: Group = Group::new(
    "system",
    &[
        gauge("uptime", "s", "Since the box started")
            .since("2")
            .from(&["uptime_val"]),
        flag("authenticated", "The box is known to the network of Free")
            .from(&["box_authenticated"]),
        state(
            "disk_status",
            Kind::Is("active"),
            "The internal disk is in use",
        )
        .since("4"),
        flag("user_storage_powered", "The user's disk has power"),
        gauge("fan_count", "count", "Fans").computed(),
        gauge("temp_count", "count", "Sensors of temperature").computed(),
        gauge("temp_sw", "°C", "Temperature of the switch (flat form)"),
        gauge(
            "temp_cpub",
            "°C",
            "Temperature of the broadband processor (flat form)",
        ),
        gauge(
            "temp_cpum",
            "°C",
            "Temperature of the main processor (flat form)",
        ),
    ],
)
.labels(&[
    "firmware",
    "serial",
    "mac",
    "board",
    "model_name",
    "model_pretty",
    "net_operator",
])
.field_prefix("sys_");

static API: Group = Group::new(
    "system.api",
    &[gauge("major", "-", "Major version of the API").computed()],
)
.field_prefix("api_version_");

/// Booleans are there only where they are true or might be.
static MODEL: Group = Group::new(
    "system.model",
    &[
        gauge("customer_hdd_slots", "count", "Slots for disks of the user"),
        gauge(
            "internal_hdd_size",
            "GB",
            "Size of the internal disk, 0 for none",
        ),
        flag("has_expansions", "Slots for expansions"),
        flag("has_lan_sfp", "An SFP slot to the LAN"),
        flag("has_dect", "A DECT base"),
        flag("has_home_automation", "Home automation"),
        flag("has_femtocell_exp", "A slot for a femtocell"),
        flag("has_fixed_femtocell", "A femtocell"),
        flag("has_vm", "Virtual machines"),
        flag("has_dsl", "A modem for copper"),
        flag("has_standby", "Standby"),
        flag("has_eco_wifi", "A saving mode for Wi-Fi").since("11.1"),
        flag("has_wop", "Wi-Fi without a password at the box").since("11.1"),
        flag("has_led_strip", "A strip of lights"),
        flag("has_status_led", "A light for the state"),
        flag("has_lcd_screensaver", "A screen saver"),
        flag("has_lcd_orientation", "A display that turns"),
        flag(
            "has_separate_internal_storage",
            "Internal storage of its own",
        ),
        flag("has_basic_raid_support", "RAID"),
        flag("has_ext_telephony", "Telephony with more than one line"),
        flag("has_speakers", "Loudspeakers"),
        flag("has_speakers_jack", "A jack for loudspeakers"),
        flag("has_internal_hdd", "An internal disk"),
        flag("has_usb3_enable", "A switch for USB 3"),
    ],
)
.since("6")
.field_prefix("minfo_");

static SENSOR: Group = Group::new(
    "system.sensor",
    &[gauge("temp", "°C", "Temperature").from(&["value"])],
)
.since("6")
.identity(&[&["sensor", "sensor_name"]])
.field_prefix("sys_");

static FAN: Group = Group::new(
    "system.fan",
    &[gauge("rpm", "rpm", "Speed").from(&["value"])],
)
.since("6")
.identity(&[&["fan", "fan_name"]])
.field_prefix("sys_fan_");

static EXPANSION: Group = Group::new(
    "system.expansion",
    &[
        flag("present", "Something is in the slot"),
        flag("supported", "The box can use it"),
    ],
)
.since("6")
.identity(&[&["slot"]])
.labels(&["expansion_type"])
.field_prefix("sys_expansion_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn lists_of_sensors_and_fans() {
        let answer = r#"{"uptime_val":86582,"disk_status":"active",
            "sensors":[{"id":"temp_hdd","value":38},{"id":"temp_hdd2"},"odd",{"id":"t1","value":"55"}],
            "fans":[{"id":"fan0_speed","value":2200}],"model_info":{"has_dect":true}}"#;
        check(
            map,
            ASKS,
            &[("system/", answer)],
            &[
                "system.uptime 86582",
                "system.disk_status 1",
                "system.fan_count 1",
                "system.temp_count 3",
                "system.model.has_dect 1",
                "system.sensor.temp{sensor=temp_hdd} 38",
                "system.sensor.temp{sensor=t1} 55",
                "system.fan.rpm{fan=fan0_speed} 2200",
            ],
        );
    }

    #[test]
    fn the_flat_form() {
        let answer =
            r#"{"temp_cpub":56,"temp_sw":50,"temp_hdd0":null,"temp_cpu_ap":61,"fan_rpm":2200}"#;
        check(
            map,
            ASKS,
            &[("system/", answer)],
            &[
                "system.temp_sw 50",
                "system.temp_cpub 56",
                "system.sensor.temp{sensor=temp_cpu_ap} 61",
                "system.fan.rpm{fan=fan0_speed} 2200",
            ],
        );
    }
}
