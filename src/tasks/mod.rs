//! What the program can be asked to do: one file for each task, and what they share.

mod backfill;
mod catalogue;
mod check;
mod every;
mod gaps;
mod listing;
mod naming;
mod pseudonym;
mod record;
mod register;
mod run;
mod speaker;
mod stale;
mod target;
mod templates;
mod times;

use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::cli::{Settings, Task};
use crate::deliver::stdout;
use speaker::Speaker;

/// Does what the settings ask for, and says what went wrong.
pub(crate) fn perform(settings: &Settings) -> Exit {
    Speaker::new(settings).told(|| task(settings))
}

fn task(settings: &Settings) -> Result<Exit, Error> {
    let template = settings.template.as_ref();
    let deadline = Deadline::of_run(settings.timeout);
    let text = match &settings.task {
        Task::Collect => return run::live(settings),
        Task::Replay(path) => return run::replay(settings, path),
        Task::Backfill { recording, .. } => {
            return match recording {
                Some(path) => run::replay(settings, path),
                None => run::live(settings),
            };
        }
        Task::Record { output, raw } => return record::record(settings, output, *raw),
        Task::Check => return check::check(settings),
        Task::Register { force } => {
            return register::register(settings, *force).map(|()| Exit::Done);
        }
        Task::RegisterStatus => register::status(settings)?,
        Task::PrintTemplate => templates::text(template, deadline)?.1,
        Task::CheckTemplate => listing::paths(&templates::checked(template, deadline)?.1),
        Task::ListMetrics(glob) => listing::metrics(glob)?,
    };
    stdout::deliver(&text).map(|()| Exit::Done)
}
