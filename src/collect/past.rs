//! Asks for what the box remembers, a window at a time, the newest first.

use crate::api::{Client, Query, Reason, RequestError};
use crate::base::spans::{Span, Spans};
use crate::history::{Answer, DATABASES, Database, Moment, moments, newest};
use crate::metrics::sample::Sample;
use crate::sections::patch;
use crate::state::coverage::Missing;

/// What the box has told of a window.
#[derive(Debug)]
pub(crate) struct Told {
    /// Its numbers, as far as they are missing.
    pub(crate) moments: Vec<Moment>,
    /// What need not be asked for any more.
    pub(crate) done: Spans,
    /// What it may tell in some minutes.
    pub(crate) later: Spans,
    /// Whether its clock has not come to that window yet.
    pub(crate) is_before: bool,
    /// How far apart its points were, in seconds.
    pub(crate) step: Option<u64>,
    /// The oldest that it knew of, in seconds since 1970.
    pub(crate) begins: Option<u64>,
}

impl Told {
    /// Takes the upload figures of the line out, of a box that mixes them up.
    pub(crate) fn without_upload(mut self) -> Self {
        let moments = self.moments.iter_mut();
        moments.for_each(|it| patch::without_upload(&mut it.samples));
        self
    }
}

/// What the box tells of a database.
///
/// # Errors
/// When it does not tell, or something that is no history.
pub(crate) fn answer(
    client: &Client,
    database: &Database,
    (from, until): Span,
) -> Result<Answer, RequestError> {
    let query = Query {
        database: database.database,
        from,
        until,
        precision: database.precision,
    };
    let strange = |words| RequestError::new(query.name(), Reason::NotUnderstood(words));
    Answer::of(client.remembered(&query)?).map_err(strange)
}

/// The time of the newest point that the box tells of, in seconds since 1970: what a recording takes
/// for now.
pub(crate) fn newest_point(client: &Client) -> Option<u64> {
    let last = |database| answer(client, database, (0, 0)).ok()?.ends();
    DATABASES.iter().filter_map(last).max()
}

/// Asks for the newest of what is missing of a database, for the entities of a live run; `None` where
/// nothing is missing that the box can have by `now`.
pub(crate) fn ask(
    client: &Client,
    database: &Database,
    live: &[Sample],
    missing: &Missing,
    now: u64,
) -> Option<Result<Told, RequestError>> {
    let window = newest(&missing.spans, now, missing.grain, missing.step)?;
    let answer = answer(client, database, (window.from, window.until));
    Some(answer.map(|answer| {
        let wanted = missing.spans.within((window.from, window.until));
        let fate = answer.fate(window, &wanted, now);
        let spans = (&fate.done, &missing.spans);
        Told {
            is_before: answer.is_before(window),
            moments: moments(database, live, &answer, window, spans),
            done: fate.done,
            later: fate.later,
            step: answer.step(),
            begins: answer.begins(),
        }
    }))
}
