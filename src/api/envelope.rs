//! The wrapping around every answer: `success`, `result`, `error_code`, `msg`. It is taken off
//! here and nowhere else. <https://dev.freebox.fr/sdk/os/#api-response>

use serde_json::{Map, Value as Json};

use super::error::{Declined, Reason};
use super::permission::UNNAMED;
use crate::base::error::one_line;
use crate::metrics::lenient::text;

/// Reads a body as JSON. Lenient about a byte order mark and about text that is not UTF-8; the
/// words of the error tell a cut answer from one that is no JSON at all.
pub(super) fn parse(status: u16, body: &[u8]) -> Result<Json, Reason> {
    let body = String::from_utf8_lossy(body);
    let body = body.trim_start_matches('\u{feff}').trim();
    serde_json::from_str(body).map_err(|error| {
        if body.is_empty() {
            return Reason::NoAnswer(format!("HTTP status {status} with nothing in it"));
        }
        if body.starts_with('<') {
            let words = "a web page instead of the API: another device, or a sign-in page";
            let title = quoted(&title(body));
            return Reason::NoAnswer(format!("HTTP status {status} with {words}{title}"));
        }
        if !body.starts_with(['{', '[']) && status >= 400 {
            let said = quoted(body);
            return Reason::NoAnswer(format!("HTTP status {status} with a text{said}"));
        }
        match error.classify() {
            serde_json::error::Category::Eof => Reason::NotUnderstood(format!(
                "the answer is cut short after {} bytes",
                body.len()
            )),
            _ => Reason::NotUnderstood(format!("the answer is not JSON: {error}")),
        }
    })
}

/// What a page is about, in its own words.
fn title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>").map(|it| it + "<title>".len());
    let title = start.and_then(|start| page.get(start..start + lower[start..].find('<')?));
    title.unwrap_or_default().to_owned()
}

/// A text of somebody's, in brackets behind what is said of it, shortened to what helps. What looks
/// like a token is not shown: whoever answers may repeat what was sent.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 120;
    const LONGEST_WORD: usize = 20;
    let plain = one_line(text);
    let shown = |word: &str| match word.chars().count() > LONGEST_WORD {
        true => "…".to_owned(),
        false => word.to_owned(),
    };
    let words: Vec<String> = plain.split_whitespace().map(shown).collect();
    let words = words.join(" ");
    match words.chars().count() {
        0 => String::new(),
        1..=LONGEST => format!(" (\"{words}\")"),
        _ => format!(
            " (\"{}…\")",
            words.chars().take(LONGEST).collect::<String>()
        ),
    }
}

/// Takes the envelope off: the result, `null` if there is none. Only `success` decides, not the
/// HTTP status.
pub(super) fn open(answer: Json) -> Result<Json, Reason> {
    let Json::Object(mut envelope) = answer else {
        return Err(no_envelope());
    };
    match envelope.get("success").map(crate::metrics::lenient::flag) {
        Some(Some(true)) => Ok(envelope.remove("result").unwrap_or(Json::Null)),
        Some(Some(false)) => Err(Reason::Declined(declined(&envelope))),
        _ => Err(no_envelope()),
    }
}

fn no_envelope() -> Reason {
    Reason::NotUnderstood("the answer does not say whether it is a success".to_owned())
}

fn declined(envelope: &Map<String, Json>) -> Declined {
    let word = |key| envelope.get(key).and_then(text).map(|text| one_line(&text));
    let code = word("error_code").unwrap_or_default();
    let right = (code == "insufficient_rights")
        .then(|| word("missing_right").unwrap_or_else(|| UNNAMED.to_owned()));
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
            Err(Reason::Declined(declined)) => format!("declined {}", declined.code),
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
    fn a_refusal_in_words_is_shown_without_what_may_be_a_token() {
        let said = |status, body: &str| match parse(status, body.as_bytes()) {
            Err(reason) => reason.to_string(),
            Ok(json) => panic!("{json}"),
        };
        let token = "dGVzdC10b2tlbi9vZi1hLXNpbXVsYXRlZCtib3g";
        assert_eq!(
            said(403, &format!("Access denied\r\nfor {token}\n")),
            "HTTP status 403 with a text (\"Access denied for …\")"
        );
        let page = "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>";
        assert!(said(502, page).ends_with("a sign-in page (\"502 Bad Gateway\")"));
        assert!(said(200, "<p>é<title>").ends_with("a sign-in page"));
        assert!(said(500, &"no ".repeat(99)).ends_with("no …\")"));
        assert!(said(200, "no").starts_with("the answer is not JSON"));
    }

    #[test]
    fn latin_1_in_a_name_does_not_cost_the_answer() {
        let body = b"{\"success\":true,\"result\":\"caf\xe9\"}";
        assert!(parse(200, body).is_ok());
    }

    #[test]
    fn a_missing_right_is_named_with_the_place_to_tick_it() {
        let answer = r#"{"success":false,"error_code":"insufficient_rights","missing_right":"vm"}"#;
        let Err(Reason::Declined(declined)) = parse(403, answer.as_bytes()).and_then(open) else {
            panic!("not declined");
        };
        let words = declined.to_string();
        assert!(
            words.contains("'vm'") && words.contains("Gestion des accès"),
            "{words}"
        );
    }
}
