//! The history that a box keeps: `rrd/`. It remembers what the box has answered all the while: the
//! values come from the same generator as the answers of `life` and `days`, and are averages over
//! steps that are the longer the older they are. A box that does not live remembers what it always
//! says.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::days::{self, Span};
use super::life::{self, Moment, Movement};
use super::server::{Request, Response};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// How often the box looks at what it remembers, in seconds.
const UPDATE: u64 = 10;
/// How many samples a long step is worth, of what has no integral.
const SAMPLES: u64 = 12;

/// What is remembered for how long, of traffic and lines: the step, and how far it reaches back.
const OF_LINES: [(u64, u64); 4] = [
    (10, HOUR + 100),
    (60, 2 * DAY),
    (300, 10 * DAY),
    (HOUR, 365 * DAY),
];
/// The same of temperatures and fans.
const OF_HEAT: [(u64, u64); 3] = [(120, 2 * DAY), (300, 10 * DAY), (HOUR, 365 * DAY)];

/// What is peculiar about the history of a box.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// When it begins, in seconds since 1970; 0 is for ever.
    pub since: u64,
    /// Asked with GET, it knows no database.
    pub no_get: bool,
    /// What becomes of every question, however it is asked.
    pub refusal: Option<Refusal>,
    /// The databases that it does not have.
    pub lacks: Vec<String>,
    /// How many points there are in an answer at the most: the oldest ones.
    pub most_points: Option<usize>,
    /// An answer with too few points says in `date_end` where its last one ends.
    pub honest_end: bool,
    /// How many points there are in an answer at the most: of a longer time it has coarser ones.
    pub coarser_beyond: Option<u64>,
    /// With `most_points`, it is the newest ones that are told.
    pub newest_only: bool,
    /// Times without points: the first second of each, and the first one after it.
    pub holes: Vec<Span>,
    /// One in so many points lacks half of its fields: they are not there, or null.
    pub absent_every: Option<u64>,
    /// Numbers are texts.
    pub texts: bool,
    /// The body of an answer ends after so many bytes.
    pub cut_at: Option<usize>,
    /// Points are in no order.
    pub shuffled: bool,
    /// What all databases remember, if not the usual: the step and how far it reaches back, in
    /// seconds.
    pub archives: Option<Vec<(u64, u64)>>,
    /// The rates of a copper line are in kbit/s, as in its live answer, instead of byte/s.
    pub dsl_in_kilobits: bool,
    /// Temperatures and fans have the names that they had before there were lists of them.
    pub old_names: bool,
    /// How many seconds the clock of the history is ahead of that of the box: what was at a moment
    /// is told of one so much later.
    pub clock_offset: i64,
}

/// How a box refuses to tell its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It takes a permission.
    InsufficientRights,
    /// It has never heard of a history.
    NotFound,
    /// It remembers nothing.
    Nothing,
    /// It fails in this way.
    ErrorCode(String),
}

impl std::str::FromStr for Refusal {
    type Err = String;

    /// For people.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "rights" => Ok(Refusal::InsufficientRights),
            "not-found" => Ok(Refusal::NotFound),
            "nothing" => Ok(Refusal::Nothing),
            _ => Err(format!("no refusal is called {word}")),
        }
    }
}

/// A question about the past.
#[derive(Debug)]
pub(super) struct Question {
    is_get: bool,
    pub(super) database: String,
    start: Option<u64>,
    end: Option<u64>,
    precision: f64,
    /// All of them where none is named.
    fields: Vec<String>,
}

impl Question {
    /// What is asked: in the query of a GET, in the body of anything else.
    pub(super) fn of(request: &Request) -> Self {
        let is_get = request.method == "GET";
        let words = match is_get {
            true => in_query(&request.path),
            false => serde_json::from_slice(&request.body).unwrap_or(Json::Null),
        };
        let moment = |key: &str| number(&words[key]).map(|it| it as u64);
        let fields = words["fields"].as_array().into_iter().flatten();
        Question {
            is_get,
            database: words["db"].as_str().unwrap_or_default().to_owned(),
            start: moment("date_start"),
            end: moment("date_end"),
            precision: number(&words["precision"]).unwrap_or(1.0).max(1.0),
            fields: fields.filter_map(text).collect(),
        }
    }

    fn wants(&self, field: &Field) -> bool {
        self.fields.is_empty() || self.fields.contains(&field.name)
    }
}

