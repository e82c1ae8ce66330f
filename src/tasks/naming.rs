//! What a box is called in paths. Two boxes of one file never have the same name there.

use crate::api::Address;
use crate::base::error::{Error, one_line};
use crate::state::credentials::{Credentials, Granted};
use crate::template::node;

/// How much of the uid tells two boxes of one name apart, at least.
const DIGITS: usize = 4;

/// The name for a run of a registered box at this address: what is `said`, what is stored, or the
/// place.
///
/// # Errors
/// When what is said is the name of another box.
pub(crate) fn in_run(
    credentials: &Credentials,
    granted: &Granted,
    said: Option<&str>,
    address: &Address,
) -> Result<String, Error> {
    let others = credentials.boxes().iter();
    // What stands at the same place is a box that this one has replaced.
    let others = others.filter(|it| !it.is_beside(granted));
    if let Some(said) = said {
        must_be_free(said, others, credentials)?;
        return Ok(said.to_owned());
    }
    let own = stored(granted).unwrap_or_else(|| address.place());
    let before = credentials.boxes().iter().take_while(|it| *it != granted);
    let taken = others.filter(|other| before.clone().any(|it| it == *other));
    Ok(made_unique(own, granted.uid.as_deref(), taken))
}

/// The name to store with a box: what is `said`, what the box was called until now, or its model
/// in a word.
///
/// # Errors
/// When what is said is the name of another box.
pub(crate) fn to_store(
    credentials: &Credentials,
    granted: &Granted,
    until_now: Option<&Granted>,
    said: Option<&str>,
    family: &str,
) -> Result<String, Error> {
    let others = credentials.others(granted, until_now);
    match (said, until_now) {
        (Some(said), _) => {
            must_be_free(said, others, credentials)?;
            Ok(said.to_owned())
        }
        (None, Some(until_now)) => Ok(own(until_now)),
        (None, None) => Ok(made_unique(
            family.to_owned(),
            granted.uid.as_deref(),
            others,
        )),
    }
}

fn must_be_free<'a>(
    said: &str,
    mut others: impl Iterator<Item = &'a Granted>,
    credentials: &Credentials,
) -> Result<(), Error> {
    match others.find(|it| node(&own(it)) == node(said)) {
        None => Ok(()),
        Some(other) => Err(Error::misuse(format!(
            "{}: the box at {} is called {} in paths already; give another --name",
            credentials.path().display(),
            one_line(other.place()),
            node(said)
        ))),
    }
}

/// The name, with some of the uid behind it if others have that name.
fn made_unique<'a>(
    name: String,
    uid: Option<&str>,
    others: impl Iterator<Item = &'a Granted>,
) -> String {
    let taken: Vec<String> = others.map(|it| node(&own(it))).collect();
    let is_free = |name: &String| !taken.contains(&node(name));
    let digits: Vec<char> = uid.unwrap_or_default().chars().collect();
    let longer = (DIGITS.min(digits.len())..=digits.len()).map(|count| {
        let last: String = digits[digits.len() - count..].iter().collect();
        format!("{name}_{last}")
    });
    // Where there is no uid to tell them apart, numbers do.
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.clone()).chain(longer).chain(numbered);
    names.find(is_free).unwrap_or(name.clone())
}

/// What a stored box is called.
fn own(granted: &Granted) -> String {
    let place = || granted.label_address().map(|it| it.place());
    stored(granted)
        .or_else(place)
        .unwrap_or_else(|| granted.place().to_owned())
}

fn stored(granted: &Granted) -> Option<String> {
    granted.name.clone().filter(|name| !name.is_empty())
}
