//! The box itself: `system/`. <https://dev.freebox.fr/sdk/os/system/>
//!
//! Since version 6 of the API temperatures and fans are lists; before, and under an older prefix
//! today, they are flat keys. A sensor without a value is a disk without a thermometer.

use serde_json::{Value as Json, json};

use crate::metrics::group::Group;
use crate::metrics::label::{Spelling, given, inherited, label};
use crate::metrics::lenient::text;
use crate::metrics::metric::{self, Kind, Metric, flag, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::sections::ask::{Answers, Ask, count_at, items, object, records_at};

/// What it asks for.
pub(super) const ASKS: &[Ask] =
    &[object("system/")
        .required()
        .holding(&["sensors", "fans", "expansions"])];

/// What it can yield.
pub(super) const GROUPS: &[&Group] = &[&SYSTEM, &COUNTS, &MODEL, &SENSOR, &FAN, &EXPANSION];

/// The flat temperatures that are metrics of their own in freebox-monitoring 0.9.1.
const FLAT: [&str; 3] = ["temp_sw", "temp_cpub", "temp_cpum"];
/// The flat form does not name its fan; the list calls the same one this.
const FLAT_FAN: &str = "fan0_speed";

/// The box, and its parts.
pub(super) fn map(answers: &Answers) -> Vec<Sample> {
    let Some(system) = answers.object("system/") else {
        return Vec::new();
    };
    let list = |key| records_at(system, key);
    let of_box = Sample::read(&SYSTEM, system);
    let model = system.get("model_info");
    let of_model = model.map(|it| Sample::read(&MODEL, it).within(&of_box));
    let counts = Sample::new(&COUNTS)
        .with(const { COUNTS.metric("fans") }, count_at(system, "fans"))
        .with(
            const { COUNTS.metric("sensors") },
            count_at(system, "sensors"),
        )
        .with(
            const { COUNTS.metric("api_version") },
            answers.api_major.map(i64::from),
        );
    let mut samples = vec![of_box, counts];
    samples.extend(of_model);
    samples.extend(list("sensors").map(of_sensor));
    samples.extend(list("fans").map(of_fan));
    if items(system, "sensors").is_none() {
        samples.extend(flat_sensors(system));
        let rpm = system.get("fan_rpm");
        samples.extend(rpm.map(|rpm| of_fan(&json!({"id": FLAT_FAN, "value": rpm}))));
    }
    let expansions = list("expansions");
    samples.extend(expansions.map(|it| Sample::read(&EXPANSION, it)));
    samples
}

fn of_sensor(sensor: &Json) -> Sample {
    let id = sensor.get("id").and_then(text);
    Sample::read(&SENSOR, sensor).label("sensor", id.map(|id| short(&id, &["temp_"], &[])))
}

/// The temperatures of the flat form, as the list has them.
fn flat_sensors(system: &Json) -> impl Iterator<Item = Sample> {
    let keys = system.as_object().into_iter().flatten();
    let keys = keys.filter(|(key, _)| key.starts_with("temp_"));
    keys.map(|(key, value)| {
        let sensor = of_sensor(&json!({"id": key, "value": value}));
        match FLAT.contains(&key.as_str()) {
            true => sensor.without_fields(),
            false => sensor,
        }
    })
}

fn of_fan(fan: &Json) -> Sample {
    let id = fan.get("id").and_then(text);
    let id = id.map(|id| short(&id, &["fan"], &["_speed", "-fan", "_fan"]));
    Sample::read(&FAN, fan).label("fan", id)
}

/// An id without what its kind says already: `fan0_speed` is fan 0.
fn short(id: &str, heads: &[&str], tails: &[&str]) -> String {
    let headless = heads.iter().find_map(|head| id.strip_prefix(head));
    let rest = headless.unwrap_or(id);
    let tailless = tails.iter().find_map(|tail| rest.strip_suffix(tail));
    match tailless.unwrap_or(rest) {
        "" => id.to_owned(),
        short => short.to_owned(),
    }
}

static SYSTEM: Group = Group::new(
    "system",
    "system",
    &[
        gauge("uptime", Unit::Second, "Time since the box started")
            .since("2")
            .from(&["uptime_val"])
            .field("sys_uptime"),
        flag("authenticated", "Whether the network of Free knows the box")
            .from(&["box_authenticated"])
            .field("sys_authenticated"),
        state(
            "disk_active",
            Kind::Is("active"),
            "Whether the internal disk of the box is in use",
        )
        .since("4")
        .from(&["disk_status"])
        .field("sys_disk_status"),
        flag(
            "user_storage_powered",
            "Whether the user's disk at the box has power",
        )
        .field("sys_user_storage_powered"),
        gauge(
            "temp_sw",
            Unit::Celsius,
            "Temperature of the switch (flat form)",
        )
        .field("sys_temp_sw")
        .field_only(),
        gauge(
            "temp_cpub",
            Unit::Celsius,
            "Temperature of the broadband processor (flat form)",
        )
        .field("sys_temp_cpub")
        .field_only(),
        gauge(
            "temp_cpum",
            Unit::Celsius,
            "Temperature of the main processor (flat form)",
        )
        .field("sys_temp_cpum")
        .field_only(),
        metric::text("firmware_version", "Version of the box's firmware"),
    ],
)
.labels(&[
    label("board", &["board_name"]).tag("hw_board"),
    label("firmware", &["firmware_version"]).tag("hw_firmware"),
    label("serial", &["serial"]).tag("hw_serial"),
    label("mac", &["mac"]).tag("hw_mac"),
    label("model_pretty", &["model_info.pretty_name"]).tag("hw_model_pretty"),
    label("model_name", &["model_info.name"]).tag("hw_model"),
    label("net_operator", &["model_info.net_operator"]).tag("net_operator"),
]);

/// The figures that have no tags of the box.
static COUNTS: Group = Group::new(
    "system",
    "system",
    &[
        metric::count("fans", "Fans that the box has")
            .since("6")
            .computed()
            .field("sys_fan_count"),
        metric::count("sensors", "Sensors of temperature that the box has")
            .since("6")
            .computed()
            .field("sys_temp_count"),
        gauge(
            "api_version",
            Unit::None,
            "Major version of the API that the box speaks",
        )
        .computed()
        .field("api_version_major"),
    ],
);

/// Booleans are there only where they are true or might be.
static MODEL: Group = Group::new("system.model", "system.model", OF_MODEL)
    .since("6")
    .labels(&[
        inherited("board").tag("hw_board"),
        inherited("firmware").tag("hw_firmware"),
        inherited("serial").tag("hw_serial"),
        inherited("mac").tag("hw_mac"),
        inherited("model_pretty").tag("hw_model_pretty"),
        inherited("model_name").tag("hw_model"),
        inherited("net_operator").tag("net_operator"),
    ])
    .field_prefix("minfo_");

/// Whether the model has something, which never changes.
const fn has(name: &'static str, help: &'static str) -> Metric {
    flag(name, help).constant()
}

const OF_MODEL: &[Metric] = &[
    metric::count(
        "customer_hdd_slots",
        "Slots for disks of the user that the model has",
    )
    .constant(),
    gauge(
        "internal_hdd_size",
        Unit::Gigabyte,
        "Size of the model's internal disk, 0 for none",
    )
    .constant(),
    has(
        "has_expansions",
        "Whether the model has slots for expansions",
    ),
    has(
        "has_lan_sfp",
        "Whether the model has an SFP slot to the LAN",
    ),
    has("has_dect", "Whether the model has a DECT base"),
    has(
        "has_home_automation",
        "Whether the model has home automation",
    ),
    has(
        "has_femtocell_exp",
        "Whether the model has a slot for a femtocell",
    ),
    has(
        "has_fixed_femtocell",
        "Whether the model has a femtocell built in",
    ),
    has("has_vm", "Whether the model runs virtual machines"),
    has("has_dsl", "Whether the model has a DSL modem"),
    has("has_standby", "Whether the model has a standby mode"),
    has(
        "has_eco_wifi",
        "Whether the model has a saving mode for Wi-Fi",
    )
    .since("11.1"),
    has(
        "has_wop",
        "Whether the model offers Wi-Fi without a password",
    )
    .since("11.1"),
    has("has_led_strip", "Whether the model has a strip of lights"),
    has(
        "has_status_led",
        "Whether the model has a light for its state",
    ),
    has(
        "has_lcd_screensaver",
        "Whether the model's display has a screen saver",
    ),
    has(
        "has_lcd_orientation",
        "Whether the model's display can be turned",
    ),
    has(
        "has_separate_internal_storage",
        "Whether the model has internal storage of its own",
    ),
    has("has_basic_raid_support", "Whether the model can do RAID"),
    has(
        "has_ext_telephony",
        "Whether the model has more than one telephone line",
    ),
    has(
        "has_speakers",
        "Whether the model has loudspeakers built in",
    ),
    has(
        "has_speakers_jack",
        "Whether the model has a jack for loudspeakers",
    ),
    has("has_internal_hdd", "Whether the model has an internal disk"),
    has(
        "has_usb3_enable",
        "Whether USB 3 of the model can be switched",
    ),
];

static SENSOR: Group = Group::new(
    "system.sensor",
    "system.sensor.{sensor}",
    &[gauge(
        "temperature",
        Unit::Celsius,
        "Temperature that this sensor in the box measures",
    )
    .from(&["value"])
    .field("temp")],
)
.labels(&[
    given("sensor"),
    label("sensor_id", &["id"])
        .tag("sensor")
        .stands_for("sensor"),
    label("sensor_name", &["name"])
        .tag("sensor_name")
        .spelled(Spelling::Plain)
        .names("sensor"),
])
.field_prefix("sys_");

static FAN: Group = Group::new(
    "system.fan",
    "system.fan.{fan}",
    &[gauge("rpm", Unit::Rpm, "Speed of this fan in the box").from(&["value"])],
)
.labels(&[
    given("fan"),
    label("fan_id", &["id"]).tag("fan").stands_for("fan"),
    label("fan_name", &["name"])
        .tag("fan_name")
        .spelled(Spelling::Plain)
        .names("fan"),
])
.field_prefix("sys_fan_");

static EXPANSION: Group = Group::new(
    "system.expansion",
    "system.expansion.{slot}",
    &[
        flag("present", "Whether something is in this expansion slot"),
        flag(
            "supported",
            "Whether the box can use what is in this expansion slot",
        ),
    ],
)
.since("6")
.labels(&[
    label("slot", &["slot"]).tag("slot"),
    label("expansion_type", &["type"]).tag("expansion_type"),
])
.field_prefix("sys_expansion_");

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{ASKS, map};

    #[test]
    fn lists_of_sensors_and_fans() {
        let answer = r#"{"uptime_val":86582,"disk_status":"active","firmware_version":"4.9",
            "sensors":[{"id":"temp_hdd","value":38},{"id":"temp_hdd2"},"odd",{"id":"t1","value":"55"}],
            "fans":[{"id":"fan0_speed","value":2200},{"id":"secondary-fan","value":1},
                {"id":"main","value":2}],"model_info":{"has_dect":true}}"#;
        check(
            map,
            ASKS,
            &[("system/", answer)],
            &[
                "system.uptime{firmware=4.9} 86582",
                "system.disk_active{firmware=4.9} 1",
                "system.firmware_version{firmware=4.9} 4.9",
                "system.fans 3",
                "system.sensors 3",
                "system.model.has_dect{firmware=4.9} 1",
                "system.sensor.temperature{sensor_id=temp_hdd,sensor=hdd} 38",
                "system.sensor.temperature{sensor_id=t1,sensor=t1} 55",
                "system.fan.rpm{fan_id=fan0_speed,fan=0} 2200",
                "system.fan.rpm{fan_id=secondary-fan,fan=secondary} 1",
                "system.fan.rpm{fan_id=main,fan=main} 2",
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
                "system.sensor.temperature{sensor_id=temp_cpu_ap,sensor=cpu_ap} 61",
                "system.sensor.temperature{sensor_id=temp_cpub,sensor=cpub} 56",
                "system.sensor.temperature{sensor_id=temp_sw,sensor=sw} 50",
                "system.fan.rpm{fan_id=fan0_speed,fan=0} 2200",
            ],
        );
    }
}
