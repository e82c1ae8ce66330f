//! The steps about this machine: its clock, its files.

use std::fs;
use std::path::Path;

use super::report::Report;
use crate::api::Search;
use crate::base::error::{Error, Exit};
use crate::base::files;
use crate::cli::Settings;
use crate::encode::Format;
use crate::state::credentials::Granted;
use crate::state::folder::StateFolder;
use crate::tasks::times::Times;
use crate::tasks::{target, templates};

/// How many of the files in a folder are named.
const NAMED: usize = 6;

/// The times of the check, if the clock can be right.
pub(super) fn clock(settings: &Settings, report: &mut Report) -> Result<Option<Times>, Error> {
    match Times::start(settings.timeout) {
        Ok(times) => {
            report.tick("clock", "it can be right")?;
            Ok(Some(times))
        }
        Err(error) => {
            let advice = "set it, and have it kept right (timedatectl set-ntp true): each line \
                          has its time from there";
            report.cross(error.exit(), "clock", &error.to_string(), advice)?;
            Ok(None)
        }
    }
}

pub(super) fn template(
    settings: &Settings,
    times: &Times,
    report: &mut Report,
) -> Result<(), Error> {
    if settings.format != Format::Graphite {
        return report.skip("template", &format!("-f {} uses none", settings.format));
    }
    match templates::checked(settings.template.as_ref(), times.end) {
        Ok((name, _)) => report.tick("template", &format!("{name}: every metric has its path")),
        Err(error) => report.cross(
            error.exit(),
            "template",
            &error.to_string(),
            "mend it there; --print-template -t dotted prints one that works",
        ),
    }
}

pub(super) fn credentials(
    settings: &Settings,
    times: &Times,
    report: &mut Report,
) -> Result<Option<(Granted, Search)>, Error> {
    match target::registered(&settings.target, settings.config.as_deref(), times.end) {
        Ok((granted, search)) => {
            let words = format!(
                "application {} for the box at {}",
                granted.app_id, search.address
            );
            report.tick("credentials", &words)?;
            Ok(Some((granted, search)))
        }
        Err(error) => {
            let advice = "freebox-monitor --register asks the box for access; --config names \
                          another file, --endpoint another box";
            report.cross(error.exit(), "credentials", &error.to_string(), advice)?;
            Ok(None)
        }
    }
}

/// Whether runs can leave something for each other, and what they have left.
pub(super) fn state(folder: &StateFolder, report: &mut Report) -> Result<(), Error> {
    const WHAT: &str = "state folder";
    let path = folder.path();
    match files::may_make_in(path) {
        Ok(()) => report.tick(WHAT, &format!("{}, {}", path.display(), content(path))),
        // A run does without.
        Err(error) => report.cross(
            Exit::Done,
            WHAT,
            &format!(
                "cannot write in {}: {error}; each run logs in, and lines that carbon does not \
                 confirm are lost",
                path.display()
            ),
            "give it to the user as whom cron runs this (chown), or name another one with the \
             variable XDG_STATE_HOME",
        ),
    }
}

fn content(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match (names.is_empty(), more) {
        (true, _) => "with nothing in it yet".to_owned(),
        (false, 0) => format!("with {}", names.join(", ")),
        (false, more) => format!("with {} and {more} more", names.join(", ")),
    }
}
