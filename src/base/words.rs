//! The words of a run, for people: one line each on stderr, by way of `log`.
//!
//! Usually a line is written as it comes. Where the same trouble is not to be said each minute
//! (`--repeat-after`), the errors and warnings of a run are held back until its end; which of them
//! are said then is decided by who has held them. For that a line has a *scope*: what it is about.
//! By the custom of this program that stands before the first colon (`section lan: …`, `carbon at
//! localhost:2003: …`); where it does not, the target of the record says it ([`about`]).

use std::env;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard};

use log::{Level, LevelFilter};

use crate::base::error::one_line;
use crate::base::threads;

/// The scope of whatever is wrong with the box itself.
pub(crate) const BOX: &str = "the box";
/// What a run has looked at that came to its end: everything that has no scope of its own.
pub(crate) const THE_REST: &str = "the rest";

const CRATE: &str = env!("CARGO_CRATE_NAME");
/// What the target of a record begins with that says its scope.
const ABOUT: &str = concat!(env!("CARGO_CRATE_NAME"), "::about::");
/// How lines begin that are about something by its name.
const NAMED: [&str; 3] = ["section ", "carbon at ", "graphite-web at "];

/// The words of the run that is under way, if they are held back.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// What a run wanted to say.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Its errors and warnings, in the order in which they came.
    pub(crate) heard: Vec<Heard>,
    /// What it has looked at: where it found no trouble, there is none.
    pub(crate) looked_at: Vec<String>,
}

/// An error or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Which of the two.
    pub(crate) level: Level,
    /// What it is about, if that has a name that every run knows.
    pub(crate) scope: Option<String>,
    /// The line, without what all lines begin with.
    pub(crate) words: String,
}

/// Starts the log. The libraries below stay silent at every level: what they would say of headers
/// and bodies is not theirs to tell.
pub(crate) fn start(debug: bool) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(match debug {
        true => LevelFilter::Debug,
        false => LevelFilter::Warn,
    });
    // What cannot be understood is as if it were not there: env_logger would complain of it.
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    if env_filter::Builder::new().try_parse(&wanted).is_ok() {
        builder.parse_filters(&wanted);
    }
    builder.format(|out, record| {
        if !record.target().starts_with(CRATE) {
            return Ok(());
        }
        let words = one_line(&record.args().to_string());
        match is_held(record.level(), record.target(), &words) {
            true => Ok(()),
            false => writeln!(out, "{}", line(record.level(), &words)),
        }
    });
    builder.init();
}

/// The target for a record that is about this: `log::warn!(target: &about("…"), "…")`.
pub(crate) fn about(scope: &str) -> String {
    format!("{ABOUT}{scope}")
}

/// Holds the errors and warnings back that come from now on.
pub(crate) fn hold() {
    held().get_or_insert_default();
}

/// Gives what was held back since, and holds nothing back any more.
pub(crate) fn release() -> Held {
    held().take().unwrap_or_default()
}

/// Notes that the run has looked at something: what it does not complain of is well.
pub(crate) fn looked_at(scope: &str) {
    if let Some(held) = held().as_mut() {
        held.looked_at.push(scope.to_owned());
    }
}

/// Says what was held back.
pub(crate) fn say(heard: &Heard) {
    // Where everything is said as it comes, it has been.
    if !is_everything_said() {
        super::stderr::say(&line(heard.level, &heard.words));
    }
}

/// Says something good, unless nothing is to be said at all.
pub(crate) fn say_good_news(words: &str) {
    if log::log_enabled!(target: CRATE, Level::Error) {
        super::stderr::say(&line(Level::Error, words));
    }
}

fn line(level: Level, words: &str) -> String {
    let level = match level {
        Level::Error => "",
        Level::Warn => "warning: ",
        _ => "debug: ",
    };
    format!("freebox-monitor: {level}{words}")
}

/// Takes a line that is held back; whether that was all.
fn is_held(level: Level, target: &str, words: &str) -> bool {
    let mut held = held();
    let Some(held) = held.as_mut().filter(|_| level <= Level::Warn) else {
        return false;
    };
    held.heard.push(Heard {
        level,
        scope: scope(target, words),
        words: words.to_owned(),
    });
    !is_everything_said()
}

/// Whoever wants to see what happens wants to see it when it happens.
fn is_everything_said() -> bool {
    log::log_enabled!(target: CRATE, Level::Debug)
}

fn scope(target: &str, words: &str) -> Option<String> {
    let named = || {
        let (scope, _) = words.split_once(": ")?;
        let is_named = NAMED.iter().any(|name| scope.starts_with(name));
        is_named.then_some(scope)
    };
    target.strip_prefix(ABOUT).or_else(named).map(str::to_owned)
}

fn held() -> MutexGuard<'static, Option<Held>> {
    threads::lock(&HELD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_is_about_stands_before_its_colon_or_in_its_target() {
        let cases = [
            ("x", "section lan: lan/: no", Some("section lan")),
            (
                "x",
                "carbon at [::1]:2003: no connection: x",
                Some("carbon at [::1]:2003"),
            ),
            ("x", "template a: line 1", None),
            ("x", "section", None),
            (&about(BOX), "login/: no", Some(BOX)),
        ];
        for (target, words, expected) in cases {
            assert_eq!(scope(target, words).as_deref(), expected, "{words}");
        }
    }
}