/// The parameters of a query, in the form of a body. Fields are repeated or have commas between.
fn in_query(path: &str) -> Json {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut words = json!({"fields": []});
    for (key, value) in query.split('&').filter_map(|it| it.split_once('=')) {
        match (key.trim_end_matches("[]").trim_end_matches("%5B%5D"), value) {
            ("fields", value) => {
                let fields = words["fields"].as_array_mut().into_iter();
                let names = value.split(',').flat_map(|it| it.split("%2C"));
                fields.for_each(|it| it.extend(names.clone().map(Json::from)));
            }
            (key, value) => words[key] = json!(value),
        }
    }
    words
}

/// What a field is while there is no line.
#[derive(Clone, Copy)]
enum WithoutLine {
    AsEver,
    Nought,
    Absent,
}

/// A field of a database: what was recorded of it, and how that moves.
struct Field {
    name: String,
    recorded: f64,
    movement: Movement,
    seed: String,
    /// What the live value is multiplied by.
    factor: f64,
    without_line: WithoutLine,
}

impl Field {
    fn at(&self, time: u64) -> f64 {
        let value = match self.movement {
            Movement::Still => self.recorded,
            moving => moving.apply(self.recorded, life::swing(&self.seed, time as f64).0),
        };
        value * self.factor
    }

    /// The average over times that are not empty, which are parts of one step.
    fn average(&self, times: &[Span], step: u64) -> f64 {
        let value = match self.movement {
            Movement::Still => return self.at(0),
            Movement::Steps(..) => return self.average_of_samples(times, step),
            moving => moving.apply(self.recorded, average_swing(&self.seed, times)),
        };
        value * self.factor
    }

    fn average_of_samples(&self, times: &[Span], step: u64) -> f64 {
        let apart = UPDATE.max(step / SAMPLES);
        let moments = times
            .iter()
            .flat_map(|(begin, end)| (*begin..*end).step_by(apart as usize));
        let values: Vec<f64> = moments.map(|it| self.at(it)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    fn times(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    fn without_line(mut self, what: WithoutLine) -> Self {
        self.without_line = what;
        self
    }
}

/// The integral is exact, however long the times are.
fn average_swing(seed: &str, times: &[Span]) -> f64 {
    let sum = |time: u64| life::swing(seed, time as f64).1;
    let whole: f64 = times
        .iter()
        .map(|(begin, end)| sum(*end) - sum(*begin))
        .sum();
    whole / length(times) as f64
}

/// An object in an answer, with the seed of what moves in it.
struct Place<'a> {
    seed: String,
    fields: &'a Map<String, Json>,
}

impl<'a> Place<'a> {
    fn new(seed: &str, value: &'a Json) -> Option<Self> {
        let fields = value.as_object()?;
        let seed = life::seed_of(seed, fields);
        Some(Place { seed, fields })
    }

    fn below(&self, key: &str) -> Option<Self> {
        Place::new(&format!("{}/{key}", self.seed), self.fields.get(key)?)
    }

    /// The objects of a list.
    fn each(&self, key: &str) -> Vec<Self> {
        let seed = format!("{}/{key}", self.seed);
        let items = self.fields.get(key).and_then(Json::as_array);
        let items = items.into_iter().flatten();
        items.filter_map(|it| Place::new(&seed, it)).collect()
    }

    fn text(&self, key: &str) -> Option<String> {
        text(self.fields.get(key)?)
    }

    /// A number; one that the live answer does not move is the same for ever.
    fn field(&self, key: &str) -> Option<Field> {
        let told = self.fields.get(key)?;
        let recorded = number(told)?;
        let (movement, seed) = life::movement(&self.seed, key);
        let is_still = !told.is_number() || movement == Movement::Traffic && recorded <= 0.0;
        Some(Field {
            name: key.to_owned(),
            recorded,
            movement: if is_still { Movement::Still } else { movement },
            seed,
            factor: 1.0,
            without_line: WithoutLine::AsEver,
        })
    }
}

/// What a box remembers.
pub(super) struct Memory<'a> {
    pub(super) history: &'a History,
    pub(super) answers: &'a BTreeMap<String, Json>,
    /// When its life began, if it lives.
    pub(super) alive_since: Option<u64>,
    pub(super) eventful: bool,
    /// The clock of the box.
    pub(super) now: u64,
}

/// The part of the past that an answer is about, in the clock of the history.
struct Past {
    start: u64,
    end: u64,
    step: u64,
    times: Vec<u64>,
}

impl Memory<'_> {
    /// What the box answers.
    pub(super) fn answer(&self, question: &Question) -> Response {
        let Some(mut fields) = self.fields(&question.database) else {
            return invalid_db();
        };
        if question.is_get && self.history.no_get {
            return invalid_db();
        }
        fields.retain(|it| question.wants(it));
        if self.history.refusal == Some(Refusal::Nothing) {
            fields.clear();
        }
        let past = self.past(question);
        let points = past.times.iter().map(|time| {
            let values = self.step(&fields, *time, past.step);
            self.point(*time, past.step, &values, question.precision)
        });
        let data = match fields.is_empty() || past.times.is_empty() {
            true => json!({}),
            false => points.collect(),
        };
        let result = json!({"date_start": self.figure(past.start as i64),
                            "date_end": self.figure(past.end as i64), "data": data});
        let answer = Response::json(200, json!({"success": true, "result": result}));
        match self.history.cut_at {
            Some(bytes) => answer.cut(bytes),
            None => answer,
        }
    }

