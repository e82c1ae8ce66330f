//! A number, as exact as the box sent it.

use std::fmt;

/// A number of a metric. Whole ones stay whole: byte counters need all their digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Int(i64),
    /// Any other; always finite.
    Float(f64),
}

impl Value {
    /// The value for comparisons.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Value::Int(whole) => whole as f64,
            Value::Float(float) => float,
        }
    }

    /// The value in a unit that is `divisor` times as large.
    pub(crate) fn divided_by(self, divisor: u16) -> Self {
        match (self, divisor) {
            (_, 1) => self,
            (Value::Int(whole), _) => Value::Float(whole as f64 / f64::from(divisor)),
            (Value::Float(float), _) => Value::Float(float / f64::from(divisor)),
        }
    }
}

impl fmt::Display for Value {
    /// Plain notation: digits, a minus, a point, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(whole) => whole.fmt(f),
            Value::Float(float) => float.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_plainly() {
        let cases = [
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Float(1e21), "1000000000000000000000"),
            (Value::Float(1e-7), "0.0000001"),
            (Value::Int(-1838).divided_by(100), "-18.38"),
            (Value::Int(642).divided_by(100), "6.42"),
            (Value::Int(7).divided_by(1), "7"),
        ];
        for (value, expected) in cases {
            assert_eq!(value.to_string(), expected);
        }
    }
}
