//! What freebox-monitoring 0.9.1 writes of a box with `--format influxdb`, made from a recording and
//! independently of the program: measurements, tags with their values, fields. Measured once by
//! running that script against simulated boxes; its own faults are left out.

use serde_json::Value as Json;

/// Which fields have which tags. A field with a quote before it is a text. The tags that all lines
/// have are left out.
const TABLE: &[(&str, &str, &str)] = &[
    (
        "freebox",
        "",
        "config_adblock config_ping_external config_sip_alg config_wol",
    ),
    (
        "freebox",
        "remote_ip remote_access_port",
        "config_api_allow_token_request \
        config_api_remote_access config_remote_access config_remote_is_secure_pass",
    ),
    (
        "freebox",
        "conn_media",
        "\"wan_ipv4 \"wan_ipv6 bandwidth_down bandwidth_up bytes_down \
        bytes_up rate_down rate_up state wan_ipv4_port_range_max wan_ipv4_port_range_min",
    ),
    (
        "freebox",
        "conn_media sfp_model sfp_vendor sfp_serial",
        "sfp_alim_ok sfp_has_power_report \
        sfp_has_signal sfp_pwr_rx sfp_pwr_tx",
    ),
    (
        "freebox",
        "conn_media xdsl_status xdsl_modulation xdsl_protocol",
        "\"xdsl_modulation \
        xdsl_down_attn xdsl_down_crc xdsl_down_es xdsl_down_fec xdsl_down_hec xdsl_down_maxrate \
        xdsl_down_rate xdsl_down_rtx_c xdsl_down_rtx_tx xdsl_down_rtx_uc xdsl_down_ses \
        xdsl_down_snr xdsl_status xdsl_up_attn xdsl_up_crc xdsl_up_es xdsl_up_fec xdsl_up_hec \
        xdsl_up_maxrate xdsl_up_rate xdsl_up_rtx_c xdsl_up_rtx_tx xdsl_up_rtx_uc xdsl_up_ses \
        xdsl_up_snr xdsl_uptime",
    ),
    ("freebox", "", "sys_fan_count sys_temp_count"),
    ("freebox", "fan fan_name", "sys_fan_rpm"),
    ("freebox", "sensor sensor_name", "sys_temp"),
    (
        "freebox",
        "hw_firmware hw_serial hw_mac hw_model_pretty hw_model net_operator",
        "\"firmware_version minfo_customer_hdd_slots minfo_internal_hdd_size sys_authenticated \
        sys_disk_status sys_uptime",
    ),
    ("freebox_call", "phone_number", "\"call_phone_number"),
    ("freebox_dhcp", "", "dhcp_lease_count"),
    (
        "freebox_dhcp",
        "dhcp_gateway dhcp_ip_range_start dhcp_ip_range_end dhcp_netmask dhcp_dns",
        "dhcp_always_broadcast dhcp_enabled dhcp_sticky_assign",
    ),
    (
        "freebox_dhcp",
        "client_mac client_hostname client_ip client_primary_name",
        "dhcp_lease_active dhcp_lease_assign_time dhcp_lease_last_time_reachable \
        dhcp_lease_reachable dhcp_lease_refresh_time dhcp_lease_remaining_time dhcp_lease_static",
    ),
    ("freebox_lan", "lan_iface", "lanhost_count"),
    (
        "freebox_lan",
        "lan_type lan_primary_name lan_vendor lan_mac_address lan_iface lan_ipv4 \
        lan_ipv6",
        "lanhost_first_activity lanhost_last_activity lanhost_last_time_reachable \
        lanhost_persistent lanhost_reachable lanhost_ipv4_active lanhost_ipv4_count \
        lanhost_ipv6_active lanhost_ipv6_count",
    ),
    ("freebox_switch", "", "switch_port_count"),
    (
        "freebox_switch",
        "switch_port mac hostname",
        "client_last_seen",
    ),
    (
        "freebox_switch",
        "switch_port switch_mode switch_name",
        "switch_client_count \
        switch_collisions switch_discard_packets switch_duplex switch_err_packets switch_link \
        switch_rx_bytes_rate switch_speed switch_tx_bytes_rate",
    ),
    (
        "freebox_virtualmachine",
        "",
        "total_cpus total_memory usb_ports_count usb_used used_memory",
    ),
    (
        "freebox_virtualmachine",
        "vm vm_name vm_disk_path vm_disk_type vm_cd_path \
        vm_cloudinit_hostname vm_mac vm_os",
        "vm_bind_usb_ports_count vm_enable_cloudinit \
        vm_enable_screen vm_memory vm_status vm_vcpus",
    ),
    (
        "freebox_vpn_client",
        "type active_vpn active_vpn_description last_error_desc",
        "vpnconn_enabled vpnconn_state",
    ),
    (
        "freebox_vpn_server",
        "conn_id conn_user vpn_name conn_src_ip conn_local_ip",
        "vpnsrv_conn_auth_time vpnsrv_conn_authenticated vpnsrv_conn_rx_bytes \
        vpnsrv_conn_tx_bytes",
    ),
    (
        "freebox_vpn_server",
        "vpn_type vpn_name vpn_port vpn_ip_start vpn_ip_end vpn_ip6_start \
        vpn_ip6_end",
        "vpnsrv_auth_connection_count vpnsrv_connection_count vpnsrv_enabled \
        vpnsrv_state",
    ),
    (
        "freebox_wifi",
        "wifi_ap wifi_ap_name wifi_ap_band",
        "\"wifi_channel_width \
        wifi_primary_channel wifi_secondary_channel wifi_state",
    ),
    (
        "freebox_wifi",
        "wifi_ap wifi_ap_name wifi_station_hostname wifi_station_mac wifi_station \
        wifi_station_bssid",
        "wifi_station_conn_duration wifi_station_inactive \
        wifi_station_rx_bytes wifi_station_signal wifi_station_tx_bytes",
    ),
];