    /// What the box would have said at a moment of its own clock, if it had not rounded.
    pub(super) fn value(&self, database: &str, field: &str, time: u64) -> Option<f64> {
        let fields = self.fields(database)?;
        let field = fields.iter().find(|it| it.name == field)?;
        let moment = self.events().map(|start| Moment::new(start, time));
        if moment.is_some_and(days::is_away) {
            return None;
        }
        match field.without_line {
            WithoutLine::Nought if moment.is_some_and(days::line_is_down) => Some(0.0),
            WithoutLine::Absent if moment.is_some_and(days::line_is_down) => None,
            _ => Some(field.at(time)),
        }
    }

    /// Since when things happen, if they do.
    fn events(&self) -> Option<u64> {
        self.alive_since.filter(|_| self.eventful)
    }

    /// A moment of the history's clock, in the box's.
    fn true_time(&self, time: u64) -> u64 {
        time.saturating_add_signed(-self.history.clock_offset)
    }

    /// Which points there are.
    fn past(&self, question: &Question) -> Past {
        let now = self.now.saturating_add_signed(self.history.clock_offset);
        let last = now.saturating_sub(1) / UPDATE * UPDATE + 1;
        let asked = question.end.unwrap_or(last);
        let end = asked.min(last);
        let start = question.start.unwrap_or(asked.saturating_sub(HOUR));
        // What is cut at the one end is given at the other.
        let start = start.saturating_sub(asked - end);
        let (step, reach) = self.archive(&question.database, (start, end), last);
        let start = start / step * step;
        let first = start.max(last.saturating_sub(reach) / step * step);
        let times = (first..end).step_by(step as usize);
        let times = times.filter(|it| it + step <= last && self.is_kept(*it, step));
        let times = times.collect();
        let past = Past {
            start,
            end,
            step,
            times,
        };
        self.peculiar(past)
    }

    /// The finest archive that goes back to where a time begins, and is coarse enough for it; or the
    /// one that goes back furthest.
    fn archive(&self, database: &str, (start, end): Span, last: u64) -> (u64, u64) {
        let archives = match (&self.history.archives, database) {
            (Some(archives), _) => archives.as_slice(),
            (None, "temp") => &OF_HEAT,
            (None, _) => &OF_LINES,
        };
        let most = self.history.coarser_beyond.unwrap_or(u64::MAX);
        let is_enough = |step: u64| end.saturating_sub(start) / step.max(1) <= most;
        let fitting = archives
            .iter()
            .filter(|it| last <= start.saturating_add(it.1) && is_enough(it.0));
        let finest = fitting.min_by_key(|(step, _)| *step);
        let found = finest.or(archives.iter().max_by_key(|(_, reach)| *reach));
        found.map_or((HOUR, 0), |(step, reach)| ((*step).max(1), *reach))
    }

    fn is_kept(&self, time: u64, step: u64) -> bool {
        let is_within = |(begin, end): &Span| (*begin..*end).contains(&time);
        time >= self.history.since
            && !self.history.holes.iter().any(is_within)
            && !self.awake(time, step).is_empty()
    }

    /// Leaves out what the box leaves out, and says as much about it as the box does.
    fn peculiar(&self, mut past: Past) -> Past {
        let most = self.history.most_points.unwrap_or(usize::MAX);
        let surplus = past.times.len().saturating_sub(most);
        if surplus > 0 {
            match self.history.newest_only {
                true => past.times.drain(..surplus),
                false => past.times.drain(most..),
            };
            let ends = past.times.last().map_or(past.start, |it| it + past.step);
            past.end = if self.history.honest_end {
                ends
            } else {
                past.end
            };
        }
        if self.history.shuffled {
            past.times
                .sort_by_key(|it| life::hash("shuffled", *it as usize));
        }
        past
    }

