//! A box that lives: its answers at any moment, from a recording. Traffic rises and falls with the
//! hour, counters are the integral of their rates, what is hot breathes, what is up gets older.
//! Everything is a pure function of the time, so that the same moment gives the same answer, and an
//! average over any span can be worked out independently.

use std::f64::consts::TAU;

use serde_json::{Map, Value as Json, json};

/// What a rate swings with: the period in seconds, and how far. Together less than 1, so that no
/// rate falls to 0.
const SWINGS: [(f64, f64); 4] = [(86_400.0, 0.5), (5_820.0, 0.2), (430.0, 0.15), (67.0, 0.08)];
/// When a day's traffic is lowest, in seconds after midnight UTC.
const LOWEST: f64 = 3.5 * 3600.0;

/// A rate and the counters that grow with it, each by so much of it.
const TRAFFIC: &[(&str, &[(&str, f64)])] = &[
    ("rate_down", &[("bytes_down", 1.0)]),
    ("rate_up", &[("bytes_up", 1.0)]),
    ("rx_rate", &[("rx_bytes", 1.0)]),
    ("tx_rate", &[("tx_bytes", 1.0)]),
    (
        "rx_bytes_rate",
        &[
            ("rx_good_bytes", 1.0),
            ("rx_good_packets", 1.0 / 900.0),
            ("rx_unicast_packets", 1.0 / 950.0),
        ],
    ),
    (
        "tx_bytes_rate",
        &[
            ("tx_bytes", 1.0),
            ("tx_packets", 1.0 / 900.0),
            ("tx_unicast_packets", 1.0 / 950.0),
        ],
    ),
    ("rx_packets_rate", &[]),
    ("tx_packets_rate", &[]),
];

/// Counters of what goes wrong, each with how many there are in a day.
const MISHAPS: &[(&str, f64)] = &[
    ("fec", 20_000.0),
    ("crc", 60.0),
    ("hec", 20.0),
    ("es", 30.0),
    ("ses", 2.0),
    ("rtx_tx", 4_000.0),
    ("rtx_c", 3_900.0),
    ("rtx_uc", 100.0),
    ("rx_multicast_packets", 90_000.0),
    ("rx_broadcast_packets", 30_000.0),
    ("tx_multicast_packets", 90_000.0),
    ("tx_broadcast_packets", 30_000.0),
    ("read_requests", 50_000.0),
    ("write_requests", 80_000.0),
    ("blocklist_hits", 200.0),
    ("rx_err_packets", 15.0),
];

/// What breathes: how far it goes up and down.
const BREATH: &[(&str, f64)] = &[
    ("signal", 5.0),
    ("snr_10", 8.0),
    ("rx_busy_percent", 6.0),
    ("busy_percent", 8.0),
    ("noise_level", 2.0),
    ("sfp_pwr_rx", 12.0),
    ("rsrp", 4.0),
    ("nb_peer", 6.0),
    ("bitrate", 400.0),
];

/// How far a sensor goes up and down.
const SENSOR: f64 = 5.0;
/// How many steps a fan goes up and down, and of how many turns a minute each.
const FAN: (f64, f64) = (4.0, 30.0);

/// What grows by a second each second.
const AGES: [&str; 4] = ["uptime_val", "uptime", "conn_duration", "sess_duration"];

/// The time between a recording and a moment of the box's life.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When the life began: the recording tells what was then. Seconds since 1970.
    pub start: u64,
    /// Seconds since 1970.
    pub now: u64,
    /// Since when counters and ages count, where they began anew after the start.
    pub restarted: Option<u64>,
}

impl Moment {
    /// A moment of a life without restarts.
    pub fn new(start: u64, now: u64) -> Self {
        Moment {
            start,
            now,
            restarted: None,
        }
    }

    fn age(self) -> f64 {
        self.now.saturating_sub(self.start) as f64
    }

    /// Since when counters count.
    fn counted_since(self) -> f64 {
        self.restarted.unwrap_or(self.start) as f64
    }

    /// Lets a counter grow, from what was recorded or from nothing.
    fn grow(self, fields: &mut Map<String, Json>, key: &str, more: f64) {
        match self.restarted {
            None => add(fields, key, more),
            Some(_) if fields.contains_key(key) => set(fields, key, more),
            Some(_) => {}
        }
    }
}

/// What a box answers at a moment where it has answered this in its recording.
pub fn answer(path: &str, recorded: &Json, moment: Moment) -> Json {
    let mut answer = recorded.clone();
    live(path, &mut answer, moment);
    answer
}

/// How a rate stands to its mean at a moment, and, integrated, how far a counter has come since
/// 1970 in seconds of its mean rate.
pub fn swing(seed: &str, time: f64) -> (f64, f64) {
    let mut rate = 1.0;
    let mut sum = time;
    for (number, (period, depth)) in SWINGS.iter().enumerate() {
        let omega = TAU / period;
        // The day is the same for all; the rest is each one's own.
        let phase = match number {
            0 => -omega * LOWEST - TAU / 4.0,
            _ => TAU * f64::from(hash(seed, number)) / f64::from(u32::MAX),
        };
        rate += depth * (omega * time + phase).sin();
        sum -= depth / omega * (omega * time + phase).cos();
    }
    (rate, sum)
}

/// FNV-1a: anything that scatters will do.
pub(super) fn hash(seed: &str, number: usize) -> u32 {
    let bytes = seed.bytes().chain(number.to_le_bytes());
    bytes.fold(2_166_136_261, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}

/// How a number moves about what was recorded of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Movement {
    /// Not at all.
    Still,
    /// As traffic does: as many times its mean as the swing is.
    Traffic,
    /// Up and down by so much.
    Breath(f64),
    /// So many steps up and down, each of this size.
    Steps(f64, f64),
}

