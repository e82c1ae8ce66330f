//! The wrapping around every answer: `success`, `result`, `error_code`, `msg`. It is taken off
//! here and nowhere else. <https://dev.freebox.fr/sdk/os/#api-response>

use serde_json::{Map, Value as Json};

use super::error::{Declined, Kind};
use crate::base::error::one_line;
use crate::metrics::reading::text;

/// Reads a body as JSON. Lenient about a byte order mark and about text that is not UTF-8; the
/// words of the error tell a cut answer from one that is no JSON at all.
pub(super) fn parse(status: u16, body: &[u8]) -> Result<Json, Kind> {
    let body = String::from_utf8_lossy(body);
    let body = body.trim_start_matches('\u{feff}').trim();
    serde_json::from_str(body).map_err(|error| {
        if body.is_empty() {
            return Kind::NoAnswer(format!("HTTP status {status} with nothing in it"));
        }
        if body.starts_with('<') {
            let words = "a web page instead of the API: another device, or a sign-in page";
            return Kind::NoAnswer(format!("HTTP status {status} with {words}"));
        }
        match error.classify() {
            serde_json::error::Category::Eof => Kind::NotUnderstood(format!(
                "the answer is cut short after {} bytes",
                body.len()
            )),
            _ => Kind::NotUnderstood(format!("the answer is not JSON: {error}")),
        }
    })
}

/// Takes the envelope off: the result, `null` if there is none. Only `success` decides, not the
/// HTTP status.
pub(super) fn open(answer: Json) -> Result<Json, Kind> {
    let Json::Object(mut envelope) = answer else {
        return Err(no_envelope());
    };
    match envelope.get("success").map(crate::metrics::reading::flag) {
        Some(Some(true)) => Ok(envelope.remove("result").unwrap_or(Json::Null)),
        Some(Some(false)) => Err(Kind::Declined(declined(&envelope))),
        _ => Err(no_envelope()),
    }
}

fn no_envelope() -> Kind {
    Kind::NotUnderstood("the answer does not say whether it is a success".to_owned())
}

fn declined(envelope: &Map<String, Json>) -> Declined {
    let word = |key| envelope.get(key).and_then(text).map(|text| one_line(&text));
    let code = word("error_code").unwrap_or_default();
    let right = (code == "insufficient_rights")
        .then(|| word("missing_right").unwrap_or_else(|| "unknown".to_owned()));
    Declined {
        code,
        message: word("msg").unwrap_or_default(),
        right,
        uid: word("uid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of a body in a few words.
    fn outcome(body: &str) -> String {
        match parse(200, body.as_bytes()).and_then(open) {
            Ok(result) => result.to_string(),
            Err(Kind::Declined(declined)) => format!("declined {}", declined.code),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn envelopes() {
        let cases = [
            (r#"{"success":true,"result":{"a":1}}"#, r#"{"a":1}"#),
            (r#"{"success":true}"#, "null"),
            ("\u{feff}{\"success\":true,\"result\":[]}\r\n", "[]"),
            (r#"{"success":"true","result":1}"#, "1"),
            (
                r#"{"success":false,"error_code":"noent"}"#,
                "declined noent",
            ),
            (r#"{"success":false,"msg":"invalid_db"}"#, "declined "),
            ("[]", "the answer does not say whether it is a success"),
            ("{}", "the answer does not say whether it is a success"),
            ("", "HTTP status 200 with nothing in it"),
            (r#"{"success":tr"#, "the answer is cut short after 13 bytes"),
        ];
        for (body, expected) in cases {
            assert_eq!(outcome(body), expected, "{body}");
        }
        assert!(outcome("<!DOCTYPE html>").contains("a web page"));
        assert!(outcome("{]").starts_with("the answer is not JSON"));
    }

    #[test]
    fn latin_1_in_a_name_does_not_cost_the_answer() {
        let body = b"{\"success\":true,\"result\":\"caf\xe9\"}";
        assert!(parse(200, body).is_ok());
    }

    #[test]
    fn a_missing_right_is_named_with_the_place_to_tick_it() {
        let answer = r#"{"success":false,"error_code":"insufficient_rights","missing_right":"vm"}"#;
        let Err(Kind::Declined(declined)) = parse(403, answer.as_bytes()).and_then(open) else {
            panic!("not declined");
        };
        let words = declined.to_string();
        assert!(
            words.contains("'vm'") && words.contains("Gestion des accès"),
            "{words}"
        );
    }
}
