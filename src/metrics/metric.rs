//! What a metric is: its name, unit, kind, meaning and the place in the box's answer it is read
//! from, said once.

use serde_json::Value as Json;

use crate::metrics::reading;
use crate::metrics::value::Value;

/// What a state that is not in the list becomes, as in freebox-monitoring 0.9.1.
const UNKNOWN_STATE: i64 = 999;

/// One number of an entity.
#[derive(Debug)]
pub(crate) struct Metric {
    /// The last node of its name: `rate_down`.
    pub(crate) name: &'static str,
    /// What kind of number it is, and how it is read.
    pub(crate) kind: Kind,
    /// `byte/s`, `dBm`, … or `-`.
    pub(crate) unit: &'static str,
    /// One line for people.
    pub(crate) help: &'static str,
    /// The first version of the API that has it, where that is later than its group's.
    pub(crate) since: Option<&'static str>,
    from: From,
    divisor: u16,
    meaningful: Meaningful,
}

/// Which numbers mean something; the box has its own ways to say that it does not know.
#[derive(Debug)]
enum Meaningful {
    /// All of them.
    Any,
    /// Those from 0; -1 is "not measured".
    FromZero,
    /// Those above 0; 0 is "unknown" or "never".
    AboveZero,
}

/// Where in the answer a metric is read.
#[derive(Debug)]
enum From {
    /// Under its own name.
    Name,
    /// At the first of these paths that holds something.
    Paths(&'static [&'static str]),
    /// Nowhere: the section's code works it out.
    Computed,
}

/// What kind of number a metric is.
#[derive(Debug)]
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
}

impl Kind {
    /// The word for it in lists.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Time => "time",
            Kind::Flag | Kind::Is(_) | Kind::IsNot(_) | Kind::Code(_) => "state",
        }
    }

    /// What the numbers of a state mean: `1 up, 0 other`.
    pub(crate) fn meanings(&self) -> Option<String> {
        match self {
            Kind::Gauge | Kind::Counter | Kind::Time => None,
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
            Kind::Gauge | Kind::Counter | Kind::Time => reading::number(json),
            Kind::Flag => reading::flag(json).map(|flag| Value::Int(flag.into())),
            Kind::Is(word) => Some(Value::Int((json.as_str()? == *word).into())),
            Kind::IsNot(word) => Some(Value::Int((json.as_str()? != *word).into())),
            Kind::Code(list) => {
                let text = json.as_str()?;
                let known = list.iter().find(|(word, _)| *word == text);
                Some(Value::Int(known.map_or(UNKNOWN_STATE, |(_, code)| *code)))
            }
        }
    }
}

const fn metric(name: &'static str, kind: Kind, unit: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        kind,
        unit,
        help,
        since: None,
        from: From::Name,
        divisor: 1,
        meaningful: Meaningful::Any,
    }
}

/// A number that goes up and down.
pub(crate) const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Gauge, unit, help)
}

/// A number that only grows, until the box or the line restarts.
pub(crate) const fn counter(name: &'static str, unit: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Counter, unit, help)
}

/// A moment, in seconds since 1970; 0 stands for none.
pub(crate) const fn time(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Time, "s", help).positive()
}

/// A yes or no.
pub(crate) const fn flag(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Flag, "-", help)
}

/// A state.
pub(crate) const fn state(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    metric(name, kind, "-", help)
}

impl Metric {
    /// Reads it at the first of these paths that holds something, instead of under its own name.
    pub(crate) const fn from(mut self, paths: &'static [&'static str]) -> Self {
        self.from = From::Paths(paths);
        self
    }

    /// Says since which version of the API it is there, if that is later than its group.
    pub(crate) const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Leaves it to the section's code.
    pub(crate) const fn computed(mut self) -> Self {
        self.from = From::Computed;
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

    /// Divides what the box sends, for a friendlier unit.
    pub(crate) const fn divided_by(mut self, divisor: u16) -> Self {
        self.divisor = divisor;
        self
    }

    /// Whether the section's code works it out.
    #[cfg(test)]
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.from, From::Computed)
    }

    /// The names of the fields it is read from.
    pub(crate) fn fields(&self) -> Vec<&'static str> {
        let last = |path: &&'static str| path.rsplit('.').next().unwrap_or_default();
        match self.from {
            From::Name => vec![self.name],
            From::Paths(paths) => paths.iter().map(last).collect(),
            From::Computed => Vec::new(),
        }
    }

    /// Its value in an answer; `None` when the box does not say it or says something strange.
    pub(crate) fn read(&self, answer: &Json) -> Option<Value> {
        let value = match self.from {
            From::Name => self.kind.read(answer.get(self.name)?),
            From::Paths(paths) => paths
                .iter()
                .find_map(|path| self.kind.read(reading::at(answer, path)?)),
            From::Computed => None,
        }?;
        let means_something = match self.meaningful {
            Meaningful::Any => true,
            Meaningful::FromZero => value.as_f64() >= 0.0,
            Meaningful::AboveZero => value.as_f64() > 0.0,
        };
        means_something.then(|| value.divided_by(self.divisor))
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
    fn the_first_place_that_holds_something_counts() {
        let metric = counter("rtx_tx", "count", "").from(&["rtx_tx", "rxmt"]);
        let read = |text| metric.read(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(read(r#"{"rtx_tx":3,"rxmt":0}"#), Some(Value::Int(3)));
        assert_eq!(read(r#"{"rtx_tx":null,"rxmt":4}"#), Some(Value::Int(4)));
        assert_eq!(read("{}"), None);
    }
}
