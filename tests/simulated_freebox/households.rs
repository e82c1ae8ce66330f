//! Three households, made from recordings: an Ultra on fibre with thirty devices, a Revolution on
//! copper with eight, a Pop whose Wi-Fi is off. Their numbers are such as a person has at home.

use serde_json::{Value as Json, json};

use super::days;
use super::life::{Moment, hash};

/// A box with a house around it.
pub struct Household {
    /// Its node in paths.
    pub name: &'static str,
    /// What it answered on its first day.
    pub recording: Json,
}

/// Kinds of devices, with names; those that are on a cable first.
const DEVICES: [(&str, &str); 30] = [
    ("nas", "nas"),
    ("printer", "imprimante"),
    ("television", "tele salon"),
    ("workstation", "bureau"),
    ("freebox_player", "Freebox Player"),
    ("vg_console", "console"),
    ("networking_device", "switch garage"),
    ("smartphone", "Téléphone d'Anaïs"),
    ("smartphone", "telephone de Paul"),
    ("laptop", "portable"),
    ("tablet", "tablette"),
    ("smartphone", "iphone-lea"),
    ("laptop", "macbook"),
    ("thermostat", "thermostat"),
    ("ip_camera", "camera entree"),
    ("light", "lampe salon"),
    ("light", "lampe cuisine"),
    ("outlet", "prise machine a laver"),
    ("multimedia_device", "enceinte"),
    ("watch", "montre"),
    ("smartphone", "pixel-7"),
    ("laptop", "thinkpad"),
    ("shutter", "volet chambre"),
    ("shutter", "volet salon"),
    ("appliances", "four"),
    ("car", "voiture"),
    ("tablet", "liseuse"),
    ("ip_phone", "telephone bureau"),
    ("smartphone", "invite"),
    ("other", "esp-3f21"),
];
/// How many of them are on a cable.
const WIRED: usize = 7;

impl Household {
    /// What there is to tell at a moment, as a recording; nothing while the box restarts.
    pub fn at(&self, start: u64, now: u64) -> Option<Json> {
        let moment = Moment::new(start, now);
        if days::is_away(moment) {
            return None;
        }
        let answers = self.recording["answers"].as_object()?;
        let answers = answers
            .iter()
            .map(|(path, answer)| (path.clone(), days::answer(path, answer, moment)));
        Some(json!({
            "format": self.recording["format"],
            "api_version": self.recording["api_version"],
            "answers": answers.collect::<serde_json::Map<_, _>>(),
        }))
    }

    fn set(&mut self, path: &str, result: Json) {
        self.recording["answers"][path] = json!({"success": true, "result": result});
    }

    fn result(&mut self, path: &str) -> &mut Json {
        &mut self.recording["answers"][path]["result"]
    }

    /// Puts devices into the house: their hosts, stations, leases, and who is behind which port.
    fn fill(&mut self, devices: &[(&str, &str)], wired: usize, radios: &[i64]) {
        let device = |number: usize| Device::new(number, devices[number], wired, radios);
        let all: Vec<Device> = (0..devices.len()).map(device).collect();
        let hosts: Vec<Json> = all.iter().map(Device::host).collect();
        self.set(
            "lan/browser/interfaces/",
            json!([{"name": "pub", "host_count": hosts.len()}]),
        );
        self.set("lan/browser/pub/", json!(hosts));
        let leases = all.iter().map(|it| {
            json!({"mac": it.mac, "hostname": it.name, "ip": it.address(), "is_static": it.number < 2,
                "assign_time": 1_783_900_000, "refresh_time": 1_783_990_000,
                "lease_remaining": 20_000 + 613 * it.number, "host": it.host()})
        });
        self.set("dhcp/dynamic_lease/", leases.collect());
        for radio in radios {
            let stations = all.iter().filter(|it| it.radio == Some(*radio));
            self.set(
                &format!("wifi/ap/{radio}/stations/"),
                stations.map(Device::station).collect(),
            );
        }
    }

    /// Gives the ports of the switch a link of so many Mbit/s each, and believable counters.
    fn plug(&mut self, links: &[(&str, i64)]) {
        for (number, (id, speed)) in links.iter().enumerate() {
            let ports = self.result("switch/status/").as_array_mut();
            let port = ports.into_iter().flatten().find(|port| {
                let told = port["id"].as_i64().map(|it| it.to_string());
                told.as_deref().or(port["id"].as_str()) == Some(*id)
            });
            let port = port.expect("a port of that number");
            let is_up = *speed > 0;
            port["link"] = json!(if is_up { "up" } else { "down" });
            port["duplex"] = json!(if is_up { "full" } else { "half" });
            port["speed"] = json!(if is_up { *speed } else { 10 }.to_string());
            let busy = (links.len() - number) as i64;
            let rate = if is_up { 40_000 * busy } else { 0 };
            let stats = self.result(&format!("switch/port/{id}/stats"));
            for (key, value) in stats.as_object_mut().into_iter().flatten() {
                *value = match key.as_str() {
                    "tx_bytes_rate" => json!(rate * 3),
                    "rx_bytes_rate" => json!(rate),
                    "tx_packets_rate" => json!(rate / 300),
                    "rx_packets_rate" => json!(rate / 900),
                    key if key.contains("bytes") => json!(rate * 90_000),
                    // The slow port has a bad cable.
                    "rx_err_packets" => json!(i64::from(*speed == 100)),
                    key if key.contains("fcs") => json!(0),
                    key if key.contains("packets") => json!(rate * 100),
                    _ => json!(0),
                };
            }
        }
    }
}

