//! The run itself, told like a section: how it went, and how each section did. It is there also
//! when the box is not, so that an outage is a line and not a hole.

use std::time::Duration;

use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, gauge, state};
use crate::metrics::sample::Sample;
use crate::metrics::value::Value;

/// What it can yield.
pub(crate) const GROUPS: &[&Group] = &[&EXEC, &SECTION];

/// What is known of a run when its lines are made.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Whether the box could be used.
    pub(crate) up: bool,
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
    /// Numbers that could not have one, and lines that waited too long.
    pub(crate) dropped: u64,
    /// Lines of earlier runs that wait for a carbon.
    pub(crate) spooled: u64,
    /// Each section: its name, whether all its answers could be used, how long they took.
    pub(crate) sections: Vec<(&'static str, bool, Duration)>,
}

/// The run, and each of its sections.
pub(crate) fn samples(facts: &Facts) -> Vec<Sample> {
    let mut run = Sample::new(&EXEC)
        .with("up", Some(facts.up.into()))
        .with("requests", i64::try_from(facts.requests).ok())
        .with("logins", i64::try_from(facts.logins).ok())
        .with("errors", i64::try_from(facts.errors).ok())
        .with("samples", i64::try_from(facts.samples).ok())
        .with("dropped", i64::try_from(facts.dropped).ok())
        .with("spooled", i64::try_from(facts.spooled).ok());
    set_duration(&mut run, facts.duration);
    let sections = facts.sections.iter().map(|&(name, ok, duration)| {
        let mut section = Sample::new(&SECTION)
            .with("ok", Some(ok.into()))
            .label("section", Some(name.to_owned()));
        set_duration(&mut section, duration);
        section
    });
    [run].into_iter().chain(sections).collect()
}

/// In seconds, to the millisecond.
fn set_duration(sample: &mut Sample, duration: Duration) {
    let metric = sample
        .group
        .metrics
        .iter()
        .find(|metric| metric.name == "duration");
    let seconds = duration.as_millis() as f64 / 1000.0;
    sample
        .values
        .extend(metric.map(|metric| (metric, Value::Float(seconds))));
}

static EXEC: Group = Group::new(
    "exec",
    &[
        state("up", Kind::Flag, "The box could be used").computed(),
        gauge("duration", "s", "How long the run took, up to the delivery").computed(),
        gauge("requests", "count", "Requests to the box").computed(),
        gauge("logins", "count", "Sessions that were opened").computed(),
        gauge("errors", "count", "Answers that could not be used").computed(),
        gauge("samples", "count", "Numbers that have a line").computed(),
        gauge(
            "dropped",
            "count",
            "Numbers that could not have one, and lines that waited too long",
        )
        .computed(),
        gauge(
            "spooled",
            "count",
            "Lines of earlier runs that wait for a carbon",
        )
        .computed(),
    ],
)
.measurement("freebox_exec")
.field_prefix("exec_");

static SECTION: Group = Group::new(
    "exec.section",
    &[
        state("ok", Kind::Flag, "All its answers could be used").computed(),
        gauge(
            "duration",
            "s",
            "How long the box took for its answers, in sum",
        )
        .computed(),
    ],
)
.identity(&[&["section"]])
.measurement("freebox_exec")
.field_prefix("exec_section_");
