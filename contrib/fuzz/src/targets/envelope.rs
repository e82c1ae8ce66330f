//! The wrapping around an answer: any status, any bytes.

#[path = "../../../../src/api/envelope.rs"]
mod envelope;
#[path = "../../../../src/api/error.rs"]
mod error;
#[path = "../../../../src/api/permission.rs"]
mod permission;

use error::{Reason, RequestError};

use crate::text;

/// The longest that an error may be, in characters: it is one line for a person.
const LONGEST: usize = 1000;
/// No token has fewer characters.
const TOKEN: usize = 64;

/// The first two bytes are the status. What is no answer is told in one line of a bearable length,
/// and nothing in it is as long as a token.
pub fn check(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk::<2>() else {
        return;
    };
    let answer = envelope::parse(u16::from_le_bytes(*status), body).and_then(envelope::open);
    let Err(reason) = answer else {
        return;
    };
    let is_declined = matches!(reason, Reason::Declined(_));
    let error = RequestError::new("connection/", reason);
    let words = error.to_string();
    text::words(&words);
    assert!(words.chars().count() < LONGEST, "{words}");
    let mut long = words.split_whitespace().map(|word| word.chars().count());
    assert!(is_declined || !long.any(|it| it >= TOKEN), "{words}");
    // Whatever is asked of an error has an answer.
    std::hint::black_box((error.meaning(), error.missing_right(), error.is_answer()));
}
