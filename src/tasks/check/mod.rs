//! `--check`: everything a run depends on, step by step, with what to do where something is wrong.

mod delivery;
mod machine;
mod report;
mod the_box;
mod way;

use crate::base::error::{Error, Exit};
use crate::cli::Settings;
use crate::tasks::target;
use report::Report;

/// Goes through every step and prints a tick or a cross for each. The exit code is that of a run
/// with the same options, a strict one: somebody who looks wants to know.
///
/// # Errors
/// When the report cannot be printed, or the credentials name no place.
pub(crate) fn check(settings: &Settings) -> Result<Exit, Error> {
    let mut report = Report::new();
    let Some(times) = machine::clock(settings, &mut report)? else {
        report.skip("everything else", "not tried with such a clock")?;
        report.end()?;
        return Ok(report.exit);
    };
    machine::template(settings, &times, &mut report)?;
    let granted = machine::credentials(settings, &times, &mut report)?;
    delivery::output(settings, &mut report)?;
    let search = match &granted {
        Some((_, search)) => search.clone(),
        None => target::search(&settings.target, None)?,
    };
    let uid = granted.as_ref().and_then(|(it, _)| it.uid.as_deref());
    let folder = target::folder(uid, &search.address);
    machine::state(&folder, &mut report)?;
    let endpoint = way::the_way(settings, &times, &search, &mut report)?;
    match (granted, endpoint) {
        (Some((granted, search)), Some(endpoint)) => {
            the_box::the_box(settings, &times, &granted, search, endpoint, &mut report)?;
        }
        _ => report.skip("session, sections", "not tried without the steps above")?,
    }
    delivery::delivery(settings, &times, &folder, &mut report)?;
    report.end()?;
    Ok(report.exit)
}
