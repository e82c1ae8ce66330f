//! How freebox-monitoring 0.9.1 spells some of its tags. They are part of what tells series apart in
//! a database that it has filled.

use std::borrow::Cow;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use crate::metrics::label::Spelling;

/// How many characters it leaves of the names of makers.
const LONGEST_MAKER: usize = 12;

/// A text as it spells it; `None` where it has no such tag.
pub(super) fn spelled(spelling: Spelling, text: Option<&str>) -> Option<Cow<'_, str>> {
    let short = |text: String| text.chars().take(LONGEST_MAKER).collect::<String>();
    match (spelling, text) {
        (Spelling::OrBlank, None) => Some(Cow::Borrowed(" ")),
        (Spelling::PythonBytes, text) => Some(python_bytes(text.unwrap_or("none\n")).into()),
        (_, None) => None,
        (Spelling::AsItIs | Spelling::OrBlank, Some(text)) => Some(Cow::Borrowed(text)),
        (Spelling::Plain, Some(text)) => Some(plain(text).into()),
        (Spelling::PlainMaker, Some(text)) => Some(short(plain(text)).into()),
        (Spelling::WordsOfMaker, Some(text)) => Some(short(words(&plain(text))).into()),
    }
}

/// Without accents: a letter that has one becomes a small one without, a backslash a slash.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let mut parts = Vec::new();
        decompose_canonical(c, |part| parts.push(part));
        match parts.as_slice() {
            ['\\'] => plain.push('/'),
            [letter, marks @ ..]
                if !marks.is_empty() && marks.iter().all(|it| is_combining_mark(*it)) =>
            {
                plain.push(letter.to_ascii_lowercase());
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// Without punctuation: blanks instead, and of several blanks one.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for c in text.chars() {
        let is_blank = c == ' ' || ".:,;\"'".contains(c);
        match is_blank {
            true if words.ends_with(' ') => {}
            true => words.push(' '),
            false => words.push(c),
        }
    }
    words
}

/// As Python shows bytes: `b'/Freebox/disk.qcow2'`, with what is not ASCII by its number.
fn python_bytes(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut shown = format!("b{quote}");
    for byte in text.bytes().map(char::from) {
        match byte {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            byte if byte == quote => shown.extend(['\\', quote]),
            ' '..='~' => shown.push(byte),
            byte => shown.push_str(&format!("\\x{:02x}", u32::from(byte))),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_spelled_as_the_script_spells_them() {
        let cases = [
            (Spelling::AsItIs, "Télé, 1", "Télé, 1"),
            (
                Spelling::Plain,
                "Température CPU: É1",
                "Temperature CPU: e1",
            ),
            (Spelling::Plain, "a\\b ç ß", "a/b c ß"),
            (
                Spelling::PlainMaker,
                "Ëclair. Communications",
                "eclair. Comm",
            ),
            (Spelling::WordsOfMaker, "Freebox S.A.", "Freebox S A "),
            (Spelling::WordsOfMaker, "Free, SA", "Free SA"),
            (
                Spelling::WordsOfMaker,
                "Société d'Été, Inc.",
                "Societe d et",
            ),
            (Spelling::OrBlank, "nas", "nas"),
            (Spelling::PythonBytes, "/Freebox/a.raw", "b'/Freebox/a.raw'"),
            (Spelling::PythonBytes, "é'", r#"b"\xc3\xa9'""#),
            (Spelling::PythonBytes, "'\"\\\t", r#"b'\'"\\\t'"#),
        ];
        for (spelling, given, expected) in cases {
            let spelled = spelled(spelling, Some(given));
            assert_eq!(spelled.as_deref(), Some(expected), "{given}");
        }
        assert_eq!(spelled(Spelling::OrBlank, None).as_deref(), Some(" "));
        assert_eq!(spelled(Spelling::Plain, None), None);
        let none = spelled(Spelling::PythonBytes, None);
        assert_eq!(none.as_deref(), Some("b'none\\n'"));
    }
}
