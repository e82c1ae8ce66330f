//! What a metric is: its name, unit, kind, meaning and the place in the box's answer it is read
//! from, said once.

use serde_json::Value as Json;

use crate::metrics::lenient;
use crate::metrics::unit::Unit;
use crate::metrics::value::{SAME, Scale, Value};

/// What a state that is not in the list becomes, as in freebox-monitoring 0.9.1.
const UNKNOWN_STATE: i64 = 999;

/// One thing that an entity says.
#[derive(Debug, PartialEq)]
pub(crate) struct Metric {
    /// The last node of its name: `rate_down`.
    pub(crate) name: &'static str,
    /// What kind of number it is, and how it is read.
    pub(crate) kind: Kind,
    /// The unit that people read.
    pub(crate) unit: Unit,
    /// One line for people, which says what it is to somebody who sees nothing else.
    pub(crate) help: &'static str,
    /// The first version of the API that has it, where that is later than its group's.
    pub(crate) since: Option<&'static str>,
    /// What stands behind the group's prefix in the field name of freebox-monitoring 0.9.1, where
    /// that is not the name.
    pub(crate) field: Option<&'static str>,
    /// What it is in templates.
    pub(crate) role: Role,
    from: Origin,
    scale: Scale,
    /// What stands in the field of freebox-monitoring 0.9.1.
    raw: Raw,
    meaningful: Meaningful,
}

/// What one metric of an entity says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Which metric.
    pub(crate) metric: &'static Metric,
    /// In the unit that people read.
    pub(crate) value: Value,
    /// Under the field name of freebox-monitoring 0.9.1.
    pub(crate) in_field: InField,
}

/// What freebox-monitoring 0.9.1 has in a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum InField {
    /// The same.
    Same,
    /// The box's own number or text, or one from another place.
    Other(Value),
    /// Nothing.
    Nothing,
}

/// What a metric is in templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A series.
    Series,
    /// It never changes, or is what a line's timestamp says: not worth a series to somebody who did
    /// not ask for it.
    Constant,
    /// It has a place among the fields of freebox-monitoring 0.9.1 only.
    Field,
}

/// What stands in the field of freebox-monitoring 0.9.1.
#[derive(Debug, PartialEq, Eq)]
enum Raw {
    /// The same number.
    Same,
    /// The number as the box sends it.
    Unscaled,
    /// The text as the box sends it.
    Text,
    /// The rounded number, which the box tells beside the exact one: the section's code gives it.
    Rounded,
}

/// Which numbers mean something; the box has its own ways to say that it does not know.
#[derive(Debug, PartialEq)]
enum Meaningful {
    /// All of them.
    Any,
    /// Those from 0; -1 is "not measured".
    FromZero,
    /// Those above 0; 0 is "unknown" or "never".
    AboveZero,
}

/// Where in the answer a metric is read.
#[derive(Debug, PartialEq)]
enum Origin {
    /// Under its own name.
    Name,
    /// At the first of these paths that holds something.
    Paths(&'static [&'static str]),
    /// Nowhere: the section's code works it out.
    Computed,
}

/// What kind of number a metric is.
#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until the box or the line restarts.
    Counter,
    /// A moment, in seconds since 1970.
    Time,
    /// A state read from a yes or no: 1 and 0.
    Flag,
    /// A state read from a text: 1 for this one, 0 for any other.
    Is(&'static str),
    /// A state read from a text: 0 for this one, 1 for any other.
    IsNot(&'static str),
    /// A state read from a text: the numbers of this list, 999 for any other text.
    Code(&'static [(&'static str, i64)]),
    /// A text; not for Graphite.
    Text,
}

impl Reading {
    /// What the field of freebox-monitoring 0.9.1 holds.
    pub(crate) fn in_field(&self) -> Option<&Value> {
        match &self.in_field {
            InField::Same => Some(&self.value),
            InField::Other(value) => Some(value),
            InField::Nothing => None,
        }
    }
}

impl Kind {
    /// The word for it in lists.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Time => "time",
            Kind::Flag | Kind::Is(_) | Kind::IsNot(_) | Kind::Code(_) => "state",
            Kind::Text => "text",
        }
    }

    /// What the numbers of a state mean: `1 up, 0 other`.
    fn meanings(&self) -> Option<String> {
        match self {
            Kind::Gauge | Kind::Counter | Kind::Time | Kind::Text => None,
            Kind::Flag => Some("1 yes, 0 no".to_owned()),
            Kind::Is(word) => Some(format!("1 {word}, 0 other")),
            Kind::IsNot(word) => Some(format!("0 {word}, 1 other")),
            Kind::Code(list) => {
                let listed = list.iter().map(|(word, code)| format!("{code} {word}, "));
                Some(listed.collect::<String>() + &format!("{UNKNOWN_STATE} other"))
            }
        }
    }

    fn read(&self, json: &Json) -> Option<Value> {
        match self {
            Kind::Gauge | Kind::Counter | Kind::Time => lenient::number(json),
            Kind::Flag => lenient::flag(json).map(Value::from),
            Kind::Is(word) => Some((json.as_str()? == *word).into()),
            Kind::IsNot(word) => Some((json.as_str()? != *word).into()),
            Kind::Code(list) => {
                let text = json.as_str()?;
                let known = list.iter().find(|(word, _)| *word == text);
                Some(Value::Int(known.map_or(UNKNOWN_STATE, |(_, code)| *code)))
            }
            Kind::Text => lenient::text(json).map(Value::Text),
        }
    }
}