impl Movement {
    /// What a number is, by what was recorded and a swing. All but steps may as well be given the
    /// average of a swing, and are then the average of the number.
    pub(super) fn apply(self, recorded: f64, swing: f64) -> f64 {
        match self {
            Movement::Still => recorded,
            Movement::Traffic => recorded * swing,
            Movement::Breath(depth) => recorded + depth * (swing - 1.0),
            Movement::Steps(depth, size) => recorded + size * (depth * (swing - 1.0)).round(),
        }
    }
}

/// How a field of the object with this seed moves, and the seed of its swing.
pub(super) fn movement(seed: &str, key: &str) -> (Movement, String) {
    let own = format!("{seed}/{key}");
    if TRAFFIC.iter().any(|(rate, _)| *rate == key) {
        return (Movement::Traffic, own);
    }
    if let Some((_, depth)) = BREATH.iter().find(|(it, _)| *it == key) {
        return (Movement::Breath(*depth), own);
    }
    match movement_of_part(seed).filter(|_| key == "value") {
        Some(movement) => (movement, seed.to_owned()),
        None => (Movement::Still, own),
    }
}

/// How the value of a sensor or a fan moves.
fn movement_of_part(seed: &str) -> Option<Movement> {
    if seed.contains("/sensors/") {
        Some(Movement::Breath(SENSOR))
    } else if seed.contains("/fans/") {
        Some(Movement::Steps(FAN.0, FAN.1))
    } else {
        None
    }
}

/// The seed of an object, by that of what it is in.
pub(super) fn seed_of(seed: &str, fields: &Map<String, Json>) -> String {
    let own = ["id", "mac", "name", "channel"];
    let own = own.iter().find_map(|key| fields.get(*key));
    match own {
        Some(id) => format!("{seed}/{id}"),
        None => seed.to_owned(),
    }
}

fn live(seed: &str, value: &mut Json, moment: Moment) {
    match value {
        Json::Object(fields) => {
            let seed = seed_of(seed, fields);
            live_fields(&seed, fields, moment);
            for (key, value) in fields.iter_mut() {
                live(&format!("{seed}/{key}"), value, moment);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|it| live(seed, it, moment)),
        _ => {}
    }
}

fn live_fields(seed: &str, fields: &mut Map<String, Json>, moment: Moment) {
    for (rate, counters) in TRAFFIC {
        let Some(mean) = number(fields, rate).filter(|mean| *mean > 0.0) else {
            continue;
        };
        let seed = format!("{seed}/{rate}");
        let (now, sum) = swing(&seed, moment.now as f64);
        let (_, before) = swing(&seed, moment.counted_since());
        set(fields, rate, Movement::Traffic.apply(mean, now));
        for (counter, share) in *counters {
            moment.grow(fields, counter, mean * share * (sum - before));
        }
    }
    for (mishap, in_a_day) in MISHAPS {
        // Where there was none there will be none.
        if number(fields, mishap).is_some_and(|it| it > 0.0) {
            let days = (moment.now as f64 - moment.counted_since()) / 86_400.0;
            moment.grow(fields, mishap, in_a_day * days);
        }
    }
    for (key, depth) in BREATH {
        let (swing, _) = swing(&format!("{seed}/{key}"), moment.now as f64);
        shift(fields, key, Movement::Breath(*depth), swing);
    }
    for key in AGES {
        if fields.get(key).is_some_and(Json::is_number) {
            moment.grow(fields, key, moment.now as f64 - moment.counted_since());
        }
    }
    live_parts(seed, fields, moment);
}

/// Sensors and fans, hosts, leases, partitions.
fn live_parts(seed: &str, fields: &mut Map<String, Json>, moment: Moment) {
    if let Some(movement) = movement_of_part(seed) {
        let (swing, _) = swing(seed, moment.now as f64);
        shift(fields, "value", movement, swing);
    }
    let is_active = fields.get("active").is_some_and(|it| it == true);
    for key in ["last_activity", "last_time_reachable"] {
        if is_active && fields.contains_key(key) {
            fields.insert(key.to_owned(), json!(moment.now));
        }
    }
    if let Some(left) = number(fields, "lease_remaining") {
        let renewed = (moment.age() as u64) % (left.max(2.0) as u64 / 2).max(1);
        set(fields, "lease_remaining", left - renewed as f64);
    }
    if let Some(free) = number(fields, "free_bytes") {
        // Full in about a year, as rounded as the box's own.
        let in_a_day = number(fields, "total_bytes").unwrap_or_default() / 400.0;
        let grown = (moment.age() / 86_400.0 * in_a_day / 1e7).round() * 1e7;
        let grown = grown.min(free);
        add(fields, "used_bytes", grown);
        add(fields, "free_bytes", -grown);
    }
}

fn shift(fields: &mut Map<String, Json>, key: &str, movement: Movement, swing: f64) {
    if let Some(recorded) = number(fields, key) {
        set(fields, key, movement.apply(recorded, swing));
    }
}

pub(super) fn number(fields: &Map<String, Json>, key: &str) -> Option<f64> {
    fields.get(key)?.as_f64()
}

pub(super) fn add(fields: &mut Map<String, Json>, key: &str, more: f64) {
    if let Some(number) = number(fields, key) {
        set(fields, key, number + more);
    }
}

/// The box sends whole numbers.
pub(super) fn set(fields: &mut Map<String, Json>, key: &str, number: f64) {
    fields.insert(key.to_owned(), json!(number.round() as i64));
}