    /// When the box was awake within a step.
    fn awake(&self, time: u64, step: u64) -> Vec<Span> {
        let whole = (self.true_time(time), self.true_time(time) + step);
        let away = self.events().map(|start| days::absences(start, whole));
        without(vec![whole], &away.unwrap_or_default())
    }

    /// The averages of all fields over a step, those that have one.
    fn step<'f>(&self, fields: &'f [Field], time: u64, step: u64) -> Vec<(&'f str, f64)> {
        let awake = self.awake(time, step);
        let whole = (self.true_time(time), self.true_time(time) + step);
        let down = self.events().map(|start| days::outages(start, whole));
        let with_line = without(awake.clone(), &down.unwrap_or_default());
        let average = |field: &Field| match field.without_line {
            WithoutLine::AsEver => Some(field.average(&awake, step)),
            WithoutLine::Absent if with_line.is_empty() => None,
            WithoutLine::Nought if with_line.is_empty() => Some(0.0),
            WithoutLine::Absent => Some(field.average(&with_line, step)),
            WithoutLine::Nought => {
                let share = length(&with_line) as f64 / length(&awake) as f64;
                Some(field.average(&with_line, step) * share)
            }
        };
        let values = fields.iter().map(|it| (it.name.as_str(), average(it)));
        values.filter_map(|(name, it)| Some((name, it?))).collect()
    }

    fn point(&self, time: u64, step: u64, values: &[(&str, f64)], precision: f64) -> Json {
        let mut point = Map::new();
        point.insert("time".to_owned(), self.figure(time as i64));
        let number = time / step;
        let poor = self
            .history
            .absent_every
            .filter(|every| number.is_multiple_of(*every));
        for (place, (name, value)) in values.iter().enumerate() {
            // Another half each time, and each half in both ways.
            let turn = poor.map(|every| (number / every + place as u64) % 4);
            let value = match turn {
                Some(0) => continue,
                Some(2) => Json::Null,
                _ => self.figure((value * precision) as i64),
            };
            point.insert((*name).to_owned(), value);
        }
        Json::Object(point)
    }

    fn figure(&self, number: i64) -> Json {
        match self.history.texts {
            true => json!(number.to_string()),
            false => json!(number),
        }
    }

    /// The fields of a database, if there is such a one.
    fn fields(&self, database: &str) -> Option<Vec<Field>> {
        if self.history.lacks.iter().any(|it| it == database) {
            return None;
        }
        let mut fields = match database {
            "net" => self.net().unwrap_or_default(),
            "temp" => self.temp().unwrap_or_default(),
            "dsl" => self.dsl().unwrap_or_default(),
            "switch" => self.switch().unwrap_or_default(),
            _ => return None,
        };
        if self.alive_since.is_none() {
            let movements = fields.iter_mut().map(|it| &mut it.movement);
            movements.for_each(|it| *it = Movement::Still);
        }
        Some(fields)
    }

    /// What the box tells at a path that an answer has.
    fn answered(&self, path: &str) -> Option<Place<'_>> {
        Place::new(path, self.answers.get(path)?)
    }

    fn net(&self) -> Option<Vec<Field>> {
        let line = self.answered("connection")?.below("result")?;
        let vpn = self.answered("vpn_client/status");
        let vpn = vpn.and_then(|it| it.below("result")?.below("stats"));
        let mut fields = Vec::new();
        for way in ["up", "down"] {
            let rate = format!("rate_{way}");
            // The live answer has it in bits.
            let bandwidth = line.field(&format!("bandwidth_{way}"));
            fields.extend(bandwidth.map(|it| it.renamed(format!("bw_{way}")).times(1.0 / 8.0)));
            let of_line = line.field(&rate);
            fields.extend(of_line.map(|it| it.without_line(WithoutLine::Nought)));
            let of_vpn = vpn.as_ref().and_then(|it| it.field(&rate));
            let of_vpn = of_vpn.unwrap_or_else(nothing);
            fields.push(of_vpn.renamed(format!("vpn_{rate}")));
        }
        Some(fields)
    }

    fn temp(&self) -> Option<Vec<Field>> {
        let system = self.answered("system")?.below("result")?;
        let of_list = |list: &str| {
            let items = system.each(list).into_iter();
            let fields = items.filter_map(|it| Some(it.field("value")?.renamed(it.text("id")?)));
            fields.collect::<Vec<Field>>()
        };
        let (sensors, fans) = (of_list("sensors"), of_list("fans"));
        if sensors.is_empty() && fans.is_empty() {
            let keys = system.fields.keys();
            let heat = keys.filter(|it| it.starts_with("temp_") || *it == "fan_rpm");
            let fields = heat.filter_map(|it| Some(system.field(it)?.renamed(old_name(it))));
            return Some(fields.collect());
        }
        let is_old = self.history.old_names;
        let sensors = sensors.into_iter().map(|it| match is_old {
            true => {
                let name = old_name(&it.name).to_owned();
                it.renamed(name)
            }
            false => it,
        });
        let fans = fans.into_iter().enumerate();
        let fans = fans.map(|(number, it)| match is_old && number == 0 {
            true => it.renamed("fan_speed"),
            false => it,
        });
        Some(sensors.chain(fans).collect())
    }

    fn dsl(&self) -> Option<Vec<Field>> {
        let line = self.answered("connection/xdsl")?.below("result")?;
        if line.below("status")?.text("status")? != "showtime" {
            return None;
        }
        let unit = match self.history.dsl_in_kilobits {
            true => 1.0,
            false => 1_000.0 / 8.0,
        };
        let mut fields = Vec::new();
        for way in ["up", "down"] {
            let Some(line) = line.below(way) else {
                continue;
            };
            let rate = line.field("rate").map(|it| it.times(unit));
            fields.extend(rate.map(|it| it.renamed(format!("rate_{way}"))));
            let tenths = line.field("snr_10");
            let snr = tenths.or_else(|| Some(line.field("snr")?.times(10.0)));
            fields.extend(snr.map(|it| it.renamed(format!("snr_{way}"))));
        }
        let fields = fields.into_iter();
        Some(
            fields
                .map(|it| it.without_line(WithoutLine::Absent))
                .collect(),
        )
    }

    fn switch(&self) -> Option<Vec<Field>> {
        let ports = self.answered("switch/status")?.each("result");
        Some(ports.iter().flat_map(|it| self.port(it)).collect())
    }

    fn port(&self, port: &Place<'_>) -> Vec<Field> {
        let Some(id) = port.text("id") else {
            return Vec::new();
        };
        let stats = self.answered(&format!("switch/port/{id}/stats"));
        let stats = stats.and_then(|it| it.below("result"));
        let name = port.text("rrd_id").unwrap_or(match id.as_str() {
            "9999" => "sfp_lan".to_owned(),
            "5" => "freeplug".to_owned(),
            _ => id,
        });
        let of_way = |way: &str| {
            let rate = stats.as_ref()?.field(&format!("{way}_bytes_rate"))?;
            // Below nothing is what is not measured.
            (rate.recorded >= 0.0).then(|| rate.renamed(format!("{way}_{name}")))
        };
        ["rx", "tx"].iter().filter_map(|it| of_way(it)).collect()
    }
}

