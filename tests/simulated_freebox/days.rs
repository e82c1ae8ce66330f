//! What happens in a household as days go by: the line drops, the box restarts, devices come and
//! go, people call. Like `life`, on which it rests, it is a pure function of the time.

use serde_json::{Value as Json, json};

use super::life::{self, Moment, add, hash};

const DAY: u64 = 86_400;
/// For how long a device stays, or stays away, at the least.
const STAY: u64 = 7_200;
/// How likely it is, in hundredths, that somebody's device is there at each two hours of the day.
const THERE: [u32; 12] = [35, 20, 15, 40, 45, 30, 35, 40, 45, 70, 90, 75];
/// Devices that are always there.
const ALWAYS: [&str; 7] = [
    "nas",
    "printer",
    "freebox_player",
    "networking_device",
    "thermostat",
    "ip_camera",
    "other",
];

/// When something begins, in seconds since the life began, and for how long it lasts.
type Event = (u64, u64);

/// What befalls the line: a short drop on each second day, a long one on each third.
fn drops(day: u64) -> impl Iterator<Item = Event> {
    let short = (day % 2 == 1).then_some((day * DAY + 7 * 3600, 180));
    let long = (day % 3 == 2).then_some((day * DAY + 16 * 3600, 1500));
    short.into_iter().chain(long)
}

/// The restarts: one on each fourth day, for as long as a box takes.
fn restarts(day: u64) -> impl Iterator<Item = Event> {
    (day % 4 == 1)
        .then_some((day * DAY + 11 * 3600 + 600, 240))
        .into_iter()
}

/// The last event that has begun: when it began and ended, in seconds since 1970.
fn last<I: Iterator<Item = Event>>(events: fn(u64) -> I, moment: Moment) -> Option<(u64, u64)> {
    let age = moment.now.saturating_sub(moment.start);
    let days = (0..=age / DAY).rev().take(8);
    let begun = days.flat_map(events).filter(|(begin, _)| *begin <= age);
    let (begin, length) = begun.max()?;
    Some((moment.start + begin, moment.start + begin + length))
}

/// Whether the box restarts just now and answers nobody.
pub fn is_away(moment: Moment) -> bool {
    last(restarts, moment).is_some_and(|(_, end)| moment.now < end)
}

/// Whether there is no line just now.
pub(super) fn line_is_down(moment: Moment) -> bool {
    last(drops, moment).is_some_and(|(_, end)| moment.now < end)
}

/// A time: when it begins and ends, in seconds since 1970.
pub(super) type Span = (u64, u64);

/// When the box restarts within a time, in a life that began at `start`.
pub(super) fn absences(start: u64, within: Span) -> Vec<Span> {
    during(restarts, start, within)
}

/// When there is no line within a time, in a life that began at `start`.
pub(super) fn outages(start: u64, within: Span) -> Vec<Span> {
    during(drops, start, within)
}

/// The events that touch a time. None of them lasts beyond its day.
fn during<I>(events: fn(u64) -> I, start: u64, within: Span) -> Vec<Span>
where
    I: Iterator<Item = Event>,
{
    let day = |time: u64| time.saturating_sub(start) / DAY;
    let all = (day(within.0)..=day(within.1)).flat_map(events);
    let all = all.map(|(begin, length)| (start + begin, start + begin + length));
    all.filter(|(begin, end)| *begin < within.1 && *end > within.0)
        .collect()
}

