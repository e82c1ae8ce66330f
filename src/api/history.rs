//! Asking for the box's own history. <https://dev.freebox.fr/sdk/os/rrd/>
//!
//! A question may come as parameters of the path, which needs no permission, or as JSON, as the
//! box's own pages do it, which wants one that a new application does not have. So the first is
//! tried first.

use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value as Json, json};

use super::error::{Meaning, Reason, RequestError};
use super::live::Live;
use super::recording::{HISTORY, history_path};

/// A question about the history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    /// The name of a database.
    pub(crate) database: &'a str,
    /// From when on, in seconds since 1970.
    pub(crate) from: u64,
    /// Until when.
    pub(crate) until: u64,
    /// What the box is to multiply its numbers by before it cuts them to whole ones.
    pub(crate) precision: u64,
}

impl Query<'_> {
    /// The path of its database.
    pub(crate) fn name(&self) -> String {
        history_path(self.database)
    }

    fn path(&self) -> String {
        let (from, until, precision) = (self.from, self.until, self.precision);
        let name = self.name();
        format!("{name}&date_start={from}&date_end={until}&precision={precision}")
    }

    fn json(&self) -> Json {
        json!({
            "db": self.database, "date_start": self.from, "date_end": self.until,
            "precision": self.precision,
        })
    }
}

/// The way of asking that has worked.
#[derive(Debug, Default)]
pub(super) struct Way(AtomicU8);

const UNKNOWN: u8 = 0;
const PARAMETERS: u8 = 1;
const JSON: u8 = 2;

impl Way {
    /// Asks in the way that works.
    pub(super) fn ask(&self, live: &Live, query: &Query) -> Result<Json, RequestError> {
        let way = self.0.load(Ordering::Relaxed);
        let by_json = || live.post_by_the_way(HISTORY, &query.json());
        if way == JSON {
            return by_json();
        }
        let declined = match live.get_by_the_way(&query.path()) {
            Err(error) if way == UNKNOWN && is_no(&error) => error,
            other => return self.learned(PARAMETERS, other),
        };
        // What keeps the other way closed says more, where that is a permission.
        self.learned(JSON, by_json())
            .map_err(|error| match error.meaning() {
                Meaning::Forbidden => error,
                _ => declined,
            })
    }

    fn learned(&self, way: u8, answer: Result<Json, RequestError>) -> Result<Json, RequestError> {
        if answer.is_ok() {
            self.0.store(way, Ordering::Relaxed);
        }
        answer
    }
}

/// Whether the box has understood and does not want to. A fault of its own is none of that, though in
/// sections it may stand for what is not there.
fn is_no(error: &RequestError) -> bool {
    match &error.reason {
        Reason::Declined(declined) if declined.code == "internal_error" => false,
        Reason::Declined(_) => error.meaning() != Meaning::Broken,
        _ => false,
    }
}