/// One device of a house.
struct Device<'a> {
    number: usize,
    host_type: &'a str,
    name: &'a str,
    mac: String,
    /// Which radio it is on; a device on a cable is on none.
    radio: Option<i64>,
    /// byte/s to it, on the average.
    rate: i64,
}

impl<'a> Device<'a> {
    fn new(number: usize, device: (&'a str, &'a str), wired: usize, radios: &[i64]) -> Self {
        let mac = format!("02:00:5E:10:00:{:02X}", 0x10 + number);
        let radio = match number < wired {
            true => None,
            false => radios.get(number % radios.len().max(1)).copied(),
        };
        // Few use much, many use little.
        let usual = match device.0 {
            "television" | "freebox_player" => 380_000,
            "workstation" | "laptop" | "vg_console" => 150_000,
            "smartphone" | "tablet" | "nas" => 60_000,
            "ip_camera" => 25_000,
            _ => 700,
        };
        let rate = usual / 100 * (60 + i64::from(hash(&mac, 1) % 80));
        Device {
            number,
            host_type: device.0,
            name: device.1,
            mac,
            radio,
            rate,
        }
    }

    fn address(&self) -> String {
        format!("192.168.1.{}", 20 + self.number)
    }

    fn signal(&self) -> i64 {
        -48 - i64::from(hash(&self.mac, 2) % 32)
    }

    fn bitrate(&self) -> i64 {
        // In tenths of a megabit, less where it is heard less.
        12_010 + 180 * self.signal()
    }

    fn host(&self) -> Json {
        let mut attached = json!({"mac": "02:00:5E:00:00:01", "type": "gateway",
            "connectivity_type": "ethernet", "rx_rate": self.rate / 9, "tx_rate": self.rate});
        match self.radio {
            None => {
                attached["ethernet_information"] =
                    json!({"speed": 1000, "max_port_speed": 2500, "duplex": "full", "link": "up"})
            }
            Some(radio) => {
                attached["connectivity_type"] = json!("wifi");
                attached["rx_bytes"] = json!(self.rate * 9_000);
                attached["tx_bytes"] = json!(self.rate * 90_000);
                attached["wifi_information"] = json!({"band": if radio == 0 { "2d4g" } else { "5g" },
                    "ssid": "Les Dupont", "signal": self.signal(), "standard": "ax",
                    "phy_rx_rate": self.bitrate() / 2, "phy_tx_rate": self.bitrate(),
                    "sess_duration": 3_600});
            }
        }
        json!({"id": format!("ether-{}", self.mac.to_lowercase()),
            "l2ident": {"id": self.mac, "type": "mac_address"}, "active": true, "reachable": true,
            "persistent": true, "vendor_name": "", "host_type": self.host_type,
            "primary_name": self.name, "default_name": self.name, "interface": "pub", "info": {},
            "first_activity": 1_700_000_000, "last_activity": 1_784_001_444,
            "last_time_reachable": 1_784_001_444,
            "l3connectivities": [{"addr": self.address(), "af": "ipv4", "active": true,
                "reachable": true, "last_activity": 1_784_001_148}],
            "access_point": attached})
    }

    fn station(&self) -> Json {
        let bitrate = |it: i64| {
            json!({"bitrate": it, "mcs": 9, "vht_mcs": 9, "width": "80",
            "shortgi": true})
        };
        json!({"id": format!("02:00:5E:00:AA:00-{}", self.mac), "mac": self.mac,
            "bssid": "02:00:5E:00:AA:00", "hostname": self.name, "state": "authenticated",
            "inactive": 2, "conn_duration": 3_600, "rx_bytes": self.rate * 9_000,
            "tx_bytes": self.rate * 90_000, "rx_rate": self.rate / 9, "tx_rate": self.rate,
            "signal": self.signal(), "flags": {"legacy": false, "ht": true, "vht": true,
            "he": true, "authorized": true}, "last_rx": bitrate(self.bitrate() / 2),
            "last_tx": bitrate(self.bitrate()), "host": self.host()})
    }
}

/// The three of them.
pub fn all() -> [Household; 3] {
    [ultra(), revolution(), pop()]
}

fn household(name: &'static str, recording: &str) -> Household {
    Household {
        name,
        recording: serde_json::from_str(recording).expect("a recording is JSON"),
    }
}