/// What a box answers at a moment where it has answered this in its recording, with all that has
/// happened meanwhile.
pub fn answer(path: &str, recorded: &Json, mut moment: Moment) -> Json {
    let ended = |event: Option<(u64, u64)>| event.map(|(_, end)| end.min(moment.now));
    let restarted = ended(last(restarts, moment));
    let is_line = path.starts_with("connection");
    let reconnected = match is_line {
        true => ended(last(drops, moment)),
        false => None,
    };
    moment.restarted = restarted.max(reconnected);
    let mut answer = life::answer(path, recorded, moment);
    if is_line && line_is_down(moment) {
        drop_line(path, &mut answer);
    }
    if path.starts_with("call/log") {
        answer["result"] = json!(calls(moment));
    }
    let list = answer.get_mut("result").and_then(Json::as_array_mut);
    if let Some(list) = list {
        match () {
            () if path.starts_with("lan/browser/") => leave(list, moment),
            () if path.contains("/stations") => {
                list.retain(|station| is_there(&station["mac"], &station["host"], moment));
            }
            () if path.starts_with("vpn/connection") => talk(list, moment),
            () => {}
        }
    }
    answer
}

fn drop_line(path: &str, answer: &mut Json) {
    let result = &mut answer["result"];
    match path.trim_end_matches('/') {
        "connection" => {
            result["state"] = json!("down");
            result["rate_down"] = json!(0);
            result["rate_up"] = json!(0);
        }
        "connection/ftth" if result.is_object() => {
            result["link"] = json!(false);
            result["sfp_has_signal"] = json!(false);
            result["sfp_pwr_rx"] = json!(-4000);
        }
        "connection/xdsl" if result.is_object() => {
            *result = json!({"status": {"status": "training", "uptime": 0}});
        }
        _ => {}
    }
}

/// Whether a device is in the house.
fn is_there(mac: &Json, host: &Json, moment: Moment) -> bool {
    let host_type = host["host_type"].as_str().unwrap_or_default();
    if ALWAYS.contains(&host_type) {
        return true;
    }
    let mac = mac.as_str().unwrap_or_default().to_ascii_lowercase();
    // Not all at the same moment.
    let time = moment.now + u64::from(hash(&mac, 0)) % STAY;
    let chance = THERE[(time % DAY / STAY) as usize];
    hash(&mac, (time / STAY) as usize) / 7 % 100 < chance
}

/// Those that have left are remembered, without what only a device that is there has.
fn leave(hosts: &mut [Json], moment: Moment) {
    for host in hosts {
        let mac = host["l2ident"]["id"].clone();
        if is_there(&mac, host, moment) || host["active"] != true {
            continue;
        }
        host["active"] = json!(false);
        host["reachable"] = json!(false);
        host["last_activity"] = json!(moment.now - moment.now % STAY);
        if let Some(host) = host.as_object_mut() {
            host.remove("access_point");
        }
    }
}

/// The calls since the life began: up to four on a day, the newest first.
fn calls(moment: Moment) -> Vec<Json> {
    let days = moment.now.saturating_sub(moment.start) / DAY;
    let mut calls = Vec::new();
    for number in 0..=(days * 4 + 3) as usize {
        let at = moment.start
            + number as u64 / 4 * DAY
            + 8 * 3600
            + u64::from(hash("call", number)) % 43_200;
        let kind =
            ["missed", "accepted", "outgoing", "none"][(hash("kind", number) / 5 % 4) as usize];
        if at > moment.now || kind == "none" {
            continue;
        }
        let duration = match kind {
            "missed" => 0,
            _ => hash("duration", number) % 900,
        };
        calls.push(
            json!({"id": number, "type": kind, "datetime": at, "number": "0199000001",
            "name": "Mamie", "duration": duration, "contact_id": 0,
            "new": kind == "missed" && moment.now - at < 6 * 3600}),
        );
    }
    calls.reverse();
    calls
}

/// Users of the VPN have counters and no rates: 40 kB/s to them, a tenth of it back.
fn talk(connections: &mut [Json], moment: Moment) {
    for connection in connections {
        let Some(fields) = connection.as_object_mut() else {
            continue;
        };
        let (_, now) = life::swing("vpn", moment.now as f64);
        let (_, start) = life::swing("vpn", moment.start as f64);
        add(fields, "tx_bytes", 40_000.0 * (now - start));
        add(fields, "rx_bytes", 4_000.0 * (now - start));
    }
}
