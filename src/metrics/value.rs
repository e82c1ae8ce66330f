//! What a metric says: a number, as exact as the box sent it, or a text.

use std::fmt;

/// A number or a text. Whole numbers stay whole: byte counters need all their digits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Int(i64),
    /// Any other; always finite.
    Float(f64),
    /// A text, for the formats that have texts.
    Text(String),
}

/// What a number is multiplied by and divided by, to come to another unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// The factor.
    pub(crate) times: i64,
    /// The divisor, not 0.
    pub(crate) over: i64,
}

/// The number as it is.
pub(crate) const SAME: Scale = Scale { times: 1, over: 1 };

/// The first number that a float cannot tell from the next one.
pub(crate) const EXACT: f64 = (1_u64 << 53) as f64;

impl Scale {
    /// So many times as much.
    pub(crate) const fn times(times: i64) -> Self {
        Scale { times, over: 1 }
    }

    /// One of so many parts.
    pub(crate) const fn over(over: i64) -> Self {
        Scale { times: 1, over }
    }

    /// A number in the other unit.
    pub(crate) fn done(self, number: f64) -> f64 {
        number * self.times as f64 / self.over as f64
    }

    /// A number in the unit it came from.
    pub(crate) fn undone(self, number: f64) -> f64 {
        number * self.over as f64 / self.times as f64
    }
}

impl Value {
    /// The number for comparisons; a text is none.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(whole) => Some(*whole as f64),
            Value::Float(float) => Some(*float),
            Value::Text(_) => None,
        }
    }

    /// A number to the thousandth, as an average is told; `None` for what is no number.
    pub(crate) fn rounded(number: f64) -> Option<Self> {
        let rounded = (number * 1000.0).round() / 1000.0;
        let is_whole = rounded.fract() == 0.0 && rounded.abs() < EXACT;
        match is_whole {
            true => Some(Value::Int(rounded as i64)),
            false => rounded.is_finite().then_some(Value::Float(rounded)),
        }
    }

    /// Whether it is a number.
    pub(crate) fn is_number(&self) -> bool {
        !matches!(self, Value::Text(_))
    }

    /// The same in another unit. A whole number stays whole where nothing is divided and it fits.
    pub(crate) fn scaled(self, scale: Scale) -> Self {
        let whole = match self {
            Value::Int(whole) if scale.over == 1 => whole.checked_mul(scale.times),
            _ => None,
        };
        match (whole, self) {
            (Some(whole), _) => Value::Int(whole),
            (None, Value::Int(whole)) => Value::Float(scale.done(whole as f64)),
            (None, Value::Float(number)) => finite_or(scale.done(number), number),
            (None, text @ Value::Text(_)) => text,
        }
    }
}

/// What is too large to be multiplied stays as it was; no unit makes sense of such a number.
fn finite_or(scaled: f64, number: f64) -> Value {
    match scaled.is_finite() {
        true => Value::Float(scaled),
        false => Value::Float(number),
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Value::Int(whole)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Value::Int(yes.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl fmt::Display for Value {
    /// Plain notation: digits, a minus, a point, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(whole) => whole.fmt(f),
            Value::Float(float) => float.fmt(f),
            Value::Text(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_plainly() {
        let scaled = |value: Value, times, over| value.scaled(Scale { times, over });
        let cases = [
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Float(1e21), "1000000000000000000000"),
            (Value::Float(1e-7), "0.0000001"),
            (Value::Float(70.0), "70"),
            (scaled(Value::Int(-1838), 1, 100), "-18.38"),
            (scaled(Value::Int(642), 1, 100), "6.42"),
            (scaled(Value::Int(7), 1, 1), "7"),
            (scaled(Value::Int(45_000), 1000, 1), "45000000"),
            (scaled(Value::Float(86.6), 100_000, 1), "8660000"),
            (
                scaled(Value::Int(i64::MAX), 1000, 1),
                "9223372036854776000000",
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(value.to_string(), expected);
        }
        let absurd = scaled(Value::Float(1e308), 1000, 1);
        assert_eq!(absurd, Value::Float(1e308));
    }
}