/// Fibre, three radios, two disks, a VPN server, machines, a 4G backup.
fn ultra() -> Household {
    let mut house = household("ultra", include_str!("../boxes/ultra.json"));
    house.fill(&DEVICES, WIRED, &[0, 1]);
    house.plug(&[("1", 2500), ("2", 1000), ("3", 0), ("4", 100), ("9999", 0)]);
    for (radio, (channel, second)) in [(1, 0), (36, 40), (100, 104), (37, 41)].iter().enumerate() {
        let status = &mut house.result("wifi/ap/")[radio]["status"];
        status["primary_channel"] = json!(channel);
        status["secondary_channel"] = json!(second);
    }
    house.result("wifi/ap/")[2]["status"]["state"] = json!("active");
    air(&mut house, 0, &[1, 6, 11], 9);
    air(&mut house, 1, &[36, 40, 44, 48, 52, 100, 104, 108], 7);
    let stats = json!({"nb_tasks": 14, "nb_tasks_downloading": 2, "nb_tasks_seeding": 4,
        "nb_tasks_done": 5, "nb_tasks_stopped": 2, "nb_tasks_queued": 1, "nb_tasks_error": 0,
        "nb_tasks_active": 6, "rx_rate": 2_600_000, "tx_rate": 310_000, "nb_peer": 61});
    merge(house.result("downloads/stats"), stats);
    for (disk, (used, free)) in [(1_180e9, 590e9), (1_050e9, 180e9)].iter().enumerate() {
        let volume = &mut house.result("storage/disk/")[disk]["partitions"][0];
        volume["label"] = json!(["Disque dur", "Sauvegardes"][disk]);
        volume["total_bytes"] = json!((used + free) as i64);
        volume["used_bytes"] = json!(*used as i64);
        volume["free_bytes"] = json!(*free as i64);
    }
    let dhcp = json!({"ip_range_end": "192.168.1.60"});
    merge(house.result("dhcp/config/"), dhcp);
    house
}

/// Neighbours and the use of channels, as a scan finds them.
fn air(house: &mut Household, radio: i64, channels: &[i64], neighbors: usize) {
    let used = channels.iter().map(|channel| {
        let loud = i64::from(hash("air", *channel as usize) % 55);
        json!({"channel": channel, "noise_level": -97 + loud / 9, "rx_busy_percent": 6 + loud})
    });
    house.set(&format!("wifi/ap/{radio}/channel_usage/"), used.collect());
    let found = (0..neighbors).map(|number| {
        let channel = channels[hash("neighbor", number) as usize % channels.len()];
        json!({"bssid": format!("02:00:5E:0{radio}:BB:{number:02X}"), "ssid": "voisin",
            "channel": channel, "channel_width": "20", "signal": -60 - 3 * number as i64,
            "capabilities": {}})
    });
    house.set(&format!("wifi/ap/{radio}/neighbors/"), found.collect());
}

/// Copper, one disk, a telephone, powerline plugs.
fn revolution() -> Household {
    let mut house = household("revolution", include_str!("../boxes/revolution-xdsl.json"));
    house.fill(&DEVICES[..8], 3, &[0]);
    house.plug(&[("1", 1000), ("2", 100), ("3", 0), ("4", 0)]);
    let rates = json!({"rate_down": 310_000, "rate_up": 24_000});
    merge(house.result("connection/"), rates);
    let stats = json!({"nb_tasks": 3, "nb_tasks_downloading": 1, "nb_tasks_seeding": 0,
        "nb_tasks_done": 2, "nb_tasks_stopped": 0, "nb_tasks_queued": 0, "nb_tasks_error": 0,
        "nb_tasks_active": 1, "rx_rate": 90_000, "tx_rate": 4_000, "nb_peer": 12});
    merge(house.result("downloads/stats"), stats);
    house.result("wifi/ap/")[0]["status"]["primary_channel"] = json!(6);
    air(&mut house, 0, &[1, 6, 11], 6);
    let dhcp = json!({"ip_range_start": "192.168.1.10", "ip_range_end": "192.168.1.60"});
    merge(house.result("dhcp/config/"), dhcp);
    house
}

/// Fibre without a power report, no Wi-Fi, no disk, and few permissions.
fn pop() -> Household {
    let mut house = household("pop", include_str!("../boxes/pop-bridge.json"));
    house.result("lan/config/")["mode"] = json!("router");
    house.fill(&DEVICES[..5], 5, &[]);
    house.plug(&[("1", 2500), ("2", 1000), ("3", 0)]);
    let rates = json!({"rate_down": 420_000, "rate_up": 51_000});
    merge(house.result("connection/"), rates);
    let dhcp = json!({"enabled": true});
    merge(house.result("dhcp/config/"), dhcp);
    house
}

fn merge(into: &mut Json, more: Json) {
    if let (Some(into), Json::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
