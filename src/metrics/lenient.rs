//! Lenient reading of the box's answers. What a field should be and what it is differ between
//! models and firmwares: numbers come as text, empty lists as `{}`, `""`, `null` or not at all.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use serde_json::Value as Json;

use crate::metrics::value::{EXACT, Value};

/// What stands at `path`, whose steps are keys or list positions between dots.
pub(crate) fn at<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(json, |here, step| match here {
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

/// A number, also when it was sent as text. Never infinite, never NaN.
pub(crate) fn number(json: &Json) -> Option<Value> {
    match json {
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| finite(number.as_f64()?)),
        Json::String(text) => number_in(text.trim()),
        _ => None,
    }
}

fn number_in(text: &str) -> Option<Value> {
    // `parse` knows "inf" and "nan" as well, which no box means.
    if !text.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let whole = text.parse().ok().map(Value::Int);
    whole.or_else(|| finite(text.parse().ok()?))
}

/// What is written with a fraction of nothing (`70.0`) is a whole number all the same.
fn finite(float: f64) -> Option<Value> {
    match float.fract() == 0.0 && float.abs() < EXACT {
        true => Some(Value::Int(float as i64)),
        false => float.is_finite().then_some(Value::Float(float)),
    }
}

/// A yes or no, also when it was sent as a number or as text.
pub(crate) fn flag(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::Number(_) => match number(json)? {
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        },
        Json::String(text) => match text.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text; a number is as good as one. Empty is none.
pub(crate) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A path in the box's file system, which it sends in Base64.
pub(crate) fn path(json: &Json) -> Option<String> {
    let padding =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, padding);
    String::from_utf8(engine.decode(text(json)?).ok()?).ok()
}

/// The twelve digits of a MAC address, in small letters, if a text is one.
pub(crate) fn mac_digits(text: &str) -> Option<String> {
    let pairs: Vec<&str> = text.split([':', '-']).collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
    let is_mac = pairs.len() == 6 && pairs.iter().all(is_pair);
    is_mac.then(|| pairs.concat().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Json {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn numbers() {
        let cases = [
            ("12", Some("12")),
            ("-1838", Some("-1838")),
            ("\"1000\"", Some("1000")),
            ("\" 7 \"", Some("7")),
            ("1.5", Some("1.5")),
            ("70.0", Some("70")),
            ("\"-3.0\"", Some("-3")),
            ("9223372036854775807", Some("9223372036854775807")),
            ("18446744073709551615", Some("18446744073709552000")),
            ("1e3", Some("1000")),
            ("1e400", None),
            ("\"1e400\"", None),
            ("\"nan\"", None),
            ("\"inf\"", None),
            ("\"\"", None),
            ("\"0x10\"", None),
            ("\"12 dB\"", None),
            ("true", None),
            ("null", None),
            ("[1]", None),
            ("{}", None),
        ];
        for (given, expected) in cases {
            let read = number(&parsed(given)).map(|value| value.to_string());
            assert_eq!(read.as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn addresses_of_hardware() {
        for (given, expected) in [
            ("02:00:5E:00:00:1f", Some("02005e00001f")),
            ("02-00-5e-00-00-1F", Some("02005e00001f")),
            ("02:00:5e:00:00", None),
            ("02:00:5e:00:00:1f:00", None),
            ("02:00:5e:00:00:1g", None),
            ("2:0:5e:0:0:1f", None),
            ("é:00:5e:00:00:1f", None),
            ("02005e00001f", None),
            ("", None),
        ] {
            assert_eq!(mac_digits(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn flags() {
        for (given, expected) in [
            ("true", Some(true)),
            ("0", Some(false)),
            ("\"false\"", Some(false)),
            ("\"1\"", Some(true)),
            ("1.0", Some(true)),
            ("0.5", None),
            ("2", None),
            ("\"on\"", None),
            ("null", None),
            ("[]", None),
        ] {
            assert_eq!(flag(&parsed(given)), expected, "{given}");
        }
    }

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let json = parsed(r#"{"a":{"b":[10,20]},"c":"text"}"#);
        assert_eq!(at(&json, "a.b.1"), Some(&Json::from(20)));
        assert_eq!(at(&json, "a.b.2"), None);
        assert_eq!(at(&json, "a.b.x"), None);
        assert_eq!(at(&json, "c.d"), None);
    }
}