/// What no VPN carries.
fn nothing() -> Field {
    Field {
        name: String::new(),
        recorded: 0.0,
        movement: Movement::Still,
        seed: String::new(),
        factor: 1.0,
        without_line: WithoutLine::AsEver,
    }
}

/// What the history called a sensor, or the fan, before there were lists of them.
fn old_name(name: &str) -> &str {
    match name {
        "fan_rpm" => "fan_speed",
        _ => name.strip_prefix("temp_").unwrap_or(name),
    }
}

/// What is left of times.
fn without(times: Vec<Span>, gaps: &[Span]) -> Vec<Span> {
    gaps.iter().fold(times, |times, gap| {
        let parts = times.into_iter().flat_map(|(begin, end)| {
            let before = (begin, end.min(gap.0));
            let after = (begin.max(gap.1), end);
            [before, after]
        });
        parts.filter(|(begin, end)| begin < end).collect()
    })
}

fn length(times: &[Span]) -> u64 {
    times.iter().map(|(begin, end)| end - begin).sum()
}

/// A number, or a text that is one.
fn number(value: &Json) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    number.filter(|it| it.is_finite())
}

/// A text, or a number as one.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What there is no such database for; the box has no code for it.
fn invalid_db() -> Response {
    Response::json(200, json!({"msg": "invalid_db", "success": false}))
}