const fn metric(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Metric {
    Metric {
        name,
        kind,
        unit,
        help,
        since: None,
        field: None,
        role: Role::Series,
        from: Origin::Name,
        scale: SAME,
        raw: Raw::Same,
        meaningful: Meaningful::Any,
    }
}

/// A number that goes up and down.
pub(crate) const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    metric(name, Kind::Gauge, unit, help)
}

/// How many there are of something, and that goes up and down.
pub(crate) const fn count(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Gauge, Unit::Count, help)
}

/// A number that only grows, until the box or the line restarts.
pub(crate) const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    metric(name, Kind::Counter, unit, help)
}

/// A moment, in seconds since 1970; 0 stands for none.
pub(crate) const fn time(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Time, Unit::Second, help).positive()
}

/// A yes or no.
pub(crate) const fn flag(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Flag, Unit::None, help)
}

/// A state.
pub(crate) const fn state(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    metric(name, kind, Unit::None, help)
}

/// A text.
pub(crate) const fn text(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Text, Unit::None, help)
}

impl Metric {
    /// Reads it at the first of these paths that holds something, instead of under its own name.
    pub(crate) const fn from(mut self, paths: &'static [&'static str]) -> Self {
        self.from = Origin::Paths(paths);
        self
    }

    /// Says since which version of the API it is there, if that is later than its group.
    pub(crate) const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Leaves it to the section's code.
    pub(crate) const fn computed(mut self) -> Self {
        self.from = Origin::Computed;
        self
    }

    /// Takes a negative number for none.
    pub(crate) const fn not_negative(mut self) -> Self {
        self.meaningful = Meaningful::FromZero;
        self
    }

    /// Takes 0 and less for none.
    pub(crate) const fn positive(mut self) -> Self {
        self.meaningful = Meaningful::AboveZero;
        self
    }

    /// Multiplies what the box sends, for the unit that people read.
    pub(crate) const fn times(mut self, factor: i64) -> Self {
        self.scale.times = factor;
        self
    }

    /// Divides what the box sends, for the unit that people read.
    pub(crate) const fn over(mut self, divisor: i64) -> Self {
        self.scale.over = divisor;
        self
    }

    /// Sets what stands behind the group's prefix in the field name of freebox-monitoring 0.9.1.
    pub(crate) const fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Says that freebox-monitoring 0.9.1 has the box's own number.
    pub(crate) const fn raw(mut self) -> Self {
        self.raw = Raw::Unscaled;
        self
    }

    /// Says that freebox-monitoring 0.9.1 has the box's own text.
    pub(crate) const fn raw_text(mut self) -> Self {
        self.raw = Raw::Text;
        self
    }

    /// Says that freebox-monitoring 0.9.1 has the rounded number, which the box tells beside the
    /// exact one and the section's code gives.
    pub(crate) const fn raw_rounded(mut self) -> Self {
        self.raw = Raw::Rounded;
        self
    }

    /// Says that it never changes, or is what a line's timestamp says.
    pub(crate) const fn constant(mut self) -> Self {
        self.role = Role::Constant;
        self
    }

    /// Says that it has a place among the fields of freebox-monitoring 0.9.1 only.
    pub(crate) const fn field_only(mut self) -> Self {
        self.role = Role::Field;
        self
    }

    /// Whether the field of freebox-monitoring 0.9.1 holds a text.
    #[cfg(test)]
    pub(crate) fn is_text_in_field(&self) -> bool {
        self.raw == Raw::Text || self.kind == Kind::Text
    }

    /// Whether the section's code works it out.
    #[cfg(test)]
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.from, Origin::Computed)
    }

    /// What it says, with the numbers of its states.
    pub(crate) fn meaning(&self) -> String {
        match self.kind.meanings() {
            Some(states) => format!("{}: {states}", self.help),
            None => self.help.to_owned(),
        }
    }

    /// The names of the fields it is read from.
    pub(crate) fn fields(&self) -> Vec<&'static str> {
        let last = |path: &&'static str| path.rsplit('.').next().unwrap_or_default();
        match self.from {
            Origin::Name => vec![self.name],
            Origin::Paths(paths) => paths.iter().map(last).collect(),
            Origin::Computed => Vec::new(),
        }
    }

    /// What it says in an answer; `None` when the box does not say it or says something strange.
    pub(crate) fn read(&'static self, answer: &Json) -> Option<Reading> {
        let place = |json| Some((json, self.kind.read(json)?));
        let (json, value) = match self.from {
            Origin::Name => place(answer.get(self.name)?),
            Origin::Paths(paths) => paths
                .iter()
                .find_map(|path| place(lenient::at(answer, path)?)),
            Origin::Computed => None,
        }?;
        let in_field = match self.raw {
            Raw::Same => InField::Same,
            Raw::Unscaled => InField::Other(value.clone()),
            Raw::Text => {
                lenient::text(json).map_or(InField::Nothing, |it| InField::Other(it.into()))
            }
            Raw::Rounded => InField::Nothing,
        };
        self.means_something(&value).then(|| Reading {
            metric: self,
            value: value.scaled(self.scale),
            in_field,
        })
    }

    /// What it says where its number is known in the unit that people read already, as in the box's
    /// history; `None` when it means nothing.
    pub(crate) fn saying(&'static self, number: f64) -> Option<Reading> {
        let value = Value::rounded(number)?;
        let in_field = match self.raw {
            Raw::Same => InField::Same,
            Raw::Unscaled => InField::Other(Value::rounded(self.scale.undone(number))?),
            Raw::Rounded => InField::Other(Value::rounded(number.round())?),
            Raw::Text => InField::Nothing,
        };
        self.means_something(&value).then_some(Reading {
            metric: self,
            value,
            in_field,
        })
    }

    fn means_something(&self, value: &Value) -> bool {
        let is = |such: fn(f64) -> bool| value.as_f64().is_none_or(such);
        match self.meaningful {
            Meaningful::Any => true,
            Meaningful::FromZero => is(|number| number >= 0.0),
            Meaningful::AboveZero => is(|number| number > 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_numbers_and_strange_ones_are_not_guessed() {
        const CODE: Kind = Kind::Code(&[("down", 0), ("showtime", 5)]);
        let cases = [
            (&CODE, r#""showtime""#, Some(5)),
            (&CODE, r#""dancing""#, Some(999)),
            (&CODE, "5", None),
            (&Kind::Is("up"), r#""up""#, Some(1)),
            (&Kind::Is("up"), r#""going_down""#, Some(0)),
            (&Kind::Is("up"), "true", None),
            (&Kind::Flag, "true", Some(1)),
            (&Kind::Flag, r#""false""#, Some(0)),
            (&Kind::Flag, "null", None),
        ];
        for (kind, given, expected) in cases {
            let json: Json = serde_json::from_str(given).expect("JSON");
            assert_eq!(
                kind.read(&json),
                expected.map(Value::Int),
                "{kind:?} {given}"
            );
        }
    }

    #[test]
    fn a_number_that_is_known_already_is_as_one_that_was_read() {
        static SPEED: Metric = gauge("speed", Unit::BitPerSecond, "-").times(1000).raw();
        static SNR: Metric = gauge("snr", Unit::Decibel, "-").computed().raw_rounded();
        static RATE: Metric = gauge("rate", Unit::BytePerSecond, "-").not_negative();
        let said = |metric: &'static Metric, number| {
            let reading = metric.saying(number)?;
            let in_field = reading.in_field().map(ToString::to_string);
            Some((reading.value.to_string(), in_field))
        };
        let expected =
            |value: &str, in_field: &str| Some((value.to_owned(), Some(in_field.to_owned())));
        assert_eq!(said(&SPEED, 45_000_500.0), expected("45000500", "45000.5"));
        assert_eq!(said(&SNR, 6.16), expected("6.16", "6"));
        assert_eq!(said(&RATE, 2.0 / 3.0), expected("0.667", "0.667"));
        assert_eq!(said(&RATE, -1.0), None);
        assert_eq!(said(&RATE, f64::NAN), None);
    }

    #[test]
    fn the_first_place_that_holds_something_counts() {
        static TEMPERATURE: Metric = gauge("temperature", Unit::Celsius, "-").from(&["temp", "t"]);
        let read = |text| {
            let reading = TEMPERATURE.read(&serde_json::from_str(text).expect("JSON"));
            reading.map(|it| it.value)
        };
        assert_eq!(read(r#"{"temp":3,"t":0}"#), Some(Value::Int(3)));
        assert_eq!(read(r#"{"temp":null,"t":4}"#), Some(Value::Int(4)));
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn the_box_s_own_number_lives_on_in_the_field() {
        static SPEED: Metric = gauge("speed", Unit::BitPerSecond, "-")
            .times(1_000_000)
            .raw();
        static POWER: Metric = gauge("power", Unit::Dbm, "-").over(100).raw();
        static WIDTH: Metric = gauge("width", Unit::Megahertz, "-").raw_text();
        let answer = serde_json::json!({"speed": "2500", "power": -1838, "width": 80});
        let read = |metric: &'static Metric| {
            let reading = metric.read(&answer).expect("a reading");
            let in_field = reading.in_field().cloned();
            (reading.value, in_field)
        };
        let speed = (Value::Int(2_500_000_000), Some(Value::Int(2500)));
        assert_eq!(read(&SPEED), speed);
        assert_eq!(
            read(&POWER),
            (Value::Float(-18.38), Some(Value::Int(-1838)))
        );
        let width = Some(Value::Text("80".to_owned()));
        assert_eq!(read(&WIDTH), (Value::Int(80), width));
    }
}
