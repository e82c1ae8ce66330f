//! A file of credentials, in both forms.

use crate::api::Address;
use crate::given::{file, log_everything, patience};
use crate::state::credentials::{Credentials, Granted};
use crate::text;

const NAME: &str = "credentials";

/// What is understood holds tokens that can be sent, and is the same after it was written again. What
/// is not understood is told in one line.
pub fn check(data: &[u8]) {
    log_everything();
    let path = file(NAME, data);
    let credentials = match Credentials::load(Some(&path), patience()) {
        Ok(credentials) => credentials,
        Err(error) => return is_told(&error.to_string(), data),
    };
    let boxes = credentials.boxes().to_vec();
    assert!(boxes.iter().all(|it| it.app_token.is_token()));
    is_picked(&credentials);
    let Some(last) = boxes.last() else {
        return;
    };
    let Ok(mut file) = credentials.opened_for_adding(Some(&path)) else {
        return;
    };
    let mut expected: Vec<Granted> = file.others(last, None).cloned().collect();
    expected.push(last.clone());
    file.store(last, None).expect("written");
    let read = Credentials::load(Some(&path), patience()).expect("what was written");
    assert_eq!(read.boxes(), expected);
}

/// A token is in no error. It may have been put where a name is, which people see; so only what stands
/// nowhere else in the file is looked for.
fn is_told(words: &str, data: &[u8]) {
    text::words(words);
    let Ok(data) = std::str::from_utf8(data) else {
        return;
    };
    let tokens = data.split("app_token").skip(1).filter_map(|rest| {
        let is_token = |c: char| c.is_ascii_alphanumeric();
        let start = rest.find(is_token)?;
        let length = rest[start..].find(|c| !is_token(c));
        Some(&rest[start..start + length.unwrap_or(rest.len() - start)])
    });
    let mut secret = tokens.filter(|it| it.len() > 8 && data.matches(it).count() == 1);
    assert!(!secret.any(|it| words.contains(it)), "{words}");
}

/// Whatever is asked of it has an answer; a box that is picked is one of those in it.
fn is_picked(credentials: &Credentials) {
    let boxes = credentials.boxes();
    for granted in boxes.iter().take(5) {
        let place: Option<Address> = granted.label_address();
        for name in [None, granted.name.as_deref(), granted.uid.as_deref()] {
            match credentials.pick(place.as_ref(), name) {
                Ok(picked) => assert!(boxes.contains(picked)),
                Err(error) => text::words(&error.to_string()),
            }
        }
        if let Some(place) = &place {
            credentials.of_box(granted.uid.as_deref(), place);
        }
    }
}