/// An entity of a box, as that script writes it.
#[derive(Debug)]
pub(crate) struct Entity {
    /// Its key in InfluxDB: the measurement and the tags that are not empty, in order.
    pub(crate) series: String,
    /// Its line, if InfluxDB takes that: the script leaves commas, equals signs and empty texts as
    /// they are.
    pub(crate) line: Option<String>,
}

/// Whether it has such a field.
pub(crate) fn has_field(measurement: &str, field: &str) -> bool {
    let mut rows = TABLE.iter().filter(|(name, _, _)| *name == measurement);
    rows.any(|(_, _, fields)| {
        let mut fields = fields.split_whitespace();
        fields.any(|it| it.trim_start_matches('"') == field)
    })
}

/// Everything that it writes of a recorded box, at the URL that a replay stands for.
pub(crate) fn entities(recording: &Json) -> Vec<Entity> {
    let version = text(&recording["api_version"]["api_version"]).expect("a version");
    let major = version.split('.').next().expect("a number");
    let board = text(&result(recording, "system")["board_name"]);
    let of_all = [
        ("hw_board", board),
        (
            "api_endpoint",
            Some(format!("https://mafreebox.freebox.fr/api/v{major}")),
        ),
        ("api_version", Some(major.to_owned())),
    ];
    let mut entities = Vec::new();
    for (measurement, names, fields) in TABLE {
        let names: Vec<&str> = names.split_whitespace().collect();
        for texts in texts(recording, measurement, &names) {
            assert_eq!(texts.len(), names.len(), "{measurement} {names:?}");
            let own = names.iter().copied().zip(texts);
            let tags: Vec<_> = of_all.iter().cloned().chain(own).collect();
            entities.push(entity(measurement, &tags, fields));
        }
    }
    entities
}

