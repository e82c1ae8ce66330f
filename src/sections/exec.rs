//! The run itself, told like a section: how it went, and how each section did. It is there also
//! when the box is not, so that an outage is a line and not a hole.

use std::time::Duration;

use crate::metrics::group::Group;
use crate::metrics::label::given;
use crate::metrics::metric::{count, flag, gauge, time};
use crate::metrics::sample::Sample;
use crate::metrics::unit::Unit;
use crate::metrics::value::Value;

/// What it can yield.
pub(crate) const GROUPS: &[&Group] = &[&EXEC, &SECTION];

/// What is known of a run when its lines are made.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Whether the box could be used.
    pub(crate) up: bool,
    /// When it started, in seconds since 1970.
    pub(crate) started: u64,
    /// How long it took so far.
    pub(crate) duration: Duration,
    /// Requests to the box.
    pub(crate) requests: u64,
    /// Sessions that were opened.
    pub(crate) logins: u64,
    /// Answers that could not be used.
    pub(crate) errors: usize,
    /// Numbers that have a line.
    pub(crate) samples: usize,
    /// Numbers of earlier minutes, from the box's own history.
    pub(crate) backfilled: usize,
    /// Numbers that could not have one, and lines that waited too long.
    pub(crate) dropped: u64,
    /// Lines of earlier runs that wait for a carbon.
    pub(crate) spooled: u64,
    /// How each section did.
    pub(crate) sections: Vec<SectionFacts>,
}

/// How a section did.
#[derive(Debug)]
pub(crate) struct SectionFacts {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether all its answers could be used.
    pub(crate) ok: bool,
    /// Whether a permission is missing for one of them.
    pub(crate) forbidden: bool,
    /// How long they took, in sum.
    pub(crate) duration: Duration,
}

/// The run, and each of its sections.
pub(crate) fn samples(facts: &Facts) -> Vec<Sample> {
    let whole = |number: u64| i64::try_from(number).ok();
    let counted = |number: usize| i64::try_from(number).ok();
    let run = Sample::new(&EXEC)
        .with(const { EXEC.metric("up") }, Some(facts.up))
        .with(const { EXEC.metric("requests") }, whole(facts.requests))
        .with(const { EXEC.metric("logins") }, whole(facts.logins))
        .with(const { EXEC.metric("errors") }, counted(facts.errors))
        .with(const { EXEC.metric("samples") }, counted(facts.samples))
        .with(
            const { EXEC.metric("backfilled") },
            counted(facts.backfilled),
        )
        .with(const { EXEC.metric("dropped") }, whole(facts.dropped))
        .with(const { EXEC.metric("spooled") }, whole(facts.spooled))
        .with(
            const { EXEC.metric("duration") },
            Some(seconds(facts.duration)),
        )
        .with(const { EXEC.metric("started_time") }, whole(facts.started));
    let sections = facts.sections.iter().map(of_section);
    [run].into_iter().chain(sections).collect()
}

/// A run that could not even begin.
pub(crate) fn failed(started: u64) -> Sample {
    Sample::new(&EXEC)
        .with(const { EXEC.metric("up") }, Some(false))
        .with(
            const { EXEC.metric("started_time") },
            i64::try_from(started).ok(),
        )
}

fn of_section(facts: &SectionFacts) -> Sample {
    Sample::new(&SECTION)
        .with(const { SECTION.metric("ok") }, Some(facts.ok))
        .with(const { SECTION.metric("forbidden") }, Some(facts.forbidden))
        .with(
            const { SECTION.metric("duration") },
            Some(seconds(facts.duration)),
        )
        .label("section", Some(facts.name.to_owned()))
}

/// To the millisecond.
fn seconds(duration: Duration) -> Value {
    Value::Float(duration.as_millis() as f64 / 1000.0)
}

static EXEC: Group = Group::new(
    "exec",
    "exec",
    &[
        flag("up", "Whether the run could use the box").computed(),
        gauge(
            "duration",
            Unit::Second,
            "How long the run took, up to the delivery",
        )
        .computed(),
        count("requests", "Requests that the run made to the box").computed(),
        count("logins", "Sessions that the run opened at the box").computed(),
        count("errors", "Answers of the box that the run could not use").computed(),
        count("samples", "Numbers of the run that have a line").computed(),
        count(
            "backfilled",
            "Numbers of minutes without a run, from the box's own history",
        )
        .computed(),
        count(
            "dropped",
            "Numbers that could not have a line, and lines that waited too long",
        )
        .computed(),
        count("spooled", "Lines of earlier runs that wait for a carbon").computed(),
        time("started_time", "Moment when the run started")
            .computed()
            .constant(),
    ],
)
.of_run()
.measure("exec");

static SECTION: Group = Group::new(
    "exec.section",
    "exec.section.{section}",
    &[
        flag("ok", "Whether all answers for this section could be used").computed(),
        flag(
            "forbidden",
            "Whether a permission for this section is missing",
        )
        .computed(),
        gauge(
            "duration",
            Unit::Second,
            "How long the box took for the answers for this section, in sum",
        )
        .computed(),
    ],
)
.labels(&[given("section").tag("section")])
.of_run()
.measure("exec")
.field_prefix("section_");
