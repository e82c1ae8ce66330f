//! Asks for what the box remembers, a window at a time, the newest first.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::api::{Client, Meaning, Query, Reason, RequestError, history_path, permission};
use crate::base::spans::{Span, Spans};
use crate::history::{Answer, DATABASES, Database, Moments, Search, moments};
use crate::metrics::sample::Sample;
use crate::sections::patch;
use crate::state::coverage::Answered;

/// What the box has told of a window.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// Its numbers, as far as they are missing.
    pub(crate) moments: Moments<'a>,
    /// What need not be asked for any more.
    pub(crate) done: Spans,
    /// Whether its clock has not come to that window yet.
    pub(crate) is_behind: bool,
    /// How far apart its points were, in seconds.
    pub(crate) step: Option<u64>,
    /// The oldest that it knew of in that window, in seconds since 1970.
    pub(crate) begins: Option<u64>,
}

/// Who asks, and for whose sake.
pub(crate) struct Past<'a> {
    client: &'a Client,
    live: Cow<'a, [Sample]>,
    now: u64,
}

/// What the box remembers of a database in a time, as it says it.
///
/// # Errors
/// When it does not tell.
pub(crate) fn remembered(
    client: &Client,
    database: &Database,
    (from, until): Span,
) -> Result<Json, RequestError> {
    client.remembered(&Query {
        database: database.database,
        from,
        until,
        precision: database.precision,
    })
}

/// The same, taken apart.
///
/// # Errors
/// When it does not tell, or something that is no history.
pub(crate) fn answer(
    client: &Client,
    database: &Database,
    span: Span,
) -> Result<Answer, RequestError> {
    let path = || history_path(database.database);
    let strange = |words| RequestError::new(path(), Reason::NotUnderstood(words));
    Answer::of(remembered(client, database, span)?).map_err(strange)
}

/// What an error means for the questions to come.
pub(crate) fn answered(error: &RequestError) -> Answered {
    let is_no = match error.meaning() {
        Meaning::Forbidden | Meaning::NotHere => true,
        // An unknown database has no code, only these words.
        Meaning::Unclear => matches!(
            &error.reason,
            Reason::Declined(it) if ["", "invalid_db"].contains(&it.code.as_str())
        ),
        Meaning::Broken => false,
    };
    match (is_no, error.is_answer()) {
        (true, _) => Answered::No,
        (false, true) => Answered::Failed,
        (false, false) => Answered::Silent,
    }
}

/// What is to be said of an error: what is wrong, and what becomes of gaps.
pub(crate) fn consequence(error: &RequestError) -> (String, String) {
    match (error.missing_right(), answered(error)) {
        (Some(right), _) => (
            permission::is_missing(right),
            format!("to have gaps filled, {}", permission::how_to_give()),
        ),
        (None, Answered::No) => (error.to_string(), "gaps stay empty".to_owned()),
        (None, _) => (error.to_string(), "gaps are filled later".to_owned()),
    }
}

/// The time of the newest point that the box tells of, in seconds since 1970: what a recording takes
/// for now.
pub(crate) fn newest_point(client: &Client) -> Option<u64> {
    let last = |database| answer(client, database, (0, 0)).ok()?.ends();
    DATABASES.iter().filter_map(last).max()
}

impl<'a> Past<'a> {
    /// For the entities of a `live` run, at a time in seconds since 1970. Where the box mixes the
    /// directions of the line up, which `is_patched` in what is live, its upload figures are none.
    pub(crate) fn new(client: &'a Client, live: &'a [Sample], now: u64, is_patched: bool) -> Self {
        let mut live = Cow::Borrowed(live);
        if is_patched {
            patch::without_upload(live.to_mut());
        }
        Past { client, live, now }
    }

    /// Asks for the newest of what is looked for in a database; `None` where nothing is missing that
    /// the box can have by now. What it has told is nothing where the same is to be asked for again,
    /// less at a time.
    pub(crate) fn ask(
        &self,
        database: &Database,
        search: &mut Search,
    ) -> Option<Result<Option<Told<'_>>, RequestError>> {
        let window = search.window(self.now)?;
        let answer = answer(self.client, database, (window.from, window.until));
        Some(answer.map(|answer| {
            let missing = search.missing.clone();
            let done = search.settle(window, &answer, self.now)?;
            Some(Told {
                moments: moments(database, &self.live, &answer, window, (&done, &missing)),
                done,
                is_behind: answer.is_behind(window),
                step: answer.step(),
                begins: answer.begins(window),
            })
        }))
    }
}