fn entity(measurement: &str, tags: &[(&str, Option<String>)], fields: &str) -> Entity {
    let mut sorted: Vec<String> = tags
        .iter()
        .filter_map(|(name, text)| Some((name, text.as_ref()?)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name}={}", escaped(text)))
        .collect();
    sorted.sort();
    let series = [measurement.to_owned()].into_iter().chain(sorted);
    let is_taken = tags.iter().all(|(_, text)| {
        let text = text.as_deref().unwrap_or_default();
        !text.is_empty() && !text.contains([',', '='])
    });
    let line = is_taken.then(|| {
        let tags = tags.iter().map(|(name, text)| {
            let text = text.as_deref().unwrap_or_default();
            format!(",{name}={}", text.replace(' ', "\\ "))
        });
        let tags: String = tags.collect();
        let lines = fields
            .split_whitespace()
            .map(|field| match field.strip_prefix('"') {
                Some(field) => format!("{measurement}{tags} {field}=\"text\"\n"),
                None => format!("{measurement}{tags} {field}=1\n"),
            });
        lines.collect()
    });
    Entity {
        series: series.collect::<Vec<_>>().join(","),
        line,
    }
}

/// A tag's text by the rules of line protocol.
fn escaped(text: &str) -> String {
    let mut escaped = text.to_owned();
    for special in [",", " ", "="] {
        escaped = escaped.replace(special, &format!("\\{special}"));
    }
    escaped
}

/// The tags of each entity of one row, in its order.
fn texts(recording: &Json, measurement: &str, names: &[&str]) -> Vec<Vec<Option<String>>> {
    let one = |path: &str, keys: &[&str]| {
        let found = result(recording, path);
        let texts: Vec<_> = keys.iter().map(|key| text(at(&found, key))).collect();
        if found.is_object() {
            vec![texts]
        } else {
            Vec::new()
        }
    };
    let each = |path: &str, keys: &[&str]| {
        let found = records(&result(recording, path));
        let of_one = |record: &Json| keys.iter().map(|key| text(at(record, key))).collect();
        found.iter().map(of_one).collect::<Vec<Vec<_>>>()
    };
    let line = result(recording, "connection");
    let media = match line["state"] == "up" {
        true => text(&line["media"]),
        false => Some("down".to_owned()),
    };
    let with_media = |lists: Vec<Vec<Option<String>>>| {
        let with_it = lists
            .into_iter()
            .map(|list| [vec![media.clone()], list].concat());
        with_it.collect::<Vec<_>>()
    };
    match (measurement, names.first().copied().unwrap_or_default()) {
        ("freebox", "conn_media") => match names.get(1) {
            None => vec![vec![media.clone()]],
            Some(&"sfp_model") => {
                let mut found = one(
                    "connection/ftth",
                    &["sfp_model", "sfp_vendor", "sfp_serial"],
                );
                for texts in &mut found {
                    texts[1] = texts[1]
                        .as_ref()
                        .map(|it| plain(it).chars().take(12).collect());
                }
                with_media(found)
            }
            _ => with_media(one(
                "connection/xdsl",
                &["status.status", "status.modulation", "status.protocol"],
            )),
        },
        ("freebox", "remote_ip") => one(
            "connection/config",
            &["remote_access_ip", "remote_access_port"],
        ),
        ("freebox", "hw_firmware") => one(
            "system",
            &[
                "firmware_version",
                "serial",
                "mac",
                "model_info.pretty_name",
                "model_info.name",
                "model_info.net_operator",
            ],
        ),
        ("freebox", list @ ("fan" | "sensor")) => {
            let system = result(recording, "system");
            if list == "fan" && !system["fan_rpm"].is_null() {
                // An old box has one fan without a name.
                return vec![vec![Some("fan0_speed".to_owned()), None]];
            }
            let list = records(&system[format!("{list}s")]);
            let of_one = |it: &Json| vec![text(&it["id"]), text(&it["name"]).map(|it| plain(&it))];
            let is_measured =
                |it: &&Json| text(&it["value"]).is_some_and(|it| it.parse::<f64>().is_ok());
            list.iter().filter(is_measured).map(of_one).collect()
        }
        ("freebox_call", _) => one("call/account", &["phone_number"]),
        ("freebox_dhcp", "dhcp_gateway") => {
            let keys = [
                "gateway",
                "ip_range_start",
                "ip_range_end",
                "netmask",
                "dns.0",
            ];
            one("dhcp/config", &keys)
        }
        ("freebox_dhcp", "client_mac") => each(
            "dhcp/dynamic_lease",
            &["mac", "hostname", "ip", "host.primary_name"],
        ),
        ("freebox_lan", "lan_iface") => each("lan/browser/interfaces", &["name"]),
        ("freebox_lan", _) => hosts(recording),
        ("freebox_switch", "switch_port") => match names.get(1) {
            Some(&"mac") => clients(recording),
            _ => each("switch/status", &["id", "mode", "name"]),
        },
        ("freebox_virtualmachine", "vm") => machines(recording),
        ("freebox_virtualmachine", _) => one("vm/info", &[]),
        ("freebox_vpn_client", _) => one(
            "vpn_client/status",
            &["type", "active_vpn", "active_vpn_description", "last_error"],
        ),
        ("freebox_vpn_server", "conn_id") => each(
            "vpn/connection",
            &["id", "user", "vpn", "src_ip", "local_ip"],
        ),
        ("freebox_vpn_server", _) => servers(recording),
        ("freebox_wifi", _) => match names.get(2) {
            Some(&"wifi_ap_band") => each("wifi/ap", &["id", "name", "config.band"]),
            _ => stations(recording),
        },
        _ => vec![Vec::new()],
    }
}

fn hosts(recording: &Json) -> Vec<Vec<Option<String>>> {
    let mut found = Vec::new();
    for interface in records(&result(recording, "lan/browser/interfaces")) {
        let name = text(&interface["name"]).unwrap_or_default();
        for host in records(&result(recording, &format!("lan/browser/{name}"))) {
            let mac = text(at(&host, "l2ident.id")).or_else(|| text(at(&host, "l2ident.0.id")));
            // Whoever has no address is told apart by what there is.
            let mac =
                mac.or_else(|| Some(text(&host["id"])?.trim_start_matches("ether-").to_owned()));
            let last = |family: &str| {
                let addresses = records(&host["l3connectivities"]);
                let mut of_family = addresses.iter().filter(|it| it["af"] == family);
                of_family.next_back().and_then(|it| text(&it["addr"]))
            };
            let name_of_host = text(&host["primary_name"]).filter(|it| !it.is_empty());
            found.push(vec![
                text(&host["host_type"]),
                name_of_host.or_else(|| Some(" ".to_owned())),
                text(&host["vendor_name"]).map(|it| maker(&it)),
                mac,
                Some(name.clone()),
                last("ipv4"),
                last("ipv6"),
            ]);
        }
    }
    found
}

fn clients(recording: &Json) -> Vec<Vec<Option<String>>> {
    let mut found = Vec::new();
    for port in records(&result(recording, "switch/status")) {
        for client in records(&port["mac_list"]) {
            found.push(vec![
                text(&port["id"]),
                text(&client["mac"]),
                // An older box has another key for it.
                text(&client["hostname"]).or_else(|| text(&client["name"])),
            ]);
        }
    }
    found
}

fn machines(recording: &Json) -> Vec<Vec<Option<String>>> {
    let path = |encoded: &Json| {
        let encoded = encoded.as_str().filter(|it| !it.is_empty());
        let decoded = encoded.map_or("none\\n".to_owned(), from_base64);
        Some(format!("b'{decoded}'"))
    };
    let of_one = |vm: &Json| {
        vec![
            text(&vm["id"]),
            text(&vm["name"]),
            path(&vm["disk_path"]),
            text(&vm["disk_type"]),
            path(&vm["cd_path"]),
            text(&vm["cloudinit_hostname"]),
            text(&vm["mac"]),
            text(&vm["os"]),
        ]
    };
    records(&result(recording, "vm"))
        .iter()
        .map(of_one)
        .collect()
}

fn servers(recording: &Json) -> Vec<Vec<Option<String>>> {
    let of_one = |server: &Json| {
        let name = text(&server["name"]);
        let path = format!("vpn/{}/config", name.clone().unwrap_or_default());
        let config = result(recording, &path);
        let port = text(&config["port"]).or_else(|| text(&config["port_nat"]));
        let ranges = ["ip_start", "ip_end", "ip6_start", "ip6_end"];
        let ranges = ranges.iter().map(|key| text(&config[*key]));
        let mut texts = vec![text(&server["type"]), name, port];
        texts.extend(ranges);
        texts
    };
    records(&result(recording, "vpn"))
        .iter()
        .map(of_one)
        .collect()
}

fn stations(recording: &Json) -> Vec<Vec<Option<String>>> {
    let mut found = Vec::new();
    for ap in records(&result(recording, "wifi/ap")) {
        let id = text(&ap["id"]).unwrap_or_default();
        for station in records(&result(recording, &format!("wifi/ap/{id}/stations"))) {
            found.push(vec![
                Some(id.clone()),
                text(&ap["name"]),
                text(&station["hostname"]),
                text(&station["mac"]),
                text(&station["id"]),
                text(&station["bssid"]),
            ]);
        }
    }
    found
}

/// The result of an answer, whether or not the path ends with a slash.
fn result(recording: &Json, path: &str) -> Json {
    let answers = &recording["answers"];
    let with_slash = format!("{path}/");
    let answer = [path, &with_slash]
        .into_iter()
        .find_map(|it| answers.get(it));
    answer.map_or(Json::Null, |it| it["result"].clone())
}

fn records(list: &Json) -> Vec<Json> {
    let records = list.as_array().into_iter().flatten();
    records.filter(|it| it.is_object()).cloned().collect()
}

fn at<'a>(json: &'a Json, path: &str) -> &'a Json {
    path.split('.')
        .fold(json, |here, step| match step.parse::<usize>() {
            Ok(place) if here.is_array() => &here[place],
            _ => &here[step],
        })
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The accents of French.
fn plain(text: &str) -> String {
    let accents = [
        ("éèêëÉÈÊË", 'e'),
        ("àâäÀÂÄ", 'a'),
        ("îïÎÏ", 'i'),
        ("ôöÔÖ", 'o'),
        ("ùûüÙÛÜ", 'u'),
        ("çÇ", 'c'),
    ];
    let without = |c: char| {
        let found = accents.iter().find(|(letters, _)| letters.contains(c));
        found.map_or(c, |(_, letter)| *letter)
    };
    text.chars()
        .map(without)
        .collect::<String>()
        .replace('\\', "/")
}

/// Who made a device: without accents and punctuation, and cut.
fn maker(name: &str) -> String {
    let mut name = plain(name).replace(['.', ':', ',', ';', '"', '\''], " ");
    while name.contains("  ") {
        name = name.replace("  ", " ");
    }
    name.chars().take(12).collect()
}

fn from_base64(encoded: &str) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = encoded.chars().filter_map(|c| DIGITS.find(c));
    let mut bits = 0;
    let mut number = 0_usize;
    let mut text = String::new();
    for digit in digits {
        number = (number << 6) | digit;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            text.push(char::from(
                u8::try_from((number >> bits) & 255).expect("a byte"),
            ));
        }
    }
    text
}
